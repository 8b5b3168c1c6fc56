//! `Lint`: how grave findings are in this document, and which ones are waived
//! at one place until a day.

use jiff::civil::Date;

use super::key::{Key, Meaning, TEXT, Takes, key};
use super::read::{Fields, Reader, join};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::words;
use crate::source::{Span, Spanned};
use crate::tree::{Node, Value};

const PATH: &str = "Lint";

/// The key of `Lint` that is no code.
const WAIVERS: &str = "waivers";

pub(super) const LINT: Takes = Takes::Codes(
    &Takes::Word(Level::NAMES),
    &[key(
        WAIVERS,
        Takes::List(&Takes::Map(WAIVER)),
        "findings that are accepted at one place, until a day",
    )],
);

const WAIVER: &[Key] = &[
    key("code", Takes::Text(Meaning::Code), "what is waived").required(),
    key(
        "at",
        Takes::Text(Meaning::Place),
        "where: a key's path; entries of a list by id, name or position, as in `Models[0]`",
    )
    .required(),
    key("reason", TEXT, "why it is accepted").required(),
    key(
        "until",
        Takes::Text(Meaning::Day),
        "the last day on which it counts",
    )
    .required(),
];

words! {
    /// How grave a finding is, as a document says.
    Level {
        /// It is not told.
        Allow = "allow",
        /// Worth knowing.
        Note = "note",
        /// Somebody should look.
        Warn = "warn",
        /// The document is refused.
        Deny = "deny",
    }
}

/// `Lint` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LintSection {
    /// Levels by code, as they are written.
    pub levels: Vec<(Spanned<Code>, Spanned<Level>)>,
    /// `waivers`
    pub waivers: Vec<WaiverEntry>,
}

/// One waiver as written. Keys are absent only where that was reported.
#[derive(Clone, Debug, PartialEq)]
pub struct WaiverEntry {
    /// A short place that stands for it.
    pub head: Span,
    /// `code`
    pub code: Option<Spanned<Code>>,
    /// `at`
    pub at: Option<Spanned<String>>,
    /// `reason`
    pub reason: Option<Spanned<String>>,
    /// `until`
    pub until: Option<Spanned<Date>>,
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> LintSection {
    let mut section = LintSection::default();
    let Some(node) = fields.get(PATH) else {
        return section;
    };
    let Takes::Codes(_, keys) = LINT else {
        return section;
    };
    let Value::Map(entries) = &node.value else {
        reader.wrong_type(node, PATH, "a map");
        return section;
    };
    let (own, codes): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.key.value == WAIVERS);
    for entry in codes {
        let name = Spanned::new(entry.key.value.to_string(), entry.key.span);
        if let Some(code) = code(reader, &name, &[WAIVERS]) {
            let level = level(reader, &entry.value, &join(PATH, &name.value));
            section.levels.extend(level.map(|level| (code, level)));
        }
    }
    let own = Node {
        value: Value::Map(own.into_iter().cloned().collect()),
        span: node.span,
    };
    let Some(inner) = reader.fields(&own, keys, PATH) else {
        return section;
    };
    for (at, fields) in reader.maps(&inner, WAIVERS, PATH, WAIVER) {
        let path = format!("{PATH}.{WAIVERS}[{at}]");
        section.waivers.push(waiver(reader, &fields, &path));
    }
    section
}

fn level(reader: &mut Reader<'_>, node: &Node<'_>, path: &str) -> Option<Spanned<Level>> {
    match &node.value {
        Value::Scalar(scalar) => {
            let level = reader.one_of(&scalar.text, node.span, &path, Level::WORDS)?;
            Some(Spanned::new(level, node.span))
        }
        Value::Null | Value::Broken => None,
        Value::List(_) | Value::Map(_) => {
            reader.wrong_type(node, &path, "a word");
            None
        }
    }
}

/// The code of a name; `others` are words that may stand there, too.
fn code(
    reader: &mut Reader<'_>,
    name: &Spanned<String>,
    others: &[&'static str],
) -> Option<Spanned<Code>> {
    if let Some(code) = Code::from_name(&name.value) {
        return Some(Spanned::new(code, name.span));
    }
    let known = Code::ALL.iter().map(|code| code.as_str());
    let diagnostic = Diagnostic::new(
        Code::LintUnknownCode,
        format!("there is no code `{}`", name.value),
    )
    .at(name.span, "nothing is ever told under this name");
    reader.problems.push(
        match nearest(&name.value, known.chain(others.iter().copied())) {
            Some(near) => diagnostic
                .help(format!("did you mean `{near}`?"))
                .fix(name.span, near),
            None => diagnostic.help("use a code as it is told, such as `pool/shared-upstream`"),
        },
    );
    None
}

fn waiver(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> WaiverEntry {
    let mut text = |name, help| reader.required_text(fields, name, path, help);
    let name = text(
        "code",
        "add the code that is waived, for example `code: pool/shared-upstream`",
    );
    let at = text(
        "at",
        "add where it is waived, for example `at: Registration.models.sonnet`",
    );
    let reason = text(
        "reason",
        "say why it is accepted; who comes later needs to know",
    );
    let until = text(
        "until",
        "add the last day on which it counts, for example `until: 2027-01-31`",
    );
    WaiverEntry {
        head: fields.head,
        code: name.and_then(|name| code(reader, &name, &[])),
        at,
        reason,
        until: until.and_then(|until| day(reader, &until, path)),
    }
}

fn day(reader: &mut Reader<'_>, text: &Spanned<String>, inside: &str) -> Option<Spanned<Date>> {
    if let Ok(day) = text.value.parse::<Date>() {
        return Some(Spanned::new(day, text.span));
    }
    reader.problems.push(
        Diagnostic::new(
            Code::DocumentWrongType,
            format!("`{}` takes a day", join(inside, "until")),
        )
        .at(text.span, "this is no day")
        .help("write it as `2027-01-31`"),
    );
    None
}
