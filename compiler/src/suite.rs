//! Route tests: requests, and where a plan must send them.
//!
//! A test is judged by the decision the proxy would make. Bodies are read by
//! whoever holds them; what a test says of a request counts before what its
//! body says.

mod coverage;
mod mutate;
mod read;

use crate::diagnostic::{Code, Diagnostic, Problems, did_you_mean};
use crate::explain::{endpoint_ids, explain};
use crate::health::Seen;
use crate::plan::{Endpoint, Plan, Provenance, Slot};
use crate::registration::{Named, TestEntry};
use crate::route::{
    Decision, NoRoute, PoolSnapshot, RequestFeatures, Session, Source, Tokens, reasons, route,
};
use crate::source::{Span, Spanned};

pub use coverage::{Coverage, Item, Kind};
pub use mutate::{Mutant, mutants};
pub use read::read;

/// When tests are played, in milliseconds since the Unix epoch; any moment would do.
const NOW_MS: u64 = 1_800_000_000_000;

/// A test, and what it looks at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'c> {
    /// The test.
    pub entry: &'c TestEntry,
    /// What its request says, or why it cannot be had: in words, and what to do.
    pub request: Result<RequestFeatures<'c>, (&'c str, &'c str)>,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Option<Span>,
    /// What did not hold; empty where all did.
    pub failed: Vec<Failed>,
    /// Where its request went; absent where it has none.
    pub went: Option<Went>,
}

/// An expectation that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The key, for example `model`, or what else is wrong.
    pub what: String,
    /// What was expected; absent where nothing could be compared.
    pub expected: Option<String>,
    /// What came out.
    pub actual: String,
    /// Where the expectation stands.
    pub span: Option<Span>,
}

/// Where a request went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Went {
    /// The logical model; absent where there is no route.
    pub model: Option<String>,
    /// The endpoint that is tried first.
    pub endpoint: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// What a trace says.
    pub reasons: Vec<String>,
    /// The step that decided.
    pub step: &'static str,
    /// The line behind that step.
    pub line: Option<Span>,
    /// What was reached.
    pub(crate) reached: Vec<(Kind, String)>,
}

/// What came of all tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Each test in its order.
    pub ran: Vec<Ran>,
    /// What they reach.
    pub coverage: Coverage,
    /// What came of changing the plan, where that was asked for.
    pub mutation: Option<Mutation>,
}

/// What came of changing a plan in small ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// How many changes were tried.
    pub tried: usize,
    /// Those that no test noticed, in the order of the plan.
    pub survivors: Vec<Mutant>,
}

impl Report {
    /// How many tests failed.
    pub fn failed(&self) -> usize {
        self.ran.iter().filter(|ran| !ran.failed.is_empty()).count()
    }
}

impl Mutation {
    /// Part of the changes that was noticed, in per cent; 100 where none was tried.
    pub fn percent(&self) -> f64 {
        match self.tried {
            0 => 100.0,
            tried => (tried - self.survivors.len().min(tried)) as f64 * 100.0 / tried as f64,
        }
    }
}

/// Runs one test.
pub fn run(plan: &Plan, provenance: &Provenance, case: &Case<'_>) -> Ran {
    let mut ran = Ran {
        name: case.entry.name.clone(),
        span: case.entry.span,
        failed: Vec::new(),
        went: None,
    };
    if case.entry.is_broken {
        ran.failed.push(Failed::plain(
            "mistake",
            "it has a mistake, told above, and may not mean what it says",
        ));
    }
    match &case.request {
        Err((why, _)) => ran.failed.push(Failed::plain("request", why)),
        Ok(features) => {
            let went = went(plan, provenance, case.entry, features);
            ran.failed.extend(compare(case.entry, &went));
            ran.went = Some(went);
        }
    }
    for (named, name) in names(case.entry) {
        let is_told = ran.failed.iter().any(|told| told.span == Some(name.span));
        if !is_told && !is_known(plan, named, &name.value) {
            let what = format!("`{}` does not exist", name.value);
            ran.failed.push(Failed {
                span: Some(name.span),
                ..Failed::plain("name", &what)
            });
        }
    }
    ran
}

/// Whether everything that a test expects holds under another plan.
pub(crate) fn holds(plan: &Plan, case: &Case<'_>) -> bool {
    let Ok(features) = &case.request else {
        return false;
    };
    let outcome = decide(plan, case.entry, features);
    compare(case.entry, &facts(plan, features, &outcome)).is_empty()
}

