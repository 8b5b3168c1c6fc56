//! The scanner against single bodies, and against serde_json for all of them.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn model(body: &str) -> Result<Option<String>, AskError> {
    Ask::read(body.as_bytes()).map(|ask| ask.model.map(|model| model.name))
}

fn named(name: &str) -> Result<Option<String>, AskError> {
    Ok(Some(name.to_owned()))
}

#[test]
fn finds_the_model_wherever_it_stands() {
    assert_eq!(model(r#"{"model":"a"}"#), named("a"));
    assert_eq!(
        model("\n{ \"x\" : [1, {\"model\":\"b\"}] ,\t\"model\" : \"a\" }\r\n"),
        named("a")
    );
    assert_eq!(
        model(r#"{"x":"\"model\":\"b\"","model":"a","y":{"model":"c"}}"#),
        named("a")
    );
    assert_eq!(model(r#"{"model":"a\u002fb\n"}"#), named("a/b\n"));
    assert_eq!(model(r#"{"\u006dodel":"a"}"#), named("a"));
    assert_eq!(model("{}"), Ok(None));
    assert_eq!(
        model(r#"{"Model":"a","models":"b","x":null,"y":-1.5e+3}"#),
        Ok(None)
    );
}

#[test]
fn tells_the_place_of_the_value() {
    let body = br#" { "stream":true, "model" : "a\\b" }"#;
    let ask = Ask::read(body).expect("an object");
    let found = ask.model.expect("it has a model");
    assert_eq!(&body[found.range], br#""a\\b""#);
    assert_eq!(&body[..ask.inside], b" {");
    assert!(Ask::read(b"{ }").expect("an object").is_empty);
}

#[test]
fn refuses_what_is_no_request() {
    use AskError::*;
    for (body, wrong) in [
        ("", Empty),
        (" \n", Empty),
        ("[]", NotObject),
        ("\"model\"", NotObject),
        ("null", NotObject),
        ("7", NotObject),
        ("model=a", Malformed(0)),
        ("\u{feff}{}", Malformed(0)),
        ("{", Truncated),
        ("{\"model\":\"a\"", Truncated),
        ("{\"model\":\"a", Truncated),
        ("{\"model\":\"a\\", Truncated),
        ("{\"model\":\"a\\\"}", Truncated),
        ("{\"x\":[1,2}", Malformed(9)),
        ("{\"x\":[{]}", Malformed(7)),
        ("{\"x\":{\"y\":1]}", Malformed(11)),
        ("{\"x\":[1", Truncated),
        ("{\"x\":1,}", Malformed(7)),
        ("{\"x\":}", Malformed(5)),
        ("{\"x\" 1}", Malformed(5)),
        ("{\"x\":1 \"model\":\"a\"}", Malformed(7)),
        ("{\"x\":1}}", Malformed(7)),
        ("{\"x\":1}{}", Malformed(7)),
        ("{x:1}", Malformed(1)),
        ("{\"x\":[/*]*/]}", Malformed(6)),
        ("{\"model\":\"a\\x\"}", Malformed(9)),
        ("{\"model\":\"a\",\"model\":\"b\"}", DuplicateModel),
        ("{\"model\":\"a\",\"model\":1}", DuplicateModel),
        (
            "{\"model\":\"a\",\"\\u006dode\\u006C\":\"b\"}",
            DuplicateModel,
        ),
        ("{\"model\":\"a\",\"x\":[1]", Truncated),
        ("{\"model\":\"a\",\"x\":{}}{\"model\":\"b\"}", Malformed(20)),
        ("{\"model\":null}", ModelNotString),
        ("{\"model\":{\"model\":\"a\"}}", ModelNotString),
        ("{\"model\":[\"a\"]}", ModelNotString),
    ] {
        assert_eq!(model(body), Err(wrong), "{body}");
    }
}

/// What is said of a text behind the model that comes in one piece, in two, wherever they
/// meet, and byte by byte.
fn rests(text: &str) -> Vec<bool> {
    let rest = |pieces: &[&[u8]]| {
        let mut rest = Rest::default();
        for piece in pieces {
            rest.push(piece);
        }
        rest.has_no_model()
    };
    let bytes = text.as_bytes();
    let cut = |at| {
        let (first, second) = bytes.split_at(at);
        rest(&[first, second])
    };
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    let mut all = vec![rest(&[bytes]), rest(&single)];
    all.extend((0..=bytes.len()).map(cut));
    all
}

/// An upstream may complain about it; another name it is not.
#[test]
fn a_second_model_that_is_no_name_is_seen_only_where_the_body_is_walked() {
    for other in ["{}", "[\"b\"]"] {
        let body = format!(r#"{{"model":"a","model":{other},"x":1}}"#);
        assert_eq!(model(&body), Ok(Some("a".to_owned())), "{body}");
        let body = format!(r#"{{"model":"a","model":{other},"x":{{"model":"b"}}}}"#);
        assert_eq!(model(&body), Err(AskError::DuplicateModel), "{body}");
    }
}

/// The search behind the model is made once, or this would not end.
#[test]
fn many_members_are_walked_once() {
    let members = r#""a":1,"#.repeat(1 << 20);
    let body = format!(r#"{{"model":"a",{members}"x":{{"model":"b"}}}}"#);
    assert_eq!(model(&body), Ok(Some("a".to_owned())));
}

#[test]
fn what_names_no_model_is_not_walked() {
    for text in [
        r#""x":1}"#,
        r#""tools":[{"properties":{"model":{"type":"string"}}}]}"#,
        r#""tools":[{"properties":{"model" : {"type":"string"}},"required":["a","model"]}]}"#,
        r#""x":{"model":["a"]}}"#,
        r#""x":["model","a model", "the model" ]}"#,
        r#""x":"a model"}"#,
        r#""x":"say \"model\": or \"model\""} "#,
    ] {
        assert!(rests(text)[0], "{text}");
    }
    for text in [
        r#""model":"b"}"#,
        r#""x":{"model" : "b"}}"#,
        r#""model":null}"#,
        r#""model":1}"#,
        r#""model"/**/:{}}"#,
        r#""m\u006fdel":{}}"#,
        r#""x":1"#,
    ] {
        assert!(!rests(text).contains(&true), "{text}");
    }
}

#[test]
fn bounds_the_depth() {
    let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(model(&nested(MAX_DEPTH)), Ok(None));
    assert_eq!(model(&nested(MAX_DEPTH + 1)), Err(AskError::TooDeep));
    assert_eq!(model(&nested(1_000_000)), Err(AskError::TooDeep));
}

#[test]
fn bytes_that_are_no_text_count_only_in_the_model() {
    assert!(Ask::read(b"{\"x\":\"\xff\",\"model\":\"a\"}").is_ok());
    assert_eq!(
        Ask::read(b"{\"model\":\"\xff\"}"),
        Err(AskError::Malformed(9))
    );
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("model".to_owned()),
        "[a-z]{0,6}",
        r#"[\x00-\x7f"\\/{}\[\]:, ]{0,40}"#,
        any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object, written compactly or not, and with every character of it escaped where `\u` may stand.
fn written() -> impl Strategy<Value = (Map<String, Value>, String)> {
    let members = prop::collection::vec((text(), value()), 0..8);
    let name = prop::option::of(text());
    (members, name, 0..3).prop_map(|(members, name, style)| {
        let mut object: Map<String, Value> = members.into_iter().collect();
        object.remove("model");
        object.extend(name.map(|name| ("model".to_owned(), json!(name))));
        let text = match style {
            0 => serde_json::to_string(&object).expect("a map of strings"),
            1 => serde_json::to_string_pretty(&object).expect("a map of strings"),
            _ => escaped(&object),
        };
        (object, text)
    })
}

fn escaped(object: &Map<String, Value>) -> String {
    let quoted = |text: &str| {
        let units: String = text
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect();
        format!("\"{units}\"")
    };
    let members: Vec<String> = object
        .iter()
        .map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), quoted);
            format!("{}\t:\n{value}", quoted(key))
        })
        .collect();
    format!("{{{}\r\n}} ", members.join(" ,"))
}

proptest! {
    #[test]
    fn agrees_with_serde_json((object, text) in written()) {
        let ask = Ask::read(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert_eq!(ask.name(), object.get("model").and_then(Value::as_str));
        prop_assert_eq!(ask.is_empty, object.is_empty());
        if let Some(model) = &ask.model {
            let there: String = serde_json::from_slice(&text.as_bytes()[model.range.clone()]).expect("a string");
            prop_assert_eq!(&there, &model.name);
        }
    }

    #[test]
    fn no_beginning_of_a_body_is_a_body((_, text) in written(), share in 0.0..1.0f64) {
        let bytes = text.trim_end().as_bytes();
        let cut = (bytes.len() as f64 * share) as usize;
        // Past the model only the last byte is looked at where no other model can follow.
        let passes = Ask::read(&bytes[..cut]).is_ok_and(|ask| ask.model.is_some());
        let closed = bytes[..cut].trim_ascii_end().ends_with(b"}");
        prop_assert!(!passes || closed);
    }

    #[test]
    fn a_second_model_is_always_found((object, text) in written(), escaped in any::<bool>()) {
        prop_assume!(object.contains_key("model"));
        let key = if escaped { "mod\\u0065l" } else { "model" };
        let end = text.rfind('}').expect("an object");
        let twice = format!("{},\"{key}\":\"x\"}}", &text[..end]);
        prop_assert_eq!(Ask::read(twice.as_bytes()), Err(AskError::DuplicateModel));
    }

    #[test]
    fn what_says_no_model_follows_is_right((object, text) in written()) {
        let names = object.get("model").is_some();
        prop_assert!(!names || !rests(&text).contains(&true), "{}", text);
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Ask::read(&bytes);
    }

    #[test]
    fn what_serde_json_takes_is_taken(text in r#"\{("(model|a|\\n)":(1|"[a"\\]{0,2}"|\[\]|\{\}|null),?){0,3}\}"#) {
        if serde_json::from_str::<Map<String, Value>>(&text).is_ok() {
            let result = Ask::read(text.as_bytes());
            let fine = matches!(result, Ok(_) | Err(AskError::DuplicateModel | AskError::ModelNotString));
            prop_assert!(fine, "{:?}: {}", result, text);
        }
    }
}
