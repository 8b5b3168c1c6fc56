//! Tools in forms that only OpenAI's protocols have, as functions and back.
//!
//! A custom tool takes plain text: elsewhere it is a function with one argument
//! of that name. A namespace, which only Responses has, groups functions: elsewhere
//! its name is part of theirs. Before there were tools, Chat Completions had
//! `functions`, of which a message calls one and names no call.

use super::json::{Json, Object, Text};
use super::neutral::{Tool, ToolCall};

/// Between a namespace and a name.
const JOINT: &str = "__";
/// The one argument of what was a custom tool.
const INPUT: &str = "input";
/// How the arguments begin of what was a custom tool.
const START: &str = "{\"input\":\"";

/// What a client declared in a form of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// Whether there are tools at all, or only `functions`.
    is_old: bool,
    custom: Vec<String>,
    /// Joint name, namespace, name.
    spaces: Vec<(String, String, String)>,
}

impl Forms {
    /// A custom tool as a function; Chat Completions wraps its grammar once more.
    pub(super) fn custom<'a>(&mut self, tool: &Json<'a>) -> Option<Tool<'a>> {
        let name = tool.text_at("name")?;
        self.custom.push(name.plain().into_owned());
        let mut description: Vec<Text<'a>> = tool.text_at("description").into_iter().collect();
        let format = tool.get("format");
        let grammar = format
            .and_then(|format| format.get("grammar"))
            .or(format)
            .filter(|grammar| grammar.get("definition").is_some());
        if let Some(grammar) = grammar {
            let syntax = grammar.text_at("syntax").unwrap_or_default();
            let definition = grammar.text_at("definition").unwrap_or_default();
            let note = [
                "The input follows this ".into(),
                syntax,
                " grammar:\n".into(),
                definition,
            ];
            description.push(Text::joined(&note, ""));
        }
        let input = Object::new().with(INPUT, Object::of_type("string"));
        let schema = Object::of_type("object")
            .with("properties", input)
            .with("required", vec![INPUT.into()]);
        Some(Tool {
            name,
            description: (!description.is_empty()).then(|| Text::joined(&description, "\n\n")),
            schema: Some(schema.into()),
            strict: None,
        })
    }

    /// The tools are `functions`.
    pub(super) fn set_old(&mut self) {
        self.is_old = true;
    }

    /// Whether a call is a `function_call`.
    pub(super) fn is_old(&self) -> bool {
        self.is_old
    }

    /// The name of a function in a namespace.
    pub(super) fn within<'a>(&mut self, space: &Text<'a>, name: &Text<'a>) -> Text<'a> {
        let joint = joint(space, name);
        let known = (
            joint.plain().into_owned(),
            space.plain().into_owned(),
            name.plain().into_owned(),
        );
        self.spaces.push(known);
        joint
    }

    /// Whether what is called is a custom tool.
    pub(super) fn is_custom(&self, name: &Text<'_>) -> bool {
        !self.custom.is_empty() && self.custom.iter().any(|known| *known == name.plain())
    }

    /// Namespace and name of what is called.
    pub(super) fn apart<'a>(&self, name: Text<'a>) -> (Option<Text<'a>>, Text<'a>) {
        let found = self
            .spaces
            .iter()
            .find(|(joint, ..)| *joint == name.plain());
        match found {
            Some((_, space, name)) => {
                let own = |plain: &String| Text::from_string(plain.clone());
                (Some(own(space)), own(name))
            }
            None => (None, name),
        }
    }
}

/// The name of a call of a function in a namespace.
pub(super) fn joint<'a>(space: &Text<'a>, name: &Text<'a>) -> Text<'a> {
    Text::joined(&[space.clone(), name.clone()], JOINT)
}

/// A call as Responses writes it.
pub(super) fn call<'a>(item: &Json<'a>) -> Option<ToolCall<'a>> {
    let text_at = |name| item.text_at(name).unwrap_or_default();
    let kind = text_at("type");
    let (id, name) = (text_at("call_id"), text_at("name"));
    let (name, arguments) = match &*kind.plain() {
        "function_call" => {
            let space = item.text_at("namespace").filter(|space| !space.is_empty());
            let name = space.map_or(name.clone(), |space| joint(&space, &name));
            (name, arguments(item))
        }
        "custom_tool_call" => (name, wrapped(text_at("input"))),
        _ => return None,
    };
    Some(ToolCall {
        id,
        name,
        arguments,
    })
}

