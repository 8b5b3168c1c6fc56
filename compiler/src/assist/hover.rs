//! What a key does, and what a name resolves to, as Markdown.

use std::fmt::Write;

use super::is_at;
use super::names::{Kind, Mention, Part, Visit, mention, mentions, tree, walk};
use crate::diagnostic::Code;
use crate::draft;
use crate::plan::{Endpoint, Plan, Strategy};
use crate::registration::{Key, Meaning, Standing, Takes};
use crate::source::{SourceId, Sources, Span};
use crate::tree::Value;
use crate::variable::variables;

/// What is said of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// Markdown.
    pub text: String,
    /// The place it is said of.
    pub span: Span,
}

/// Endpoints that are listed of one pool.
const LISTED: usize = 12;

/// What is known of the variable, the name, the value or the key at a place.
pub fn hover(sources: &Sources, id: SourceId, offset: usize) -> Option<Hover> {
    if let Some(found) = variable(sources, id, offset) {
        return Some(found);
    }
    let mut found = None;
    walk(&tree(sources, id), &mut |visit| {
        let span = visit.part.span();
        if found.is_none() && is_at(span, id, offset) {
            let text = match mention(&visit) {
                Some(mention) => resolved(sources, &mention),
                None => None,
            };
            let text = text.or_else(|| code(&visit));
            let text = text.unwrap_or_else(|| told(&visit));
            found = Some(Hover { text, span });
        }
    });
    found
}

/// `${NAME}`, of which the value is nobody's business here.
fn variable(sources: &Sources, id: SourceId, offset: usize) -> Option<Hover> {
    let source = sources.get(id);
    let line = source.line_range(source.line_of(offset));
    let text = source.text().get(line.clone())?;
    let at = offset.checked_sub(line.start)?;
    // The cursor may stand between the two characters that begin it.
    let near = text.len().min(at + "${".len());
    let near = (at..=near).rfind(|near| text.is_char_boundary(*near))?;
    let start = text[..near].rfind("${").filter(|start| *start <= at)?;
    let end = start + text[start..].find('}')? + 1;
    if at > end {
        return None;
    }
    let found = variables(&text[start..end]).ok()?;
    let variable = found.first()?;
    let mut said = format!(
        "`${{{}}}` is a variable. It is read when the proxy starts; plans, reviews and logs hold its name only.",
        variable.name
    );
    if variable.default.is_some() {
        said.push_str("\n\nWhere it is not set or empty, its default is taken.");
    }
    Some(Hover {
        text: said,
        span: Span::new(id, line.start + start..line.start + end),
    })
}

/// What a diagnostic code is about.
fn code(visit: &Visit<'_, '_>) -> Option<String> {
    let name = match (visit.part, visit.takes) {
        (Part::Name(entry), Takes::Codes(..)) => entry.key.value.as_ref(),
        (Part::Value(node), Takes::Text(Meaning::Code)) => match &node.value {
            Value::Scalar(scalar) => scalar.text.trim(),
            _ => return None,
        },
        _ => return None,
    };
    let code = Code::from_name(name)?;
    let severity = code.severity().word();
    Some(format!(
        "`{code}` ({severity})\n\n{}\n\n`ctr explain-code {code}` tells more.",
        code.title()
    ))
}

/// What a key does.
fn told(visit: &Visit<'_, '_>) -> String {
    let key = visit.key;
    let mut out = match visit.inside {
        "" => format!("`{}`", key.name),
        inside => format!("`{inside}.{}`", key.name),
    };
    if let Part::Key(entry) = visit.part
        && key.old == Some(entry.key.value.as_ref())
    {
        let _ = write!(out, " (here in its old spelling)");
    }
    let _ = write!(out, "\n\n{}", about(key));
    out
}

/// What a key does, what it takes, and what counts without it.
pub(super) fn about(key: &Key) -> String {
    let mut out = sentence(key.about);
    if key.standing == Standing::Refused {
        return out;
    }
    let _ = write!(out, "\n\nTakes {}.", takes(&key.takes));
    match key.default {
        Some(default) => {
            let _ = write!(out, " Default: `{default}`.");
        }
        None if key.required => out.push_str(" Required."),
        None => {}
    }
    if key.standing == Standing::Legacy {
        out.push_str("\n\nRead for the sake of older files.");
    }
    out
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

/// What is taken, as a noun.
pub(super) fn takes(takes: &Takes) -> String {
    match takes {
        Takes::Text(meaning) => text(*meaning).to_owned(),
        Takes::Boolean => "`true` or `false`".to_owned(),
        Takes::Integer(i64::MIN, i64::MAX) => "a whole number".to_owned(),
        Takes::Integer(from, i64::MAX) => format!("a whole number of {from} or more"),
        Takes::Integer(from, to) => format!("a whole number from {from} to {to}"),
        Takes::Amount => "a number of 0 or more".to_owned(),
        Takes::Ratio => "a number from 0 to 1".to_owned(),
        Takes::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Takes::Map(_) => "a map".to_owned(),
        Takes::Named(_, inner) => format!("a map of names, each with {}", self::takes(inner)),
        Takes::Codes(level, _) => {
            format!(
                "a map of diagnostic codes, each with {}",
                self::takes(level)
            )
        }
        Takes::List(inner) => match inner {
            Takes::Map(_) => "a list of maps".to_owned(),
            Takes::Text(Meaning::Plain) => "a list of texts".to_owned(),
            inner => format!("a list, each of {}", self::takes(inner)),
        },
        Takes::Either(one, other) => {
            format!("{}, or {}", self::takes(one), self::takes(other))
        }
        Takes::Anything => "anything; it is not looked into".to_owned(),
    }
}

fn text(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Plain => "a text",
        Meaning::Value => "a text, which may hold `${NAME}`",
        Meaning::Url => "a URL, which may hold `${NAME}`",
        Meaning::Secret => "a secret, as `${NAME}`",
        Meaning::ModelId | Meaning::ServiceId | Meaning::EndpointId => "an id",
        Meaning::ModelRef => "the id of a model or pool, or `provider,model`",
        Meaning::PoolRef => "the id of a pool",
        Meaning::ServiceRef => "the id of an upstream service",
        Meaning::RuleName | Meaning::ProviderName => "a name",
        Meaning::RuleRef => "the name of a rule",
        Meaning::ProviderModel => "the name of a model at the upstream",
        Meaning::Pattern => "a regular expression",
        Meaning::Day => "a day, such as `2027-01-31`",
        Meaning::Code => "a diagnostic code",
        Meaning::Place => "a place, such as `Registration.models.sonnet`",
        Meaning::Time => "a date, or a date and time",
    }
}