fn decide<'p>(
    plan: &'p Plan,
    entry: &TestEntry,
    features: &RequestFeatures<'_>,
) -> Result<Decision<'p>, NoRoute> {
    let seen = |endpoint: &Endpoint| entry.given.seen(plan, endpoint, NOW_MS, &|_| Seen::UNUSED);
    route(plan, features, &PoolSnapshot::new(&seen, 0))
}

/// What can be compared of a decision.
fn facts(
    plan: &Plan,
    features: &RequestFeatures<'_>,
    outcome: &Result<Decision<'_>, NoRoute>,
) -> Went {
    let decision = outcome.as_ref().ok();
    let first = decision.and_then(|decision| decision.candidates.first());
    Went {
        model: decision.map(|decision| decision.model.to_owned()),
        endpoint: first.map(|first| first.endpoint.id.clone()),
        status: outcome.as_ref().map_or_else(NoRoute::status, |_| 200),
        reasons: reasons(plan, features, outcome.as_ref()),
        step: "none",
        line: None,
        reached: Vec::new(),
    }
}

fn went(
    plan: &Plan,
    provenance: &Provenance,
    entry: &TestEntry,
    features: &RequestFeatures<'_>,
) -> Went {
    let seen = |endpoint: &Endpoint| entry.given.seen(plan, endpoint, NOW_MS, &|_| Seen::UNUSED);
    let snapshot = PoolSnapshot::new(&seen, 0);
    let explained = explain(plan, provenance, features, &snapshot, NOW_MS);
    let step = explained.decides.and_then(|at| explained.steps.get(at));
    Went {
        step: step.map_or("none", |step| step.step.word()),
        line: step.and_then(|step| step.span),
        reached: explained.outcome.as_ref().map(reached).unwrap_or_default(),
        ..facts(plan, features, &explained.outcome)
    }
}

/// What a decision reaches: the rule or the slot, the pool, the endpoint that is
/// tried first.
fn reached(decision: &Decision<'_>) -> Vec<(Kind, String)> {
    let mut reached = Vec::new();
    match decision.source {
        Source::Rule(name) | Source::Semantic(name) => reached.push((Kind::Rule, name.to_owned())),
        Source::Slot(slot) => reached.push((Kind::Slot, slot.to_string())),
        _ => {}
    }
    if decision.instead_of.is_some() {
        reached.push((Kind::Slot, Slot::LongContext.to_string()));
    }
    if decision.pool.is_some() {
        reached.push((Kind::Pool, decision.model.to_owned()));
    }
    if let Some(first) = decision.candidates.first() {
        reached.push((Kind::Endpoint, first.endpoint.id.clone()));
    }
    reached
}

fn compare(entry: &TestEntry, went: &Went) -> Vec<Failed> {
    let expect = &entry.expect;
    let nothing = || format!("no route, {}", went.status);
    let model = went.model.clone().unwrap_or_else(nothing);
    let endpoint = went.endpoint.clone().unwrap_or_else(nothing);
    let mut failed = Vec::new();
    let mut same = |what: &str, expected: Option<&Spanned<String>>, actual: &str| {
        if let Some(expected) = expected.filter(|expected| expected.value != actual) {
            failed.push(Failed::told(what, &expected.value, actual, expected.span));
        }
    };
    same("model", expect.model.as_ref(), &model);
    same("endpoint", expect.endpoint.as_ref(), &endpoint);
    for unwanted in &expect.not_model {
        if went.model.as_ref() == Some(&unwanted.value) {
            let expected = format!("any but {}", unwanted.value);
            failed.push(Failed::told("not_model", &expected, &model, unwanted.span));
        }
    }
    for reason in &expect.reason {
        if !went.reasons.contains(&reason.value) {
            let actual = match went.reasons.is_empty() {
                true => "none".to_owned(),
                false => went.reasons.join(", "),
            };
            failed.push(Failed::told("reason", &reason.value, &actual, reason.span));
        }
    }
    if let Some(status) = expect.status.as_ref().filter(|it| it.value != went.status) {
        let (expected, actual) = (status.value.to_string(), went.status.to_string());
        failed.push(Failed::told("status", &expected, &actual, status.span));
    }
    failed
}

