//! `ctr eval` by tasks: lists them, scores answers that are there or asked for, and
//! tells what came of it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap::builder::RangedU64ValueParser;
use ctr_compiler::diagnostic::Problems;
use ctr_compiler::evaluate::{
    Baseline, Comparison, Entry, Mistake, Origin, Report, Row, Task, fixed, read_rows, read_tasks,
    report,
};
use ctr_compiler::render::evaluate as render;
use ctr_compiler::source::Sources;
use ctr_runtime::evaluate::{MOST_AT_ONCE, needs_judge};
use ctr_runtime::reload::{self, Input};
use jiff::Timestamp;
use serde::Serialize;

use super::{Eval, Format, ask, history};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, json};

/// Mistakes that are told one by one.
const TOLD: usize = 50;

/// Bytes that a file of answers may have.
const LARGEST: u64 = 512 << 20;

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Tasks")]
pub(super) struct Args {
    /// List the tasks; with --json all of them, prompts too
    #[arg(long, conflicts_with_all = ["input", "run", "history"])]
    pub(super) tasks: bool,

    /// Score the answers in this file: a JSON list of `taskId`, `model`, `output`,
    /// `latencyMs`; `-` is stdin
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["run", "history"], value_hint = ValueHint::FilePath)]
    pub(super) input: Option<String>,

    /// Ask every model every task, and score the answers
    #[arg(long, requires = "models", conflicts_with = "history")]
    pub(super) run: bool,

    /// Tell how evaluations that were saved went over time
    #[arg(long)]
    pub(super) history: bool,

    /// Models to ask, as a client names them, with `;` between them
    #[arg(
        long,
        alias = "model",
        value_name = "NAMES",
        value_delimiter = ';',
        requires = "run"
    )]
    pub(super) models: Vec<String>,

    /// Own tasks in YAML or JSON in place of the fixed ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) tasks_file: Option<PathBuf>,

    /// Ask so many times, and tell how sure the means are
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "run", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub(super) repeats: usize,

    /// A file or folder of the registration, or a compiled plan, for which a proxy is
    /// started
    #[arg(short, long, num_args = 1.., value_name = "PATH", conflicts_with = "base_url", value_hint = ValueHint::AnyPath)]
    pub(super) config: Vec<PathBuf>,

    /// Ask the proxy at this address instead of starting one
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) base_url: Option<String>,

    /// The key that the proxy asks for; else the variable `CTR_API_KEY`, or the
    /// registration's
    #[arg(long, value_name = "KEY")]
    pub(super) api_key: Option<String>,

    /// Let this model judge each answer as well
    #[arg(long, value_name = "MODEL")]
    pub(super) judge_model: Option<String>,

    /// Requests under way at once
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_AT_ONCE as u64))]
    pub(super) concurrency: usize,

    /// Longest wait for an answer
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    pub(super) timeout_ms: u64,

    /// Tokens that an answer may have
    #[arg(long, value_name = "COUNT", default_value_t = 768, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_tokens: u32,

    /// Tokens that a judge's answer may have
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) judge_max_tokens: u32,

    /// Keep answers in this directory, and ask for none that is there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) cache: Option<PathBuf>,

    /// Save the figures, without any answer
    #[arg(long)]
    pub(super) save_history: bool,

    /// The file they are saved in; `~/.claude-trigger-router/benchmark-history.json`
    /// unless given
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) history_file: Option<PathBuf>,

    /// What to call this evaluation there
    #[arg(long, value_name = "TEXT")]
    pub(super) history_label: Option<String>,

    /// The same as `--format json`
    #[arg(long)]
    pub(super) json: bool,
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) args: &'a Args,
    baseline: Option<&'a str>,
    format: Format,
    compare: &'a [String],
}

/// None where nothing of this is asked for.
pub(super) fn asked(eval: &Eval) -> Option<Asked<'_>> {
    let args = &eval.tasks;
    let is_asked = args.tasks || args.run || args.history || args.input.is_some();
    is_asked.then_some(Asked {
        args,
        baseline: eval.compare.first().map(String::as_str),
        format: if args.json { Format::Json } else { eval.format },
        compare: &eval.compare,
    })
}

