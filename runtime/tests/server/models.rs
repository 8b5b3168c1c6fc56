//! The list of models as clients walk through it, one model, and the root.

use ctr_runtime::scripted::ScriptedUpstream;
use serde_json::json;

use crate::home::{Answer, Home, KEY, ask, get};

const VERSION: &str = "anthropic-version: 2026-10-21\r\n";

const THREE: &str = "
APIKEY: \"${CTR_KEY}\"
Models:
  - {id: a/b, api: 'https://a.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m1, metadata: {context_window_tokens: 9000}}
  - {id: beta, api: 'https://a.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m2}
Registration:
  enabled: true
  models:
    - {id: team, api: 'https://a.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m3, metadata: {pool_endpoint_id: x, context_window_tokens: 8000}}
    - {id: team, api: 'https://b.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m3, metadata: {pool_endpoint_id: y, context_window_tokens: 7000}}
Router: {default: team}
";

#[tokio::test]
async fn a_list_is_walked_through_in_pages() {
    let home = Home::new();
    home.write("registration.yaml", THREE);
    let running = home.start().await;
    let page = async |query: &str| {
        let headers = format!("x-api-key: {KEY}\r\n{VERSION}");
        let answer = get(&running, &format!("/v1/models{query}"), &headers).await;
        assert_eq!(answer.status, 200, "{query}");
        let ids = answer.body["data"].as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|model| model["id"].as_str().unwrap()).collect();
        let more = &answer.body["has_more"];
        format!(
            "{} {more} {} {}",
            ids.join(","),
            answer.body["first_id"],
            answer.body["last_id"]
        )
    };
    let all = "a/b,beta,team false \"a/b\" \"team\"";
    assert_eq!(page("").await, all);
    assert_eq!(page("?limit=1000&unknown=1").await, all);
    assert_eq!(page("?limit=2").await, "a/b,beta true \"a/b\" \"beta\"");
    assert_eq!(
        page("?limit=2&after_id=beta").await,
        "team false \"team\" \"team\""
    );
    assert_eq!(
        page("?limit=1&after_id=a%2Fb").await,
        "beta true \"beta\" \"beta\""
    );
    assert_eq!(
        page("?limit=1&before_id=team").await,
        "beta true \"beta\" \"beta\""
    );
    assert_eq!(page("?after_id=team").await, " false null null");
    for wrong in ["?limit=0", "?limit=1001", "?limit=x", "?limit="] {
        let headers = format!("x-api-key: {KEY}\r\n{VERSION}");
        let answer = get(&running, &format!("/v1/models{wrong}"), &headers).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["type"]),
            (400, &json!("invalid_request_error"))
        );
    }
}

#[tokio::test]
async fn one_model_is_found_by_its_id() {
    let home = Home::new();
    home.write("registration.yaml", THREE);
    let running = home.start().await;
    let one = async |id: &str, version: &str| -> Answer {
        let headers = format!("authorization: Bearer {KEY}\r\n{version}");
        get(&running, &format!("/v1/models/{id}"), &headers).await
    };
    let found = one("team", VERSION).await;
    assert_eq!(
        (found.status, found.body),
        (
            200,
            json!({ "type": "model", "id": "team", "display_name": "team", "created_at": "1970-01-01T00:00:00Z", "max_input_tokens": 7000 })
        )
    );
    assert_eq!(
        one("beta", VERSION).await.body.get("max_input_tokens"),
        None
    );
    for slash in ["a/b", "a%2Fb"] {
        let found = one(slash, "").await;
        assert_eq!(
            found.body,
            json!({ "id": "a/b", "object": "model", "created": 0, "owned_by": "ctr" })
        );
    }
    let unknown = one("teem", "").await;
    assert_eq!(
        (unknown.status, &unknown.body["error"]["code"]),
        (404, &json!("model_not_found"))
    );
    let unknown = one("teem", VERSION).await;
    assert_eq!(
        (unknown.status, &unknown.body["error"]["type"]),
        (404, &json!("not_found_error"))
    );
    assert!(
        unknown.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`team`")
    );
    let denied = get(&running, "/v1/models/team", VERSION).await;
    assert_eq!(
        (denied.status, &denied.body["error"]["type"]),
        (401, &json!("authentication_error"))
    );
}

#[tokio::test]
async fn the_root_says_that_somebody_is_there() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let root = get(&running, "/", "").await;
    assert_eq!((root.status, &root.body["status"]), (200, &json!("ok")));
    assert_eq!(ask(&running, "HEAD", "/", "", "").await.status, 200);
}

