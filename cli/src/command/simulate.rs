//! `ctr simulate`: how would this pool behave?

use std::fs;
use std::path::Path;

use ctr_compiler::compile;
use ctr_compiler::plan::Plan;
use ctr_compiler::render::simulate as render;
use ctr_compiler::simulate::{Scenario, Turn, What, simulate};
use ctr_compiler::source::Sources;
use ctr_runtime::reload::{self, Input};

use crate::args::{Format, Moment, Simulate};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, file, json};

/// Time that is played where nothing is said.
const DURATION_MS: u64 = 120_000;
/// Time that is played after the last event where nothing is said.
const AFTER_MS: u64 = 60_000;

pub(super) fn run(asked: &Simulate, terminal: &Terminal) -> Result<Exit, Stopped> {
    let plot_is_product = asked.svg.as_deref() == Some(Path::new("-"));
    if plot_is_product && asked.format == Format::Json {
        return Err(
            Stopped::usage("`--svg -` and `--format json` both want stdout")
                .help("write the plot to a file"),
        );
    }
    let inputs: Vec<Input> = asked.inputs.iter().map(|it| Input::parse(it)).collect();
    let sources = reload::read(&inputs)?;
    let Some(plan) = plan(&sources, terminal)? else {
        return Ok(Exit::Problems);
    };
    let timeline = simulate(&plan, &scenario(asked)?).map_err(|refused| Stopped {
        exit: Exit::Problems,
        message: refused.what,
        help: Some(refused.help),
    })?;
    match &asked.svg {
        Some(_) if plot_is_product => {
            return terminal
                .product(&render::svg(&timeline))
                .map(|()| Exit::Fine);
        }
        Some(path) => {
            refuse_own_input(path, &sources)?;
            write(path, &render::svg(&timeline))?;
        }
        None => {}
    }
    match asked.format {
        Format::Text => terminal.text(&render::text(&timeline))?,
        Format::Json => terminal.product(&json::text(&render::json(&timeline)))?,
    }
    Ok(Exit::Fine)
}

/// The plan that was compiled before, or that the document set compiles to; none
/// where that has errors, which are told.
fn plan(sources: &Sources, terminal: &Terminal) -> Result<Option<Plan>, Stopped> {
    let mut all = sources.iter();
    let only = all.next().filter(|_| all.next().is_none());
    if let Some((_, source)) = only.filter(|(_, source)| Plan::is_plan(source.text())) {
        let read = Plan::from_json(source.text()).map_err(|error| Stopped {
            exit: Exit::Problems,
            message: format!("`{}`: {error}", source.name()),
            help: Some("compile the registration again with this ctr".to_owned()),
        });
        return read.map(Some);
    }
    let compiled = compile(sources);
    if compiled.plan.is_none() {
        terminal.problems(&compiled.problems, sources);
    }
    Ok(compiled.plan)
}

fn scenario(asked: &Simulate) -> Result<Scenario, Stopped> {
    let turn = |moment: &Moment, what| Turn {
        at_ms: moment.at_ms,
        endpoint: moment.endpoint.clone(),
        what,
    };
    let kills = asked.kill.iter().map(|moment| turn(moment, What::Kill));
    let restores = asked
        .restore
        .iter()
        .map(|moment| turn(moment, What::Restore));
    let mut turns: Vec<Turn> = kills.chain(restores).collect();
    turns.sort_by(|a, b| (a.at_ms, &a.endpoint, a.what).cmp(&(b.at_ms, &b.endpoint, b.what)));
    let last = turns.last().map_or(0, |turn| turn.at_ms);
    let duration_ms = asked
        .duration
        .unwrap_or_else(|| DURATION_MS.max(last.saturating_add(AFTER_MS)));
    if duration_ms == 0 {
        return Err(Stopped::usage("a simulation of no time shows nothing")
            .help("give `--duration` a time above 0"));
    }
    if last >= duration_ms {
        return Err(Stopped::usage(format!(
            "something happens at {} s, and the simulation ends at {} s",
            last as f64 / 1000.0,
            duration_ms as f64 / 1000.0
        ))
        .help("give a longer `--duration`"));
    }
    Ok(Scenario {
        model: asked.model.clone(),
        duration_ms,
        rps: asked.rps,
        seed: asked.seed,
        turns,
        latency_ms: asked.latency.iter().cloned().collect(),
        error_rate: asked.error_rate.iter().cloned().collect(),
        input_tokens: asked.tokens.0,
        output_tokens: asked.tokens.1,
    })
}

/// A plot must not take the place of what it shows.
fn refuse_own_input(path: &Path, sources: &Sources) -> Result<(), Stopped> {
    let Ok(output) = fs::canonicalize(path) else {
        return Ok(());
    };
    let is_it = |name: &str| fs::canonicalize(name).is_ok_and(|input| input == output);
    if sources.iter().any(|(_, source)| is_it(source.name())) {
        return Err(
            Stopped::usage("the plot would replace the registration it shows")
                .help("name another file after `--svg`"),
        );
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Stopped> {
    file::replace(path, text)
        .map_err(|error| Stopped::could_not(format!("cannot write `{}`: {error}", path.display())))
}
