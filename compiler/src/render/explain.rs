//! An explanation as a person reads it, and for machines.

use std::fmt::Write;

use serde_json::{Value, json};

use super::table;
use crate::explain::{Explained, Explanation};
use crate::health::{Seen, Standing};
use crate::plan::{Endpoint, Strategy};
use crate::route::{
    Candidate, Choice, Decision, NoRoute, Passed, Place, Refusal, Refused, Source, Step,
};
use crate::source::{Places, Span};

/// A page of text.
pub fn text(explained: &Explanation<'_>, places: &Places) -> String {
    let mut out = format!("{}\n  {}\n", title(explained), asked(explained));
    steps(&mut out, explained, places);
    match &explained.outcome {
        Ok(decision) => endpoints(&mut out, explained, decision),
        Err(no_route) => {
            let _ = writeln!(out, "\nno route: {}", why_not(no_route, explained.now_ms));
        }
    }
    if !explained.reasons.is_empty() {
        out.push_str("\nreasons\n");
        for reason in &explained.reasons {
            let _ = writeln!(out, "  {reason}");
        }
    }
    out
}

/// Where it goes, in one line.
fn title(explained: &Explanation<'_>) -> String {
    match &explained.outcome {
        Ok(decision) => {
            let first = decision.candidates.first();
            let endpoint = first.map_or("", |first| first.endpoint.id.as_str());
            match decision.pool {
                Some(_) => format!("goes to {}, endpoint {endpoint}", decision.model),
                None => format!("goes to {}", decision.model),
            }
        }
        Err(no_route) => format!("is refused with {}", no_route.status()),
    }
}

fn asked(explained: &Explanation<'_>) -> String {
    let asked = &explained.asked;
    let mut parts = vec![match &asked.model {
        Some(model) => format!("asks for {model}"),
        None => "asks for no model".to_owned(),
    }];
    parts.push(format!("{} tokens", asked.tokens));
    if let Some(characters) = asked.text {
        parts.push(format!("text of {characters} characters"));
    }
    parts.extend(asked.marks.iter().map(|mark| (*mark).to_owned()));
    parts.join(", ")
}

fn steps(out: &mut String, explained: &Explanation<'_>, places: &Places) {
    out.push_str("\nsteps\n");
    let rows: Vec<Vec<String>> = explained
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let sign = match explained.decides {
                Some(decides) if decides == at => ">",
                _ => " ",
            };
            vec![
                format!("{sign} {}", step.step.word()),
                verdict(explained, at, step),
                says(step),
                line(step.span, places),
            ]
        })
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "{line}");
    }
    match (&explained.next, explained.decides) {
        (Some(next), _) => {
            let line = line(next.span, places);
            let line = if line.is_empty() {
                line
            } else {
                format!(" ({line})")
            };
            let _ = writeln!(
                out,
                "\nrunner-up: {}{line}",
                chosen(&next.choice, next.step)
            );
        }
        (None, Some(_)) => out.push_str("\nrunner-up: none\n"),
        (None, None) => {}
    }
    if let Some((step, model)) = explained.needs {
        let _ = writeln!(
            out,
            "\nthe proxy would ask `{model}` first (step {}); give its answer with --state",
            step.word()
        );
    }
}

fn verdict(explained: &Explanation<'_>, at: usize, step: &Explained<'_>) -> String {
    match (&step.said, explained.decides) {
        (Ok(_), Some(decides)) if decides == at => "decides",
        (Ok(_), _) => "would",
        (Err(Passed::Unanswered(_)), _) => "waits",
        (Err(Passed::Not(_) | Passed::Unrecorded(_)), _) => "passes",
    }
    .to_owned()
}

/// What a step says and what it saw.
fn says(step: &Explained<'_>) -> String {
    let said = match &step.said {
        Ok(choice) => chosen(choice, step.step),
        Err(Passed::Not(why)) => (*why).to_owned(),
        Err(Passed::Unanswered(model)) => return format!("needs the answer of `{model}`"),
        Err(Passed::Unrecorded(_)) => "the text was not kept".to_owned(),
    };
    match step.saw.is_empty() {
        true => said,
        false => format!("{said}: {}", step.saw),
    }
}

fn chosen(choice: &Choice<'_>, step: Step) -> String {
    let by = match choice.source {
        Source::Rule(name) => format!(" by rule `{name}`"),
        Source::Semantic(name) => format!(" by likeness to rule `{name}`"),
        Source::Slot(slot) if step == Step::Slot(slot) => format!(" by slot {slot}"),
        _ => String::new(),
    };
    format!("{}{by}", choice.name)
}

