//! Files of other gateways become a registration, and what could not be
//! carried becomes ordinary diagnostics with places in the foreign file.
//!
//! ```text
//! foreign text ─► spanned tree ─► Draft ─► Document
//!                 foreign         litellm, ccr, portkey
//!                        └──────────────────► ctr_1_7
//! ```
//!
//! Nothing vanishes: what cannot be called is carried as an endpoint that is
//! switched off, and what has no counterpart is named. Secrets are not carried;
//! they become variables. What is imported compiles, or there is an error that
//! says why nothing was.

mod address;
mod amount;
mod ccr;
mod ctr_1_7;
mod draft;
mod endpoint;
mod field;
mod foreign;
mod format;
mod kind;
mod litellm;
mod losses;
mod portkey;
mod provider;
mod secret;

pub use format::Format;

use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::document::{Document, Line, Words};
use crate::source::{Sources, Span};
use draft::Draft;
use endpoint::Desk;
use field::Map;
use losses::Losses;
use secret::Keys;

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The registration; absent exactly when `problems` holds an error.
    pub document: Option<Document>,
    /// What was lost, changed or wrong, sorted by place.
    pub problems: Problems,
    /// How much the file holds.
    pub tally: Tally,
}

/// What a foreign file holds, counted as its own product counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Deployments, or models of providers.
    pub models: usize,
    /// Names that clients can ask for, without aliases.
    pub names: usize,
    /// Names with two or more deployments.
    pub pools: usize,
    /// Fallbacks, of whatever kind.
    pub fallbacks: Count,
    /// Slots that name something.
    pub slots: Count,
}

/// How many there are, and how many of them the registration has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In the foreign file.
    pub found: usize,
    /// In the registration; the others are named by diagnostics.
    pub carried: usize,
}

/// Imports the first source as a file of `format`.
pub fn import(format: Format, sources: &Sources) -> Imported {
    import_within(format, sources, &Limits::default())
}

/// [`import`] with limits of the caller's choice.
pub fn import_within(format: Format, sources: &Sources, limits: &Limits) -> Imported {
    let mut problems = Problems::default();
    let (document, tally) = read(format, sources, limits, &mut problems);
    problems.sort();
    Imported {
        document: document.filter(|_| !problems.has_errors()),
        problems,
        tally,
    }
}

fn read(
    format: Format,
    sources: &Sources,
    limits: &Limits,
    problems: &mut Problems,
) -> (Option<Document>, Tally) {
    let nothing = (None, Tally::default());
    let Some(text) = foreign::text(format, sources, limits, problems) else {
        return nothing;
    };
    let Some(node) = foreign::tree(&text, sources, limits, problems) else {
        return nothing;
    };
    let Some(root) = Map::of(&node) else {
        return nothing;
    };
    if let Some(refusal) = format::refusal(format, root) {
        problems.push(refusal);
        return nothing;
    }
    let taken = match format {
        Format::Litellm => litellm::variables(&node),
        Format::Ccr | Format::Ctr17 | Format::Portkey => secret::references(&node),
    };
    let mut desk = Desk {
        problems,
        losses: Losses::default(),
        words: Words::default(),
        keys: Keys::new(taken),
    };
    let draft = match format {
        Format::Litellm => Some(litellm::import(root, &mut desk)),
        Format::Ccr => Some(ccr::import(root, &mut desk)),
        Format::Portkey => Some(portkey::import(root, sources, &mut desk)),
        Format::Ctr17 => None,
    };
    let (document, tally) = match draft {
        Some(draft) => drafted(format, root, &mut desk, draft),
        None => ctr_1_7::import(root, sources, limits, &mut desk),
    };
    let Desk {
        problems,
        mut losses,
        keys,
        ..
    } = desk;
    keys.finish(&mut losses);
    losses.finish(problems);
    (Some(document), tally)
}

/// A draft as a document; one without a name is refused, as it would not compile.
fn drafted(
    format: Format,
    root: Map<'_, '_>,
    desk: &mut Desk<'_>,
    (draft, tally): (Draft, Tally),
) -> (Document, Tally) {
    if draft.names().is_empty() && !desk.problems.has_errors() {
        desk.problems.push(no_models(root.head));
    }
    (draft.into_document(&head(format)), tally)
}

fn no_models(span: Span) -> Diagnostic {
    Diagnostic::new(Code::ImportNoModels, "this config declares no model")
        .at(span, "a registration needs at least one")
        .help("name the file that lists the models")
}

/// What is said at the top of an imported document.
fn head(format: Format) -> [Line; 3] {
    let origin = format!("Imported from a {} config.", format.product());
    [
        Line::from(origin.as_str()),
        Line::from("Review it, and set the variables it names, before it serves."),
        Line::Blank,
    ]
}
