//! Each ability, in each protocol.

use super::*;
use crate::protocol::translate::opaque;

const NOTHING: Lacks = Lacks {
    images: false,
    tools: false,
    reasoning: false,
};

/// The request as it goes on, and what is noted.
fn adapted(protocol: Protocol, lacks: Lacks, body: &str) -> (String, String) {
    let mut json = Json::parse(body, opaque(protocol)).expect("JSON");
    let mut dropped = Dropped::default();
    let changed = adapt(&mut json, protocol, lacks, &mut dropped);
    assert_eq!(changed, !dropped.is_empty());
    (json.to_string(), dropped.words())
}

const BODIES: [(Protocol, &str); 3] = [
    (
        Protocol::Messages,
        r#"{"x":[1],"thinking":{"type":"enabled"},"output_config":{"effort":"low"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"tools":[{"name":"a"}],"tool_choice":{"type":"any"},"messages":[{"role":"user","content":[{"type":"image","source":{}},{"type":"text","text":"t","cache_control":{}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"s"},{"type":"tool_use","id":"1","name":"a","input":{"b": 1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"},{"type":"image","source":{}}]}]}]}"#,
    ),
    (
        Protocol::Chat,
        r#"{"x":[1],"reasoning_effort":"low","tools":[{"type":"function"}],"tool_choice":"auto","parallel_tool_calls":true,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}},{"type":"text","text":"t"}]},{"role":"assistant","content":"c","reasoning_content":"h","tool_calls":[{"id":"1","function":{"name":"a","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"r"}]}"#,
    ),
    (
        Protocol::Responses,
        r#"{"x":[1],"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"],"tools":[{"type":"function"}],"tool_choice":"auto","input":[{"role":"user","content":[{"type":"input_image","image_url":""},{"type":"input_text","text":"t"}]},{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"1","name":"a","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"r"}]}"#,
    ),
];

#[test]
fn what_is_not_lacking_stays() {
    for (protocol, body) in BODIES {
        assert_eq!(
            adapted(protocol, NOTHING, body),
            (body.to_owned(), String::new())
        );
    }
    let lacks = Lacks {
        images: true,
        tools: true,
        reasoning: true,
    };
    for body in [
        "{\"messages\":[{\"role\":\"user\",\"content\":\"t\"}],\"input\":\"t\"}",
        "[]",
        "{\"messages\":1,\"input\":[1]}",
    ] {
        for (protocol, _) in BODIES {
            assert_eq!(
                adapted(protocol, lacks, body),
                (body.to_owned(), String::new())
            );
        }
    }
}

#[test]
fn images_become_text() {
    let lacks = Lacks {
        images: true,
        ..NOTHING
    };
    for (protocol, body) in BODIES {
        let (body, noted) = adapted(protocol, lacks, body);
        assert_eq!(noted, "images_text_fallback");
        assert!(
            !body.contains("image\"") && !body.contains("image_url\""),
            "{body}"
        );
        let count = if protocol == Protocol::Messages { 2 } else { 1 };
        assert_eq!(body.matches(PICTURE).count(), count, "{body}");
        assert!(body.contains("\"x\":[1]"), "{body}");
    }
}

