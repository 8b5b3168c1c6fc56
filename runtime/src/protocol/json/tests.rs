//! The tree against a reader that everybody uses.

use proptest::prelude::*;
use serde_json::Value;

use super::scan::special;
use super::*;

/// What the usual reader makes of a text, or nothing.
fn usual(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

#[test]
fn what_is_json_and_what_is_not() {
    for good in [
        "0",
        "-0.5e+10",
        "1e400",
        "\"\"",
        "[]",
        " { } ",
        "[1 , {\"a\":null}]",
        "\"\\ud83d\"",
        "{\"a\":1,\"a\":2}",
        "true",
        "\"\\u00e9\\/\\b\"",
    ] {
        let read = Json::parse(good, &[]);
        assert!(read.is_ok(), "{good}: {read:?}");
        let opaque = format!("{{\"x\":{good}}}");
        assert!(Json::parse(&opaque, &["x"]).is_ok(), "{opaque}");
    }
    for bad in [
        "",
        " ",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "+1",
        "tru",
        "truex",
        "nul",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[}",
        "1 2",
        "\"\\",
        "\"\\u12",
        "{\"a\" 1}",
        "\u{feff}1",
    ] {
        assert!(Json::parse(bad, &[]).is_err(), "{bad}");
        let opaque = format!("{{\"x\":{bad}}}");
        assert!(Json::parse(&opaque, &["x"]).is_err(), "{opaque}");
    }
    assert_eq!(Json::read(b"\"\xff\"", &[]), Err(Malformed(1)));
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Json::parse(&deep(MAX_DEPTH), &[]).is_ok());
    assert!(Json::parse(&deep(MAX_DEPTH + 1), &[]).is_err());
    assert!(Json::parse(&format!("{{\"x\":{}}}", deep(100_000)), &["x"]).is_err());
}

#[test]
fn white_space_is_blank_however_it_is_written() {
    for blank in [
        "",
        " ",
        r"\n",
        r" \r\n\t\f ",
        "\u{a0}\u{2003}",
        r"\n\u00a0 \n",
    ] {
        assert!(Text::from_written(blank).is_blank(), "{blank:?}");
    }
    for said in ["a", r"\na", r"\\n", r"\u0041", r"\b", r#"\""#, r"\u00a0a"] {
        assert!(!Text::from_written(said).is_blank(), "{said:?}");
    }
}

#[test]
fn what_is_opaque_keeps_its_spaces() {
    let text = "{\"schema\": { \"a\" : [ 1 ] }, \"b\" : [ 1 , \"\\u0041\" ]}";
    let json = Json::parse(text, &["schema"]).expect("JSON");
    assert_eq!(
        json.get("schema").and_then(Json::raw),
        Some("{ \"a\" : [ 1 ] }")
    );
    assert_eq!(
        json.to_string(),
        "{\"schema\":{ \"a\" : [ 1 ] },\"b\":[1,\"\\u0041\"]}"
    );
}