pub(super) fn run(asked: &Asked<'_>, terminal: &Terminal) -> Result<Exit, Stopped> {
    let args = asked.args;
    if asked.compare.len() > 1 {
        return Err(
            Stopped::usage("answers are compared with one earlier report")
                .help("name one file after `--compare`"),
        );
    }
    if args.history {
        return history::run(args, asked.format, terminal);
    }
    let Some(tasks) = tasks(args, terminal)? else {
        return Ok(Exit::Problems);
    };
    if args.tasks {
        return listed(&tasks, asked.format, terminal);
    }
    refuse_format(asked.format)?;
    // Read first: what is wrong with it is better told before models are asked.
    let baseline = asked.baseline.map(baseline).transpose()?;
    let unjudged = tasks.iter().find(|task| needs_judge(task));
    if let Some(task) = unjudged.filter(|_| args.run && args.judge_model.is_none()) {
        let id = &task.id;
        return Err(
            Stopped::usage(format!("task `{id}` has a check that a model judges"))
                .help("name the model with `--judge-model`"),
        );
    }
    let answers = match &args.input {
        Some(file) => read(file, args, &tasks, terminal)?,
        None => ask::run(args, &tasks, terminal)?,
    };
    let Some(answers) = answers else {
        return Ok(Exit::Problems);
    };
    finish(asked, &tasks, &answers, baseline.as_ref(), terminal)
}

/// Answers, however they came.
pub(super) struct Answers {
    pub(super) rows: Vec<Row>,
    /// With those that could not be read.
    pub(super) total: usize,
    pub(super) mistakes: usize,
    /// Those that are not there, or not judged, because somebody ended it.
    pub(super) missing: usize,
    pub(super) origin: Origin,
}

/// The tasks that count; none where the file of them has mistakes, which are told.
fn tasks(args: &Args, terminal: &Terminal) -> Result<Option<Vec<Task>>, Stopped> {
    let Some(file) = &args.tasks_file else {
        return Ok(Some(fixed()));
    };
    let read = reload::read(&[Input::Path(file.clone())])?;
    let mut sources = Sources::default();
    let mut tasks = Vec::new();
    let mut problems = Problems::default();
    let mut mistakes = Vec::new();
    for (_, source) in read.iter() {
        let id = sources.add(source.name(), source.text());
        let (found, wrong) = read_tasks(&sources, id, &mut problems);
        tasks.extend(found);
        mistakes.extend(wrong);
    }
    terminal.problems(&problems, &sources);
    let told = mistakes
        .iter()
        .map(|(span, what)| format!("{}: {what}", sources.place(*span)));
    tell(told, mistakes.len(), terminal);
    Ok((problems.is_empty() && mistakes.is_empty()).then_some(tasks))
}

fn listed(tasks: &[Task], format: Format, terminal: &Terminal) -> Result<Exit, Stopped> {
    match format {
        Format::Text => terminal.text(&render::tasks_text(tasks))?,
        Format::Json => terminal.product(&json::text(&render::tasks_json(tasks)))?,
        _ => {
            return Err(Stopped::usage("tasks are listed as text or JSON")
                .help("leave `--format`, or give `--json`"));
        }
    }
    Ok(Exit::Fine)
}

fn refuse_format(format: Format) -> Result<(), Stopped> {
    match format {
        Format::Svg => Err(Stopped::usage("a plot is drawn of `--history`")
            .help("give `--format html` for a report with plots")),
        _ => Ok(()),
    }
}

/// Answers of a file; none where not one of them can be scored.
fn read(
    file: &str,
    args: &Args,
    tasks: &[Task],
    terminal: &Terminal,
) -> Result<Option<Answers>, Stopped> {
    let text = text(file)?;
    let read = read_rows(&text, tasks).and_then(|read| match read.total {
        0 => Err("the list is empty".to_owned()),
        _ => Ok(read),
    });
    let read = read.map_err(|why| Stopped {
        exit: Exit::Problems,
        message: format!("`{file}` holds no answers: {why}"),
        help: Some(
            "write a list of `{\"taskId\", \"model\", \"output\", \"latencyMs\"}`".to_owned(),
        ),
    })?;
    let told = read.mistakes.iter().map(Mistake::to_string);
    tell(told, read.mistakes.len(), terminal);
    if read.rows.is_empty() && !read.mistakes.is_empty() {
        return Ok(None);
    }
    let mut answers = Answers {
        rows: read.rows,
        total: read.total,
        mistakes: read.mistakes.len(),
        missing: 0,
        origin: Origin::Input,
    };
    if args.judge_model.is_some() {
        let Some((judged, missing)) = ask::judge(args, tasks, answers.rows, terminal)? else {
            return Ok(None);
        };
        answers.rows = judged;
        answers.missing = missing;
        answers.origin = Origin::Judge;
    }
    Ok(Some(answers))
}