/// What a name stands for.
fn resolved(sources: &Sources, asked: &Mention) -> Option<String> {
    let plan = draft(sources)?;
    let name = &asked.name;
    match asked.kind {
        Kind::Model => model(&plan, name),
        Kind::Provider => provider(&plan, asked),
        Kind::Endpoint => {
            let pools = plan.pools.iter();
            let mut members = pools.flat_map(|(pool, found)| {
                found.endpoints.iter().map(move |endpoint| (pool, endpoint))
            });
            let provider = crate::check::provider_name(name);
            let (pool, endpoint) = members.find(|(_, endpoint)| match asked.is_given {
                true => endpoint.id == *name,
                false => endpoint.provider == provider,
            })?;
            Some(format!(
                "endpoint `{}` of pool `{pool}`\n\n{}\n\nProvider name: `{}`",
                endpoint.id,
                line(endpoint),
                endpoint.provider
            ))
        }
        Kind::Service => {
            let service = plan.upstream_services.get(name)?;
            let mut out = format!("upstream service `{name}`: {}", service.base_url.url);
            let pools = plan.pools.iter();
            let members = pools.flat_map(|(pool, found)| {
                found.endpoints.iter().map(move |endpoint| (pool, endpoint))
            });
            let here =
                members.filter(|(_, endpoint)| endpoint.upstream_service.as_ref() == Some(name));
            for (pool, endpoint) in here.take(LISTED) {
                let _ = write!(out, "\n- `{}` of pool `{pool}`", endpoint.id);
            }
            Some(out)
        }
        Kind::Rule => {
            let all = mentions(sources);
            let given = all
                .iter()
                .filter(|other| other.is_given && other.is_same(asked))
                .count();
            let router = plan.smart_router.as_ref()?;
            let rule = router.rules.iter().find(|rule| rule.name == *name)?;
            let mut out = format!("rule `{name}` sends its requests to `{}`", rule.model);
            if !rule.enabled {
                out.push_str(" (not enabled)");
            }
            if given > 1 {
                let _ = write!(out, "\n\n{given} rules have this name.");
            }
            Some(out)
        }
    }
}

fn model(plan: &Plan, name: &str) -> Option<String> {
    if let Some(endpoint) = plan.models.get(name) {
        return Some(format!("model `{name}`\n\n{}", line(endpoint)));
    }
    let pool = plan.pools.get(name)?;
    let mut out = match pool.strategy {
        Strategy::Priority => format!("pool `{name}`, in the order its endpoints are tried:\n"),
        strategy => format!("pool `{name}` (`{strategy}`), in order of priority:\n"),
    };
    for (at, endpoint) in pool.endpoints.iter().take(LISTED).enumerate() {
        let _ = write!(out, "\n{}. `{}`: {}", at + 1, endpoint.id, line(endpoint));
    }
    if pool.endpoints.len() > LISTED {
        let _ = write!(out, "\n\n… and {} more", pool.endpoints.len() - LISTED);
    }
    Some(out)
}

fn provider(plan: &Plan, asked: &Mention) -> Option<String> {
    let reference = format!("{}{}", asked.name, asked.around.1);
    let of = |endpoint: &&Endpoint| match asked.is_given {
        true => endpoint.provider == asked.name,
        false => endpoint.legacy_ref() == reference,
    };
    let models: Vec<String> = plan
        .models
        .values()
        .filter(of)
        .take(LISTED)
        .map(line)
        .collect();
    (!models.is_empty()).then(|| format!("provider `{}`\n\n- {}", asked.name, models.join("\n- ")))
}

/// Where requests to an endpoint go.
fn line(endpoint: &Endpoint) -> String {
    let off = if endpoint.enabled { "" } else { " (disabled)" };
    format!(
        "`{}` at {} ({}){off}",
        endpoint.model, endpoint.api.url, endpoint.interface
    )
}
