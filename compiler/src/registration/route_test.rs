//! `Tests`: requests, and where they must go. No part of the plan: a mistake in a
//! test never keeps a registration from being served.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::key::{Key, MODEL_REF, Meaning, TEXT, TEXTS, Takes, key};
use super::read::{Fields, Reader, join};
use crate::explain::{Given, Remembered, Said, Standings};
use crate::plan::words;
use crate::source::{Span, Spanned};
use crate::tree::Value;

const PATH: &str = "Tests";

const COUNT: Takes = Takes::Integer(0, i64::MAX);

pub(super) const TEST: &[Key] = &[
    key("name", TEXT, "what it holds the registration to").required(),
    key(
        "request",
        TEXT,
        "a file with a request body, relative to this one",
    ),
    key("body", Takes::Anything, "a request body, written out"),
    key(
        "protocol",
        Takes::Word(Spoken::NAMES),
        "what the client speaks; seen in the body unless given",
    ),
    key("model", TEXT, "the model that the request asks for"),
    key("text", TEXT, "the text that rules look at"),
    key("tokens", COUNT, "input tokens"),
    key("max_tokens", COUNT, "tokens that the answer may have"),
    key("thinking", Takes::Boolean, "whether thinking is asked for"),
    key("thinking_budget", COUNT, "tokens to think with"),
    key(
        "web_search",
        Takes::Boolean,
        "whether a web search is asked for",
    ),
    key(
        "image",
        Takes::Boolean,
        "whether the last message has an image",
    ),
    key(
        "tool_result",
        Takes::Boolean,
        "whether the last message is the result of a tool",
    ),
    key(
        "subagent",
        TEXT,
        "the model that a sub-agent's marker names",
    ),
    key(
        "session",
        Takes::Map(SESSION),
        "what is remembered of the session",
    ),
    key(
        "answers",
        Takes::Map(ANSWERS),
        "what models said that were asked before",
    ),
    key(
        "endpoints",
        Takes::Named(Meaning::Plain, &Takes::Word(Standings::NAMES)),
        "how endpoints stand, by id; others are healthy",
    ),
    key("expect", Takes::Map(EXPECT), "what must hold").required(),
];

const SESSION: &[Key] = &[
    key("last_model", MODEL_REF, "the model that answered last"),
    key(
        "last_input_tokens",
        COUNT,
        "input tokens of its last answer",
    ),
    key("last_text", TEXT, "the text of its last task"),
];

const ANSWERS: &[Key] = &[
    key(
        "classified",
        Takes::Text(Meaning::RuleRef),
        "the rule that the classifier named",
    ),
    key("confidence", Takes::Ratio, "how sure the classifier was").or("1"),
    key(
        "chosen",
        MODEL_REF,
        "the candidate that `router_model` named",
    ),
];

const EXPECT: &[Key] = &[
    key("model", MODEL_REF, "the model or pool it goes to"),
    key(
        "not_model",
        Takes::List(&MODEL_REF),
        "models or pools that it must not go to",
    ),
    key("endpoint", TEXT, "the endpoint that is tried first"),
    key(
        "reason",
        TEXTS,
        "reasons that a trace gives, for example `smart_rule:quick`",
    ),
    key(
        "status",
        Takes::Integer(100, 599),
        "the status of the answer: 200 where there is a route",
    ),
];

words! {
    /// What a client speaks.
    Spoken {
        /// Anthropic Messages.
        Messages = "messages",
        /// OpenAI Chat Completions.
        Chat = "chat",
        /// OpenAI Responses.
        Responses = "responses",
    }
}

