//! What a model can do, and what another lacks of it.

use crate::registration::{Metadata, ModelEntry};
use crate::source::{Span, Spanned};

/// The most that models looked at so far can do, and where that is written.
#[derive(Default)]
pub(super) struct Best {
    window: Option<Spanned<i64>>,
    abilities: [Option<Span>; 3],
}

/// Two places, and what each has.
pub(super) struct Lack {
    pub(super) here: (Span, String),
    pub(super) there: (Span, String),
}

const ABILITIES: [&str; 3] = ["tools", "images", "reasoning"];

fn abilities(metadata: &Metadata) -> [Option<&Spanned<bool>>; 3] {
    [
        metadata.supports_tools.as_ref(),
        metadata.supports_images.as_ref(),
        metadata.supports_reasoning.as_ref(),
    ]
}

impl Best {
    /// What one model can do.
    pub(super) fn of(entry: &ModelEntry) -> Self {
        let mut best = Self::default();
        best.note(entry);
        best
    }

    /// The first that a model lacks of it; `there` says whose the other place is.
    pub(super) fn lack(&self, entry: &ModelEntry, there: &str) -> Option<Lack> {
        let window = entry.metadata.context_window_tokens.as_ref();
        if let (Some(best), Some(window)) = (&self.window, window)
            && window.value < best.value
        {
            return Some(Lack {
                here: (window.span, format!("{} tokens here", window.value)),
                there: (best.span, format!("{} tokens here, {there}", best.value)),
            });
        }
        let all = abilities(&entry.metadata).into_iter().zip(self.abilities);
        let mut lacking = all.zip(ABILITIES).filter_map(|((written, best), what)| {
            let written = written.filter(|written| !written.value)?;
            Some(Lack {
                here: (written.span, format!("no {what} here")),
                there: (best?, format!("{what} here, {there}")),
            })
        });
        lacking.next()
    }

    /// Adds what a model can do.
    pub(super) fn note(&mut self, entry: &ModelEntry) {
        let window = entry.metadata.context_window_tokens.as_ref();
        if let Some(window) = window
            && self
                .window
                .as_ref()
                .is_none_or(|best| best.value < window.value)
        {
            self.window = Some(window.clone());
        }
        let written = abilities(&entry.metadata);
        for (best, written) in self.abilities.iter_mut().zip(written) {
            // What is not written off is on.
            let place = match written {
                Some(written) if !written.value => continue,
                Some(written) => written.span,
                None => entry.id.as_ref().map_or(entry.head, |id| id.span),
            };
            best.get_or_insert(place);
        }
    }
}