/// A file of JSON, or stdin.
fn text(file: &str) -> Result<String, Stopped> {
    use std::io::Read;
    let cannot =
        |error: &std::io::Error| Stopped::could_not(format!("cannot read `{file}`: {error}"));
    let mut text = String::new();
    let reader: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(fs::File::open(Path::new(file)).map_err(|error| cannot(&error))?),
    };
    let length = reader.take(LARGEST + 1).read_to_string(&mut text);
    match length.map_err(|error| cannot(&error))? as u64 > LARGEST {
        true => Err(Stopped::could_not(format!(
            "`{file}` is larger than 512 MiB"
        ))),
        false => Ok(text),
    }
}

/// Mistakes to stderr, one a line, and how many more there are.
fn tell(told: impl Iterator<Item = String>, count: usize, terminal: &Terminal) {
    for line in told.take(TOLD) {
        terminal.say(&crate::report::printable(&line, false));
    }
    if count > TOLD {
        terminal.say(&format!("… and {} more", count - TOLD));
    }
    if count > 0 {
        terminal.say(&counted(count, "mistake"));
    }
}

fn baseline(file: &str) -> Result<Baseline, Stopped> {
    Baseline::read(&text(file)?).map_err(|why| Stopped {
        exit: Exit::Problems,
        message: format!("`{file}` cannot be compared with: {why}"),
        help: Some("save one with `ctr eval … --json > baseline.json`".to_owned()),
    })
}

/// What `--json` prints of answers that were asked for or judged.
#[derive(Serialize)]
struct Product<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<&'p [Row]>,
    report: &'p Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'p Comparison>,
}

fn finish(
    asked: &Asked<'_>,
    tasks: &[Task],
    answers: &Answers,
    baseline: Option<&Baseline>,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    let report = report(&answers.rows, tasks, answers.total);
    let comparison = baseline.map(|baseline| baseline.compare(&report));
    print(
        asked.format,
        answers,
        &report,
        comparison.as_ref(),
        terminal,
    )?;
    if answers.missing > 0 {
        let missing = counted(answers.missing, "answer");
        let what = match answers.origin {
            Origin::Judge => "not judged",
            _ => "not there",
        };
        terminal.say(&format!("ended early: {missing} {what}"));
        return Ok(Exit::Interrupted);
    }
    if answers.mistakes > 0 {
        return Ok(Exit::Problems);
    }
    let is_failed = |row: &Row| row.error.is_some();
    if answers.origin == Origin::Run && answers.rows.iter().all(is_failed) {
        return Err(Stopped::could_not("no model answered")
            .help("see the findings above; `runner_error` says what went wrong"));
    }
    if asked.args.save_history {
        let now = Timestamp::now();
        let label = asked.args.history_label.as_deref();
        let entry = Entry::of(&report, answers.origin, label, &format!("{now:.3}"));
        history::save(asked.args, entry, terminal)?;
    }
    judged_by(comparison.as_ref())
}

/// How it ends by what was compared.
fn judged_by(comparison: Option<&Comparison>) -> Result<Exit, Stopped> {
    match comparison {
        Some(comparison) if comparison.changes.is_empty() => Err(Stopped {
            exit: Exit::Problems,
            message: "the baseline has none of these models and tasks".to_owned(),
            help: Some("compare with a report of the same models and tasks".to_owned()),
        }),
        Some(comparison) if comparison.regressed => {
            let worse = comparison.changes.iter().filter(|it| it.regressed);
            let worse: Vec<String> = worse.map(|it| format!("`{}`", it.model)).collect();
            let mut worse = worse;
            worse.dedup();
            Err(Stopped {
                exit: Exit::Problems,
                message: format!(
                    "significantly worse than the baseline: {}",
                    worse.join(", ")
                ),
                help: None,
            })
        }
        _ => Ok(Exit::Fine),
    }
}

fn print(
    format: Format,
    answers: &Answers,
    report: &Report,
    comparison: Option<&Comparison>,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    match format {
        Format::Text => terminal.text(&render::text(report, comparison)),
        Format::Markdown => terminal.text(&render::markdown(report, comparison)),
        Format::Html | Format::Svg => terminal.product(&render::html(report, comparison)),
        Format::Junit => terminal.product(&render::junit(report)),
        Format::Json if answers.origin == Origin::Input && comparison.is_none() => {
            terminal.product(&json::text(report))
        }
        Format::Json => terminal.product(&json::text(&Product {
            inputs: (answers.origin != Origin::Input).then_some(&answers.rows),
            report,
            comparison,
        })),
    }
}
