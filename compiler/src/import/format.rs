//! Which gateway a file belongs to, told by the keys at its top.

use std::fmt;

use super::field::Map;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{SourceId, Span};

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// LiteLLM's proxy: `config.yaml`.
    Litellm,
    /// claude-code-router: `config.json`.
    Ccr,
    /// claude-trigger-router up to 1.7: `config.yaml`.
    Ctr17,
    /// Portkey: a routing config, or the `conf.json` of its gateway.
    Portkey,
}

impl Format {
    /// All formats and the words the command line has for them.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("litellm", Self::Litellm),
        ("ccr", Self::Ccr),
        ("ctr-1.7", Self::Ctr17),
        ("portkey", Self::Portkey),
    ];

    /// The word the command line has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Litellm => "litellm",
            Self::Ccr => "ccr",
            Self::Ctr17 => "ctr-1.7",
            Self::Portkey => "portkey",
        }
    }

    /// The product whose files these are.
    pub fn product(self) -> &'static str {
        match self {
            Self::Litellm => "LiteLLM",
            Self::Ccr => "claude-code-router",
            Self::Ctr17 => "claude-trigger-router",
            Self::Portkey => "Portkey",
        }
    }

    /// Keys one of which a file of this format has at its top.
    fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Litellm => &[
                "model_list",
                "litellm_settings",
                "router_settings",
                "general_settings",
            ],
            Self::Ccr => &["Providers", "providers"],
            Self::Ctr17 => &[
                "Models",
                "Providers",
                "Registration",
                "SmartRouter",
                "TriggerRouter",
                "Runtime",
                "Governance",
            ],
            Self::Portkey => &[
                "targets",
                "strategy",
                "integrations",
                "provider",
                "virtual_key",
            ],
        }
    }

    /// Keys that no file of this format has, since they belong to its successor.
    fn foreign_marks(self) -> &'static [&'static str] {
        match self {
            Self::Ccr => &[
                "Models",
                "Registration",
                "SmartRouter",
                "TriggerRouter",
                "Runtime",
                "Governance",
            ],
            Self::Litellm | Self::Ctr17 | Self::Portkey => &[],
        }
    }

    fn is_likely(self, root: Map<'_, '_>) -> bool {
        root.has_any(self.marks()) && !root.has_any(self.foreign_marks())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Formats that are known and cannot be imported, by a key at their top.
const OTHERS: &[(&str, &str)] = &[
    ("helicone", "Helicone"),
    ("routers", "Helicone"),
    ("binds", "agentgateway"),
    ("listeners", "agentgateway"),
];

/// Refuses a map that is not of the wanted format.
pub(super) fn refusal(wanted: Format, root: Map<'_, '_>) -> Option<Diagnostic> {
    if wanted.is_likely(root) {
        return None;
    }
    // ccr's mark is one of ctr-1.7's, and its file is one that 1.7 reads.
    let likely = [Format::Litellm, Format::Portkey, Format::Ccr, Format::Ctr17];
    let found = likely.into_iter().find(|format| format.is_likely(root));
    let known = OTHERS
        .iter()
        .find(|(key, _)| root.entry(key).is_some())
        .map(|(key, name)| (*key, *name));
    let mark = |keys: &[&str]| {
        let entry = keys.iter().find_map(|key| root.entry(key));
        entry.map_or(root.head, |entry| entry.key.span)
    };
    let product = wanted.product();
    let (span, label, help) = match (found, known) {
        (Some(found), _) => (
            mark(if found == Format::Ctr17 {
                Format::Ccr.foreign_marks()
            } else {
                found.marks()
            }),
            format!("this looks like a {} config", found.product()),
            format!("use `ctr import {found}`"),
        ),
        (None, Some((key, name))) => (
            mark(&[key]),
            format!("this looks like {name}"),
            "write the registration by hand; this format is not imported".to_owned(),
        ),
        (None, None) => (
            root.head,
            format!("no key at the top is one of {product}"),
            format!("name a file that has {} at its top", one_of(wanted.marks())),
        ),
    };
    Some(
        Diagnostic::new(
            Code::ImportWrongFormat,
            format!("this is not a {product} config"),
        )
        .at(span, label)
        .help(help),
    )
}

/// `a`, `b` or `c`, for people.
fn one_of(words: &[&str]) -> String {
    let (last, first) = words.split_last().unwrap_or((&"", &[]));
    let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
    match first.len() {
        0 => format!("`{last}`"),
        _ => format!("{} or `{last}`", first.join(", ")),
    }
}

/// Refuses TOML, which would be refused as YAML at a place that explains nothing.
pub(super) fn toml(wanted: Format, source: SourceId, name: &str, text: &str) -> Option<Diagnostic> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            let table = content.starts_with('[')
                && content.ends_with(']')
                && !content.contains(['"', '{', ','])
                && text.contains('=');
            let pair = content.split_once(" = ").is_some_and(|(key, _)| {
                key.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
            });
            if !(table || pair || name.ends_with(".toml")) {
                return None;
            }
            let start = at + (line.len() - line.trim_start().len());
            let what = if text.contains("[functions.") || text.contains("[models.") {
                "this looks like a TensorZero config"
            } else {
                "this looks like TOML"
            };
            let span = Span::new(source, start..start + content.len());
            return Some(
                Diagnostic::new(
                    Code::ImportWrongFormat,
                    format!("this is not a {} config", wanted.product()),
                )
                .at(span, what)
                .help("write the registration by hand; this format is not imported"),
            );
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_is_told_from_yaml_and_json() {
        let is_toml = |text: &str| toml(Format::Litellm, SourceId::default(), "f", text).is_some();
        assert!(is_toml("# c\n\n[gateway]\nbind = 1\n"));
        assert!(is_toml("[[models]]\nname=1\n"));
        assert!(is_toml("bind = \"x\"\n"));
        for yaml in [
            "[a]\n",
            "[]",
            "[{\"a\": 1}]",
            "a: b = c",
            "model_list: []",
            "",
            "{}",
        ] {
            assert!(!is_toml(yaml), "{yaml}");
        }
    }
}
