//! The whole chain as a client sees it: which model answers a request that names
//! none of the plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ctr_compiler::compile;
use ctr_compiler::source::Sources;
use ctr_runtime::clock::Clock;
use ctr_runtime::scripted::{Answer, Reply, ScriptedUpstream};
use serde_json::{Value, json};

use crate::stage::{CHAT, Got, MESSAGES, RESPONSES, Stage, upstream};

/// Models `fast`, `deep` and `eyes`, each at an upstream of its own.
pub(crate) struct Chain {
    pub(crate) stage: Stage,
    pub(crate) upstreams: [ScriptedUpstream; 3],
    now: Arc<AtomicU64>,
}

impl Chain {
    async fn new(rest: &str) -> Self {
        Self::scripted(rest, [vec![], vec![], vec![]]).await
    }

    pub(crate) async fn scripted(rest: &str, scripts: [Vec<Answer>; 3]) -> Self {
        let upstreams = [upstream().await, upstream().await, upstream().await];
        for (upstream, script) in upstreams.iter().zip(scripts) {
            upstream.set_script(script);
        }
        let mut text = String::from("Models:\n");
        for (upstream, id) in upstreams.iter().zip(["fast", "deep", "eyes"]) {
            let url = upstream.url();
            text += &format!(
                "  - {{id: {id}, api: \"{url}{MESSAGES}\", key: \"${{UPSTREAM_KEY}}\", interface: anthropic, model: {id}-1}}\n"
            );
        }
        let compiled = compile(&Sources::single("r.yaml", text + rest));
        let plan = compiled
            .plan
            .unwrap_or_else(|| panic!("{:?}", compiled.problems));
        let plan: Value = serde_json::from_str(&plan.to_canonical_json()).unwrap();
        let now = Arc::new(AtomicU64::new(1_767_225_600_000));
        let hands = Arc::clone(&now);
        let clock = Clock::new(move || hands.load(Ordering::Relaxed));
        Self {
            stage: Stage::at(&plan, clock).await,
            upstreams,
            now,
        }
    }

    pub(crate) async fn ask(&self, path: &str, mut body: Value) -> Got {
        if body.get("model").is_none() {
            body["model"] = json!("claude-opus-9");
        }
        self.stage.ask(path, &[], &body.to_string()).await
    }

    /// Who answers.
    async fn goes(&self, body: Value) -> String {
        let got = self.ask(MESSAGES, body).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.header("x-ctr-endpoint").to_owned()
    }
}

fn says(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }] })
}

fn of_session(session: &str, text: &str) -> Value {
    let mut body = says(text);
    body["metadata"] = json!({ "user_id": format!("user_1_account__session_{session}") });
    body
}

const SLOTS: &str = "Router: {default: fast, think: deep, longContext: deep, longContextThreshold: 1000, background: eyes, webSearch: deep, image: eyes}\n";

#[tokio::test]
async fn every_slot_takes_its_requests() {
    let chain = Chain::new(SLOTS).await;
    assert_eq!(chain.goes(says("hello")).await, "fast");
    let with = |name: &str, value: Value| {
        let mut body = says("hello");
        body[name] = value;
        body
    };
    let thinks = with(
        "thinking",
        json!({ "type": "enabled", "budget_tokens": 2000 }),
    );
    assert_eq!(chain.goes(thinks).await, "deep");
    assert_eq!(
        chain
            .goes(with("thinking", json!({ "type": "disabled" })))
            .await,
        "fast"
    );
    let searches = with(
        "tools",
        json!([{ "type": "web_search_20250305", "name": "web_search" }]),
    );
    assert_eq!(chain.goes(searches).await, "deep");
    assert_eq!(
        chain.goes(with("model", json!("claude-haiku-4-5"))).await,
        "eyes"
    );
    assert_eq!(chain.goes(with("model", json!("deep"))).await, "deep");
    assert_eq!(chain.goes(says(&"hello ".repeat(1_200))).await, "deep");
    assert_eq!(chain.goes(says(&"hello ".repeat(900))).await, "fast");
    let image = json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } });
    let sees = json!({ "messages": [{ "role": "user", "content": [image] }] });
    assert_eq!(chain.goes(sees).await, "eyes");
    let subagent = json!([
        { "type": "text", "text": "You are an agent." },
        { "type": "text", "text": "<CTR-SUBAGENT-MODEL>deep</CTR-SUBAGENT-MODEL>Go." },
    ]);
    assert_eq!(chain.goes(with("system", subagent)).await, "deep");
}

