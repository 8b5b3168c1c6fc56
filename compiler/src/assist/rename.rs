//! Another name for a thing, at every place where its name stands.

use super::names::{Kind, Mention, mentions};
use super::spell::Style;
use crate::check::provider_name;
use crate::compile;
use crate::diagnostic::{Fix, Severity};
use crate::source::{SourceId, Sources, Span};

/// A name that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamable {
    /// What it belongs to.
    pub kind: Kind,
    /// The name as it is.
    pub name: String,
    /// Where it stands, without quotes and what else the text holds.
    pub span: Span,
}

/// The name at a place, if it can be changed: something has this name.
pub fn renamable(sources: &Sources, id: SourceId, offset: usize) -> Option<Renamable> {
    let all = mentions(sources);
    let asked = super::at(&all, id, offset)?;
    all.iter()
        .find(|other| other.is_given && other.is_same(asked))?;
    let written = sources.get(id).text().get(asked.span.range())?;
    let span = match written.find(&asked.name) {
        Some(start) => asked.span.slice(start..start + asked.name.len()),
        None => asked.span,
    };
    Some(Renamable {
        kind: asked.kind,
        name: asked.name.clone(),
        span,
    })
}

/// The changes that give the thing named at a place the name `new` wherever its
/// name stands, each in the quotes it had.
///
/// # Errors
/// Why it cannot have this name: it is none, another thing has it, or a
/// document that was right would be wrong.
pub fn rename(
    sources: &Sources,
    id: SourceId,
    offset: usize,
    new: &str,
) -> Result<Vec<Fix>, String> {
    let all = mentions(sources);
    let asked = super::at(&all, id, offset).ok_or("there is no name here that could be changed")?;
    let noun = asked.kind.noun();
    let same: Vec<&Mention> = all.iter().filter(|other| other.is_same(asked)).collect();
    if !same.iter().any(|other| other.is_given) {
        return Err(format!("no {noun} is called `{}`", asked.name));
    }
    refuse_bad_name(asked.kind, new)?;
    if asked.name == new {
        return Ok(Vec::new());
    }
    let wanted = Mention {
        name: new.to_owned(),
        ..asked.clone()
    };
    let taken = all
        .iter()
        .find(|other| other.is_given && !same.contains(other) && other.is_same(&wanted));
    if let Some(taken) = taken {
        let place = sources.place(taken.span);
        return Err(format!(
            "another {noun} is called `{new}` already, at {place}"
        ));
    }
    let changes = same
        .into_iter()
        .map(|mention| change(sources, mention, new));
    let changes = changes.collect::<Result<Vec<Fix>, String>>()?;
    match broken(sources, &changes) {
        Some(why) => Err(format!("this would break the registration: {why}")),
        None => Ok(changes),
    }
}

fn refuse_bad_name(kind: Kind, new: &str) -> Result<(), String> {
    let noun = kind.noun();
    let why = if new.trim().is_empty() {
        "is not empty"
    } else if new.trim() != new {
        "has no blanks around it"
    } else if new.chars().any(char::is_control) {
        "has no line breaks or control characters"
    } else if new.contains("${") {
        "cannot come from the environment: a review could not say what it means"
    } else if new.contains(',') && matches!(kind, Kind::Model | Kind::Provider) {
        "has no comma: `a,b` is a `provider,model` reference"
    } else {
        return Ok(());
    };
    Err(format!("the name of a {noun} {why}"))
}

fn change(sources: &Sources, mention: &Mention, new: &str) -> Result<Fix, String> {
    let source = sources.get(mention.span.source);
    let written = source.text().get(mention.span.range()).unwrap_or_default();
    let (before, after) = &mention.around;
    let name = match mention.kind {
        // A reference holds an endpoint's id as its provider is called.
        Kind::Endpoint if !mention.is_given => {
            let provider = provider_name(new);
            provider
                .strip_prefix(before.as_str())
                .unwrap_or(&provider)
                .to_owned()
        }
        _ => new.to_owned(),
    };
    let is_block = mention.quoted && !written.starts_with(['"', '\'', '#']);
    if is_block || written.contains(['\n', '\r']) {
        let place = sources.place(mention.span);
        return Err(format!("the name is written over several lines at {place}"));
    }
    let style = match source.is_kdl() {
        true => Style::Kdl,
        false => Style::Yaml,
    };
    Ok(Fix {
        span: mention.span,
        replacement: style.instead(written, &format!("{before}{name}{after}")),
    })
}

/// The first error that changes bring about, if they bring about any.
fn broken(sources: &Sources, changes: &[Fix]) -> Option<String> {
    let mut changed = Sources::new();
    for (id, source) in sources.iter() {
        let mut text = source.text().to_owned();
        let mut here: Vec<&Fix> = changes.iter().filter(|fix| fix.span.source == id).collect();
        here.sort_by_key(|fix| std::cmp::Reverse(fix.span.start));
        for fix in here {
            text.replace_range(fix.span.range(), &fix.replacement);
        }
        changed.add(source.name(), text);
    }
    let (before, after) = (compile(sources).problems, compile(&changed).problems);
    if after.count(Severity::Error) <= before.count(Severity::Error) {
        return None;
    }
    let known: Vec<&str> = before.iter().map(|found| found.headline.as_str()).collect();
    let new = after.iter().find(|found| {
        found.severity == Severity::Error && !known.contains(&found.headline.as_str())
    });
    Some(
        new.map_or("something else depends on this name", |new| {
            new.headline.as_str()
        })
        .to_owned(),
    )
}