#[test]
fn images_in_documents_become_text() {
    let lacks = Lacks {
        images: true,
        ..NOTHING
    };
    let document = |inside: &str| {
        format!(
            r#"{{"type":"document","title":"d","source":{{"type":"content","content":[{{"type":"text","text":"t"}},{inside}]}}}}"#
        )
    };
    let result = |inside: &str| {
        format!(r#"{{"type":"tool_result","tool_use_id":"1","content":[{inside}]}}"#)
    };
    let body = |block: &str| format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#);
    let image = r#"{"type":"image","source":{}}"#;
    let text = format!(r#"{{"type":"text","text":"{PICTURE}"}}"#);
    for place in [&document as &dyn Fn(&str) -> String, &|inside| {
        result(&document(inside))
    }] {
        let (left, noted) = adapted(Protocol::Messages, lacks, &body(&place(image)));
        assert_eq!(noted, "images_text_fallback");
        assert_eq!(left, body(&place(&text)));
    }
    for block in [
        r#"{"type":"document","source":{"type":"text","data":"t"}}"#,
        r#"{"type":"document","source":{"type":"content","content":"t"}}"#,
        r#"{"type":"document","source":1}"#,
        r#"{"type":"document"}"#,
    ] {
        let body = body(block);
        let expected = (body.clone(), String::new());
        assert_eq!(adapted(Protocol::Messages, lacks, &body), expected);
    }
}

#[test]
fn tools_become_text() {
    let lacks = Lacks {
        tools: true,
        ..NOTHING
    };
    let expected = [
        r#"{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"s"},{"type":"text","text":"[tool call: a({\"b\": 1})]"}]},{"role":"user","content":[{"type":"text","text":"[tool result: r]"},{"type":"image","source":{}}]}]}"#,
        r#"{"role":"assistant","content":"c\n[tool call: a({})]","reasoning_content":"h"},{"role":"user","content":"[tool result: r]"}]}"#,
        r#"{"role":"assistant","content":"[tool call: a({})]"},{"role":"user","content":"[tool result: r]"}]}"#,
    ];
    for ((protocol, body), expected) in BODIES.into_iter().zip(expected) {
        let (body, noted) = adapted(protocol, lacks, body);
        assert_eq!(noted, "tools_text_fallback");
        assert!(body.ends_with(expected), "{body}");
        assert!(
            !body.contains("\"tools\"") && !body.contains("tool_choice"),
            "{body}"
        );
    }
}

/// Messages or items as a model without tools is told them.
fn told(protocol: Protocol, messages: &str) -> String {
    let lacks = Lacks {
        tools: true,
        ..NOTHING
    };
    let name = match protocol {
        Protocol::Responses => "input",
        _ => "messages",
    };
    let body = format!(r#"{{"{name}":[{messages}]}}"#);
    let (body, noted) = adapted(protocol, lacks, &body);
    assert_eq!(noted, "tools_text_fallback", "{messages}");
    let start = format!(r#"{{"{name}":["#);
    let told = body
        .strip_prefix(&start)
        .and_then(|told| told.strip_suffix("]}"));
    told.expect("the same around it").to_owned()
}

#[test]
fn calls_of_every_kind_become_text() {
    for (protocol, call, wanted) in [
        (
            Protocol::Chat,
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"custom","custom":{"name":"patch","input":"*** Begin"}},{"id":"2","type":"function","function":{"name":"a","arguments":{"b":1}}},{"id":"3","type":"new","new":{"x":1}}]}"#,
            r#"{"role":"assistant","content":"[tool call: patch(*** Begin)]\n[tool call: a({\"b\":1})]\n[tool call: new({\"id\":\"3\",\"type\":\"new\",\"new\":{\"x\":1}})]"}"#,
        ),
        (
            Protocol::Chat,
            r#"{"role":"assistant","content":"","function_call":{"name":"a","arguments":"{}"}},{"role":"function","name":"a","content":"r"}"#,
            r#"{"role":"assistant","content":"[tool call: a({})]"},{"role":"user","content":"[tool result: r]"}"#,
        ),
        (
            Protocol::Chat,
            r#"{"role":"assistant","content":[{"type":"text","text":"t"},{"type":"refusal","refusal":"no"}],"tool_calls":[{"id":"1","function":{"name":"a"}}]}"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"t\n[tool call: a()]"},{"type":"refusal","refusal":"no"}]}"#,
        ),
        (
            Protocol::Responses,
            r#"{"type":"custom_tool_call","call_id":"1","name":"patch","input":"*** Begin"},{"type":"function_call","call_id":"2","name":"a","arguments":{"b":1}}"#,
            r#"{"role":"assistant","content":"[tool call: patch(*** Begin)]"},{"role":"assistant","content":"[tool call: a({\"b\":1})]"}"#,
        ),
    ] {
        assert_eq!(told(protocol, call), wanted);
    }
    let lacks = Lacks {
        tools: true,
        ..NOTHING
    };
    let old = r#"{"functions":[{"name":"a"}],"function_call":"auto","messages":[]}"#;
    let (body, noted) = adapted(Protocol::Chat, lacks, old);
    assert_eq!(
        (&*body, &*noted),
        (r#"{"messages":[]}"#, "tools_text_fallback")
    );
    let empty =
        r#"{"messages":[{"role":"assistant","content":"t","tool_calls":[],"function_call":null}]}"#;
    let (body, noted) = adapted(Protocol::Chat, lacks, empty);
    let without = r#"{"messages":[{"role":"assistant","content":"t"}]}"#;
    assert_eq!((&*body, &*noted), (without, ""));
}

#[test]
fn results_keep_what_is_no_text() {
    for (protocol, result, wanted) in [
        (
            Protocol::Messages,
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"see"},{"type":"image","source":{}}]},{"type":"text","text":"t"}]}"#,
            r#"{"role":"user","content":[{"type":"text","text":"[tool result: see]"},{"type":"image","source":{}},{"type":"text","text":"t"}]}"#,
        ),
        (
            Protocol::Messages,
            r#"{"role":"user","content":[{"type":"tool_result","content":[{"type":"document","source":{}},{"type":"search_result","title":"t"}]},{"type":"tool_result","content":[{"type":"tool_reference","tool_name":"a"}]}]}"#,
            r#"{"role":"user","content":[{"type":"text","text":"[tool result: attached below]"},{"type":"document","source":{}},{"type":"search_result","title":"t"},{"type":"text","text":"[tool result: [tool a]]"}]}"#,
        ),
        (
            Protocol::Messages,
            r#"{"role":"user","content":[{"type":"tool_result","content":"boom","is_error":true},{"type":"tool_result"},{"type":"tool_result","content":{"a":1}}]}"#,
            r#"{"role":"user","content":[{"type":"text","text":"[tool error: boom]"},{"type":"text","text":"[tool result: ]"},{"type":"text","text":"[tool result: {\"a\":1}]"}]}"#,
        ),
        (
            Protocol::Chat,
            r#"{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"r"},{"type":"image_url","image_url":{}}]},{"role":"tool","content":null}"#,
            r#"{"role":"user","content":[{"type":"text","text":"[tool result: r]"},{"type":"image_url","image_url":{}}]},{"role":"user","content":"[tool result: ]"}"#,
        ),
        (
            Protocol::Responses,
            r#"{"type":"function_call_output","call_id":"1","output":[{"type":"input_text","text":"r"},{"type":"input_image","image_url":"u"},{"type":"input_file","filename":"f"}]}"#,
            r#"{"role":"user","content":[{"type":"input_text","text":"[tool result: r]"},{"type":"input_image","image_url":"u"},{"type":"input_file","filename":"f"}]}"#,
        ),
    ] {
        assert_eq!(told(protocol, result), wanted);
    }
}

