//! A registration's text with other thresholds and another order of rules. Only these
//! values change: comments and layout stay as they are.
//!
//! What is written is replaced where it stands; what is a default is written beside a
//! value of the same map. An edit counts only if what it compiles to is what was meant.

use crate::plan::{Plan, Provenance, Slot};
use crate::source::{Source, Sources, Span};
use crate::{Compiled, compile};

/// A document set that compiles to the plan that `compiled` is with the thresholds and
/// the order of rules of `wanted`; none where the text cannot be edited so.
pub fn edited(sources: &Sources, compiled: &Compiled, wanted: &Plan) -> Option<Sources> {
    let plan = compiled.plan.as_ref()?;
    let mut wanted = wanted.clone();
    let mut editing = Editing {
        sources,
        provenance: &compiled.provenance,
        edits: Vec::new(),
    };
    editing.long_context(plan, &wanted)?;
    editing.likeness(plan, &wanted)?;
    editing.order(plan, &mut wanted)?;
    let edited = editing.applied();
    let made = compile(&edited).plan?;
    (made == wanted).then_some(edited)
}

/// What takes the place of a part of a text.
struct Edit {
    span: Span,
    text: String,
}

struct Editing<'s> {
    sources: &'s Sources,
    provenance: &'s Provenance,
    edits: Vec<Edit>,
}

impl Editing<'_> {
    fn long_context(&mut self, plan: &Plan, wanted: &Plan) -> Option<()> {
        let threshold = wanted.router.long_context_threshold;
        if threshold == plan.router.long_context_threshold {
            return Some(());
        }
        let mut written = self.provenance.written.iter();
        match written.find(|(key, _)| *key == "Router.longContextThreshold") {
            Some((_, span)) => self.replace(*span, threshold.to_string()),
            None => {
                let slot = *self.provenance.slots.get(&Slot::LongContext)?;
                self.beside(slot, "longContextThreshold", &threshold.to_string());
            }
        }
        Some(())
    }

    fn likeness(&mut self, plan: &Plan, wanted: &Plan) -> Option<()> {
        let (Some(smart), Some(other)) = (&plan.smart_router, &wanted.smart_router) else {
            return Some(());
        };
        for (at, rule) in smart.rules.iter().enumerate() {
            let new = other.rules.iter().find(|new| new.name == rule.name)?;
            let (Some(was), Some(is)) = (&rule.prototype, &new.prototype) else {
                continue;
            };
            if was.threshold == is.threshold {
                continue;
            }
            let is = is.threshold.to_string();
            let path = format!("smart_router.rules[{at}]");
            if let Some(span) = self.written(&format!("{path}.prototype.threshold")) {
                self.replace(span, is);
                continue;
            }
            let text = format!("{path}.prototype.text");
            let mut traced = self.provenance.traced.iter();
            let key = traced.find(|traced| traced.path == text)?;
            match key.key.ends_with("semantic_profile.prototype") {
                true => self.beside(self.written(&text)?, "threshold", &is),
                false => {
                    let name = self.written(&format!("{path}.name"))?;
                    let profile = format!("{{threshold: {is}}}");
                    self.beside(name, "semantic_profile", &profile);
                }
            }
        }
        Some(())
    }

    /// Raises priorities as little as the order needs; `wanted` gets them as well.
    fn order(&mut self, plan: &Plan, wanted: &mut Plan) -> Option<()> {
        let (Some(smart), Some(other)) = (&plan.smart_router, &mut wanted.smart_router) else {
            return Some(());
        };
        // Of the same priority, the one that is written first is asked first.
        let mut after: Option<(i64, Span)> = None;
        for rule in other.rules.iter_mut().rev() {
            let at = smart.rules.iter().position(|old| old.name == rule.name)?;
            let path = format!("smart_router.rules[{at}]");
            let name = self.written(&format!("{path}.name"))?;
            let least = after.map_or(i64::MIN, |(priority, place)| {
                priority.saturating_add(i64::from(name > place))
            });
            if rule.priority < least {
                rule.priority = least;
                match self.written(&format!("{path}.priority")) {
                    Some(span) => self.replace(span, least.to_string()),
                    None => self.beside(name, "priority", &least.to_string()),
                }
            }
            after = Some((rule.priority, name));
        }
        Some(())
    }

    /// Where a value of the smart router is written.
    fn written(&self, path: &str) -> Option<Span> {
        crate::explain::traced(self.provenance, path)
    }

    fn replace(&mut self, span: Span, text: String) {
        self.edits.push(Edit { span, text });
    }

    /// Writes a key beside another value of its map.
    fn beside(&mut self, value: Span, key: &str, text: &str) {
        let source = self.sources.get(value.source);
        let (at, text) = match source.is_kdl() {
            true => in_kdl(source, value, key, text),
            false => in_yaml(source, value, key, text),
        };
        self.replace(Span::new(value.source, at..at), text);
    }

    fn applied(mut self) -> Sources {
        self.edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
        let mut edited = Sources::new();
        for (id, source) in self.sources.iter() {
            let mut text = source.text().to_owned();
            for edit in self.edits.iter().filter(|edit| edit.span.source == id) {
                if text.get(edit.span.range()).is_some() {
                    text.replace_range(edit.span.range(), &edit.text);
                }
            }
            edited.add(source.name(), text);
        }
        edited
    }
}

/// The end of a value, behind the quote that closes it.
fn end(source: &Source, value: Span) -> usize {
    let after = source.text().get(value.range().end..).unwrap_or("");
    let inside = source.text().get(value.range()).unwrap_or("");
    let is_open = !inside.starts_with(['"', '\'']);
    value.range().end + usize::from(is_open && after.starts_with(['"', '\'']))
}

/// A line of its own where the other key has one, else behind it.
fn in_yaml(source: &Source, value: Span, key: &str, text: &str) -> (usize, String) {
    let line = source.line_range(source.line_of(value.range().start));
    let before = source.text().get(line.start..value.range().start);
    let before = before.unwrap_or("");
    let known = before.trim_start_matches([' ', '-']);
    let indent = before.len() - known.len();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'');
    let name = known.trim_end_matches(['"', '\'', ' ']).strip_suffix(':');
    let end = end(source, value);
    if !name.is_some_and(|name| name.chars().all(is_word)) {
        return (end, format!(", {key}: {text}"));
    }
    let last = source.line_range(source.line_of(end));
    let line = source.text().get(last.clone()).unwrap_or("");
    let at = last.start + line.trim_end_matches(['\n', '\r']).len();
    (at, format!("\n{}{key}: {text}", " ".repeat(indent)))
}

/// Behind the name of a rule as its property, else as the next node.
fn in_kdl(source: &Source, value: Span, key: &str, text: &str) -> (usize, String) {
    let end = end(source, value);
    let text = match key {
        "priority" => format!(" {key}={text}"),
        _ => format!("; {key} {text}"),
    };
    (end, text)
}