/// `file:line`.
pub(super) fn line(span: Option<Span>, places: &Places) -> String {
    let place = span.and_then(|span| places.line(span));
    place.map_or(String::new(), |(file, line)| format!("{file}:{line}"))
}

fn endpoints(out: &mut String, explained: &Explanation<'_>, decision: &Decision<'_>) {
    let now = explained.now_ms;
    match decision.pool {
        Some(pool) => {
            let _ = writeln!(out, "\npool {} ({})", decision.model, pool.strategy);
        }
        None => {
            let _ = writeln!(out, "\nmodel {}", decision.model);
        }
    }
    if let Some(from) = decision.instead_of {
        let _ = writeln!(
            out,
            "  in place of {from}, whose window is too small for the request"
        );
    }
    if let Some(asked) = decision.image_agent {
        let _ = writeln!(
            out,
            "  sees no images; the image agent asks {asked} about them"
        );
    }
    let strategy = decision.pool.map(|pool| pool.strategy);
    let tried = decision
        .candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            vec![
                format!("{}", at + 1),
                candidate.endpoint.id.clone(),
                placed(candidate, strategy, now),
            ]
        });
    let refused = decision.refused.iter().map(|refused| {
        vec![
            "-".to_owned(),
            refused.endpoint.id.clone(),
            refusal(refused, now),
        ]
    });
    let rows: Vec<Vec<String>> = tried.chain(refused).collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
}

/// Why a candidate stands where it does: its standing, and what its pool sorts by.
fn placed(candidate: &Candidate<'_>, strategy: Option<Strategy>, now: u64) -> String {
    let Some(strategy) = strategy else {
        return match candidate.place {
            Place::NoneHealthy(_) => "keeps what the request goes on with",
            _ => "the only endpoint",
        }
        .to_owned();
    };
    let stands = standing(candidate.seen.standing, now);
    let because = sorted_by(candidate.endpoint, &candidate.seen, strategy);
    match candidate.place {
        Place::NoneHealthy(_) => format!("{stands}, tried since none is healthy; {because}"),
        _ => format!("{stands}; {because}"),
    }
}

/// What a strategy looks at in an endpoint.
fn sorted_by(endpoint: &Endpoint, seen: &Seen, strategy: Strategy) -> String {
    let priority = format!("priority {}", endpoint.priority);
    let latency =
        |ms: Option<f64>| ms.map_or("no latency yet".to_owned(), |ms| format!("{ms:.0} ms"));
    match strategy {
        Strategy::Priority => priority,
        Strategy::LeastLatency => format!("{}, {priority}", latency(seen.average_ms)),
        Strategy::P2cEwma => format!("{}, {} running", latency(seen.ewma_ms), seen.in_flight),
        Strategy::HealthAware => format!("{} failures in a row, {priority}", seen.failures),
        Strategy::Weighted => format!("weight {}", endpoint.weight.unwrap_or(0)),
        Strategy::CostAware => match &endpoint.cost {
            Some(cost) => {
                let part = |price: Option<f64>| price.map_or("-".to_owned(), |it| it.to_string());
                let (input, output) = (part(cost.input_per_1m), part(cost.output_per_1m));
                format!("{input}/{output} {} a million tokens", cost.currency)
            }
            None => format!("no cost, {priority}"),
        },
        Strategy::RoundRobin => match seen.last_used {
            0 => format!("not used yet, {priority}"),
            last => format!("last used by request {last}"),
        },
    }
}

fn standing(standing: Standing, now: u64) -> String {
    match standing.until_ms() {
        Some(until) => format!("{}, for {}", standing.word(), seconds(until, now)),
        None => standing.word().to_owned(),
    }
}

fn seconds(until: u64, now: u64) -> String {
    format!("{} s more", until.saturating_sub(now).div_ceil(1_000))
}

fn refusal(refused: &Refused<'_>, now: u64) -> String {
    match refused.why {
        Refusal::Disabled => "refused: switched off".to_owned(),
        Refusal::Interface(speaks) => format!("refused: speaks {speaks}, which will not do here"),
        Refusal::Out(out) => format!("refused: {}", standing(out, now)),
        Refusal::Limited { until_ms } => {
            format!(
                "refused: at its declared limit, for {}",
                seconds(until_ms, now)
            )
        }
        Refusal::Window(exceeded) => format!("refused: {exceeded}"),
        Refusal::Elsewhere => "refused: another endpoint keeps what this goes on with".to_owned(),
    }
}