#[test]
fn what_is_looked_at_is_checked_around_what_is_opaque() {
    let look = |text: &'static str| Json::look_at(text.as_bytes(), &["x"], None);
    let json = look(r#"{"x":[{]}," , "x":{"a":[}"}]} , "b":1}"#);
    assert!(json.is_err(), "its brackets are what counts: {json:?}");
    let json = look(r#"{"x": {"a" "]}"[], } , "x":2, "b":1}"#).expect("JSON around it");
    let raws = json.members().iter().map(|(_, value)| value.raw());
    let raws: Vec<_> = raws.flatten().collect();
    assert_eq!(raws, [r#"{"a" "]}"[], }"#, "2", "1"]);
    for bad in [
        r#"{"x":[}"#,
        r#"{"x":01}"#,
        r#"{"x":[] "b":1}"#,
        r#"{"x":{}"#,
    ] {
        assert!(look(bad).is_err(), "{bad}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(Json::look_at(deep.as_bytes(), &["x"], None).is_ok());
}

#[test]
fn a_member_is_passed_over_where_it_is_outermost() {
    let text = r#"{"a":{"b":[ 1 ]},"b":[ 1, {"b":2} ],"c":[{"b":[ 1 ]}]}"#;
    let json = Json::look_at(text.as_bytes(), &[], Some("b")).expect("JSON");
    assert_eq!(json.get("b").and_then(Json::raw), Some(r#"[ 1, {"b":2} ]"#));
    assert_eq!(
        json.get("a").map(Json::written).as_deref(),
        Some(r#"{"b":[1]}"#)
    );
    assert_eq!(
        json.get("c").map(Json::written).as_deref(),
        Some(r#"[{"b":[1]}]"#)
    );
    let list = Json::look_at(br#"[{"b":[ 1 ]}]"#, &[], Some("b")).expect("JSON");
    assert_eq!(list.written(), r#"[{"b":[1]}]"#);
}

#[test]
fn members_are_found_changed_and_taken_out() {
    let json = Json::parse("{\"a\":1,\"\\u0062\":2,\"a\":3}", &[]).expect("JSON");
    assert_eq!(json.count_at("a"), Some(3));
    assert_eq!(json.count_at("b"), Some(2));
    let Json::Object(mut object) = json else {
        panic!("an object")
    };
    object.set("a", 4u64);
    object.set("c", true);
    assert_eq!(object.to_string(), "{\"a\":4,\"b\":2,\"c\":true}");
    assert_eq!(object.remove("a"), Some(4u64.into()));
    assert_eq!(object.remove("a"), None);
    assert_eq!(object.to_string(), "{\"b\":2,\"c\":true}");
}

#[test]
fn counts() {
    for (text, count) in [
        ("12", Some(12)),
        ("12.0", Some(12)),
        ("1e3", Some(1000)),
        ("1.5", None),
        ("-1", None),
        ("1e400", None),
        ("\"1\"", None),
    ] {
        assert_eq!(
            Json::parse(text, &[]).expect("JSON").count(),
            count,
            "{text}"
        );
    }
}

#[test]
fn halves_of_a_pair_stay_apart_and_meet_again() {
    let Ok(Json::Text(mut first)) = Json::parse("\"a\\ud83d\"", &[]) else {
        panic!("a string")
    };
    let Ok(Json::Text(second)) = Json::parse("\"\\ude00b\"", &[]) else {
        panic!("a string")
    };
    assert_eq!(first.plain(), "a\u{fffd}");
    first.push(&second);
    assert_eq!(first.plain(), "a😀b");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| serde_json::Number::from_f64(number)
            .map(Value::from)),
        any::<String>().prop_map(Value::from),
        "[a-z\"\\\\\n\u{1}é🦀]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[ab\"é]{0,3}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn a_special_byte_is_found_wherever_it_stands() {
    for byte in u8::MIN..=u8::MAX {
        let is_special = matches!(byte, b'"' | b'\\' | 0..=0x1f);
        for length in 1..20 {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[at] = byte;
                for from in 0..=at {
                    assert_eq!(special(&bytes, from), is_special.then_some(at), "{bytes:?}");
                }
                assert_eq!(special(&bytes, at + 1), None, "{bytes:?}");
            }
        }
    }
}

#[test]
fn its_length_is_known() {
    for text in [
        "{}",
        "[]",
        "[1]",
        r#"{"a":[],"b":{}}"#,
        r#"{"a":"b\n","c":[1,"d",null]}"#,
        r#"{"\"\n\u0001":0}"#,
    ] {
        let json = Json::parse(text, &[]).expect("JSON");
        assert_eq!((json.written().as_str(), json.length()), (text, text.len()));
    }
}

proptest! {
    #[test]
    fn read_and_written_it_is_the_same(value in value()) {
        let text = value.to_string();
        let json = Json::parse(&text, &["a"]).expect("JSON");
        prop_assert_eq!(json.to_string(), text.clone());
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let json = Json::parse(&pretty, &[]).expect("JSON");
        prop_assert_eq!(json.to_string(), text);
        prop_assert_eq!(json.clone().into_owned(), json);
    }

    #[test]
    fn plain_text_survives(plain in any::<String>()) {
        let text = Text::from_plain(&plain);
        prop_assert_eq!(text.plain(), plain.as_str());
        let mut written = String::new();
        text.write(&mut written);
        prop_assert_eq!(usual(&written), Some(Value::from(plain)));
    }

    #[test]
    fn damaged_text_is_judged_as_usual(value in value(), at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let mut text: Vec<char> = value.to_string().chars().collect();
        let at = at.index(text.len());
        text[at] = byte;
        let text: String = text.into_iter().collect();
        let usual = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        prop_assert_eq!(Json::parse(&text, &[]).is_ok(), usual, "{}", text);
        prop_assert_eq!(Json::parse(&format!("[{{\"x\":{text}}}]"), &["x"]).is_ok(),
            serde_json::from_str::<&serde_json::value::RawValue>(&format!("[{{\"x\":{text}}}]")).is_ok());
    }

    /// Long enough to be read by blocks, whatever stands at their borders.
    #[test]
    fn long_strings_are_read_as_usual(
        pieces in prop::collection::vec(
            r#"[a-zé日😀 ]{0,70}(\\["\\/bfnrtu]|\\u00[eE]9|\\ud83d\\ude00|["\n\\])?"#,
            0..9,
        ),
        behind in 0_usize..80,
    ) {
        let written = pieces.concat();
        let text = format!("[\"{written}\",{}1]", " ".repeat(behind));
        let usual: Option<(String, u8)> = serde_json::from_str(&text).ok();
        let json = Json::parse(&text, &[]).ok();
        let read = json.as_ref().and_then(|json| json.items()[0].text());
        let plain = read.map(|text| text.plain().into_owned());
        prop_assert_eq!(plain, usual.map(|(plain, _)| plain), "{}", text);
    }
}
