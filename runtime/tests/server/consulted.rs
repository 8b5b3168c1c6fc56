//! Models that are asked on a request's behalf, as its trace tells them.

use std::fs;

use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use serde_json::{Value, json};

use crate::home::Home;
use crate::traces::{MARKER, home, message, says, until, upstreams};

/// A home whose smart router is told this besides its rule.
fn with_smart(a: &ScriptedUpstream, b: &ScriptedUpstream, rest: &str) -> Home {
    let home = home(a, b);
    let text = fs::read_to_string(home.path("registration.yaml")).unwrap();
    home.write("registration.yaml", &format!("{text}{rest}"));
    home
}

#[tokio::test]
async fn a_model_that_chooses_is_told_apart_with_its_cost() {
    let (a, b) = upstreams().await;
    let chosen = "{\"model\": \"solo\", \"confidence\": 0.6}";
    let failed = || Answer::error(500, "api_error", "down");
    a.set_script([
        Answer::text(chosen),
        Answer::text("I would rather not."),
        Answer::text("two words"),
        failed(),
    ]);
    b.set_script([Answer::text("hello"), failed()]);
    let choose = "  router_model: m\n  candidates: [{model: solo, description: prose}, {model: m, description: rest}]\n";
    let home = with_smart(&a, &b, choose);
    let running = home.start().await;
    for text in ["one", "two", "three"] {
        message(&running, &says("gone", text)).await;
    }
    let all = until(&running, 3).await;
    let [third, second, first] = [0, 1, 2].map(|at| &all["traces"][at]);

    let asked = &first["consulted"][0];
    assert_eq!(
        (
            &asked["role"],
            &asked["model"],
            &asked["endpoint"],
            &asked["outcome"]
        ),
        (
            &json!("router_model"),
            &json!("m"),
            &json!("a"),
            &json!("answered")
        )
    );
    assert!(asked["ms"].is_u64());
    let paid = |tokens: &Value| {
        let number = |name: &str| tokens[name].as_f64().unwrap();
        (3.0 * number("input") + 15.0 * number("output")) / 1e6
    };
    let is = |cost: &Value, wanted: f64| {
        let cost = cost.as_f64().unwrap();
        assert!((cost - wanted).abs() < 1e-12, "{cost} {wanted}");
    };
    is(&asked["estimatedCost"], paid(&asked["tokens"]));
    assert_eq!(first["finalModel"], "solo");
    is(&first["estimatedCost"], paid(&asked["tokens"]));
    is(&first["consultedCost"], paid(&asked["tokens"]));
    assert_eq!(first["currency"], "USD", "`solo` has no price of its own");
    assert_eq!(
        first["routeDecision"],
        json!({ "source": "smart_router", "confidence": 0.6, "model": "solo" })
    );
    let told = &all["routeDecisions"][2];
    assert_eq!(
        (&told["confidence"], &told["confidenceLabel"]),
        (&json!(0.6), &json!("medium"))
    );

    let asked = &second["consulted"][0];
    assert_eq!(asked["outcome"], "unusable");
    is(&second["consultedCost"], paid(&asked["tokens"]));
    let own = paid(&second["tokens"]);
    is(&second["estimatedCost"], own + paid(&asked["tokens"]));
    assert_eq!(second["tokens"]["output"], 2, "its own alone");
    assert_eq!(second["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(
        second["routeDecision"],
        json!({ "source": "basic_router", "model": "m", "fallbackReason": "router_model_failed" })
    );

    let asked = &third["consulted"][0];
    assert_eq!(
        (&asked["endpoint"], &asked["outcome"]),
        (&json!("b"), &json!("failed"))
    );
    assert!(asked.get("tokens").is_none() && third.get("consultedCost").is_none());
}

#[tokio::test]
async fn a_classifier_is_told_with_how_sure_it_was() {
    let (a, b) = upstreams().await;
    a.set_script([Answer::text("{\"intent\": \"poem\", \"confidence\": 0.9}")]);
    let classify = "      description: something in verse
  semantic: {enabled: true, mode: classifier, classifier_model: m}
";
    let home = with_smart(&a, &b, classify);
    let running = home.start().await;
    message(&running, &says("gone", "a sonnet")).await;
    message(&running, &says("gone", "a poem")).await;
    let all = until(&running, 2).await;
    let [rule, like] = [0, 1].map(|at| &all["traces"][at]);
    assert_eq!(like["consulted"][0]["role"], "classifier");
    assert_eq!(
        like["routeDecision"],
        json!({ "source": "semantic_match", "ruleName": "poem", "confidence": 0.9, "model": "solo" })
    );
    assert_eq!(all["routeDecisions"][1]["confidenceLabel"], "high");
    assert!(rule.get("consulted").is_none(), "nobody was asked: {rule}");
    assert_eq!(
        rule["routeDecision"],
        json!({ "source": "smart_rule", "ruleName": "poem", "confidence": 1.0, "model": "solo" })
    );
}

#[tokio::test]
async fn an_image_that_is_looked_at_is_told_with_its_cost() {
    let (a, b) = upstreams().await;
    let input = json!({ "imageId": ["1"], "task": "its colour" });
    let call =
        json!({ "type": "tool_use", "id": "toolu_1", "name": "analyzeImage", "input": input });
    let asks = json!({
        "type": "message", "role": "assistant", "content": [call], "stop_reason": "tool_use",
        "usage": { "input_tokens": 7, "output_tokens": 3 },
    });
    a.set_script([
        Answer::raw("application/json", [asks.to_string()]),
        Answer::text("two words"),
    ]);
    b.set_script([Answer::text("A red square.")]);
    let home = home(&a, &b);
    let text = fs::read_to_string(home.path("registration.yaml")).unwrap();
    let text = text.replace(
        "  default: m\n",
        "  default: m\n  image: solo\nforceUseImageAgent: true\n",
    );
    let solo = "interface: anthropic, model: x}";
    let priced = "interface: anthropic, model: x, metadata: {cost_per_1m_input_tokens: 5}}";
    home.write("registration.yaml", &text.replacen(solo, priced, 1));
    let running = home.start().await;
    let source = json!({ "type": "base64", "media_type": "image/png", "data": MARKER });
    let mut body = says("m", "hello");
    body["messages"][0]["content"] = json!([{ "type": "image", "source": source }]);
    let got = message(&running, &body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let all = until(&running, 1).await;
    assert_eq!(all["traces"].as_array().unwrap().len(), 1, "one request");
    let trace = &all["traces"][0];
    assert_eq!(
        trace["routeReason"],
        json!([
            "request_received",
            "explicit_model",
            "image_agent:solo",
            "model_pool:m:a"
        ])
    );
    assert_eq!(
        (&trace["outcome"], &trace["endpoint"], &trace["finalModel"]),
        (&json!("complete"), &json!("a"), &json!("m"))
    );
    let looked = &trace["consulted"][0];
    assert_eq!(
        (
            &looked["role"],
            &looked["model"],
            &looked["endpoint"],
            &looked["outcome"]
        ),
        (
            &json!("image"),
            &json!("solo"),
            &json!("solo"),
            &json!("answered")
        )
    );
    let tried: Vec<&Value> = trace["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["outcome"])
        .collect();
    assert_eq!(tried, ["answered", "answered"], "the model was asked twice");
    assert!(trace.get("modelPoolFallbackTriggered").is_none());
    // The scripted upstream's own answers have ten tokens of input.
    let tokens = &trace["tokens"];
    assert_eq!(
        (&tokens["input"], &tokens["output"]),
        (&json!(17), &json!(5))
    );
    let is = |cost: &Value, wanted: f64| {
        let cost = cost.as_f64().unwrap();
        assert!((cost - wanted).abs() < 1e-12, "{cost} {wanted}");
    };
    is(&trace["consultedCost"], 5.0 * 10.0 / 1e6);
    is(
        &trace["estimatedCost"],
        (3.0 * 17.0 + 15.0 * 5.0 + 5.0 * 10.0) / 1e6,
    );
    assert!(!trace.to_string().contains(MARKER));
}
