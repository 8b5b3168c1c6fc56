//! The names of a document set: where each is given, and who names it.
//!
//! Found by the table of keys, which says what a text stands for, so that a new
//! key that takes a model is known here without a word.

use std::collections::HashSet;

use super::outline::find;
use crate::Limits;
use crate::check::provider_name;
use crate::diagnostic::Problems;
use crate::registration::{Key, Meaning, Takes, VOCABULARY};
use crate::source::{SourceId, Sources, Span};
use crate::tree::{self, Node, Scalar, Value};

/// What a name belongs to. Models and pools are asked for in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A logical model or a pool.
    Model,
    /// An upstream service.
    Service,
    /// A rule.
    Rule,
    /// An endpoint of a pool.
    Endpoint,
    /// An entry of `Providers`.
    Provider,
}

impl Kind {
    /// The noun, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Service => "upstream service",
            Self::Rule => "rule",
            Self::Endpoint => "endpoint",
            Self::Provider => "provider",
        }
    }
}

/// One place where a name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The whole text it is, or is a part of, with quotes.
    pub(super) span: Span,
    /// The text before and after it.
    pub(super) around: (String, String),
    /// Whether it is given here, and not only used.
    pub(super) is_given: bool,
    /// Whether the text is in quotes of any kind.
    pub(super) quoted: bool,
}

/// A key or a value that the table knows something about.
pub(super) struct Visit<'v, 's> {
    /// The map's path, for example `Registration.models[0]`.
    pub(super) inside: &'v str,
    /// The key it is, or is the value of.
    pub(super) key: &'v Key,
    pub(super) takes: &'static Takes,
    pub(super) part: Part<'v, 's>,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub(super) enum Part<'v, 's> {
    /// The key itself, as it is spelt, with its value.
    Key(&'v tree::Entry<'s>),
    /// A value, or an item of one.
    Value(&'v Node<'s>),
    /// A name that is the user's, as a key.
    Name(&'v tree::Entry<'s>),
}

impl Part<'_, '_> {
    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Key(entry) | Self::Name(entry) => entry.key.span,
            Self::Value(node) => node.span,
        }
    }
}

/// Parses one source, whatever is wrong with it.
pub(super) fn tree(sources: &Sources, id: SourceId) -> Node<'_> {
    let source = sources.get(id);
    let (limits, mut problems) = (Limits::default(), Problems::default());
    let root = match source.is_kdl() {
        true => tree::kdl::parse(id, source.text(), &limits, &mut problems),
        false => tree::yaml::parse(id, source.text(), &limits, &mut problems),
    };
    root.node
}

/// Shows every known key and value of a tree, in order.
pub(super) fn walk<'s>(root: &Node<'s>, visit: &mut dyn FnMut(Visit<'_, 's>)) {
    map(root, VOCABULARY, "", visit);
}

fn map<'s>(
    node: &Node<'s>,
    keys: &'static [Key],
    inside: &str,
    visit: &mut dyn FnMut(Visit<'_, 's>),
) {
    let Value::Map(entries) = &node.value else {
        return;
    };
    for entry in entries {
        let Some(key) = find(keys, &entry.key.value) else {
            continue;
        };
        let takes = &key.takes;
        let part = Part::Key(entry);
        visit(Visit {
            inside,
            key,
            takes,
            part,
        });
        value(&entry.value, takes, key, inside, visit);
    }
}