/// Why a request goes nowhere, in words.
pub(super) fn why_not(no_route: &NoRoute, now: u64) -> String {
    match no_route {
        NoRoute::UnknownModel { nearest } => {
            let near = nearest
                .as_ref()
                .map(|near| format!("; the nearest is `{near}`"));
            format!(
                "no step decides, and no model has this id{}",
                near.unwrap_or_default()
            )
        }
        NoRoute::Interface { model, speaks } => {
            format!("`{model}` speaks {speaks}, which will not do here")
        }
        NoRoute::Window {
            model, exceeded, ..
        } => format!("it does not fit into `{model}`: {exceeded}"),
        NoRoute::NothingEnabled { model } => format!("every endpoint of `{model}` is switched off"),
        NoRoute::AllOut { model, until_ms } => {
            let until = until_ms.map(|until| format!(", for {}", seconds(until, now)));
            format!(
                "no endpoint of `{model}` is healthy{}",
                until.unwrap_or_default()
            )
        }
        NoRoute::AllLimited { model, until_ms } => format!(
            "every endpoint of `{model}` is at its limit, for {}",
            seconds(*until_ms, now)
        ),
    }
}

/// Everything, for machines. `place` is null where nothing was written.
pub fn json(explained: &Explanation<'_>, places: &Places) -> Value {
    let asked = &explained.asked;
    let next = explained.next.as_ref().map(|next| {
        json!({
            "step": next.step.word(),
            "model": next.choice.name,
            "by": by(next.choice.source),
            "place": place(next.span, places),
        })
    });
    json!({
        "schema": "ctr.explain/1",
        "status": status(&explained.outcome),
        "request": {
            "model": asked.model,
            "tokens": asked.tokens,
            "textCharacters": asked.text,
            "marks": asked.marks,
        },
        "steps": explained.steps.iter().enumerate().map(|(at, step)| {
            step_json(step, &verdict(explained, at, step), places)
        }).collect::<Vec<_>>(),
        "runnerUp": next,
        "needs": explained.needs.map(|(step, model)| json!({ "step": step.word(), "model": model })),
        "decision": explained.outcome.as_ref().ok().map(|it| decision_json(it, explained.now_ms)),
        "refusal": explained.outcome.as_ref().err().map(|it| why_not(it, explained.now_ms)),
        "reasons": explained.reasons,
    })
}

/// What a client is answered: 200 where there is a route.
pub(super) fn status(outcome: &Result<Decision<'_>, NoRoute>) -> u16 {
    outcome.as_ref().map_or_else(NoRoute::status, |_| 200)
}

fn step_json(step: &Explained<'_>, verdict: &str, places: &Places) -> Value {
    let choice = step.said.ok();
    let why = match step.said {
        Err(Passed::Not(why)) => Some(why),
        _ => None,
    };
    json!({
        "step": step.step.word(),
        "verdict": verdict,
        "model": choice.map(|choice| choice.name),
        "by": choice.and_then(|choice| by(choice.source)),
        "why": why,
        "saw": (!step.saw.is_empty()).then_some(&step.saw),
        "place": place(step.span, places),
    })
}

fn by(source: Source<'_>) -> Option<String> {
    match source {
        Source::Rule(name) | Source::Semantic(name) => Some(name.to_owned()),
        Source::Slot(slot) => Some(slot.to_string()),
        _ => None,
    }
}

fn decision_json(decision: &Decision<'_>, now: u64) -> Value {
    let strategy = decision.pool.map(|pool| pool.strategy);
    let candidates = decision.candidates.iter().map(|candidate| {
        json!({
            "endpoint": candidate.endpoint.id,
            "model": candidate.endpoint.model,
            "interface": candidate.endpoint.interface,
            "seen": candidate.seen,
            "why": placed(candidate, strategy, now),
        })
    });
    let refused = decision
        .refused
        .iter()
        .map(|refused| json!({ "endpoint": refused.endpoint.id, "why": refusal(refused, now) }));
    json!({
        "model": decision.model,
        "isPool": decision.pool.is_some(),
        "strategy": strategy,
        "insteadOf": decision.instead_of,
        "imageAgent": decision.image_agent,
        "candidates": candidates.collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
    })
}

/// `{"file","line"}`
pub(super) fn place(span: Option<Span>, places: &Places) -> Option<Value> {
    let (file, line) = places.line(span?)?;
    Some(json!({ "file": file, "line": line }))
}
