//! How results reach the reader: products on stdout, everything said about
//! them on stderr. Only this module writes to either.

pub(crate) mod file;
pub(crate) mod json;
pub(crate) mod patch;
mod printable;
mod progress;
mod terminal;

pub(crate) use printable::printable;
pub(crate) use progress::{Bar, Progress};
pub(crate) use terminal::Terminal;

use ctr_compiler::diagnostic::Severity;

/// How many of each severity there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    /// What was accepted at its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    waived: Option<usize>,
}

impl Summary {
    /// Counts.
    pub(crate) fn new(severities: impl IntoIterator<Item = Severity>) -> Self {
        let mut summary = Self::default();
        for severity in severities {
            match severity {
                Severity::Error => summary.errors += 1,
                Severity::Warning => summary.warnings += 1,
                Severity::Note => summary.notes += 1,
            }
        }
        summary
    }

    /// With what was waived.
    pub(crate) fn and_waived(self, waived: usize) -> Self {
        Self {
            waived: (waived > 0).then_some(waived),
            ..self
        }
    }

    /// `2 errors, 1 warning, 3 waived`; empty when there is nothing to count.
    pub(crate) fn text(self) -> String {
        let counts = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.notes, "note"),
        ];
        let said = counts.into_iter().filter(|(count, _)| *count > 0);
        let waived = self.waived.map(|count| format!("{count} waived"));
        said.map(|(count, noun)| counted(count, noun))
            .chain(waived)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// `1 model`, `2 models`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