impl Failed {
    fn told(what: &str, expected: &str, actual: &str, span: Span) -> Self {
        Self {
            what: what.to_owned(),
            expected: Some(expected.to_owned()),
            actual: actual.to_owned(),
            span: Some(span),
        }
    }

    fn plain(what: &str, actual: &str) -> Self {
        Self {
            what: what.to_owned(),
            expected: None,
            actual: actual.to_owned(),
            span: None,
        }
    }
}

impl TestEntry {
    /// What a decision looks at: what the test says, else what the body says.
    pub fn over<'c>(&'c self, base: RequestFeatures<'c>) -> RequestFeatures<'c> {
        let when = &self.when;
        let session = self.given.session.session();
        RequestFeatures {
            model: when.model.as_deref().or(base.model),
            text: when.text.as_deref().map(Into::into).or(base.text),
            is_tool_result: when.tool_result.unwrap_or(base.is_tool_result),
            thinking: when.thinking.unwrap_or(base.thinking),
            thinking_budget: when.thinking_budget.or(base.thinking_budget),
            web_search: when.web_search.unwrap_or(base.web_search),
            image_in_last: when.image.unwrap_or(base.image_in_last),
            image_anywhere: when.image.unwrap_or(base.image_anywhere),
            subagent: when.subagent.as_deref().or(base.subagent),
            max_tokens: when.max_tokens.or(base.max_tokens),
            tokens: when.tokens.map_or(base.tokens, Tokens::Counted),
            session: Session {
                last_input_tokens: session.last_input_tokens,
                ..session
            },
            answers: self.given.answers.answers(),
            ..base
        }
    }
}

/// Every name in a test that stands for something of the registration.
fn names(entry: &TestEntry) -> impl Iterator<Item = (Named, &Spanned<String>)> {
    let expect = &entry.expect;
    let models = expect.model.iter().chain(&expect.not_model);
    let endpoints = expect.endpoint.iter();
    models
        .map(|name| (Named::Model, name))
        .chain(endpoints.map(|name| (Named::Endpoint, name)))
        .chain(entry.named.iter().map(|(named, name)| (*named, name)))
}

fn is_known(plan: &Plan, named: Named, name: &str) -> bool {
    match named {
        Named::Model => plan.resolve(name).is_some(),
        Named::Endpoint => {
            endpoint_ids(plan).any(|known| known == name) || plan.models.contains_key(name)
        }
        Named::Rule => rule_names(plan).any(|known| known == name),
    }
}

fn rule_names(plan: &Plan) -> impl Iterator<Item = &str> {
    let smart = plan.smart_router.iter();
    smart.flat_map(|smart| smart.rules.iter().map(|rule| rule.name.as_str()))
}

/// Reports names of tests that nothing has, each where it stands. A reason names
/// its rule, model or endpoint as well.
pub fn check(plan: &Plan, tests: &[TestEntry], problems: &mut Problems) {
    for (named, name) in tests.iter().flat_map(names) {
        if !is_known(plan, named, &name.value) {
            problems.push(unknown(plan, named, &name.value, name.span));
        }
    }
    for reason in tests.iter().flat_map(|test| &test.expect.reason) {
        let rule = ["smart_rule:", "semantic_match:"]
            .iter()
            .find_map(|kind| reason.value.strip_prefix(kind));
        if let Some(rule) = rule.filter(|rule| !is_known(plan, Named::Rule, rule)) {
            problems.push(unknown(plan, Named::Rule, rule, reason.span));
        }
    }
}

fn unknown(plan: &Plan, named: Named, name: &str, span: Span) -> Diagnostic {
    let (noun, nouns, known): (_, _, Vec<&str>) = match named {
        Named::Model => ("model or pool", "models", plan.logical_ids().collect()),
        Named::Endpoint => {
            let models = plan.models.keys().map(String::as_str);
            (
                "endpoint",
                "endpoints",
                endpoint_ids(plan).chain(models).collect(),
            )
        }
        Named::Rule => ("rule", "rules", rule_names(plan).collect()),
    };
    Diagnostic::new(
        Code::TestUnknownName,
        format!("a test names {noun} `{name}`, which does not exist"),
    )
    .at(span, "nothing has this name, so the test cannot hold")
    .help(did_you_mean(name, &known, nouns))
}