#[tokio::test]
async fn the_other_protocols_go_through_the_same_chain() {
    let chain = Chain::new(SLOTS).await;
    let mut chat = says("hello");
    chat["reasoning_effort"] = json!("high");
    let got = chain.ask(CHAT, chat).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "deep")
    );
    let responses = json!({ "input": "hello", "reasoning": { "effort": "low" } });
    let got = chain.ask(RESPONSES, responses).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "deep")
    );
    let plain = chain.ask(RESPONSES, json!({ "input": "hello" })).await;
    assert_eq!(plain.header("x-ctr-endpoint"), "fast");
}

const RULES: &str = "
Router: {default: fast}
SmartRouter:
  enabled: true
  rules:
    - {name: review, model: deep, patterns: [{type: exact, keywords: [review]}]}
    - {name: picture, model: eyes, patterns: [{type: regex, pattern: '^draw '}]}
  sticky: {enabled: true, session_ttl_ms: 60000}
";

#[tokio::test]
async fn rules_look_at_the_last_message_of_the_user() {
    let chain = Chain::new(RULES).await;
    assert_eq!(chain.goes(says("Please REVIEW this")).await, "deep");
    assert_eq!(chain.goes(says("draw a tree")).await, "eyes");
    assert_eq!(chain.goes(says("nothing of it")).await, "fast");
    let earlier = json!({ "messages": [
        { "role": "user", "content": "review" },
        { "role": "assistant", "content": "done" },
        { "role": "user", "content": "thanks" },
    ] });
    assert_eq!(chain.goes(earlier).await, "fast");
    let result = json!({ "messages": [{ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": "t", "content": "review" },
        { "type": "tool_result", "tool_use_id": "u", "content": "review" },
        { "type": "text", "text": "review" },
    ] }] });
    assert_eq!(chain.goes(result).await, "fast");
}