#[tokio::test]
async fn what_an_upstream_tells_of_a_model_is_shown_under_its_id_here() {
    let up = ScriptedUpstream::start().await.unwrap();
    let home = Home::new();
    let text = format!(
        "APIKEY: \"${{CTR_KEY}}\"\nModels:\n  - {{id: mine, api: '{0}', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: scripted}}\n  \
         - {{id: other, api: '{0}', key: '${{UPSTREAM_KEY}}', interface: openai, model: scripted}}\nRouter: {{default: mine}}\n",
        up.url()
    );
    home.write("registration.yaml", &text);
    let running = home.start().await;
    let headers = format!("x-api-key: {KEY}\r\n{VERSION}x-app: cli\r\n");
    let answer = get(&running, "/v1/models?limit=1000", &headers).await;
    assert_eq!(answer.body["data"][0]["display_name"], "Scripted");
    assert_eq!(answer.body["data"][0]["id"], "mine");
    // An endpoint of the other protocol lists its models in another way.
    assert_eq!(answer.body["data"][1]["display_name"], "other");
    let received = up.received();
    assert_eq!(
        (received.len(), received[0].target.as_str()),
        (1, "/v1/models?limit=1000")
    );
    for (name, value) in [
        ("x-api-key", "upstream-secret"),
        ("anthropic-version", "2026-10-21"),
        ("x-app", "cli"),
    ] {
        assert_eq!(received[0].header(name), Some(value));
    }
    let openai = get(&running, "/v1/models", &format!("x-api-key: {KEY}\r\n")).await;
    assert_eq!(
        (
            &openai.body["data"][0]["owned_by"],
            &openai.body["data"][1]["owned_by"]
        ),
        (&json!("ctr"), &json!("scripted"))
    );
    let one = get(&running, "/v1/models/mine", &headers).await;
    assert_eq!((one.status, &one.body["id"]), (200, &json!("mine")));
    assert_eq!(up.received().pop().unwrap().target, "/v1/models/scripted");
}

#[tokio::test]
async fn where_the_first_endpoint_of_a_pool_is_gone_another_tells() {
    let (gone, up) = (
        ScriptedUpstream::start().await.unwrap(),
        ScriptedUpstream::start().await.unwrap(),
    );
    let home = Home::new();
    let entry = |id: &str, url: String| {
        format!(
            "    - {{id: team, api: '{url}', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: scripted, metadata: {{pool_endpoint_id: {id}}}}}\n"
        )
    };
    let text = format!(
        "APIKEY: \"${{CTR_KEY}}\"\nRegistration:\n  enabled: true\n  models:\n{}{}Router: {{default: team}}\n",
        entry("a", gone.url()),
        entry("b", up.url())
    );
    gone.stop().await;
    home.write("registration.yaml", &text);
    let running = home.start().await;
    let headers = format!("x-api-key: {KEY}\r\n{VERSION}");
    let answer = get(&running, "/v1/models", &headers).await;
    assert_eq!(answer.body["data"][0]["display_name"], "Scripted");
    assert_eq!(answer.body["data"][0]["id"], "team");
    let one = get(&running, "/v1/models/team", &headers).await;
    assert_eq!((one.status, &one.body["id"]), (200, &json!("team")));
    assert_eq!(up.received().pop().unwrap().target, "/v1/models/scripted");
}
