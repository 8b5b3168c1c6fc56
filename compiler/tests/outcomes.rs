//! Plans against what models made of prompts. Every figure here was computed apart from
//! this code: those of the fixture by a few lines of Python, those of the papers by the
//! papers' own code.
//!
//! The papers' data are not part of this repository: `CTR_OUTCOMES` names a folder with
//! `gsm8k.jsonl` (RouteLLM) and `routerarena.jsonl` (RouterArena), in the form of
//! docs/outcomes.md. Without it they are not tested, and that is said.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read files, fail by panicking, and say what they did not do"
)]

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ctr_compiler::compile;
use ctr_compiler::outcomes::{
    BadRow, Bin, Chance, Curve, Evaluation, Interval, Limits, Mapping, Report, Summary, read,
};
use ctr_compiler::plan::Plan;
use ctr_compiler::route::{RequestFeatures, Tokens};
use ctr_compiler::source::Sources;
use proptest::prelude::*;

const ROWS: &str = include_str!("../../fixtures/outcomes/outcomes.jsonl");
const BAD: &str = include_str!("../../fixtures/outcomes/bad.jsonl");
const OLD: &str = include_str!("../../fixtures/outcomes/old.yaml");
const NEW: &str = include_str!("../../fixtures/outcomes/new.yaml");
const BY_LENGTH: &str = include_str!("../../fixtures/outcomes/by-length.yaml");

const CHANCE: Chance = Chance {
    seed: 1,
    resamples: 200,
};

fn plan(text: &str) -> Plan {
    let compiled = compile(&Sources::single("r.yaml", text.to_owned()));
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

/// Tokens are code points here, which anybody can count.
fn play<'p>(mut evaluation: Evaluation<'p>, lines: &str) -> Report<'p> {
    for line in lines.split_inclusive('\n') {
        match read(line.as_bytes()) {
            Ok(Some(row)) => {
                let features = RequestFeatures {
                    text: Some((*row.prompt).into()),
                    tokens: Tokens::Counted(row.prompt.chars().count() as u64),
                    ..RequestFeatures::plain(None, None)
                };
                evaluation.row(&row, &features);
            }
            Ok(None) => evaluation.blank(),
            Err(why) => evaluation.bad(why),
        }
    }
    evaluation.finish()
}

fn of(plan: &Plan, said: &[(String, String)], lines: &str) -> Summary {
    let mapping = Mapping::new(&[plan], said).unwrap();
    play(Evaluation::of(plan, mapping, CHANCE), lines).summary()
}

fn between(before: &Plan, after: &Plan, lines: &str, chance: Chance) -> Summary {
    let mapping = Mapping::new(&[before, after], &[]).unwrap();
    play(Evaluation::between(before, after, mapping, chance), lines).summary()
}

fn near(found: f64, wanted: f64, within: f64) {
    assert!((found - wanted).abs() <= within, "{found} is not {wanted}");
}

fn exactly(found: impl Into<Option<f64>>, wanted: f64) {
    near(found.into().unwrap(), wanted, 1e-9);
}

#[test]
fn a_plan_stands_among_its_anchors() {
    let plan = plan(NEW);
    let summary = of(&plan, &[], ROWS);
    let [new] = summary.plans.as_slice() else {
        panic!("{summary:?}");
    };
    assert_eq!((summary.prompts, summary.rows), (30, 30));
    exactly(new.figure.quality, 0.816_666_666_667);
    exactly(new.figure.cost_per_1000, 0.970_05);
    exactly(new.figure.arena, 0.771_525_127_961);
    exactly(new.regret, 0.933_333_333_333 - 0.816_666_666_667);
    exactly(new.random.quality, 0.781_111_111_111);
    exactly(new.random.cost_per_1000, 0.916_567_222_222);
    let [large, small] = summary.models.as_slice() else {
        panic!("{summary:?}");
    };
    assert_eq!((&*large.model, &*small.model), ("deep-1", "swift-1"));
    exactly(large.figure.quality, 0.866_666_666_667);
    exactly(large.figure.cost_per_1000, 1.4148);
    exactly(small.figure.quality, 0.633_333_333_333);
    exactly(small.figure.cost_per_1000, 0.055_983_333_333);
    exactly(summary.oracle.quality, 0.933_333_333_333);
    exactly(summary.oracle.cost_per_1000, 0.551_508_333_333);
    let pgr = new.pgr.as_ref().unwrap();
    assert_eq!((&*pgr.weak, &*pgr.strong), ("swift-1", "deep-1"));
    exactly(pgr.value, 0.785_714_285_714);
    exactly(new.shares[0].share, 0.633_333_333_333);
    exactly(new.shares[0].regret, 0.866_666_666_667 - 0.816_666_666_667);
}

