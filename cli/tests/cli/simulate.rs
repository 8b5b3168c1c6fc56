//! A pool played through failures.

use crate::{Place, assert_story};

const OUTAGE: &str =
    "simulate --kill sonnet-primary@10s --restore sonnet-primary@60s --rps 20 --seed 7";

#[test]
fn an_outage_is_told() {
    let place = Place::quick_start();
    let told = place.story(&format!("{OUTAGE} registration.yaml"));
    assert_story!("simulate", told);
    let again = place.story(&format!("{OUTAGE} registration.yaml"));
    assert_eq!(again, told);
}

#[test]
fn a_compiled_plan_is_played_as_well() {
    let place = Place::quick_start();
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    let told = |file: &str| {
        let told = place.ctr(&format!("{OUTAGE} {file}")).output().unwrap();
        assert_eq!(told.status.code(), Some(0));
        told.stdout
    };
    assert_eq!(told("plan.json"), told("registration.yaml"));
}

#[test]
fn programs_and_eyes_get_their_own() {
    let place = Place::quick_start();
    let short = "simulate --rps 2 --duration 4s --kill sonnet-primary@1s registration.yaml";
    assert_story!(
        "simulate-json",
        place.story(&format!("{short} --format json"))
    );
    assert_story!("simulate-svg", place.story(&format!("{short} --svg -")));
    let printed = place.ctr(&format!("{short} --svg -")).output().unwrap();
    assert_eq!(place.exit(&format!("{short} --svg plot.svg")), 0);
    assert_eq!(place.read("plot.svg").into_bytes(), printed.stdout);
}

#[test]
fn every_strategy_can_be_played() {
    let strategies = [
        "priority",
        "least-latency",
        "round-robin",
        "health-aware",
        "cost-aware",
        "p2c-ewma",
    ];
    for strategy in strategies {
        let text =
            crate::QUICK_START.replace("strategy: priority", &format!("strategy: {strategy}"));
        let place = Place::new().with("r.yaml", &text);
        assert_eq!(
            place.exit("simulate --error-rate sonnet-primary=20% r.yaml"),
            0
        );
    }
}

#[test]
fn what_cannot_be_played_is_said() {
    let place = Place::quick_start()
        .with("broken.yaml", "Router: {default: x}\n")
        .with("old.json", "{\"schema\":\"ctr.plan/0\"}");
    let lines = [
        "--kill sonnet-prmary@10s registration.yaml",
        "--latency haiku=1s registration.yaml",
        "--restore sonnet-primary@5s registration.yaml",
        "--restore sonnet-primary@5s --kill sonnet-primary@10s registration.yaml",
        "--model sonet registration.yaml",
        "--duration 5s --kill sonnet-primary@10s registration.yaml",
        "--duration 0s registration.yaml",
        "--rps 100000 --duration 1h registration.yaml",
        "--svg registration.yaml registration.yaml",
        "--svg nowhere/plot.svg registration.yaml",
        "--svg - --format json registration.yaml",
        "broken.yaml",
        "old.json",
        "missing.yaml",
    ];
    let stories: Vec<String> = lines
        .iter()
        .map(|line| place.story(&format!("simulate {line}")))
        .collect();
    assert_story!("simulate-refused", stories.join("\n"));
    assert_eq!(place.read("registration.yaml"), crate::QUICK_START);
}
