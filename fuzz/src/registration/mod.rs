//! What must hold for every text that is compiled, or imported: one function a fuzz
//! target, given bytes.
//!
//! Each panics where a law is broken and returns otherwise. The compiler's tests
//! include this file to replay the inputs that once broke one (fixtures/found).

mod rules;

use ctr_compiler::diagnostic::{Problems, Shown};
use ctr_compiler::diff::{Diff, diff};
use ctr_compiler::document::{Unformatted, format, yaml};
use ctr_compiler::health::Observed;
use ctr_compiler::import::{self, Format};
use ctr_compiler::plan::{Interface, Plan, SecretRef, Slot};
use ctr_compiler::route::{PoolSnapshot, RequestFeatures, route};
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, Limits, compile, render, why};
use miette::{GraphicalReportHandler, GraphicalTheme};

pub use rules::rules;

/// What a target runs.
pub type Law = fn(&[u8]);

/// The law of each target, by the target's name.
pub const LAWS: &[(&str, Law)] = &[
    ("yaml", yaml),
    ("kdl", kdl),
    ("pair", pair),
    ("import", import),
    ("rules", rules),
];

/// Separates the documents of [`pair`].
const BETWEEN: &[u8] = b"\n=====\n";

/// A secret that seeds hold. It is no word of ours, so any output that has it leaks it.
const SECRET: &str = "hunter2QzXw";

/// Problems of one run that are drawn; drawing all of them would measure nothing else.
const DRAWN: usize = 12;

/// One YAML document.
pub fn yaml(data: &[u8]) {
    let sources = Sources::single("r.yaml", text(data));
    compiled(&sources);
    formatted(&sources);
}

/// One KDL document.
pub fn kdl(data: &[u8]) {
    let sources = Sources::single("r.kdl", text(data));
    compiled(&sources);
    formatted(&sources);
}

/// Two documents: what their plans say of each other, and what they say as one set.
pub fn pair(data: &[u8]) {
    let at = data.windows(BETWEEN.len()).position(|part| part == BETWEEN);
    let (one, other) = match at {
        Some(at) => (text(&data[..at]), text(&data[at + BETWEEN.len()..])),
        None => (text(data), text(data)),
    };
    let plan = |text: &str| compile(&Sources::single("r.yaml", text)).plan;
    if let (Some(one), Some(other)) = (plan(&one), plan(&other)) {
        differing(&one, &other);
    }
    let mut set = Sources::new();
    set.add("a.yaml", one);
    set.add("b.yaml", other);
    compiled(&set);
}

/// One file of another gateway, taken for each of them: what is imported compiles.
pub fn import(data: &[u8]) {
    let sources = Sources::single("f.yaml", text(data));
    for (_, format) in Format::WORDS {
        let imported = import::import(*format, &sources);
        assert_inside(&imported.problems, &sources);
        drawn(&imported.problems, &sources);
        assert_eq!(
            imported.document.is_none(),
            imported.problems.has_errors(),
            "a registration, or an error that says why not"
        );
        if let Some(document) = &imported.document {
            let text = yaml::write(document);
            let compiled = compile(&Sources::single("r.yaml", text.as_str()));
            assert!(compiled.plan.is_some(), "imported as {format}:\n{text}");
        }
    }
}

/// What can be read can be formatted, has the same plan then, and is formatted.
fn formatted(sources: &Sources) {
    let Some((id, source)) = sources.iter().next() else {
        return;
    };
    let limits = Limits::default();
    let once = match format(sources, id, &limits) {
        Ok(once) => Sources::single(source.name(), once),
        Err(why) => {
            assert_ne!(why, Unformatted::Defect, "formatting changed the text");
            return;
        }
    };
    for (id, source) in once.iter() {
        let twice = format(&once, id, &limits);
        assert_eq!(
            twice.as_deref(),
            Ok(source.text()),
            "formatted, and not yet"
        );
    }
    let plan = |sources: &Sources| compile(sources).plan.map(|plan| plan.hash());
    assert_eq!(
        plan(sources),
        plan(&once),
        "the same plan in another layout"
    );
}

/// Bytes that are not UTF-8 are refused before anything else, so none are sent.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

fn compiled(sources: &Sources) {
    let compiled = compile(sources);
    assert_eq!(
        compiled.plan.is_none(),
        compiled.problems.has_errors(),
        "a plan, or an error that says why not"
    );
    let again = compile(sources);
    assert_eq!(
        compiled.problems, again.problems,
        "the same text, the same problems"
    );
    assert_eq!(compiled.plan, again.plan, "the same text, the same plan");
    assert_inside(&compiled.problems, sources);
    if let Some(plan) = &compiled.plan {
        survives(plan);
        assert!(diff(plan, plan).is_empty());
        reasons(plan, &compiled);
        decisions(plan);
    }
    let secret = holds_secret(&compiled, sources);
    let told = told(&compiled, sources);
    for (name, output) in &told {
        // A quoted line keeps its ends; the command line makes a sign of a lone `\r`.
        let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let found = output.find(obeyed);
        assert_eq!(found, None, "{name} holds what a terminal obeys");
    }
    for (name, output) in told.iter().chain(&described(&compiled, sources)) {
        let leaks = secret && output.contains(SECRET);
        assert!(!leaks, "{name} tells a secret");
    }
}

