use super::*;
use serde_json::{Value, json};

fn read(body: &Value) -> Features {
    Features::read(
        &body.to_string().into(),
        Interface::Anthropic,
        AnalysisScope::LastMessage,
    )
}

#[test]
fn the_last_message_of_the_user_is_the_text() {
    let talk = json!({"messages": [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "not this"},
        {"role": "user", "content": [
            {"type": "text", "text": "second"},
            {"type": "text", "text": "\u{e9}\n", "cache_control": {"type": "ephemeral"}},
        ]},
        {"role": "assistant", "content": "nor this"},
    ]});
    assert_eq!(
        read(&talk).text.as_ref().map(UserText::plain),
        Some("second\né\n")
    );
    let whole = Features::read(
        &talk.to_string().into(),
        Interface::Anthropic,
        AnalysisScope::FullConversation,
    );
    assert_eq!(
        whole.text.as_ref().map(UserText::plain),
        Some("first\n---\nsecond\né\n")
    );
    assert_eq!(read(&json!({"messages": []})).text, None);
    assert_eq!(
        read(&json!({"messages": [{"role": "user", "content": " "}]})).text,
        None
    );
}

#[test]
fn turns_of_results_are_told_apart() {
    let turn = |parts: Value| read(&json!({"messages": [{"role": "user", "content": parts}]}));
    let (result, text) = (
        json!({"type": "tool_result"}),
        json!({"type": "text", "text": "x"}),
    );
    assert!(turn(json!([result])).is_tool_result);
    assert!(turn(json!([result, result, text])).is_tool_result);
    assert!(!turn(json!([result, text])).is_tool_result);
    assert!(!turn(json!("x")).is_tool_result);
    let openai =
        json!({"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "42"}]});
    assert!(read(&openai).is_tool_result);
    let responses = json!({"input": [{"type": "function_call_output", "output": "42"}]});
    assert!(read(&responses).is_tool_result);
}

#[test]
fn images_thinking_and_tools_are_seen_in_every_protocol() {
    let image = |part: Value| {
        json!({"messages": [
            {"role": "user", "content": [part]},
            {"role": "user", "content": "what is it?"},
        ]})
    };
    for part in [
        json!({"type": "image", "source": {"type": "base64", "data": "AA=="}}),
        json!({"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}),
    ] {
        let seen = read(&image(part));
        assert!(seen.image_anywhere && !seen.image_in_last);
    }
    let image = json!({"type": "image", "source": {"type": "base64", "data": "AA=="}});
    let result = json!({"type": "tool_result", "tool_use_id": "t", "content": [image]});
    let seen = read(&json!({"messages": [{"role": "user", "content": [result]}]}));
    assert!(seen.image_in_last, "a tool has read it");
    let output = json!([{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]);
    let given = json!({"type": "function_call_output", "call_id": "c", "output": output});
    let asked = json!({"role": "user", "content": "what is it?"});
    let seen = read(&json!({"input": [asked, given]}));
    assert!(seen.image_in_last, "a tool has read it");
    let seen = read(&json!({"input": [given, asked]}));
    assert!(seen.image_anywhere && !seen.image_in_last);
    let thinks = |body: Value| read(&body).thinking;
    assert!(thinks(
        json!({"thinking": {"type": "enabled", "budget_tokens": 9}})
    ));
    assert!(thinks(json!({"thinking": {"type": "adaptive"}})));
    assert!(!thinks(json!({"thinking": {"type": "disabled"}})));
    assert!(thinks(json!({"reasoning_effort": "low"})));
    assert!(!thinks(json!({"reasoning_effort": "none"})));
    assert!(thinks(json!({"reasoning": {"effort": "high"}})));
    assert!(!thinks(json!({"thinking": "yes", "reasoning": null})));
    let tools =
        json!({"tools": [{"name": "a"}, {"type": "web_search_20250305", "name": "web_search"}]});
    assert!(read(&tools).web_search);
    assert!(!read(&json!({"tools": [{"type": "function"}]})).web_search);
    let named = json!({"tools": [{"name": "web_search", "input_schema": {"type": "web_search"}}]});
    assert!(!read(&named).web_search);
    for options in [json!({}), json!({"search_context_size": "low"})] {
        assert!(read(&json!({"web_search_options": options})).web_search);
    }
    assert!(!read(&json!({"web_search_options": null})).web_search);
    let offered = |body: &str| super::tools(&Json::parse(body, &[]).expect("JSON"));
    assert_eq!(offered(&tools.to_string()), 2);
    assert_eq!(offered(r#"{"tools":[1]}"#), 0);
    assert_eq!(offered("{}"), 0);
    assert_eq!(
        read(&json!({"max_completion_tokens": 5})).max_tokens,
        Some(5)
    );
}

#[test]
fn sessions_and_sub_agents_are_named() {
    let session = |id: &str| read(&json!({"metadata": {"user_id": id}})).session;
    assert_eq!(
        session("user_x_account__session_abc").as_deref(),
        Some("abc")
    );
    assert_eq!(session("{\"session_id\":\"s-1\"}").as_deref(), Some("s-1"));
    assert_eq!(session("somebody"), None);
    let system = |text: &str| json!({"system": [{"type": "text", "text": "a"}, {"type": "text", "text": text}]});
    let asked = |text: &str| read(&system(text)).subagent;
    assert_eq!(
        asked("<CTR-SUBAGENT-MODEL>deep</CTR-SUBAGENT-MODEL>go").as_deref(),
        Some("deep")
    );
    assert_eq!(
        asked("go <CTR-SUBAGENT-MODEL>deep</CTR-SUBAGENT-MODEL>"),
        None
    );
    assert_eq!(
        read(&json!({"system": "<CTR-SUBAGENT-MODEL>deep</CTR-SUBAGENT-MODEL>"})).subagent,
        None
    );
}

#[test]
fn odd_bodies_are_passed_over() {
    for body in [
        "",
        "[]",
        "{",
        "{\"messages\":5}",
        "{\"messages\":[5,null,{\"role\":7,\"content\":[[]]}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":5}]}],\"tools\":{},\"system\":[1],\"metadata\":[],\"max_tokens\":-1}",
        "{\"messages\":[{\"role\":\"us\\u0065r\",\"content\":\"x\",\"content\":\"y\"}]}",
    ] {
        Features::read(
            &body.into(),
            Interface::Anthropic,
            AnalysisScope::FullConversation,
        );
    }
    let odd = "{\"messages\":[{\"role\":\"us\\u0065r\",\"content\":\"x\"}],\"max_tokens\":-1,\"metadata\":5}";
    let seen = Features::read(&odd.into(), Interface::Openai, AnalysisScope::LastMessage);
    assert_eq!(
        (seen.text.as_ref().map(UserText::plain), seen.max_tokens),
        (Some("x"), None)
    );
}

#[test]
fn members_called_model_are_counted_around_the_tools() {
    let models = |body: &str| {
        let (interface, scope) = (Interface::Anthropic, AnalysisScope::LastMessage);
        Features::read(&Bytes::copy_from_slice(body.as_bytes()), interface, scope).models
    };
    assert_eq!(
        models(r#"{"model":"a","tools":[{"model":"b"}],"model":"c"}"#),
        2
    );
    assert_eq!(models(r#"{"model":"a","tools":[{"model":"b"}]}"#), 1);
    assert_eq!(
        models(r#"{"model":"a","tools":[1},"messages":[]}"#),
        1,
        "no error of ours"
    );
    assert_eq!(
        models(r#"{"model":"a","tools":[1"#),
        0,
        "where they end nobody knows"
    );
}

#[test]
fn texts_are_decoded_and_half_a_character_hides_nothing() {
    let text = |content: &str| {
        let body = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":{content}}}]}}");
        let (interface, scope) = (Interface::Anthropic, AnalysisScope::LastMessage);
        let text = Features::read(&body.into(), interface, scope).text;
        text.map(|said| said.plain().to_owned())
    };
    let escaped = r#""a\n\t\"b\" \u00e9 \ud83d\ude00 \/ \\""#;
    assert_eq!(text(escaped).as_deref(), Some("a\n\t\"b\" é 😀 / \\"));
    assert_eq!(
        text(r#""fix \ud83d it""#).as_deref(),
        Some("fix \u{fffd} it")
    );
    let parts =
        r#"[{"type":"text","text":""},{"type":"text","text":"a"},{"type":"text","text":"\ud83d"}]"#;
    assert_eq!(text(parts).as_deref(), Some("a\n\u{fffd}"));
}

#[test]
fn there_are_no_more_tokens_than_bytes_that_count() {
    let body = json!({
        "model": "a-model",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "1234567"}]}],
        "tools": [{"name": "ab", "description": "cd", "input_schema": {}}],
    });
    let tools = body["tools"].to_string().len() as u64;
    assert_eq!(read(&body).most_tokens, 7 + tools);
    assert_eq!(read(&json!({})).most_tokens, 0);
}
