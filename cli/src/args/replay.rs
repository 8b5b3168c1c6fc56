//! The command line of what asks a corpus: `ctr replay`, and `ctr diff --corpus`.

use clap::ValueHint;
use ctr_compiler::replay::{Budget, Share};

use super::DiffFormat;

/// Ask a plan where recorded requests would go
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each request is decided again and compared with what was decided when it was
recorded. Two registrations are compared by `ctr diff OLD NEW --corpus FILE`. What a
corpus holds is in docs/corpus.md, what a replay says in docs/replay.md.

Examples:
  ctr replay registration.yaml --corpus corpus.jsonl
  ctr replay registration.yaml --corpus monday.jsonl --corpus tuesday.jsonl
  ctr replay registration.yaml --corpus corpus.jsonl --max-moved 5% --max-cost +10%
  ctr replay --format json plan.json --corpus corpus.jsonl")]
pub(crate) struct Replay {
    /// Files and folders of one document set, or a compiled plan; `-` is stdin,
    /// `REV:PATH` a file in git
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<String>,

    #[command(flatten)]
    pub(crate) corpus: Corpus,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DiffFormat,
}

/// Requests, and how much may change for them.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Corpus {
    /// Recorded requests: a corpus, `-` for stdin; may be given several times
    #[arg(long = "corpus", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<String>,

    /// Exit with 1 when more requests change: `200` or `5%`
    #[arg(long, value_name = "N", requires = "files", value_parser = moved)]
    pub(crate) max_moved: Option<Share>,

    /// Exit with 1 when the cost rises by more, or falls by less: `+10%`, `-5%`
    #[arg(long, value_name = "PERCENT", requires = "files", value_parser = percent, allow_hyphen_values = true)]
    pub(crate) max_cost: Option<f64>,
}

impl Corpus {
    /// What a reviewer accepts.
    pub(crate) fn budget(&self) -> Budget {
        Budget {
            moved: self.max_moved,
            cost_percent: self.max_cost,
        }
    }
}

fn moved(text: &str) -> Result<Share, String> {
    let help = "write a number of requests or a percentage, for example `5%`";
    Share::parse(text).ok_or_else(|| help.to_owned())
}

/// `+10%`, `-2.5%`.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let help = "write a percentage, for example `+10%`";
    let number = text.strip_suffix('%').ok_or(help)?;
    let percent: f64 = number.trim().parse().map_err(|_| help)?;
    match percent.is_finite() {
        true => Ok(percent),
        false => Err(help.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_has_a_sign_and_a_unit() {
        for (text, wanted) in [
            ("+10%", Some(10.0)),
            ("10%", Some(10.0)),
            ("-2.5%", Some(-2.5)),
            ("10", None),
            ("inf%", None),
            ("%", None),
        ] {
            assert_eq!(percent(text).ok(), wanted, "{text}");
        }
    }
}
