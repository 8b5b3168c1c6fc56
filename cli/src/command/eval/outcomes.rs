//! `ctr eval --outcomes`: a plan, or two that are compared, against what models made
//! of prompts before.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueHint;
use ctr_compiler::outcomes::{
    BadRow, Chance, Evaluation, Limits, Mapping, Report, Row, Summary, read,
};
use ctr_compiler::plan::Plan;
use ctr_compiler::registration::Spoken;
use ctr_compiler::render::outcomes as render;
use ctr_compiler::route::RequestFeatures;
use ctr_runtime::corpus::{Piece, each_line};
use ctr_runtime::reload::Input;
use ctr_runtime::requests::Request;

use super::super::diff::Side;
use super::super::replay::{open, refuse_two_stdin};
use super::{Eval, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, json};

/// What to do where a file cannot be read.
const FILE: &str = "name a file of outcomes; docs/outcomes.md describes it";

/// The command line of what looks at outcomes.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// What models scored and cost: JSON Lines, a prompt a line; `-` is stdin
    #[arg(long = "outcomes", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Outcomes")]
    file: Option<String>,

    /// The registration, or a compiled plan: files and folders of one document set
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with = "compare", value_hint = ValueHint::AnyPath, help_heading = "Outcomes")]
    plan: Vec<String>,

    /// A model of the plan stands for this model of the outcomes; may be given
    /// several times. Equal names need no mapping
    #[arg(long, value_name = "MODEL=OUTCOME", requires = "file", value_parser = pair, help_heading = "Outcomes")]
    map: Vec<(String, String)>,

    /// What chance begins with, when differences are resampled
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Outcomes")]
    seed: u64,

    /// How often prompts are drawn anew for the intervals
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Outcomes")]
    resamples: u32,

    /// Exit with 1 when the quality rises by fewer points, or falls by more: `-0.5`
    #[arg(long, value_name = "POINTS", requires = "compare", value_parser = points, allow_hyphen_values = true, help_heading = "Outcomes")]
    min_quality_change: Option<f64>,

    /// Exit with 1 when the cost rises by more, or falls by less: `+10%`, `-5%`
    #[arg(long, value_name = "PERCENT", requires = "compare", value_parser = crate::args::percent, allow_hyphen_values = true, help_heading = "Outcomes")]
    max_cost: Option<f64>,
}

/// `MODEL=OUTCOME`, of which the first may hold no `=`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((model, outcome)) if !model.is_empty() && !outcome.is_empty() => {
            Ok((model.to_owned(), outcome.to_owned()))
        }
        _ => Err(
            "write a model of the plan and one of the outcomes, for example `sonnet=gpt-4`"
                .to_owned(),
        ),
    }
}

fn points(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(points) if f64::is_finite(points) => Ok(points),
        _ => Err("write a number of points of a hundred, for example `-0.5`".to_owned()),
    }
}

/// What was asked for.
pub(super) struct Asked<'a> {
    args: &'a Args,
    file: &'a str,
    compare: &'a [String],
    format: Format,
}

/// What of a command line is asked of outcomes; none where no file is named.
pub(super) fn asked(eval: &Eval) -> Option<Asked<'_>> {
    Some(Asked {
        args: &eval.outcomes,
        file: eval.outcomes.file.as_deref()?,
        compare: &eval.compare,
        format: eval.format,
    })
}

pub(super) fn run(asked: &Asked<'_>, terminal: &Terminal) -> Result<Exit, Stopped> {
    let args = asked.args;
    if let Format::Junit | Format::Html = asked.format {
        return Err(no_such_form());
    }
    let file = asked.file.to_owned();
    refuse_two_stdin(args.plan.iter().chain(asked.compare).chain([&file]))?;
    let sides: Vec<Side> = match (asked.compare, args.plan.as_slice()) {
        ([old, new], _) => vec![side(&[old])?, side(&[new])?],
        ([], plan) if !plan.is_empty() => vec![side(&plan.iter().collect::<Vec<_>>())?],
        ([], _) => {
            return Err(Stopped::usage("no plan is named")
                .help("name a registration with `--plan FILE`, or two with `--compare OLD NEW`"));
        }
        _ => {
            return Err(Stopped::usage("two sides are compared, and one is given")
                .help("write `--compare OLD NEW`"));
        }
    };
    for side in sides.iter().filter(|side| side.plan.is_none()) {
        terminal.problems(&side.problems, &side.sources);
    }
    let plans: Vec<&Plan> = sides.iter().filter_map(|side| side.plan.as_ref()).collect();
    let mapping = Mapping::new(&plans, &args.map).map_err(problem)?;
    let chance = Chance {
        seed: args.seed,
        resamples: args.resamples as usize,
    };
    let evaluation = match plans.as_slice() {
        [plan] if sides.len() == 1 => Evaluation::of(plan, mapping, chance),
        [before, after] => Evaluation::between(before, after, mapping, chance),
        _ => return Ok(Exit::Problems),
    };
    let report = evaluate(evaluation, &file)?;
    report.check().map_err(problem)?;
    let summary = report.summary();
    let names: Vec<&str> = sides.iter().map(Side::name).collect();
    print(&summary, &names, asked.format, terminal)?;
    if let Some(nothing) = report.nothing() {
        return Err(problem(nothing));
    }
    let limits = Limits {
        quality_points: args.min_quality_change,
        cost_percent: args.max_cost,
    };
    let over = limits.over(&summary);
    match over.is_empty() {
        true => Ok(Exit::Fine),
        false => Err(Stopped {
            exit: Exit::Problems,
            message: over.join("; "),
            help: None,
        }),
    }
}