/// One test as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestEntry {
    /// A place that stands for it.
    pub span: Option<Span>,
    /// `name`; empty only where that was reported.
    pub name: String,
    /// `request`
    pub request: Option<Spanned<String>>,
    /// `body`
    pub body: Option<Spanned<Json>>,
    /// `protocol`
    pub protocol: Option<Spoken>,
    /// What is said of the request in place of its body, or beside it.
    pub when: When,
    /// How endpoints stand, the session, and answers.
    pub given: Given,
    /// Places of what `given` names, for what is found about it.
    pub named: Vec<(Named, Spanned<String>)>,
    /// `expect`
    pub expect: Expect,
    /// Whether a mistake in it was reported.
    pub is_broken: bool,
}

/// What a name in a test stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A model or a pool.
    Model,
    /// An endpoint.
    Endpoint,
    /// A rule.
    Rule,
}

/// What is said of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    /// `model`
    pub model: Option<String>,
    /// `text`
    pub text: Option<String>,
    /// `tokens`
    pub tokens: Option<u64>,
    /// `max_tokens`
    pub max_tokens: Option<u64>,
    /// `thinking`
    pub thinking: Option<bool>,
    /// `thinking_budget`
    pub thinking_budget: Option<u64>,
    /// `web_search`
    pub web_search: Option<bool>,
    /// `image`
    pub image: Option<bool>,
    /// `tool_result`
    pub tool_result: Option<bool>,
    /// `subagent`
    pub subagent: Option<String>,
}

/// What must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// `model`
    pub model: Option<Spanned<String>>,
    /// `not_model`
    pub not_model: Vec<Spanned<String>>,
    /// `endpoint`
    pub endpoint: Option<Spanned<String>>,
    /// `reason`
    pub reason: Vec<Spanned<String>>,
    /// `status`
    pub status: Option<Spanned<u16>>,
}

