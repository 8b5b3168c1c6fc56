//! The `miette` dress of a diagnostic.
//!
//! Labels of one `miette` diagnostic share one source, so labels in other
//! files go to `related`, and so do those at the other end of a long line. A line is clipped around the label before it is
//! handed over: a minified document is one line of megabytes, and `miette`
//! would print all of it.

use std::fmt;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::{Diagnostic, Label, Severity};
use crate::source::{Source, Sources, Span};

/// Bytes of a line shown on either side of a label.
const AROUND: usize = 160;

/// Bytes of one place that are underlined; the rest of a longer one goes without saying.
const UNDERLINED: usize = 160;

/// Labels of one file are shown together unless that would show more than this between them.
const TOGETHER: usize = 1600;

/// A diagnostic with the sources it speaks of.
pub struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<Clipped<'a>>,
    here: Vec<&'a Label>,
    elsewhere: Vec<Elsewhere<'a>>,
}

impl<'a> Shown<'a> {
    /// Pairs a diagnostic with its sources.
    pub fn new(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Self {
        let home = diagnostic.span().map(|span| sources.get(span.source));
        let (mut here, mut elsewhere): (Vec<&Label>, Vec<Elsewhere<'a>>) = Default::default();
        for label in &diagnostic.labels {
            let fits = |first: &Label| near(first.span, label.span, sources);
            let source = sources.get(label.span.source);
            if here.first().is_none_or(|first| fits(first)) {
                here.push(label);
            } else if let Some(other) = elsewhere.iter_mut().find(|other| fits(other.labels[0])) {
                other.labels.push(label);
            } else {
                elsewhere.push(Elsewhere {
                    labels: vec![label],
                    source: Clipped(source),
                });
            }
        }
        Self {
            diagnostic,
            source: home.map(Clipped),
            here,
            elsewhere,
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.headline)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'s>(&'s self) -> Option<Box<dyn fmt::Display + 's>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'s>(&'s self) -> Option<Box<dyn fmt::Display + 's>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let text = self.source.as_ref()?.0.text();
        let labels = self.here.iter().enumerate();
        Some(Box::new(
            labels.map(move |(at, label)| labeled(label, text, at == 0)),
        ))
    }

    fn related<'s>(&'s self) -> Option<Box<dyn Iterator<Item = &'s dyn miette::Diagnostic> + 's>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(
            self.elsewhere
                .iter()
                .map(|other| other as &dyn miette::Diagnostic),
        ))
    }
}

/// Whether two places can be shown in one excerpt: in the same file, and not
/// in long lines far apart. Lines that are not neighbours are never joined.
fn near(first: Span, other: Span, sources: &Sources) -> bool {
    if first.source != other.source {
        return false;
    }
    let source = sources.get(first.source);
    let lines = source
        .line_of(first.start as usize)
        .abs_diff(source.line_of(other.start as usize));
    lines > 3 || first.start.abs_diff(other.start) as usize <= TOGETHER
}

/// The labels of one diagnostic that stand in another file, or far away.
struct Elsewhere<'a> {
    labels: Vec<&'a Label>,
    source: Clipped<'a>,
}

impl fmt::Debug for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels.fmt(f)
    }
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other place")
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl miette::Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(
            self.labels
                .iter()
                .map(|label| labeled(label, self.source.0.text(), false)),
        ))
    }
}

fn labeled(label: &Label, text: &str, primary: bool) -> LabeledSpan {
    let mut range = label.span.range();
    if range.len() > UNDERLINED {
        range.end = boundary(text, range.start + UNDERLINED);
    }
    let span = SourceSpan::from(range);
    let text = (!label.text.is_empty()).then(|| label.text.clone());
    if primary {
        LabeledSpan::new_primary_with_span(text, span)
    } else {
        LabeledSpan::new_with_span(text, span)
    }
}

/// A source that hands out only the lines around a span, clipped when long.
struct Clipped<'a>(&'a Source);

impl SourceCode for Clipped<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        context_before: usize,
        context_after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let source = self.0;
        let text = source.masked();
        let start = span.offset().min(text.len());
        let end = (span.offset() + span.len()).min(text.len());
        let (from, to, line) = match (context_before, context_after) {
            // Asked for the place alone: where does the label start?
            (0, 0) => (start, end, source.line_of(start)),
            _ => excerpt(source, start, end, context_before, context_after),
        };
        let column = text[source.line_range(line).start.min(from)..from]
            .chars()
            .count();
        let contents = MietteSpanContents::new_named(
            source.name().to_owned(),
            &text.as_bytes()[from..to],
            SourceSpan::from(from..to),
            line,
            column,
            source.line_count(),
        );
        Ok(Box::new(contents.with_language(match source.is_kdl() {
            true => "kdl",
            false => "yaml",
        })))
    }
}

/// Bytes and first line, from 0, of what is shown around `start..end`: whole
/// lines, or the label's own lines cut on both sides when they are long.
fn excerpt(
    source: &Source,
    start: usize,
    end: usize,
    before: usize,
    after: usize,
) -> (usize, usize, usize) {
    let (own_first, own_last) = (source.line_of(start), source.line_of(end));
    let first = own_first.saturating_sub(before);
    let last = (own_last + after).min(source.line_count() - 1);
    let from = source.line_range(first).start;
    let to = source.line_range(last).end.max(end);
    if start - from.min(start) <= 4 * AROUND && to.saturating_sub(end) <= 4 * AROUND {
        return (from, to, first);
    }
    let cut_from = start
        .saturating_sub(AROUND)
        .max(source.line_range(own_first).start);
    let cut_to = (end + AROUND).min(source.line_range(own_last).end.max(end));
    (
        boundary(source.text(), cut_from),
        boundary(source.text(), cut_to),
        own_first,
    )
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
