//! Tuning finds what was hidden in outcomes, says when there is nothing, and edits a
//! text so that it compiles to what was found and all else stays.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fmt::Write;

use ctr_compiler::compile;
use ctr_compiler::outcomes::tune::{Tuned, Tuning, edited};
use ctr_compiler::outcomes::{Chance, Evaluation, Mapping, read};
use ctr_compiler::plan::Plan;
use ctr_compiler::route::{RequestFeatures, Tokens};
use ctr_compiler::source::Sources;

const CHANCE: Chance = Chance {
    seed: 3,
    resamples: 200,
};

const MODELS: &str = "\
Models:
  - {id: small, api: \"https://a.example\", key: \"${K}\", interface: openai, model: s}
  - {id: large, api: \"https://b.example\", key: \"${K}\", interface: openai, model: l}
";

/// A row for which one of the two models is right, the large one at ten times the cost.
fn row(at: usize, prompt: &str, is_hard: bool) -> String {
    let (small, large) = (u8::from(!is_hard), u8::from(is_hard));
    format!(
        "{{\"id\": \"row-{at}\", \"prompt\": \"{prompt}\", \"outcomes\": {{\"s\": {{\"score\": {small}, \"cost_usd\": 0.001}}, \"l\": {{\"score\": {large}, \"cost_usd\": 0.01}}}}}}\n"
    )
}

/// Tokens are words here.
fn each(lines: &str, mut take: impl FnMut(&ctr_compiler::outcomes::Row<'_>, &RequestFeatures<'_>)) {
    for line in lines.lines() {
        let row = read(line.as_bytes()).unwrap().unwrap();
        let features = RequestFeatures {
            text: Some(&row.prompt)
                .filter(|text| !text.is_empty())
                .map(|text| (**text).into()),
            tokens: Tokens::Counted(row.prompt.split_whitespace().count() as u64),
            ..RequestFeatures::plain(None, None)
        };
        take(&row, &features);
    }
}

fn tune(plan: &Plan, lines: &str, most: f64) -> Tuned {
    let mapping = Mapping::new(&[plan], &[]).unwrap();
    let mut tuning = Tuning::of(plan, mapping, CHANCE);
    each(lines, |row, features| tuning.row(row, features));
    tuning.check().unwrap();
    tuning.finish(most)
}

/// What is tuned of a text, and the text that is proposed for it.
fn proposed(name: &str, text: &str, lines: &str, most: f64) -> (Tuned, Option<String>) {
    let sources = Sources::single(name, text.to_owned());
    let compiled = compile(&sources);
    let plan = compiled
        .plan
        .as_ref()
        .unwrap_or_else(|| panic!("{:?}", compiled.problems));
    let tuned = tune(plan, lines, most);
    let new = edited(&sources, &compiled, &tuned.plan);
    let text = new.map(|new| new.iter().next().unwrap().1.text().to_owned());
    (tuned, text)
}

/// Lines of a text that another one does not have.
fn added(new: &str, old: &str) -> Vec<String> {
    let known: Vec<&str> = old.lines().collect();
    let new = new.lines().filter(|line| !known.contains(line));
    new.map(str::to_owned).collect()
}

/// What is longer than 20 words is hard.
fn by_length() -> String {
    let mut lines = String::new();
    for at in 0..200 {
        let words = 1 + at % 40;
        lines.push_str(&row(at, &"word ".repeat(words), words > 20));
    }
    lines
}

#[test]
fn a_threshold_is_found_and_written() {
    let text = format!(
        "{MODELS}Router:\n  default: small # cheap\n  longContext: large\n  # Long is dear.\n  longContextThreshold: 35 # words\n"
    );
    let (tuned, new) = proposed("r.yaml", &text, &by_length(), 900.0);
    assert!(tuned.is_better, "{tuned:?}");
    assert_eq!(tuned.settings.len(), 1);
    assert_eq!(tuned.settings[0].path, "router.long_context_threshold");
    let after: u64 = tuned.settings[0].after.as_ref().unwrap().parse().unwrap();
    assert!((19..=21).contains(&after), "{after}");
    let new = new.unwrap();
    assert_eq!(
        added(&new, &text),
        [format!("  longContextThreshold: {after} # words")]
    );
    assert_eq!(new.lines().count(), text.lines().count());
    assert!(tuned.held_out.quality[1] > tuned.held_out.quality[0]);
    assert!(tuned.quality.unwrap().low > 0.0);
}

#[test]
fn a_threshold_that_is_not_written_gets_its_place() {
    for (name, text, wanted) in [
        (
            "block.yaml",
            format!("{MODELS}Router:\n  default: small\n  longContext: \"large\" # dear\n"),
            "  longContextThreshold: ",
        ),
        (
            "flow.yaml",
            format!("{MODELS}Router: {{default: small, longContext: large}}\n"),
            "Router: {default: small, longContext: large, longContextThreshold: ",
        ),
        (
            "r.kdl",
            "model \"small\" { api \"https://a.example\"; key \"${K}\"; interface \"openai\"; model \"s\"; }\nmodel \"large\" { api \"https://b.example\"; key \"${K}\"; interface \"openai\"; model \"l\"; }\nrouter {\n  default \"small\"\n  longContext \"large\"\n}\n".to_owned(),
            "  longContext \"large\"; longContextThreshold ",
        ),
    ] {
        let (tuned, new) = proposed(name, &text, &by_length(), 900.0);
        assert_eq!(tuned.settings[0].before, "60000", "{name}");
        let new = new.unwrap_or_else(|| panic!("{name}"));
        let added = added(&new, &text);
        assert_eq!(added.len(), 1, "{new}");
        assert!(added[0].starts_with(wanted), "{name}: {added:?}");
    }
}

#[test]
fn a_budget_keeps_a_search_from_what_is_dear() {
    let text = format!(
        "{MODELS}Router: {{default: small, longContext: large, longContextThreshold: 10}}\n"
    );
    let (free, _) = proposed("r.yaml", &text, &by_length(), 0.0);
    let (saving, _) = proposed("r.yaml", &text, &by_length(), -60.0);
    let threshold = |tuned: &Tuned| tuned.plan.router.long_context_threshold;
    assert!((19..=21).contains(&threshold(&free)), "{free:?}");
    assert!(threshold(&saving) > 25, "{saving:?}");
    let [before, after] = saving.learnt.cost_per_1000.map(Option::unwrap);
    assert!(after <= before * 0.4 + 1e-9, "{before} {after}");
}

/// Of two rules, the one for what is hard is asked too late.
const ORDER: &str = "Router: {default: small}
SmartRouter:
  enabled: true
  rules:
    # Proofs are easy,
    - name: proofs
      model: small
      patterns: [{type: exact, keywords: [proof]}]
    # unless by induction.
    - {name: inductions, model: large, patterns: [{type: exact, keywords: [induction]}]}
";

fn inductions() -> String {
    let one = |at: usize| match at % 3 {
        0 => row(at, "a proof", false),
        1 => row(at, "a proof by induction", true),
        _ => row(at, "nothing of the kind", false),
    };
    (0..90).map(one).collect()
}

#[test]
fn an_order_of_rules_is_found_and_written_as_priority() {
    let text = format!("{MODELS}{ORDER}");
    let (tuned, new) = proposed("r.yaml", &text, &inductions(), 1_000.0);
    assert!(tuned.is_better, "{tuned:?}");
    assert_eq!(tuned.settings[0].before, "proofs, inductions");
    assert_eq!(
        tuned.settings[0].after.as_deref(),
        Some("inductions, proofs")
    );
    let new = new.unwrap();
    assert_eq!(
        added(&new, &text),
        [
            "    - {name: inductions, priority: 1, model: large, patterns: [{type: exact, keywords: [induction]}]}"
        ]
    );
}

#[test]
fn an_order_is_written_in_kdl_as_well() {
    let text = "model \"small\" { api \"https://a.example\"; key \"${K}\"; interface \"openai\"; model \"s\"; }
model \"large\" { api \"https://b.example\"; key \"${K}\"; interface \"openai\"; model \"l\"; }
router { default \"small\"; }
smart_router enabled=#true {
  rule \"proofs\" { model \"small\"; exact \"proof\"; }
  // By induction they are hard.
  rule \"inductions\" { model \"large\"; exact \"induction\"; }
}
";
    let (_, new) = proposed("r.kdl", text, &inductions(), 1_000.0);
    assert_eq!(
        added(&new.unwrap(), text),
        ["  rule \"inductions\" priority=1 { model \"large\"; exact \"induction\"; }"]
    );
}

#[test]
fn likeness_is_found_and_written() {
    let text = format!(
        "{MODELS}Router: {{default: small}}
SmartRouter:
  enabled: true
  semantic: {{enabled: true, mode: embedding, threshold: 0.95}}
  rules:
    - name: essays
      description: an essay about the sea
      model: large
      patterns: [{{type: exact, keywords: [zzz]}}]
"
    );
    let mut lines = String::new();
    for at in 0..60 {
        let (prompt, is_hard) = match at % 2 {
            0 => ("write an essay about the sea, quickly", true),
            _ => ("12 + 34", false),
        };
        lines.push_str(&row(at, prompt, is_hard));
    }
    // All of its words and letters occur, so nothing is to be found here.
    let (same, _) = proposed("r.yaml", &text, &lines, 1_000.0);
    assert!(!same.is_better && same.settings.is_empty(), "{same:?}");
    let lines = lines.replace("an essay about the sea", "an essay about cheese");
    let (tuned, new) = proposed("r.yaml", &text, &lines, 1_000.0);
    assert!(tuned.is_better, "{tuned:?}");
    let path = "smart_router.rules.essays.prototype.threshold";
    assert_eq!(tuned.settings[0].path, path);
    let added = added(&new.unwrap(), &text);
    assert_eq!(added.len(), 1, "{added:?}");
    assert!(
        added[0].starts_with("      semantic_profile: {threshold: 0."),
        "{added:?}"
    );
}

/// What is kept of a prompt decides as its text does, with the plan as it is and with
/// the one that was found.
#[test]
fn what_is_kept_decides_as_the_text_does() {
    let long = by_length();
    let order = inductions();
    let length = format!(
        "{MODELS}Router: {{default: small, longContext: large, longContextThreshold: 35}}\n"
    );
    for (text, lines) in [(length, long), (format!("{MODELS}{ORDER}"), order)] {
        let (tuned, _) = proposed("r.yaml", &text, &lines, 1_000.0);
        let before = compile(&Sources::single("r.yaml", text)).plan.unwrap();
        for (side, plan) in [&before, &tuned.plan].into_iter().enumerate() {
            let mapping = Mapping::new(&[plan], &[]).unwrap();
            let mut evaluation = Evaluation::of(plan, mapping, CHANCE);
            each(&lines, |row, features| evaluation.row(row, features));
            let whole = evaluation.finish().summary().plans[0].figure;
            let of = |sides: &ctr_compiler::outcomes::tune::Sides| {
                sides.quality[side].unwrap() * sides.prompts as f64
            };
            let kept = (of(&tuned.learnt) + of(&tuned.held_out)) / whole.prompts as f64;
            assert!(
                (kept - whole.quality).abs() < 1e-9,
                "{kept} {}",
                whole.quality
            );
        }
    }
}

#[test]
fn where_nothing_is_better_nothing_is_changed() {
    let text = format!(
        "{MODELS}Router: {{default: small, longContext: large, longContextThreshold: 20}}\n"
    );
    let (tuned, new) = proposed("r.yaml", &text, &by_length(), 0.0);
    assert!(!tuned.is_better && tuned.settings.is_empty(), "{tuned:?}");
    assert_eq!(new.unwrap(), text);
    assert_eq!(tuned, proposed("r.yaml", &text, &by_length(), 0.0).0);
    let fixed = format!("{MODELS}Router: {{default: small}}\n");
    let (tuned, _) = proposed("r.yaml", &fixed, &by_length(), 0.0);
    assert_eq!((tuned.tunable.len(), tuned.tried), (0, 0));
}

#[test]
fn without_costs_quality_alone_counts_and_that_is_said() {
    let text = format!(
        "{MODELS}Router: {{default: small, longContext: large, longContextThreshold: 35}}\n"
    );
    let (tuned, _) = proposed(
        "r.yaml",
        &text,
        &by_length().replace("cost_usd", "paid"),
        0.0,
    );
    assert!(tuned.is_better, "{tuned:?}");
    assert_eq!(
        (tuned.cost, tuned.held_out.cost_per_1000),
        (None, [None; 2])
    );
    let told = ctr_compiler::render::outcomes::tuned(&tuned, "r.yaml");
    assert!(told.contains("quality alone counted"), "{told}");
}

/// What fits the prompts that are learnt from by chance is not proposed.
#[test]
fn what_does_not_hold_is_not_proposed() {
    let text = format!(
        "{MODELS}Router: {{default: small, longContext: large, longContextThreshold: 20}}\n"
    );
    let mut better = 0;
    for kind in 0..20_usize {
        let mut lines = String::new();
        for at in 0..60_usize {
            let is_hard = (at * 7_919 + kind * 104_729) / 7 % 2 == 0;
            let mut prompt = String::new();
            let _ = write!(prompt, "{}", "word ".repeat(1 + at % 40));
            lines.push_str(&row(at, &prompt, is_hard));
        }
        let (tuned, _) = proposed("r.yaml", &text, &lines, 1_000.0);
        let [was, is] = tuned.held_out.quality.map(Option::unwrap);
        let [cost, less] = tuned.held_out.cost_per_1000.map(Option::unwrap);
        better += u32::from(tuned.is_better);
        let holds = is > was || (is == was && less < cost);
        assert_eq!(tuned.is_better, holds, "{tuned:?}");
    }
    assert!(better < 20, "chance always holds");
}
