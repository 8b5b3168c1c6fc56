//! `ctr tune`: which thresholds and which order of rules would have been best? It
//! proposes a change of the registration and writes nothing.

use clap::{ValueEnum, ValueHint};
use ctr_compiler::compile;
use ctr_compiler::outcomes::tune::{Tuned, Tuning, edited};
use ctr_compiler::outcomes::{Chance, Mapping};
use ctr_compiler::plan::Plan;
use ctr_compiler::render::outcomes as render;
use ctr_compiler::source::Sources;
use ctr_runtime::reload::{self, Input};
use serde_json::json as value;

use super::eval::outcomes::{asking, each_row, pair, problem};
use super::replay::refuse_two_stdin;
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, json, patch};

/// Search the thresholds and the order of rules that score best, and propose them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`Router.longContextThreshold`, the likeness that rules ask for, and the order of rules
are varied for the best quality within a cost, as far as the registration has them.
Seven in ten prompts are learnt from; what is told is of the rest. The proposal is a
diff: no file is written. How it is done is in docs/outcomes.md.

Examples:
  ctr tune --outcomes outcomes.jsonl registration.yaml
  ctr tune --outcomes outcomes.jsonl --map sonnet=gpt-4-1106-preview registration.yaml
  ctr tune --outcomes outcomes.jsonl --max-cost -20% registration.yaml
  ctr tune --outcomes outcomes.jsonl --format diff registration.yaml > tuned.diff")]
pub(crate) struct Tune {
    /// Files and folders of one document set; `-` is stdin, `REV:PATH` a file in git
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    inputs: Vec<String>,

    /// What models scored and cost: JSON Lines, a prompt a line; `-` is stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    outcomes: String,

    /// A model of the plan stands for this model of the outcomes; may be given
    /// several times. Equal names need no mapping
    #[arg(long, value_name = "MODEL=OUTCOME", value_parser = pair)]
    map: Vec<(String, String)>,

    /// How much the cost may rise, or must fall: `+10%`, `-20%`
    #[arg(long, value_name = "PERCENT", default_value = "+0%", value_parser = crate::args::percent, allow_hyphen_values = true)]
    max_cost: f64,

    /// What chance begins with: which prompts are held out, and how they are drawn anew
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// The proposed change of the registration alone
    Diff,
}

/// How often held-out prompts are drawn anew.
const RESAMPLES: usize = 1_000;

pub(super) fn run(asked: &Tune, terminal: &Terminal) -> Result<Exit, Stopped> {
    refuse_two_stdin(asked.inputs.iter().chain([&asked.outcomes]))?;
    let inputs: Vec<Input> = asked.inputs.iter().map(|it| Input::parse(it)).collect();
    let sources = reload::read(&inputs)?;
    if sources
        .iter()
        .any(|(_, source)| Plan::is_plan(source.text()))
    {
        return Err(Stopped::usage("a compiled plan has no text to tune")
            .help("name the registration it was compiled from"));
    }
    let progress = Progress::compiling(&sources);
    let compiled = compile(&sources);
    drop(progress);
    let Some(plan) = &compiled.plan else {
        terminal.problems(&compiled.problems, &sources);
        return Ok(Exit::Problems);
    };
    let tuned = tune(asked, plan)?;
    let proposed = match tuned.is_better {
        true => edited(&sources, &compiled, &tuned.plan),
        false => None,
    };
    let diff = proposed.as_ref().map(|edited| diff(&sources, edited));
    match asked.format {
        Format::Text => {
            terminal.text(&render::tuned(&tuned, &asked.inputs.join(" ")))?;
            match &diff {
                Some(diff) => terminal.patch(&format!("\n{diff}"))?,
                None if tuned.is_better => {
                    terminal.text("\nthe text cannot be edited so; change it by hand\n")?;
                }
                None => {}
            }
        }
        Format::Diff => terminal.patch(&diff.unwrap_or_default())?,
        Format::Json => {
            let mut told = value!(tuned);
            told["diff"] = value!(diff);
            terminal.product(&json::text(&told))?;
        }
    }
    Ok(Exit::Fine)
}

fn tune(asked: &Tune, plan: &Plan) -> Result<Tuned, Stopped> {
    let mapping = Mapping::new(&[plan], &asked.map).map_err(problem)?;
    let chance = Chance {
        seed: asked.seed,
        resamples: RESAMPLES,
    };
    let mut tuning = Tuning::of(plan, mapping, chance);
    each_row(&asked.outcomes, |row| match row {
        Ok(Some((row, body))) => asking(body, plan, |features| tuning.row(row, features)),
        Ok(None) => tuning.bad(None),
        Err(why) => tuning.bad(Some(why)),
    })?;
    tuning.check().map_err(problem)?;
    let _progress = Progress::searching("thresholds and orders of rules");
    Ok(tuning.finish(asked.max_cost))
}

/// The files that change, as unified diffs.
fn diff(before: &Sources, after: &Sources) -> String {
    let pairs = before.iter().zip(after.iter());
    let diffs = pairs.map(|((_, old), (_, new))| {
        let proposed = format!("{} (proposed)", old.name());
        patch::unified(old, new, [old.name(), &proposed])
    });
    diffs.collect()
}