impl Expect {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Vec<TestEntry> {
    // What cannot be read here hides no name of the registration.
    let (whole, complete) = (reader.whole, reader.complete);
    let gaps = std::mem::take(&mut reader.gaps);
    let mut tests = Vec::new();
    for (at, item) in reader.items(fields, PATH, "").iter().enumerate() {
        let known = reader.problems.len();
        let path = format!("{PATH}[{at}]");
        match reader.fields(item, TEST, &path) {
            Some(fields) => {
                let test = test(reader, &fields, &path);
                tests.push(TestEntry {
                    is_broken: reader.problems.len() > known,
                    ..test
                });
            }
            None if matches!(item.value, Value::Null) => reader.empty_item(item, &path),
            None => {}
        }
    }
    (reader.whole, reader.complete) = (whole, complete);
    reader.gaps = gaps;
    tests
}

fn test(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> TestEntry {
    let mut texts = |name| reader.text(fields, name, path);
    let (request, model, text, subagent) = (
        texts("request"),
        texts("model"),
        texts("text"),
        texts("subagent"),
    );
    let mut flag = |name| reader.boolean(fields, name, path).map(|flag| flag.value);
    let (thinking, web_search) = (flag("thinking"), flag("web_search"));
    let (image, tool_result) = (flag("image"), flag("tool_result"));
    let mut count = |name| {
        reader
            .integer(fields, name, path)
            .map(|n| n.value.unsigned_abs())
    };
    let when = When {
        model: model.map(|it| it.value),
        text: text.map(|it| it.value),
        tokens: count("tokens"),
        max_tokens: count("max_tokens"),
        thinking_budget: count("thinking_budget"),
        thinking,
        web_search,
        image,
        tool_result,
        subagent: subagent.map(|it| it.value),
    };
    let name = reader.required_text(
        fields,
        "name",
        path,
        "say what it holds the registration to, for example `name: thanks are cheap`",
    );
    let mut named = Vec::new();
    let given = Given {
        endpoints: endpoints(reader, fields, path, &mut named),
        session: session(reader, fields, path, &mut named),
        answers: answers(reader, fields, path, &mut named),
        ..Given::default()
    };
    TestEntry {
        span: Some(name.as_ref().map_or(fields.head, |name| name.span)),
        name: name.map(|it| it.value).unwrap_or_default(),
        request,
        body: fields
            .get("body")
            .map(|node| Spanned::new(node.json(), node.head())),
        protocol: reader
            .word(fields, "protocol", path, Spoken::WORDS)
            .map(|it| it.value),
        when,
        given,
        named,
        expect: expect(reader, fields, path),
        is_broken: false,
    }
}

fn inner<'t, 's>(
    reader: &mut Reader<'_>,
    fields: &Fields<'t, 's>,
    name: &str,
    keys: &'static [Key],
    path: &str,
) -> Option<Fields<'t, 's>> {
    let node = fields.get(name)?;
    reader.fields(node, keys, &join(path, name))
}

fn session(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
    named: &mut Vec<(Named, Spanned<String>)>,
) -> Remembered {
    let Some(fields) = inner(reader, fields, "session", SESSION, path) else {
        return Remembered::default();
    };
    let path = join(path, "session");
    let model = reader.text(&fields, "last_model", &path);
    named.extend(model.clone().map(|model| (Named::Model, model)));
    let tokens = reader.integer(&fields, "last_input_tokens", &path);
    Remembered {
        last_model: model.map(|it| it.value),
        last_input_tokens: tokens.map(|tokens| tokens.value.unsigned_abs()),
        last_text: reader.text(&fields, "last_text", &path).map(|it| it.value),
    }
}

fn answers(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
    named: &mut Vec<(Named, Spanned<String>)>,
) -> Said {
    let Some(fields) = inner(reader, fields, "answers", ANSWERS, path) else {
        return Said::default();
    };
    let path = join(path, "answers");
    let classified = reader.text(&fields, "classified", &path);
    named.extend(classified.clone().map(|rule| (Named::Rule, rule)));
    let chosen = reader.text(&fields, "chosen", &path);
    named.extend(chosen.clone().map(|model| (Named::Model, model)));
    Said {
        classified: classified.map(|it| it.value),
        confidence: reader
            .amount(&fields, "confidence", &path)
            .map(|it| it.value),
        chosen: chosen.map(|it| it.value),
    }
}

fn endpoints(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
    named: &mut Vec<(Named, Spanned<String>)>,
) -> BTreeMap<String, Standings> {
    let path = &join(path, "endpoints");
    let mut standings = BTreeMap::new();
    let inside = path.strip_suffix(".endpoints").unwrap_or(path);
    for (id, word) in reader.named_texts(fields, "endpoints", inside) {
        let path = join(path, &id.value);
        let words = Standings::WORDS;
        if let Some(standing) = reader.one_of(&word.value, word.span, &path, words) {
            standings.insert(id.value.clone(), standing);
        }
        named.push((Named::Endpoint, id));
    }
    standings
}

fn expect(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> Expect {
    const HELP: &str = "say what must hold, for example `expect: {model: haiku}`";
    let head = fields.head;
    if fields.get("expect").is_none() && !fields.is_written("expect") {
        reader.missing("expect", path, head, HELP);
    }
    let Some(fields) = inner(reader, fields, "expect", EXPECT, path) else {
        return Expect::default();
    };
    let path = join(path, "expect");
    let status = reader.integer(&fields, "status", &path);
    let expect = Expect {
        model: reader.text(&fields, "model", &path),
        not_model: reader.texts(&fields, "not_model", &path),
        endpoint: reader.text(&fields, "endpoint", &path),
        reason: reader.texts(&fields, "reason", &path),
        status: status.and_then(|status| {
            let code = u16::try_from(status.value).ok()?;
            Some(Spanned::new(code, status.span))
        }),
    };
    let is_written = |key: &Key| fields.is_written(key.name);
    if expect.is_empty() && !EXPECT.iter().any(is_written) {
        // A schema cannot say that one of several keys is needed, so it is no error here.
        let before = reader.problems.len();
        reader.missing("model", &path, fields.head, HELP);
        reader.problems.soften(before..reader.problems.len());
    }
    expect
}