#[test]
fn prompts_are_told_apart_by_source_and_by_route() {
    let plan = plan(NEW);
    let summary = of(&plan, &[], ROWS);
    let told = |parts: &[ctr_compiler::outcomes::PartFigures]| {
        let parts = parts.iter().map(|part| {
            let figure = part.figure;
            format!(
                "{} {} {:.2} {:.2}",
                part.name, figure.prompts, figure.quality, part.regret
            )
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        told(&summary.plans[0].sources),
        "arithmetic 10 0.90 0.10, proof 10 0.60 0.20, prose 10 0.95 0.05"
    );
    assert_eq!(
        told(&summary.plans[0].routes),
        "slot default 11 0.86 0.14, rule proofs 10 0.60 0.20, slot longContext 9 1.00 0.00"
    );
}

#[test]
fn two_plans_are_compared_prompt_by_prompt() {
    let (old, new) = (plan(OLD), plan(NEW));
    let summary = between(&old, &new, ROWS, CHANCE);
    let change = summary.change.unwrap();
    exactly(change.quality.found, 0.816_666_666_667 - 0.8);
    exactly(change.cost.unwrap().found, 0.970_05 / 0.962_075 - 1.0);
    let holds =
        |interval: Interval| interval.low <= interval.found && interval.found <= interval.high;
    assert!(holds(change.quality) && holds(change.cost.unwrap()));
    let turned = between(&new, &old, ROWS, CHANCE).change.unwrap();
    exactly(turned.quality.low, -change.quality.high);
    assert_eq!(between(&old, &new, ROWS, CHANCE), summary);
    let other = Chance { seed: 2, ..CHANCE };
    assert_ne!(between(&old, &new, ROWS, other), summary);
    let same = between(&old, &old, ROWS, CHANCE).change.unwrap();
    assert_eq!((same.quality.low, same.quality.high), (0.0, 0.0));
}

#[test]
fn a_review_refuses_what_is_over_its_limits() {
    let (old, new) = (plan(OLD), plan(NEW));
    let summary = between(&old, &new, ROWS, CHANCE);
    let over = |quality, cost| {
        let limits = Limits {
            quality_points: quality,
            cost_percent: cost,
        };
        limits.over(&summary).len()
    };
    assert_eq!([over(Some(1.6), Some(1.0)), over(Some(-1.0), None)], [0, 0]);
    assert_eq!([over(Some(1.7), Some(0.5)), over(None, Some(-1.0))], [2, 1]);
    let free = ROWS
        .replace("cost_usd", "cost_eur")
        .replace("input_tokens", "tokens");
    let summary = between(&old, &new, &free, CHANCE);
    let limits = Limits {
        cost_percent: Some(10.0),
        ..Limits::default()
    };
    assert_eq!(summary.change.unwrap().cost, None);
    assert_eq!(limits.over(&summary).len(), 1);
    assert_eq!(summary.plans[0].figure.cost_per_1000, None);
}

#[test]
fn a_plan_between_two_models_has_a_curve() {
    let summary = of(&plan(BY_LENGTH), &[], ROWS);
    let curve = summary.plans[0].curve.as_ref().unwrap();
    exactly(curve.apgr, 0.539_285_714_286);
    exactly(curve.points[3].0, 0.3);
    exactly(curve.points[3].1, 0.716_666_666_667);
    // A rule keeps proofs from going elsewhere, so no threshold takes all prompts.
    assert_eq!(of(&plan(NEW), &[], ROWS).plans[0].curve, None);
    assert_eq!(of(&plan(OLD), &[], ROWS).plans[0].thresholds, []);
    // The other way round the small model gets what is long.
    let turned = BY_LENGTH
        .replace("default: small", "default: large")
        .replace("longContext: large", "longContext: small");
    let turned = of(&plan(&turned), &[], ROWS).plans[0]
        .curve
        .clone()
        .unwrap();
    assert_eq!(turned.points.first().unwrap().0, 0.0);
    exactly(turned.points.last().unwrap().1, 0.866_666_666_667);
    assert!(turned.apgr < 0.5, "{}", turned.apgr);
}

/// What a sweep says of a threshold is what a plan with it gives.
#[test]
fn a_sweep_is_what_plans_decide() {
    let without_default = NEW.replace("  default: small\n", "");
    let windows = BY_LENGTH.replace(
        "model: swift-1\n    metadata: {",
        "model: swift-1\n    metadata: {safe_input_tokens: 90, ",
    );
    for text in [NEW, BY_LENGTH, &without_default, &windows] {
        let swept = of(&plan(text), &[], ROWS).plans[0].thresholds.clone();
        assert!(swept.len() > 3, "{swept:?}");
        for (threshold, point) in swept {
            let mut plan = plan(text);
            plan.router.long_context_threshold = threshold;
            let figure = of(&plan, &[], ROWS).plans[0].figure;
            exactly(figure.quality, point.quality);
            exactly(figure.cost_per_1000, point.cost);
        }
    }
}

#[test]
fn a_bad_row_is_named_and_passed_over() {
    let plan = plan(NEW);
    let summary = of(&plan, &[], BAD);
    assert_eq!((summary.prompts, summary.rows), (1, 9));
    let told: Vec<String> = summary
        .left_out
        .first
        .iter()
        .map(|(line, why)| format!("line {line} {why}"))
        .collect();
    assert_eq!(
        told,
        [
            "line 2 has no model that the plan could go to",
            "line 4 has a score of `swift-1` outside of 0 to 1",
            "line 5 has no outcome for `small`, where the plan sends it",
            "line 6 has no outcome",
            "line 7 is no JSON from column 2 on",
            "line 8 has no score of `swift-1`",
            "line 9 has a cost or tokens of `swift-1` below 0",
            "line 10 ends in the middle",
        ]
    );
}

#[test]
fn what_names_nothing_is_refused() {
    let plan = plan(NEW);
    let said = |model: &str, outcome: &str| vec![(model.to_owned(), outcome.to_owned())];
    let (why, help) = Mapping::new(&[&plan], &said("smal", "swift-1")).unwrap_err();
    assert_eq!(why, "`--map smal=swift-1`: the plan has no model `smal`");
    assert_eq!(help, "did you mean `small`?");
    let check = |said: &[(String, String)], lines: &str| {
        let mapping = Mapping::new(&[&plan], said).unwrap();
        play(Evaluation::of(&plan, mapping, CHANCE), lines).check()
    };
    let (why, help) = check(&said("small", "swift-2"), ROWS).unwrap_err();
    assert_eq!(
        why,
        "`--map small=swift-2`: no row has an outcome of `swift-2`"
    );
    assert_eq!(help, "did you mean `swift-1`?");
    assert_eq!(
        check(&[], "\n \n").unwrap_err().0,
        "the outcomes hold no row"
    );
    assert_eq!(check(&said("small", "deep-1"), ROWS), Ok(()));
}

#[test]
fn a_map_goes_before_names() {
    let plan = plan(NEW);
    let said = [("small".to_owned(), "deep-1".to_owned())];
    let summary = of(&plan, &said, ROWS);
    exactly(summary.plans[0].figure.quality, 0.866_666_666_667);
    assert_eq!(summary.plans[0].shares[0].share, 1.0);
}

#[test]
fn a_plan_that_must_ask_cannot_be_decided() {
    let text = NEW.replace(
        "  rules:",
        "  router_model: small\n  candidates:\n    - {model: small, description: easy}\n    - {model: large, description: hard}\n  rules:",
    );
    let summary = of(&plan(&text), &[], ROWS);
    assert_eq!(summary.prompts, 10);
    let told = &summary.undecidable[0];
    assert_eq!((&*told.model, told.rows), ("small", 20));
}

#[test]
fn what_is_refused_scores_nothing() {
    let text = NEW.replace("  default: small\n", "");
    let summary = of(&plan(&text), &[], ROWS);
    let new = &summary.plans[0];
    assert_eq!((summary.prompts, new.refused), (30, 11));
    let refused = new
        .routes
        .iter()
        .find(|part| part.name == "refused")
        .unwrap();
    assert_eq!(
        (refused.figure.quality, refused.figure.cost_per_1000),
        (0.0, Some(0.0))
    );
}

proptest! {
    /// Nothing that stands in a file ends an evaluation.
    #[test]
    fn no_line_ends_an_evaluation(
        lines in proptest::collection::vec(
            prop_oneof![
                "[ -~]{0,80}",
                r#"\{"outcomes": \{"(swift-1|deep-1|x)": \{"score": (-?[0-9]{1,3}|1e400|null)\}\}\}"#,
            ],
            0..20,
        )
    ) {
        let plan = plan(NEW);
        let summary = of(&plan, &[], &lines.join("\n"));
        prop_assert!(summary.prompts <= summary.rows);
        let undecided: u64 = summary.undecidable.iter().map(|told| told.rows).sum();
        prop_assert_eq!(summary.rows, summary.prompts + summary.left_out.rows + undecided);
    }
}

#[test]
fn models_without_end_are_not_told_apart() {
    let plan = plan(NEW);
    let lines: String = (0..300)
        .map(|at| format!("{{\"outcomes\": {{\"swift-1\": {{\"score\": 1}}, \"m-{at}\": {{\"score\": 0}}}}}}\n"))
        .collect();
    let summary = of(&plan, &[], &lines);
    assert_eq!((summary.prompts, summary.left_out.rows), (255, 45));
    assert_eq!(
        summary.left_out.first[0].1,
        BadRow::TooManyModels.to_string()
    );
}

/// The folder of the papers' data; says so where there is none.
fn papers() -> Option<PathBuf> {
    let folder = std::env::var_os("CTR_OUTCOMES").map(PathBuf::from);
    if folder.is_none() {
        let line = "SKIPPED: the papers' values; set CTR_OUTCOMES to the folder of their data\n";
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    folder
}

fn file(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A plan in which what is longer than `threshold` goes to another model.
fn by_length(short: &str, long: &str, threshold: u64) -> Plan {
    plan(&format!(
        "Models:\n  - {{id: short, api: \"https://a.example\", key: \"${{K}}\", interface: openai, model: \"{short}\"}}\n  - {{id: long, api: \"https://b.example\", key: \"${{K}}\", interface: openai, model: \"{long}\"}}\nRouter: {{default: short, longContext: long, longContextThreshold: {threshold}}}\n"
    ))
}

/// RouteLLM at 0b64fda, with a router whose win rate is the prompt's length.
#[test]
fn values_of_routellm() {
    let Some(folder) = papers() else { return };
    let rows = file(&folder, "gsm8k.jsonl");
    const WEAK: &str = "mistralai/Mixtral-8x7B-Instruct-v0.1";
    const STRONG: &str = "gpt-4-1106-preview";
    let mut bins = std::collections::BTreeMap::<u64, Bin>::new();
    for line in rows.lines() {
        let row = read(line.as_bytes()).unwrap().unwrap();
        let score = |name| {
            let mut outcomes = row.outcomes.iter();
            outcomes.find(|(model, _)| model == name).unwrap().1.score
        };
        let length = row.prompt.chars().count() as u64;
        let bin = bins.entry(length).or_default();
        bin.rate = length as f64;
        bin.prompts += 1;
        bin.weak += score(WEAK);
        bin.strong += score(STRONG);
    }
    let bins: Vec<Bin> = bins.into_values().collect();
    let curve = Curve::by_quantiles(&bins).unwrap();
    let summary = of(&by_length(WEAK, STRONG, 200), &[], &rows);
    let quality = |name| {
        let mut models = summary.models.iter();
        models
            .find(|model| model.model == name)
            .unwrap()
            .figure
            .quality
    };
    let (weak, strong) = (quality(WEAK), quality(STRONG));
    near(weak * 100.0, 63.7337, 5e-5);
    near(strong * 100.0, 85.7689, 5e-5);
    near(curve.area() * 100.0, 76.9252, 5e-5);
    near(curve.apgr(weak, strong).unwrap(), 0.59866, 5e-6);
    for (part, wanted) in [(0.2, 10.508), (0.5, 36.513), (0.8, 66.656)] {
        near(curve.cpt(part, weak, strong).unwrap() * 100.0, wanted, 5e-4);
    }
    near(summary.oracle.quality, 0.92961, 5e-6);
    // The plan's own curve is that router's.
    let of_plan = summary.plans[0].curve.as_ref().unwrap();
    near(of_plan.apgr, 0.59866, 5e-6);
    assert_eq!(of_plan.points.len(), curve.points().len());
}

/// RouterArena at 4714a9a.
#[test]
fn values_of_routerarena() {
    let Some(folder) = papers() else { return };
    let rows = file(&folder, "routerarena.jsonl");
    const HAIKU: &str = "claude-3-haiku-20240307";
    const GEMINI: &str = "gemini-2.0-flash-001";
    let summary = of(&by_length(HAIKU, GEMINI, 399), &[], &rows);
    for (name, quality, cost, arena) in [
        (HAIKU, 0.508_692, 0.175_512, 0.519_309),
        (GEMINI, 0.685_039, 0.047_642, 0.692_554),
    ] {
        let mut models = summary.models.iter();
        let figure = models.find(|model| model.model == name).unwrap().figure;
        near(figure.quality, quality, 5e-7);
        near(figure.cost_per_1000.unwrap(), cost, 5e-7);
        near(figure.arena.unwrap(), arena, 5e-7);
    }
    near(summary.oracle.quality, 0.738_300, 5e-7);
    near(summary.oracle.cost_per_1000.unwrap(), 0.057_457, 5e-7);
    near(summary.plans[0].figure.quality, 0.669_438, 5e-7);
    near(
        summary.plans[0].figure.cost_per_1000.unwrap(),
        0.058_384,
        5e-7,
    );
}