fn side(inputs: &[&String]) -> Result<Side, Stopped> {
    let inputs: Vec<Input> = inputs.iter().map(|input| Input::parse(input)).collect();
    Side::read(&inputs)
}

fn print(
    summary: &Summary,
    names: &[&str],
    format: Format,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    match format {
        Format::Text => terminal.text(&render::text(summary, names)),
        Format::Markdown => terminal.text(&render::markdown(summary, names)),
        Format::Svg => terminal.product(&render::svg(summary, names)),
        Format::Json => terminal.product(&json::text(&render::json(summary, names))),
        Format::Junit | Format::Html => Err(no_such_form()),
    }
}

fn no_such_form() -> Stopped {
    Stopped::usage("outcomes are not told in this form")
        .help("give `--format text`, `json`, `markdown` or `svg`")
}

fn evaluate<'p>(mut evaluation: Evaluation<'p>, file: &str) -> Result<Report<'p>, Stopped> {
    let plan = evaluation.plan();
    each_row(file, |row| match row {
        Ok(Some((row, body))) => asking(body, plan, |features| evaluation.row(row, features)),
        Ok(None) => evaluation.blank(),
        Err(why) => evaluation.bad(why),
    })?;
    Ok(evaluation.finish())
}

/// Hands over the rows of a file in their order, each with the body of a request that
/// asks its prompt. A sign of progress is shown meanwhile.
pub(crate) fn each_row(
    file: &str,
    mut take: impl FnMut(Result<Option<(&Row<'_>, Vec<u8>)>, BadRow>),
) -> Result<(), Stopped> {
    let size = std::fs::metadata(file).map_or(0, |found| found.len());
    let seen = Arc::new(AtomicU64::new(0));
    let _progress = Progress::reading(&[file.to_owned()], size, &seen);
    let opened = open(file).map_err(|stopped| stopped.help(FILE));
    let mut reader = BufReader::with_capacity(1 << 18, opened?);
    let taken = each_line(&mut reader, |piece| match piece {
        Piece::TooLong => take(Err(BadRow::TooLong)),
        Piece::Line(line) => {
            seen.fetch_add(line.len() as u64, Ordering::Relaxed);
            match read(line) {
                Ok(Some(row)) => take(Ok(Some((&row, body(&row.prompt))))),
                Ok(None) => take(Ok(None)),
                Err(why) => take(Err(why)),
            }
        }
    });
    taken.map_err(|error| Stopped::could_not(format!("cannot read `{file}`: {error}")).help(FILE))
}

/// A request of a user who asks this and no more.
fn body(prompt: &str) -> Vec<u8> {
    let messages = serde_json::json!([{"role": "user", "content": prompt}]);
    serde_json::json!({"messages": messages})
        .to_string()
        .into_bytes()
}

/// Hands over what a decision looks at in a body, read as the proxy reads it.
pub(crate) fn asking(body: Vec<u8>, plan: &Plan, look: impl FnOnce(&RequestFeatures<'_>)) {
    match Request::read(body, Some(Spoken::Messages), plan) {
        Ok(request) => look(&request.features()),
        // The body is one of ours, and too long a line was passed over before.
        Err(_) => look(&RequestFeatures::plain(None, None)),
    }
}

pub(crate) fn problem((message, help): (String, String)) -> Stopped {
    Stopped {
        exit: Exit::Problems,
        message,
        help: Some(help),
    }
}
