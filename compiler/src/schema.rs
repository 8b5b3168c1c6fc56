//! The JSON Schema of a registration, made of the table that the reader uses, so
//! that an editor without `ctr` knows the same keys.
//!
//! A schema sees values and no quotes, and each value alone. It accepts whatever
//! the compiler accepts, and more: quoted numbers, keys that are almost known
//! ones, and names that exist nowhere.

use serde_json::{Map, Value, json};

use crate::Limits;
use crate::diagnostic::{Code, Problems};
use crate::registration::{Key, Standing, Takes, VOCABULARY};
use crate::source::SourceId;
use crate::tree::{self, Node};

/// A text that is not blank, as a pattern.
const SOMETHING: &str = r"\S";

/// The unquoted words that are booleans beside `true` and `false`.
const SWITCHES: &str = "^(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$";

/// The schema, in the terms of draft 2020-12.
pub fn json() -> Value {
    let mut schema = map(VOCABULARY);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("ctr registration");
    schema["description"] = json!(
        "Models, pools and routes of LLM traffic. Texts may hold `${NAME}` where a value is needed only by the running proxy."
    );
    schema
}

/// A map of these keys. Unknown keys have no effect, and a document may have them.
fn map(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    let (mut required, mut either) = (Vec::new(), Vec::new());
    for key in keys {
        properties.insert(key.name.to_owned(), property(key));
        if let Some(old) = key.old {
            properties.insert(old.to_owned(), old_property(key));
        }
        match key.old {
            None if key.required => required.push(key.name),
            Some(old) if key.required => either.push(one_of_both(key, old)),
            _ => {}
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !either.is_empty() {
        schema["allOf"] = json!(either);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = match key.standing {
        Standing::Refused => json!({ "not": {} }),
        Standing::Current | Standing::Legacy => value(&key.takes, key.required),
    };
    schema["description"] = json!(key.about);
    if let Some(default) = key.default {
        schema["default"] = default_value(default, &key.takes);
    }
    if key.standing == Standing::Legacy {
        schema["deprecated"] = json!(true);
    }
    schema
}

fn old_property(key: &Key) -> Value {
    let mut schema = value(&key.takes, false);
    schema["description"] = json!(format!("the old spelling of `{}`", key.name));
    schema["deprecated"] = json!(true);
    schema
}

/// That a required key is there in one of its spellings.
fn one_of_both(key: &Key, old: &str) -> Value {
    json!({ "anyOf": [
        { "required": [key.name] },
        { "required": [old], "properties": { old: value(&key.takes, true) } },
    ] })
}

/// What a key takes. Null counts as absent, and so do blank texts where a text
/// is required.
fn value(takes: &Takes, required: bool) -> Value {
    let mut schema = match takes {
        Takes::Text(_) => json!({ "type": ["string", "number", "boolean"] }),
        Takes::Boolean => json!({ "type": ["boolean", "string"], "pattern": SWITCHES }),
        Takes::Integer(from, to) => integer(*from, *to),
        Takes::Amount => json!({ "type": ["number"], "minimum": 0 }),
        Takes::Ratio => json!({ "type": ["number"], "minimum": 0, "maximum": 1 }),
        Takes::Word(words) => json!({ "enum": word_values(words) }),
        Takes::Map(keys) => map(keys),
        Takes::Named(_, inner) => {
            json!({ "type": "object", "additionalProperties": value(inner, false) })
        }
        Takes::Codes(level, keys) => codes(level, keys),
        Takes::List(inner) => return list(inner, required),
        Takes::Either(one, other) => {
            return json!({ "anyOf": [value(one, required), value(other, required)] });
        }
        Takes::Anything => return json!({}),
    };
    match (required, takes) {
        (true, Takes::Text(_)) => schema["pattern"] = json!(SOMETHING),
        (true, _) => {}
        (false, _) => or_null(&mut schema),
    }
    schema
}

fn or_null(schema: &mut Value) {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
        return;
    }
    let types = match schema["type"].take() {
        Value::Array(mut types) => {
            types.push(json!("null"));
            types
        }
        one => vec![one, json!("null")],
    };
    schema["type"] = Value::Array(types);
}

/// Bounds where they are less than all that a number can be.
fn integer(from: i64, to: i64) -> Value {
    let mut schema = json!({ "type": ["integer"] });
    if from > i64::MIN {
        schema["minimum"] = json!(from);
    }
    if to < i64::MAX {
        schema["maximum"] = json!(to);
    }
    schema
}

/// A map by code, in which any other name is a mistake.
fn codes(level: &Takes, keys: &[Key]) -> Value {
    let mut schema = map(keys);
    for code in Code::ALL {
        let mut property = value(level, false);
        property["description"] = json!(code.title());
        schema["properties"][code.as_str()] = property;
    }
    schema["additionalProperties"] = json!(false);
    schema
}

/// Writers of YAML 1.1 make booleans of `on` and `off`.
fn word_values(words: &[&str]) -> Vec<Value> {
    let mut values: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    if words.contains(&"on") && words.contains(&"off") {
        values.extend([json!(true), json!(false)]);
    }
    values
}

/// Blank items are left out; one item alone is a list of one, unless it is a map.
fn list(inner: &Takes, required: bool) -> Value {
    if let Takes::Map(keys) = inner {
        let mut schema = json!({ "type": ["array"], "items": map(keys) });
        if !required {
            or_null(&mut schema);
        }
        return schema;
    }
    let mut item = value(inner, false);
    if let Takes::Word(_) = inner {
        item = json!({ "anyOf": [item, { "type": "string", "pattern": r"^\s*$" }] });
    }
    let mut many = json!({ "type": "array", "items": item });
    if required {
        item = value(inner, true);
        many["contains"] = item.clone();
    }
    json!({ "anyOf": [many, item] })
}

/// A default as the table writes it, with the type its key takes.
fn default_value(text: &str, takes: &Takes) -> Value {
    let tree = tree::yaml::parse(
        SourceId::default(),
        text,
        &Limits::default(),
        &mut Problems::default(),
    );
    typed(&tree.node, takes)
}

fn typed(node: &Node<'_>, takes: &Takes) -> Value {
    match (&node.value, takes) {
        (tree::Value::List(items), Takes::List(inner)) => {
            items.iter().map(|item| typed(item, inner)).collect()
        }
        (
            tree::Value::Scalar(scalar),
            Takes::Boolean | Takes::Integer(..) | Takes::Amount | Takes::Ratio,
        ) => serde_json::from_str(&scalar.text).unwrap_or(Value::Null),
        (tree::Value::Scalar(scalar), _) => json!(scalar.text),
        _ => Value::Null,
    }
}