#[test]
fn thinking_is_left_out() {
    let lacks = Lacks {
        reasoning: true,
        ..NOTHING
    };
    for (protocol, body) in BODIES {
        let (body, noted) = adapted(protocol, lacks, body);
        assert_eq!(noted, "thinking_ignored");
        assert!(
            !body.contains("thinking") && !body.contains("reasoning"),
            "{body}"
        );
        assert!(
            !body.contains("effort") && !body.contains("output_config"),
            "{body}"
        );
        assert!(!body.contains("context_management"), "{body}");
        assert!(body.contains("\"tools\""), "{body}");
    }
}

#[test]
fn nothing_is_left_of_a_turn_of_thinking() {
    let body = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"ctr:content"}]},{"role":"user","content":"b"},{"role":"assistant","content":[]}]}"#;
    let left = r#"{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":[]}]}"#;
    let lacks = Lacks {
        reasoning: true,
        ..NOTHING
    };
    let (thoughtless, noted) = adapted(Protocol::Messages, lacks, body);
    assert_eq!((&*thoughtless, &*noted), (left, "thinking_ignored"));

    let mut json = Json::parse(body, opaque(Protocol::Messages)).expect("JSON");
    let mut dropped = Dropped::default();
    assert!(without_foreign(&mut json, Protocol::Messages, &mut dropped));
    assert_eq!(json.to_string(), left);
    // What remains is in the middle of calls that were not thought about.
    let amid = body
        .replace(
            r#"{"role":"user","content":"a"}"#,
            r#"{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"a","input":{}}]}"#,
        )
        .replace(r#",{"role":"assistant","content":[]}]"#, r#"],"thinking":{"type":"enabled"}"#);
    let mut json = Json::parse(&amid, opaque(Protocol::Messages)).expect("JSON");
    assert!(without_foreign(&mut json, Protocol::Messages, &mut dropped));
    assert!(!json.to_string().contains("enabled"), "{json}");
}

#[test]
fn thinking_of_another_maker_is_left_out() {
    let taken = |protocol: Protocol, body: &str| {
        assert!(may_hold_foreign(body.as_bytes(), protocol));
        let mut json = Json::parse(body, opaque(protocol)).expect("JSON");
        let mut dropped = Dropped::default();
        let taken = without_foreign(&mut json, protocol, &mut dropped);
        assert_eq!(taken, dropped.words() == "thinking");
        json.to_string()
    };
    let body = |first: &str, thinking: &str| {
        format!(
            r#"{{"thinking":{{"type":"{thinking}"}},"context_management":{{"edits":[{{"type":"clear_thinking_20251015"}}]}},"messages":[{{"role":"assistant","content":[{first}{{"type":"thinking","thinking":"h","signature":"ctr:content"}},{{"type":"thinking","thinking":"","signature":""}},{{"type":"tool_use","id":"1","name":"a","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"1","content":"ctr:content"}}]}}]}}"#
        )
    };
    let own = r#"{"type":"thinking","thinking":"own","signature":"sig"},"#;
    let left = taken(Protocol::Messages, &body(own, "enabled"));
    assert!(
        left.contains("\"enabled\"")
            && left.contains("\"sig\"")
            && !left.contains("\"signature\":\"ctr:"),
        "{left}"
    );
    // Where nothing of its own leads to a call, Anthropic would refuse to think on.
    let left = taken(Protocol::Messages, &body("", "enabled"));
    assert!(
        !left.contains("enabled") && !left.contains("\"signature\""),
        "{left}"
    );
    assert!(!left.contains("context_management"), "{left}");
    let left = taken(Protocol::Messages, &body("", "adaptive"));
    assert!(
        left.contains("adaptive") && left.contains("clear_thinking"),
        "{left}"
    );
    let quoted = r#"{"messages":[{"role":"user","content":"ctr:"}]}"#;
    assert_eq!(taken(Protocol::Messages, quoted), quoted);

    let body = r#"{"input":[{"type":"reasoning","encrypted_content":"ctr:signature:s"},{"type":"reasoning","encrypted_content":"gAAA"}]}"#;
    assert_eq!(
        taken(Protocol::Responses, body),
        r#"{"input":[{"type":"reasoning","encrypted_content":"gAAA"}]}"#
    );
}
