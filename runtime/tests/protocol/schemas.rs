//! Schemas of answers, of which a Messages endpoint takes a part.

use ctr_runtime::protocol::Protocol::{Chat, Messages, Responses};
use serde_json::{Value, json};

use super::requests::sent;

/// A schema as a Messages endpoint gets it, and what was dropped.
fn fitted(schema: &Value) -> (Value, String) {
    let format = json!({ "type": "json_schema", "name": "n", "schema": schema, "strict": true });
    let body = json!({ "input": "go", "text": { "format": format } });
    let of_responses = sent(Responses, Messages, &body.to_string());
    let format = json!({ "type": "json_schema", "json_schema": format });
    let body =
        json!({ "messages": [{ "role": "user", "content": "go" }], "response_format": format });
    let (mut body, dropped) = sent(Chat, Messages, &body.to_string());
    assert_eq!(of_responses, (body.clone(), dropped.clone()));
    let format = body["output_config"]["format"].take();
    assert_eq!(format["type"], "json_schema");
    (format["schema"].clone(), dropped)
}

#[test]
fn what_a_schema_has_that_is_refused_goes_into_its_description() {
    let told = |kind: &str, description: &str| json!({ "type": kind, "description": description });
    for (schema, expected, named) in [
        (
            json!({ "type": "integer", "minimum": 1, "maximum": 10 }),
            told("integer", "{maximum: 10, minimum: 1}"),
            "maximum, minimum",
        ),
        (
            json!({ "type": "number", "description": "A \"number\".", "multipleOf": 0.5 }),
            told("number", "A \"number\".\n\n{multipleOf: 0.5}"),
            "multipleOf",
        ),
        (
            json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            told("number", "{exclusiveMaximum: 1, exclusiveMinimum: 0}"),
            "exclusiveMaximum, exclusiveMinimum",
        ),
        (
            json!({ "type": "string", "minLength": 1, "maxLength": 9, "format": "regex" }),
            told("string", "{format: \"regex\", maxLength: 9, minLength: 1}"),
            "format, maxLength, minLength",
        ),
        (
            json!({ "type": "array", "minItems": 2, "maxItems": 3, "uniqueItems": true }),
            told("array", "{maxItems: 3, minItems: 2, uniqueItems: true}"),
            "maxItems, minItems, uniqueItems",
        ),
        (
            json!({ "type": "string", "pattern": "^(?=a)\\w+$" }),
            told("string", "{pattern: \"^(?=a)\\\\w+$\"}"),
            "pattern",
        ),
        (
            json!({ "enum": ["a", { "b": 1 }] }),
            json!({ "description": "{enum: [\"a\",{\"b\":1}]}" }),
            "enum",
        ),
        (
            json!({ "type": "object" }),
            json!({ "type": "object", "additionalProperties": false }),
            "additionalProperties",
        ),
        (
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            json!({ "type": "object", "additionalProperties": false, "description": "{additionalProperties: {\"type\":\"string\"}}" }),
            "additionalProperties",
        ),
        (
            json!({ "title": "A", "allOf": [{ "$ref": "#/$defs/a" }] }),
            json!({ "$ref": "#/$defs/a" }),
            "title",
        ),
        (
            json!({ "type": "string", "pattern": "\\bword" }),
            told("string", "{pattern: \"\\\\bword\"}"),
            "pattern",
        ),
    ] {
        let names: Vec<String> = named
            .split(", ")
            .map(|name| format!("response_format.{name}"))
            .collect();
        assert_eq!(fitted(&schema), (expected, names.join(", ")));
    }
}

#[test]
fn what_a_schema_has_that_is_taken_stays() {
    let closed = |properties: Value| json!({ "type": "object", "properties": properties, "required": ["a"], "additionalProperties": false });
    for schema in [
        closed(json!({ "a": { "type": "string", "enum": ["x", "y"], "default": "x" } })),
        // A member may have the name of a keyword.
        closed(json!({ "a": { "type": ["string", "null"] }, "minimum": { "const": 1 } })),
        closed(json!({ "a": { "type": "array", "minItems": 1, "items": { "type": "null" } } })),
        closed(json!({ "a": { "type": "string", "format": "date-time", "title": "t" } })),
        closed(json!({ "a": { "type": "string", "pattern": "^\\\\b[a-z]+\\d{2}$" } })),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": closed(json!({})) } }),
        json!({ "allOf": [closed(json!({ "a": { "type": "string" } }))] }),
    ] {
        assert_eq!(fitted(&schema), (schema, String::new()));
    }
}

#[test]
fn every_object_of_a_schema_has_no_members_but_those_that_are_named() {
    let open = || json!({ "type": "object", "properties": {} });
    let closed = || json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let nested = |object: &dyn Fn() -> Value| {
        let mut schema = json!({ "$defs": { "d": object() }, "properties": {
            "list": { "type": "array", "items": object() },
            "one": { "anyOf": [object(), { "type": "null" }] },
            "all": { "allOf": [object()] },
            "maybe": { "type": ["object", "null"] },
        } });
        if object() == closed() {
            schema["additionalProperties"] = json!(false);
            schema["properties"]["maybe"]["additionalProperties"] = json!(false);
        }
        schema
    };
    // One of them could have had any members.
    let named = "response_format.additionalProperties".to_owned();
    assert_eq!(fitted(&nested(&open)), (nested(&closed), named.clone()));
    assert_eq!(fitted(&open()), (closed(), String::new()));
    let mut schema = open();
    schema["additionalProperties"] = json!(true);
    assert_eq!(fitted(&schema), (closed(), named));
}

#[test]
fn one_of_several_schemas_is_any_of_them_and_nothing_stands_beside_a_reference() {
    let schema = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "oneOf": [
        { "type": "integer", "minimum": 1 },
        { "$ref": "#/definitions/a", "description": "d" },
    ], "definitions": { "a": { "type": "string", "minLength": 1 } } });
    let expected = json!({ "anyOf": [
        { "type": "integer", "description": "{minimum: 1}" },
        { "$ref": "#/definitions/a" },
    ], "definitions": { "a": { "type": "string", "description": "{minLength: 1}" } } });
    let (schema, dropped) = fitted(&schema);
    assert_eq!(schema, expected);
    let names = ["minLength", "minimum", "description"];
    assert_eq!(
        dropped,
        names
            .map(|name| format!("response_format.{name}"))
            .join(", ")
    );
}
