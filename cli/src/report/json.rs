//! For programs: one JSON value on stdout, and silence on stderr unless the
//! command itself refuses.

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::import::{Count, Tally};
use ctr_compiler::lint::Waived;
use ctr_compiler::render;
use ctr_compiler::source::Sources;
use serde::Serialize;
use serde_json::Value;

use super::Summary;

/// What `compile --format json` prints. Keys are a promise.
#[derive(Serialize)]
pub(crate) struct Compile {
    /// Hash of the plan; null where there is none.
    pub(crate) hash: Option<String>,
    pub(crate) ok: bool,
    /// Hash of the reviewed plan, where one was named. `ok` says whether it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locked: Option<String>,
    pub(crate) diagnostics: Value,
    /// What is accepted at its place, with the reason; only where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waived: Option<Value>,
    pub(crate) summary: Summary,
    /// Only where it was asked for, and where there is a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preview: Option<Value>,
}

/// What `import --format json` prints.
#[derive(Serialize)]
pub(crate) struct Import {
    /// Whether there is a registration.
    pub(crate) ok: bool,
    /// The registration; only where it is written nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registration: Option<String>,
    pub(crate) carried: Carried,
    pub(crate) diagnostics: Value,
    pub(crate) summary: Summary,
}

/// How much a foreign file holds, and how much of it the registration has.
#[derive(Serialize)]
pub(crate) struct Carried {
    models: usize,
    names: usize,
    pools: usize,
    fallbacks: Of,
    slots: Of,
}

#[derive(Serialize)]
struct Of {
    found: usize,
    carried: usize,
}

impl Carried {
    pub(crate) fn of(tally: Tally) -> Self {
        let of = |count: Count| Of {
            found: count.found,
            carried: count.carried,
        };
        Self {
            models: tally.models,
            names: tally.names,
            pools: tally.pools,
            fallbacks: of(tally.fallbacks),
            slots: of(tally.slots),
        }
    }
}

/// What `diff --format json` prints.
#[derive(Serialize)]
pub(crate) struct Diff {
    /// Whether the sides could be compared.
    pub(crate) ok: bool,
    /// Whether they differ; null where they could not be compared.
    pub(crate) differ: Option<bool>,
    pub(crate) old: Side,
    pub(crate) new: Side,
    /// The changes; absent where they could not be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diff: Option<Value>,
    /// What happens to recorded requests; only where a corpus was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replay: Option<Value>,
}

/// What `corpus import --format json` prints to stderr.
#[derive(Serialize)]
pub(crate) struct CorpusImport {
    /// Requests that were written.
    pub(crate) requests: u64,
    /// Lines or rows that were read.
    pub(crate) read: u64,
    /// Those that hold no request, by what they are.
    pub(crate) passed_over: std::collections::BTreeMap<String, u64>,
    /// Those that could not be read.
    pub(crate) bad: u64,
    /// The first of them.
    pub(crate) first_bad: Vec<String>,
}

/// One side of a diff.
#[derive(Serialize)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) hash: Option<String>,
    pub(crate) diagnostics: Value,
}

/// What `fmt --format json` prints.
#[derive(Serialize)]
pub(crate) struct Fmt {
    /// Whether every file is formatted now.
    pub(crate) ok: bool,
    pub(crate) files: Vec<FmtFile>,
}

/// One file that was to be formatted.
#[derive(Serialize)]
pub(crate) struct FmtFile {
    pub(crate) name: String,
    /// `formatted` (and was before), `changed`, `unformatted` (with `--check`), or `refused`.
    pub(crate) state: &'static str,
    /// Why it was refused, where no diagnostic says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    pub(crate) diagnostics: Value,
}

/// A value as the text of a product, indented, with a line break at its end.
pub(crate) fn text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("reports have string keys and finite numbers only");
    text.push('\n');
    text
}

/// Diagnostics as an array.
pub(crate) fn diagnostics(problems: &Problems, sources: &Sources) -> Value {
    render::problems::json(problems.iter(), sources)
}

/// What is waived as an array.
pub(crate) fn waived(waived: &[Waived], sources: &Sources) -> Value {
    render::problems::waived(waived, sources)
}
