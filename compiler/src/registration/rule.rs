//! One rule of a smart router, wherever it stands: in `SmartRouter`, in
//! `TriggerRouter`, or as a route of `Router`.

use super::key::{Key, MODEL_REF, Meaning, TEXT, TEXTS, Takes, key};
use super::read::{Fields, Reader, join};
use crate::plan::PatternKind;
use crate::source::{Span, Spanned};

pub(super) const RULE: &[Key] = &[
    key(
        "name",
        Takes::Text(Meaning::RuleName),
        "the name that route reasons give",
    )
    .required(),
    key("model", MODEL_REF, "where its requests go").required(),
    key(
        "priority",
        Takes::Integer(i64::MIN, i64::MAX),
        "higher is asked first; as written among equals",
    )
    .or("0"),
    key("enabled", Takes::Boolean, "whether it is asked").or("true"),
    key(
        "description",
        TEXT,
        "what it is for; also its prototype, where it has no other",
    ),
    key(
        "patterns",
        Takes::List(&Takes::Map(PATTERN)),
        "what it matches; any one is enough",
    ),
    key(
        "semantic_profile",
        Takes::Map(PROFILE),
        "what its requests are like",
    ),
];

const PATTERN: &[Key] = &[
    key(
        "type",
        Takes::Word(PatternKind::NAMES),
        "whether it has `keywords` or a `pattern`",
    )
    .required(),
    key(
        "keywords",
        TEXTS,
        "texts that occur in the message; any one is enough",
    ),
    key(
        "pattern",
        Takes::Text(Meaning::Pattern),
        "a regular expression that matches somewhere, line by line",
    ),
    key(
        "caseSensitive",
        Takes::Boolean,
        "whether capitals make a difference",
    )
    .or("false"),
];

pub(super) const PROFILE: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether the rule takes part in semantic matching",
    )
    .or("true"),
    key("prototype", TEXT, "a text that is like its requests"),
    key(
        "threshold",
        Takes::Ratio,
        "the least likeness that counts; else that of `semantic`",
    ),
];

/// One rule as written, wherever it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleEntry {
    /// Its path, for example `SmartRouter.rules[0]`.
    pub path: String,
    /// A short place that stands for the rule.
    pub head: Span,
    /// `name`
    pub name: Option<Spanned<String>>,
    /// `model`
    pub model: Option<Spanned<String>>,
    /// `priority`
    pub priority: Option<Spanned<i64>>,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `description`
    pub description: Option<Spanned<String>>,
    /// `patterns`, or what `match` says
    pub patterns: Vec<PatternEntry>,
    /// Whether it takes part in semantic matching.
    pub semantic: Option<Spanned<bool>>,
    /// `semantic_profile.prototype`
    pub prototype: Option<Spanned<String>>,
    /// `semantic_profile.threshold`
    pub threshold: Option<Spanned<f64>>,
    /// Whether there is a semantic profile at all.
    pub has_profile: bool,
}

impl RuleEntry {
    /// Whether it is asked.
    pub fn is_enabled(&self) -> bool {
        self.enabled.as_ref().is_none_or(|enabled| enabled.value)
    }

    /// What messages call it: its name, else where it stands.
    pub fn called(&self) -> String {
        let name = self.name.as_ref();
        name.map_or_else(
            || format!("`{}`", self.path),
            |name| format!("rule `{}`", name.value),
        )
    }

    /// Whether a request could match it: by a text, or by likeness to one.
    pub fn says_something(&self) -> bool {
        let has_texts = |pattern: &PatternEntry| match &pattern.matcher {
            Matcher::Keywords(words) => !words.is_empty(),
            Matcher::Regex(_) => true,
        };
        self.patterns.iter().any(has_texts) || self.description.is_some() || self.has_profile
    }
}

/// One pattern as written.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternEntry {
    /// A short place that stands for the pattern.
    pub head: Span,
    /// What it matches.
    pub matcher: Matcher,
    /// `caseSensitive`
    pub case_sensitive: Option<Spanned<bool>>,
}

/// What a pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Texts that occur.
    Keywords(Vec<Spanned<String>>),
    /// A regular expression.
    Regex(Spanned<String>),
}

/// `rules` of a map at `inside`.
pub(super) fn rules(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    inside: &str,
) -> Vec<RuleEntry> {
    let mut rules = Vec::new();
    for (at, fields) in reader.maps(fields, "rules", inside, RULE) {
        let path = format!("{inside}.rules[{at}]");
        let patterns = reader
            .maps(&fields, "patterns", &path, PATTERN)
            .into_iter()
            .filter_map(|(at, fields)| pattern(reader, &fields, &format!("{path}.patterns[{at}]")))
            .collect();
        let mut rule = begin_rule(reader, &fields, path);
        rule.patterns = patterns;
        profile(reader, &fields, &mut rule);
        rules.push(rule);
    }
    rules
}

/// What a rule has wherever it stands.
pub(super) fn begin_rule(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: String,
) -> RuleEntry {
    RuleEntry {
        head: fields.head,
        name: reader.required_text(
            fields,
            "name",
            &path,
            "add the name that route reasons give, for example `name: fast-reply`",
        ),
        model: reader.required_text(
            fields,
            "model",
            &path,
            "add the model or pool its requests go to",
        ),
        priority: reader.integer(fields, "priority", &path),
        enabled: reader.boolean(fields, "enabled", &path),
        description: reader.text(fields, "description", &path),
        patterns: Vec::new(),
        semantic: None,
        prototype: None,
        threshold: None,
        has_profile: false,
        path,
    }
}

/// `semantic_profile` of a rule.
pub(super) fn profile(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, rule: &mut RuleEntry) {
    let path = join(&rule.path, "semantic_profile");
    let Some(inner) = fields
        .get("semantic_profile")
        .and_then(|node| reader.fields(node, PROFILE, &path))
    else {
        return;
    };
    rule.has_profile = true;
    if let Some(enabled) = reader.boolean(&inner, "enabled", &path) {
        rule.semantic = Some(enabled);
    }
    rule.prototype = reader.text(&inner, "prototype", &path);
    rule.threshold = reader.amount(&inner, "threshold", &path);
}

fn pattern(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> Option<PatternEntry> {
    let kind = reader.word(fields, "type", path, PatternKind::WORDS);
    if kind.is_none() && !fields.is_written("type") {
        let help = "add `type: exact` before `keywords`, or `type: regex` before `pattern`";
        reader.missing("type", path, fields.head, help);
    }
    let case_sensitive = reader.boolean(fields, "caseSensitive", path);
    // Both are looked at, whichever the type asks for.
    let keywords = reader.texts(fields, "keywords", path);
    let regex = reader.text(fields, "pattern", path);
    let kind = kind?.value;
    let (is_missing, name, help) = match kind {
        PatternKind::Exact => (
            keywords.is_empty(),
            "keywords",
            "add the texts it looks for, for example `keywords: [\"refactor\"]`",
        ),
        PatternKind::Regex => (
            regex.is_none(),
            "pattern",
            "add the regular expression, for example `pattern: \"fix .* test\"`",
        ),
    };
    if is_missing && !fields.is_written(name) {
        reader.missing(name, path, fields.head, help);
        return None;
    }
    let matcher = match kind {
        PatternKind::Exact => Matcher::Keywords(keywords),
        PatternKind::Regex => Matcher::Regex(regex?),
    };
    Some(PatternEntry {
        head: fields.head,
        matcher,
        case_sensitive,
    })
}