/// The arguments of a call, which are JSON in a text; some write that JSON itself.
pub(super) fn arguments<'a>(item: &Json<'a>) -> Text<'a> {
    match item.get("arguments") {
        Some(Json::Text(text)) => text.clone(),
        Some(other) if !other.is_null() => Text::from_string(other.written()),
        _ => Text::default(),
    }
}

/// Plain text as the arguments of what was a custom tool.
pub(super) fn wrapped<'a>(input: Text<'a>) -> Text<'a> {
    Text::from_string(Object::new().with(INPUT, input).written())
}

/// The plain text in such arguments, as far as it has come where they are cut; the
/// arguments themselves where they are something else.
pub(super) fn unwrapped(arguments: &Text<'_>) -> Text<'static> {
    let plain = arguments.plain();
    let inside = match Json::parse(&plain, &[]) {
        Ok(json) => json.text_at(INPUT).map(Text::into_owned),
        Err(_) => begun(&plain),
    };
    inside.unwrap_or_else(|| arguments.clone().into_owned())
}

/// The plain text in arguments that are cut; none where more than their end is wrong.
fn begun(arguments: &str) -> Option<Text<'static>> {
    let start: String = arguments.split_ascii_whitespace().collect();
    if START.starts_with(&start) {
        return Some(Text::default());
    }
    let whole = &arguments[..arguments.len() - half_escape(arguments)];
    let json = ["\"}", "}"].map(|end| format!("{whole}{end}"));
    let input = json
        .iter()
        .find_map(|json| Json::parse(json, &[]).ok())?
        .text_at(INPUT)
        .unwrap_or_default();
    // Half a surrogate pair, whose other half has not come.
    let plain = input.plain();
    let text = plain.strip_suffix(char::REPLACEMENT_CHARACTER);
    Some(Text::from_string(text.unwrap_or(&plain).to_owned()))
}

/// Bytes at the end that begin an escape and do not end it.
fn half_escape(json: &str) -> usize {
    let Some(tail) = json.rfind('\\').and_then(|at| json.get(at..)) else {
        return 0;
    };
    let before = json.len() - tail.len();
    let slashes = json
        .bytes()
        .take(before)
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    let is_half = match tail.strip_prefix("\\u") {
        Some(digits) => digits.len() < 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => tail.len() == 1,
    };
    if is_half && slashes.is_multiple_of(2) {
        tail.len()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_input_that_is_cut_stays_what_is_whole() {
        let of =
            |arguments: &'static str| unwrapped(&Text::from_plain(arguments)).plain().into_owned();
        for (arguments, expected) in [
            ("", ""),
            (" { \"inp", ""),
            (r#"{"input": "#, ""),
            (r#"{"input":""#, ""),
            (r#"{"input":"abc\n"#, "abc\n"),
            (r#"{"input":"abc\"#, "abc"),
            (r#"{"input":"abc\\"#, "abc\\"),
            (r#"{"input":"abc\\\"#, "abc\\"),
            (r#"{"input":"abc\\u00"#, "abc\\u00"),
            (r#"{"input":"abc\u00f"#, "abc"),
            (r#"{"input":"abc\ud83d\ude0"#, "abc"),
            (r#"{"input":"abc\ud83d\ude00"#, "abc😀"),
            (r#"{"input":"abc""#, "abc"),
            (r#"{"input":"abc"}"#, "abc"),
            (r#"{"a":1,"input":"abc"#, "abc"),
            (r#"{"other":"abc"#, ""),
        ] {
            assert_eq!(of(arguments), expected, "{arguments}");
        }
        for other in [
            r#"{"input":"say "hi" \n there"}"#,
            r#"{"input":1}"#,
            "*** Begin Patch",
            "{ x }",
        ] {
            assert_eq!(of(other), other);
        }
    }

    #[test]
    fn an_input_grows_with_its_arguments() {
        let input = "a\n\"\\ü😀/\u{1}b";
        let escaped = r#"{"input":"a\n\"\\\u00fc\ud83d\ude00\/\u0001b"}"#;
        for (at, _) in escaped.char_indices() {
            let cut = unwrapped(&Text::from_plain(&escaped[..at]));
            assert!(input.starts_with(&*cut.plain()), "{at}: {cut:?}");
        }
        assert_eq!(unwrapped(&Text::from_plain(escaped)).plain(), input);
    }
}
