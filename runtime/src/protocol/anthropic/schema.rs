//! The schema of an answer. This protocol takes a part of JSON Schema and refuses the rest
//! (<https://docs.claude.com/en/docs/build-with-claude/structured-outputs>).

use std::borrow::Cow;

use super::super::json::{Json, Object, Text};
use super::super::neutral::Dropped;

/// Keywords that are taken, whatever they say.
const TAKEN: [&str; 13] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "definitions",
    "description",
    "properties",
    "required",
    "title",
    "type",
];

/// Keywords that are taken beside `$ref`.
const BESIDE_REF: [&str; 3] = ["$defs", "$ref", "definitions"];

/// Formats of strings that are taken.
const FORMATS: [&str; 10] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
];

/// The schema as it is taken, as Anthropic's own SDKs write it: objects have no members but
/// those that are named, and what is refused stands in the description, for the model to
/// read. All that no longer holds the answer is noted.
pub(super) fn fitting<'a>(schema: Json<'a>, dropped: &mut Dropped) -> Json<'a> {
    let written = schema.written();
    match Json::parse(&written, &[]) {
        Ok(mut parsed) => {
            fit(&mut parsed, dropped);
            Json::Raw(Cow::Owned(parsed.written()))
        }
        Err(_) => schema,
    }
}

fn fit(schema: &mut Json<'_>, dropped: &mut Dropped) {
    let Some(object) = schema.object_mut() else {
        return;
    };
    if object.get("anyOf").is_none()
        && let Some(choices) = object.remove("oneOf")
    {
        object.push("anyOf", choices);
    }
    if let Some(reference) = only_reference(object) {
        object.remove("allOf");
        object.push("$ref", reference);
    }
    let others = is_of_objects(object).then(|| close(object, dropped));
    describe(object, others.flatten(), dropped);
    for name in ["$defs", "definitions", "properties"] {
        let named = object.get_mut(name).and_then(Json::object_mut);
        for inner in named.into_iter().flat_map(Object::values_mut) {
            fit(inner, dropped);
        }
    }
    for name in ["allOf", "anyOf"] {
        let listed = object.get_mut(name).and_then(Json::items_mut);
        for inner in listed.into_iter().flatten() {
            fit(inner, dropped);
        }
    }
    if let Some(items) = object.get_mut("items") {
        fit(items, dropped);
    }
}

fn is_of_objects(schema: &Object<'_>) -> bool {
    let kind = schema.get("type").unwrap_or(&Json::NULL);
    let is_one = kind.is("object") || kind.items().iter().any(|kind| kind.is("object"));
    is_one || schema.get("properties").is_some()
}

/// What an `allOf` refers to that has one schema, which does nothing else: so some write a
/// reference that something stands beside.
fn only_reference<'a>(schema: &Object<'a>) -> Option<Json<'a>> {
    let [only] = schema.get("allOf")?.items() else {
        return None;
    };
    let is_alone = only.members().len() == 1 && schema.get("$ref").is_none();
    only.get("$ref").filter(|_| is_alone).cloned()
}

/// Lets an object have the members that are named, and no others; what is to be said of these.
fn close(schema: &mut Object<'_>, dropped: &mut Dropped) -> Option<String> {
    const OTHERS: &str = "additionalProperties";
    let others = schema.remove(OTHERS).filter(|others| !others.is_null());
    schema.push(OTHERS, false);
    let is_open = match &others {
        Some(others) => others.flag() != Some(false),
        None => schema.get("properties").is_none(),
    };
    if is_open {
        note(OTHERS, dropped);
    }
    let others = others.filter(|others| others.object().is_some())?;
    Some(format!("{OTHERS}: {others}"))
}

/// Moves what is refused into the description, behind what is said of members without a name.
/// Beside `$ref` there is none.
fn describe(schema: &mut Object<'_>, others: Option<String>, dropped: &mut Dropped) {
    let refers = schema.get("$ref").is_some();
    let is_refused = |(name, value): &(&str, &Json<'_>)| match refers {
        true => !BESIDE_REF.contains(name),
        false => !is_taken(name, value),
    };
    let refused = schema.members().filter(is_refused);
    let refused: Vec<String> = refused.map(|(name, _)| name.to_owned()).collect();
    let mut told: Vec<String> = others.into_iter().collect();
    for name in &refused {
        // It says nothing of the answer.
        if let Some(value) = schema.remove(name).filter(|_| name != "$schema") {
            note(name, dropped);
            told.push(format!("{name}: {value}"));
        }
    }
    if refers || told.is_empty() {
        return;
    }
    let told = format!("{{{}}}", told.join(", "));
    let told = match schema.get("description").and_then(Json::text) {
        Some(description) => format!("{}\n\n{told}", description.plain()),
        None => told,
    };
    schema.set("description", Text::from_string(told));
}

fn is_taken(name: &str, value: &Json<'_>) -> bool {
    match name {
        "minItems" => matches!(value.count(), Some(0 | 1)),
        "format" => FORMATS.iter().any(|format| value.is(format)),
        "pattern" => value.text().is_some_and(|text| is_simple(&text.plain())),
        "items" => value.object().is_some(),
        "enum" => value
            .items()
            .iter()
            .all(|one| one.members().is_empty() && one.items().is_empty()),
        name => TAKEN.contains(&name),
    }
}

/// Whether a pattern looks nowhere but where it is: groups that begin with `?`, edges of
/// words and references to groups are refused.
fn is_simple(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        if matches!(escaped, Some('b' | 'B' | 'k' | '1'..='9')) {
            return false;
        }
    }
    !pattern.contains("(?")
}

fn note(keyword: &str, dropped: &mut Dropped) {
    dropped.note_field("response_format.", keyword);
}