/// Reading for rules finds it without a search; the answer is the same.
#[tokio::test]
async fn a_second_model_is_refused_where_rules_look_at_it_too() {
    let chain = Chain::new(RULES).await;
    let ask = async |asked: &str, key: &str| {
        let body = format!(
            r#"{{"model":"{asked}","messages":[{{"role":"user","content":"review"}}],"{key}":"x"}}"#
        );
        chain.stage.ask(MESSAGES, &[], &body).await
    };
    for asked in ["fast", "nobody-knows"] {
        let cut = format!(r#"{{"model":"{asked}","messages":[{{"role":"user""#);
        let got = chain.stage.ask(MESSAGES, &[], &cut).await;
        assert_eq!(got.status, 400, "{}", got.body);
        assert!(got.body.contains("ends too early"), "{}", got.body);
        // Nested deeper than rules look.
        let (open, close) = ("[".repeat(600), "]".repeat(600));
        let deep = format!(r#"{{"model":"{asked}","x":{open}{close},"model":"x"}}"#);
        let got = chain.stage.ask(MESSAGES, &[], &deep).await;
        assert_eq!(got.status, 400, "{}", got.body);
        assert!(
            got.body.contains("`model` is given more than once"),
            "{}",
            got.body
        );
        for key in ["model", "mod\\u0065l"] {
            let got = ask(asked, key).await;
            assert_eq!(got.status, 400, "{}", got.body);
            assert!(
                got.body.contains("`model` is given more than once"),
                "{}",
                got.body
            );
        }
    }
    assert_eq!(
        ask("nobody-knows", "models").await.header("x-ctr-endpoint"),
        "deep"
    );
    assert!(chain.upstreams[0].received().is_empty());
}

#[tokio::test]
async fn a_session_keeps_its_model_for_the_same_task() {
    let chain = Chain::new(RULES).await;
    assert_eq!(
        chain.goes(of_session("s", "draw the flaky test")).await,
        "eyes"
    );
    let again = || of_session("s", "The flaky test: draw!");
    assert_eq!(chain.goes(again()).await, "eyes");
    assert_eq!(
        chain.goes(of_session("t", "the flaky test draw")).await,
        "fast"
    );
    chain.now.fetch_add(59_999, Ordering::Relaxed);
    assert_eq!(chain.goes(again()).await, "eyes");
    chain.now.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(chain.goes(again()).await, "fast");
    assert_eq!(
        chain.goes(of_session("s", "draw the flaky test")).await,
        "eyes"
    );
    assert_eq!(chain.goes(of_session("s", "write a song")).await, "fast");
}

#[tokio::test]
async fn a_long_task_is_known_by_its_beginning() {
    let chain = Chain::new(RULES).await;
    let long = |task: &str, rest: &str| {
        format!("{task}\n{}{rest}", "\"It fails\" at times.\n".repeat(200))
    };
    let first = long("draw the flaky test", "and nothing else");
    assert_eq!(chain.goes(of_session("s", &first)).await, "eyes");
    let again = long("The flaky test: draw!", "but then all of it is done");
    assert_eq!(chain.goes(of_session("s", &again)).await, "eyes");
    assert_eq!(chain.goes(of_session("t", &again)).await, "fast");
    let other = long("Write a song about that.", "draw the flaky test\n");
    assert_eq!(
        chain.goes(of_session("t", &other)).await,
        "eyes",
        "a rule finds it far behind"
    );
}

#[tokio::test]
async fn a_long_conversation_makes_the_next_request_long() {
    let used = json!({
        "type": "message", "role": "assistant", "content": [{ "type": "text", "text": "fine" }],
        "usage": { "input_tokens": 10_000, "cache_read_input_tokens": 60_000, "output_tokens": 5 },
    });
    let used = Answer::new(Reply::Raw {
        content_type: "application/json".to_owned(),
        chunks: vec![used.to_string().into()],
    });
    let slots = "Router: {default: fast, longContext: deep}\n";
    let chain = Chain::scripted(slots, [vec![used.clone(), used], vec![], vec![]]).await;
    let long = "hello ".repeat(21_000);
    assert_eq!(chain.goes(of_session("s", "hello")).await, "fast");
    assert_eq!(chain.goes(of_session("t", "hello")).await, "fast");
    assert_eq!(chain.goes(of_session("s", &long)).await, "deep");
    assert_eq!(chain.goes(of_session("other", &long)).await, "fast");
    chain.now.fetch_add(60 * 60 * 1_000, Ordering::Relaxed);
    assert_eq!(chain.goes(of_session("t", &long)).await, "fast");
}

const CHOOSES: &str = "
Router: {default: fast}
SmartRouter:
  enabled: true
  router_model: eyes
  candidates: [{model: fast, description: edits}, {model: deep, description: thought}]
  cache_ttl: 1000
";

#[tokio::test]
async fn a_model_chooses_among_candidates() {
    let said = Answer::text("{\"model\": \"deep\", \"confidence\": 0.9, \"reasoning\": \"hard\"}");
    let nonsense = Answer::text("I would rather not.");
    let chain = Chain::scripted(
        CHOOSES,
        [vec![], vec![], vec![said.clone(), nonsense, said]],
    )
    .await;
    let asked = || chain.upstreams[2].received().len();
    assert_eq!(chain.goes(says("prove it")).await, "deep");
    assert_eq!(asked(), 1);
    let prompt = chain.upstreams[2].received()[0].body.clone();
    let prompt = String::from_utf8_lossy(&prompt).into_owned();
    assert!(
        prompt.contains("prove it") && prompt.contains("deep: thought"),
        "{prompt}"
    );
    assert_eq!(chain.goes(says("prove it")).await, "deep");
    assert_eq!(asked(), 1, "a choice is remembered");
    assert_eq!(chain.goes(says("something else")).await, "fast");
    assert_eq!(asked(), 2);
    chain.now.fetch_add(1_000, Ordering::Relaxed);
    assert_eq!(chain.goes(says("prove it")).await, "deep");
    assert_eq!(asked(), 3);
    assert_eq!(
        chain.goes(json!({ "model": "fast", "messages": [] })).await,
        "fast"
    );
    assert_eq!(asked(), 3, "nobody is asked about a model that was named");
}

#[tokio::test]
async fn a_model_that_chooses_and_fails_is_passed_over() {
    let broken = Answer::error(500, "api_error", "down");
    let chain = Chain::scripted(CHOOSES, [vec![], vec![], vec![broken]]).await;
    assert_eq!(chain.goes(says("prove it")).await, "fast");
}

#[tokio::test]
async fn a_request_that_fits_nowhere_is_told_how_long_it_is() {
    let windows = "
  - {id: small, api: \"http://127.0.0.1:9/v1/messages\", key: \"${UPSTREAM_KEY}\", interface: anthropic, model: s, metadata: {context_window_tokens: 1000}}
Router: {default: fast}
";
    let chain = Chain::new(windows).await;
    let mut body = says(&"hello ".repeat(1_200));
    body["model"] = json!("small");
    body["max_tokens"] = json!(50);
    let got = chain.ask(MESSAGES, body.clone()).await;
    assert_eq!(got.status, 413);
    let error = &got.json()["error"];
    assert_eq!(error["type"], "context_window_exceeded");
    let details = &error["details"];
    let input = details["inputTokens"].as_u64().unwrap();
    assert_eq!(details["estimatedTotalTokens"], input + 50);
    assert_eq!(details["limit"], 1000);
    assert_eq!(details["code"], "context_window_exceeded");
    assert_eq!(details["model"], "small");
    let got = chain.ask(CHAT, body).await;
    assert_eq!(got.status, 413);
    assert_eq!(got.json()["error"]["code"], "context_length_exceeded");
}

#[tokio::test]
async fn a_model_thinks_as_the_plan_wants() {
    let rest = "Router: {default: fast}\n";
    let chain = Chain::new(rest).await;
    let mut plan: Value =
        serde_json::from_str(&chain.stage.live.plan().to_canonical_json()).unwrap();
    plan["models"]["fast"]["thinking"] = json!({ "mode": "on", "budget_tokens": 4000 });
    plan["models"]["deep"]["thinking"] = json!({ "mode": "off" });
    let stage = Stage::new(&plan).await;
    let mut body = says("hello");
    body["max_tokens"] = json!(9000);
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": 1024 });
    let sent = |at: usize| chain.upstreams[at].received().pop().unwrap().json();
    stage.ask(MESSAGES, &[], &body.to_string()).await;
    let wanted = json!({ "type": "enabled", "budget_tokens": 4000 });
    assert_eq!(sent(0)["thinking"], wanted);
    assert_eq!(sent(0)["model"], "fast-1");
    body["model"] = json!("deep");
    stage.ask(MESSAGES, &[], &body.to_string()).await;
    assert_eq!(sent(1).get("thinking"), None);
    // A client of another protocol gets the same.
    let chat = json!({ "model": "fast", "messages": [{ "role": "user", "content": "hello" }] });
    stage.ask(CHAT, &[], &chat.to_string()).await;
    assert!(sent(0).get("thinking").is_some(), "{}", sent(0));
}

#[tokio::test]
async fn an_adaptive_model_gets_no_budget() {
    let chain = Chain::new("Router: {default: fast}\n").await;
    let mut plan: Value =
        serde_json::from_str(&chain.stage.live.plan().to_canonical_json()).unwrap();
    plan["models"]["fast"]["thinking"] = json!({ "mode": "adaptive" });
    let stage = Stage::new(&plan).await;
    let adaptive = json!({ "type": "adaptive" });
    let message = json!({ "role": "user", "content": "hello" });
    let call = json!({ "role": "assistant", "tool_calls": [{ "id": "c", "type": "function", "function": { "name": "look", "arguments": "{}" } }] });
    let result = json!({ "role": "tool", "tool_call_id": "c", "content": "seen" });
    for (path, body, thinking, config) in [
        (
            MESSAGES,
            json!({ "messages": [message], "max_tokens": 9000, "thinking": { "type": "enabled", "budget_tokens": 2000 } }),
            &adaptive,
            json!({ "effort": "low" }),
        ),
        (
            MESSAGES,
            json!({ "messages": [message], "max_tokens": 9000, "thinking": { "type": "adaptive" } }),
            &adaptive,
            Value::Null,
        ),
        (
            CHAT,
            json!({ "messages": [message, call, result], "max_completion_tokens": 900, "reasoning_effort": "high" }),
            &adaptive,
            json!({ "effort": "high" }),
        ),
        (
            CHAT,
            json!({ "messages": [message], "reasoning_effort": "minimal", "response_format": { "type": "json_schema", "json_schema": { "name": "a", "schema": {} } } }),
            &adaptive,
            json!({ "effort": "low", "format": { "type": "json_schema", "schema": {} } }),
        ),
        (
            RESPONSES,
            json!({ "input": "hello", "reasoning": { "summary": "auto" } }),
            &adaptive,
            Value::Null,
        ),
        (
            RESPONSES,
            json!({ "input": "hello", "reasoning": { "effort": "none" } }),
            &Value::Null,
            Value::Null,
        ),
        (
            CHAT,
            json!({ "messages": [message] }),
            &Value::Null,
            Value::Null,
        ),
    ] {
        let mut body = body;
        body["model"] = json!("fast");
        let got = stage.ask(path, &[], &body.to_string()).await;
        assert_eq!(got.status, 200);
        let sent = chain.upstreams[0].received().pop().unwrap().json();
        assert_eq!(
            (&sent["thinking"], &sent["output_config"]),
            (thinking, &config),
            "{body}"
        );
        assert_eq!(got.header("x-ctr-dropped"), "", "{body}");
    }
    let warm = json!({ "model": "fast", "messages": [message], "temperature": 0.2, "top_p": 0.9 });
    let got = stage.ask(CHAT, &[], &warm.to_string()).await;
    assert_eq!(got.header("x-ctr-dropped"), "temperature, top_p");
    let sent = chain.upstreams[0].received().pop().unwrap().json();
    assert_eq!(
        (&sent["temperature"], &sent["top_p"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_model_that_takes_over_is_told_what_was_said() {
    let aligned = RULES.replace(
        "session_ttl_ms: 60000",
        "session_ttl_ms: 60000, alignment: {enabled: true, summarizer_model: fast}",
    );
    let summary = Answer::text("They want a bridge.");
    let chain = Chain::scripted(&aligned, [vec![summary], vec![], vec![]]).await;
    let sent = |at: usize| chain.upstreams[at].received().pop().unwrap().json();
    assert_eq!(chain.goes(of_session("s", "draw a bridge")).await, "eyes");
    assert_eq!(sent(2).get("system"), None, "nothing was said before");
    let mut body = of_session("s", "please review it");
    body["system"] = json!("Be kind.");
    assert_eq!(chain.goes(body).await, "deep");
    let asked = sent(0).to_string();
    assert!(asked.contains("user: please review it"), "{asked}");
    let told = "<CTR-CONTEXT-ALIGNMENT from=\"eyes\" to=\"deep\">\nThey want a bridge.\n</CTR-CONTEXT-ALIGNMENT>\n\nBe kind.";
    assert_eq!(sent(1)["system"], told);
    assert_eq!(chain.goes(of_session("s", "review that too")).await, "deep");
    assert_eq!(sent(1).get("system"), None, "the model is the same");
}