fn value<'s>(
    node: &Node<'s>,
    takes: &'static Takes,
    key: &'static Key,
    inside: &str,
    visit: &mut dyn FnMut(Visit<'_, 's>),
) {
    let path = || match inside {
        "" => key.name.to_owned(),
        _ => format!("{inside}.{}", key.name),
    };
    match (takes, &node.value) {
        (Takes::Either(one, other), Value::Map(_)) => {
            let other = matches!(other, Takes::Map(_)).then_some(other);
            value(node, other.unwrap_or(one), key, inside, visit);
        }
        (Takes::Either(one, _), _) => value(node, one, key, inside, visit),
        (Takes::Map(keys), _) => map(node, keys, &path(), visit),
        (Takes::List(inner), Value::List(items)) => {
            for (at, item) in items.iter().enumerate() {
                match inner {
                    Takes::Map(keys) => map(item, keys, &format!("{}[{at}]", path()), visit),
                    _ => value(item, inner, key, inside, visit),
                }
            }
        }
        (Takes::List(inner), Value::Scalar(_)) => value(node, inner, key, inside, visit),
        (Takes::Named(_, inner), Value::Map(entries)) => {
            let path = path();
            for entry in entries {
                let part = Part::Name(entry);
                visit(Visit {
                    inside: &path,
                    key,
                    takes,
                    part,
                });
                value(&entry.value, inner, key, inside, visit);
            }
        }
        (Takes::Codes(level, keys), Value::Map(entries)) => {
            let path = path();
            map(node, keys, &path, visit);
            let codes = entries
                .iter()
                .filter(|entry| find(keys, &entry.key.value).is_none());
            for entry in codes {
                let (inside, part) = (path.as_str(), Part::Name(entry));
                visit(Visit {
                    inside,
                    key,
                    takes,
                    part,
                });
                value(&entry.value, level, key, inside, visit);
            }
        }
        (_, Value::Scalar(_)) => {
            let part = Part::Value(node);
            visit(Visit {
                inside,
                key,
                takes,
                part,
            });
        }
        _ => {}
    }
}

/// Every place of every name, by source and in order.
pub(super) fn mentions(sources: &Sources) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for (id, _) in sources.iter() {
        walk(&tree(sources, id), &mut |visit| {
            // What an alias repeats stands in one place only.
            found.extend(mention(&visit).filter(|mention| seen.insert(mention.span)));
        });
    }
    found
}

/// The name that a key or value is.
pub(super) fn mention(visit: &Visit<'_, '_>) -> Option<Mention> {
    let (text, quoted) = match (visit.part, visit.takes) {
        (Part::Value(node), Takes::Text(_)) => match &node.value {
            Value::Scalar(Scalar { text, quoted }) => (text.trim(), *quoted),
            _ => return None,
        },
        (Part::Name(entry), Takes::Named(..)) => (entry.key.value.as_ref(), false),
        _ => return None,
    };
    let (Takes::Text(meaning) | Takes::Named(meaning, _)) = visit.takes else {
        return None;
    };
    let (kind, is_given) = match meaning {
        Meaning::ModelId => (Kind::Model, true),
        Meaning::ModelRef | Meaning::PoolRef => (Kind::Model, false),
        Meaning::ServiceId => (Kind::Service, true),
        Meaning::ServiceRef => (Kind::Service, false),
        Meaning::RuleName => (Kind::Rule, true),
        Meaning::RuleRef => (Kind::Rule, false),
        Meaning::EndpointId => (Kind::Endpoint, true),
        Meaning::ProviderName => (Kind::Provider, true),
        _ => return None,
    };
    let whole = Mention {
        kind,
        name: text.to_owned(),
        span: visit.part.span(),
        around: (String::new(), String::new()),
        is_given,
        quoted,
    };
    if text.is_empty() {
        return None;
    }
    Some(match (meaning, text.split_once(',')) {
        (Meaning::ModelRef, Some((provider, model))) => of_provider(&whole, provider, model),
        _ => whole,
    })
}

/// The first half of a `provider,model` reference, as compilation names it:
/// `model__<id>` of `Models`, `registration__<endpoint id>` of a pool.
fn of_provider(whole: &Mention, provider: &str, model: &str) -> Mention {
    let parts = [("model__", Kind::Model), ("registration__", Kind::Endpoint)];
    let known = parts
        .into_iter()
        .find(|(prefix, _)| provider.starts_with(prefix));
    let (prefix, kind) = known.unwrap_or(("", Kind::Provider));
    Mention {
        kind,
        name: provider[prefix.len()..].to_owned(),
        around: (prefix.to_owned(), format!(",{model}")),
        ..whole.clone()
    }
}

impl Mention {
    /// Whether both are one thing. An endpoint is named by its id with the
    /// characters that a reference can hold.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_exact = self.kind != Kind::Endpoint || (self.is_given && other.is_given);
        self.kind == other.kind
            && match is_exact {
                true => self.name == other.name,
                false => provider_name(&self.name) == provider_name(&other.name),
            }
    }
}