/// Every place that is named lies inside its source, between characters.
fn assert_inside(problems: &Problems, sources: &Sources) {
    for diagnostic in problems.iter() {
        let fix = diagnostic.fix.iter().map(|fix| fix.span);
        for span in diagnostic.labels.iter().map(|label| label.span).chain(fix) {
            let inside = sources.get(span.source).text().get(span.range());
            assert!(inside.is_some(), "{span:?} of {diagnostic:?}");
        }
    }
}

/// A plan is its canonical JSON.
fn survives(plan: &Plan) {
    let text = plan.to_canonical_json();
    assert!(Plan::is_plan(&text));
    let read = Plan::from_json(&text).expect("a plan can be read back");
    assert_eq!(&read, plan);
    assert_eq!(read.hash(), plan.hash());
}

/// Every endpoint and slot has a reason, with a path that leads to it again.
fn reasons(plan: &Plan, compiled: &Compiled) {
    let models = plan.models.keys().map(|id| format!("models.{id}"));
    let pools = plan.pools.keys().map(|id| format!("pools.{id}.strategy"));
    let slots = Slot::WORDS
        .iter()
        .map(|(word, _)| format!("router.slots.{word}"));
    for path in models.chain(pools).chain(slots) {
        let answer = why::why(plan, &compiled.provenance, &path);
        let answer = answer.expect("what a plan has can be asked for");
        assert_eq!(answer.path, path);
    }
}

/// The same request is decided in the same way, and lands on what is enabled.
fn decisions(plan: &Plan) {
    let snapshot = PoolSnapshot::all_healthy();
    for model in plan.logical_ids().map(Some).chain([None]) {
        for interface in [None, Some(Interface::Anthropic), Some(Interface::Openai)] {
            let features = RequestFeatures::plain(interface, model);
            let decision = route(plan, &features, &snapshot);
            assert_eq!(decision, route(plan, &features, &snapshot));
            let candidates = decision.iter().flat_map(|decision| &decision.candidates);
            for candidate in candidates {
                assert!(candidate.endpoint.enabled);
            }
        }
    }
}

/// A diff turns round, and is empty exactly where the hashes agree.
fn differing(one: &Plan, other: &Plan) {
    let there = diff(one, other);
    assert_eq!(there.turned(), diff(other, one));
    assert_eq!(there.is_empty(), one.hash() == other.hash());
    for change in &there.changes {
        assert_ne!(change.before, change.after);
    }
    shown(&there);
}

fn shown(diff: &Diff) -> [String; 3] {
    [
        render::diff::text(diff),
        render::diff::json(diff).to_string(),
        render::diff::markdown(diff),
    ]
}

/// Whether the secret stands in the document once, as a value that the plan hides.
fn holds_secret(compiled: &Compiled, sources: &Sources) -> bool {
    let texts = sources.iter().map(|(_, source)| source.text());
    let count: usize = texts.map(|text| text.matches(SECRET).count()).sum();
    let (Some(plan), 1) = (&compiled.plan, count) else {
        return false;
    };
    let text = plan.to_canonical_json();
    let fingerprints = text.split('"').filter(|word| word.starts_with("secret:"));
    fingerprints
        .map(|word| SecretRef::from(word.to_owned()))
        .any(|secret| {
            let text = secret.text(&compiled.secrets);
            text.is_some_and(|text| text.contains(SECRET))
        })
}

/// What is said about a document.
fn told(compiled: &Compiled, sources: &Sources) -> [(&'static str, String); 5] {
    let found = || compiled.problems.iter();
    let sarif = render::sarif::json(found(), &compiled.waived, sources, "0");
    [
        ("text", drawn(&compiled.problems, sources)),
        ("JSON", render::problems::json(found(), sources).to_string()),
        ("SARIF", sarif.to_string()),
        ("annotations", render::github::text(found(), sources)),
        ("JUnit", render::junit::text(found(), sources)),
    ]
}

/// What is shown of its plan. The words of the document stand in it as they are.
fn described(compiled: &Compiled, sources: &Sources) -> [(&'static str, String); 5] {
    let preview = render::preview::json(compiled, sources);
    let view = render::compiled::view(compiled, &|_| Observed::default(), 0);
    let plan = compiled.plan.iter().map(Plan::to_canonical_json);
    [
        ("preview", render::preview::text(compiled, sources)),
        ("preview as JSON", preview.to_string()),
        ("compiled view", view.to_string()),
        ("plan", plan.collect()),
        ("debugging", format!("{compiled:?}")),
    ]
}

/// The first problems as a terminal without colours shows them.
fn drawn(problems: &Problems, sources: &Sources) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut page = String::new();
    for diagnostic in problems.iter().take(DRAWN) {
        let shown = Shown::new(diagnostic, sources);
        handler
            .render_report(&mut page, &shown)
            .expect("a place that lies inside can be drawn");
    }
    page
}
