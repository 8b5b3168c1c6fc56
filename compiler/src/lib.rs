//! The compiler of `ctr`: text in; plan, problems and decisions out.
//!
//! ```text
//! text ─► spanned tree ─► Registration ─► Checked ─► Plan ─► diff | render | route
//!         tree            registration     check      plan
//! ```
//!
//! Each stage has its own type, and only the stage before can make it. After
//! [`plan::Plan`] nothing looks back at source text; where a value came from is
//! kept beside the plan in [`plan::Provenance`].
//!
//! This crate knows no world: no files, clock, network, environment or chance.
//! Whoever needs one of them passes the value in.

pub mod assist;
pub mod check;
pub mod corpus;
pub mod diagnostic;
pub mod diff;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod health;
pub mod import;
pub mod lint;
pub mod matching;
pub mod outcomes;
mod pattern;
pub mod plan;
pub mod registration;
pub mod render;
pub mod replay;
pub mod route;
pub mod schema;
pub mod simulate;
pub mod source;
pub mod suite;
pub mod tree;
pub mod variable;
pub mod why;

use diagnostic::{Code, Diagnostic, Problems};
use jiff::civil::Date;
use lint::{Lint, Waived};
use plan::{Plan, Provenance, Secrets};
use registration::TestEntry;
use source::{Places, Sources, Span};
use variable::Unset;

/// How much input the compiler follows before it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in one source.
    pub source_bytes: usize,
    /// Levels of maps and lists.
    pub depth: usize,
    /// Nodes that aliases may add to one source.
    pub alias_nodes: usize,
    /// Problems that are told of one document set.
    pub problems: usize,
}

impl Default for Limits {
    /// 64 MiB, 64 levels, 200,000 nodes, 500,000 problems: far above any real
    /// registration, far below what could hurt.
    fn default() -> Self {
        Self {
            source_bytes: 64 << 20,
            depth: 64,
            alias_nodes: 200_000,
            problems: 500_000,
        }
    }
}

/// What compiling goes by, beside the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much is followed.
    pub limits: Limits,
    /// The day for which the text is judged: waivers that ended before it have
    /// expired, which is an error. Without a day none ever does, so that what was
    /// accepted once can be served as long as it stays as it is.
    pub today: Option<Date>,
}

/// What came of compiling.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan; absent exactly when `problems` holds an error.
    pub plan: Option<Plan>,
    /// Everything found, sorted by place. Warnings come with success too.
    pub problems: Problems,
    /// What was found as well, and is waived where it stands. Sorted by place.
    pub waived: Vec<Waived>,
    /// Where each part of the plan was written, and what was filled in.
    pub provenance: Provenance,
    /// Literal secrets, apart from the plan.
    pub secrets: Secrets,
    /// Variables that activation will need, in order of place.
    pub variables: Vec<VariableUse>,
    /// Route tests, in the order written.
    pub tests: Vec<TestEntry>,
    /// What was found in them; also part of `problems`.
    pub test_problems: Problems,
    /// Where lines begin.
    pub places: Places,
    pub(crate) lint: Lint,
}

impl From<Plan> for Compiled {
    /// A plan whose text is not at hand.
    fn from(plan: Plan) -> Self {
        Self {
            plan: Some(plan),
            problems: Problems::default(),
            waived: Vec::new(),
            provenance: Provenance::default(),
            secrets: Secrets::default(),
            variables: Vec::new(),
            tests: Vec::new(),
            test_problems: Problems::default(),
            places: Places::default(),
            lint: Lint::default(),
        }
    }
}

impl Compiled {
    /// Adds what was found elsewhere, such as variables that are not set, as
    /// grave as the document says. An error leaves the plan where it is.
    pub fn add(&mut self, found: Vec<Diagnostic>) {
        let mut added = Problems::default();
        found.into_iter().for_each(|found| added.push(found));
        self.waived.extend(self.lint.apply(&mut added));
        added
            .iter()
            .for_each(|found| self.problems.push(found.clone()));
        self.sort();
    }

    fn sort(&mut self) {
        self.problems.sort();
        self.waived
            .sort_by_key(|waived| (waived.diagnostic.span(), waived.diagnostic.code));
    }
}

/// One `${NAME}` in a value the plan uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableUse {
    /// The name.
    pub name: String,
    /// Whether it has a default.
    pub has_default: bool,
    /// Whether it stands for a secret.
    pub is_secret: bool,
    /// Where it stands.
    pub span: Span,
    /// The key it is the value of, for example `Registration.models[2].key`.
    pub path: String,
}

/// Compiles a document set. Several sources are one document, merged in order.
pub fn compile(sources: &Sources) -> Compiled {
    compile_within(sources, &Settings::default())
}

/// [`compile`] on a day and with limits of the caller's choice.
pub fn compile_within(sources: &Sources, settings: &Settings) -> Compiled {
    let mut problems = Problems::within(settings.limits.problems);
    let root = tree::read(sources, &settings.limits, &mut problems);
    let mut registration = registration::read(&root, &mut problems);
    let section = std::mem::take(&mut registration.lint);
    let tests = std::mem::take(&mut registration.tests);
    let mut test_problems = problems.soften(registration.test_problems.clone());
    let complete = root.complete && registration.whole;
    // A model or a rule with a gap is in no plan that tests could be held against.
    let has_gaps = !registration.gaps.is_empty();
    // What was written is typed now; without a waiver that asks for places, the
    // plan is made in the room the tree had.
    let root = (!section.waivers.is_empty()).then_some(root);
    let checked = check::check(registration, sources, complete, &mut problems);
    let mut compiled = plan::lower(checked);
    if let Some(plan) = compiled.plan.as_ref().filter(|_| complete && !has_gaps) {
        let mut found = Problems::default();
        suite::check(plan, &tests, &mut found);
        test_problems.add(&found);
        problems.add(&found);
    }
    compiled.tests = tests;
    compiled.places = Places::of(sources);
    problems.adapt(|diagnostic| {
        let fix = diagnostic.fix.as_ref();
        if fix.is_some_and(|fix| sources.get(fix.span.source).is_kdl()) {
            tree::kdl::adapt(diagnostic);
        }
    });
    let given = lint::Given {
        root: root.as_ref(),
        sources,
        variables: &compiled.variables,
        complete,
        today: settings.today,
    };
    let (lint, waived) = lint::judge(&section, &given, &mut problems);
    if problems.has_errors() {
        compiled.plan = None;
    }
    compiled.lint = lint;
    compiled.waived = waived;
    compiled.problems = problems;
    test_problems.sort();
    compiled.test_problems = test_problems;
    compiled.sort();
    compiled
}

/// A plan as far as one can be made, also where there are errors. For looking at
/// only.
fn draft(sources: &Sources) -> Option<Plan> {
    let mut problems = Problems::default();
    let root = tree::read(sources, &Limits::default(), &mut problems);
    let registration = registration::read(&root, &mut problems);
    let complete = root.complete && registration.whole;
    let checked = check::check(registration, sources, complete, &mut problems);
    plan::lower(checked).plan
}

/// Reports every variable that has neither a default nor, as `lookup` says, a value;
/// an empty one is none. One diagnostic for a name, with every place it stands at.
pub fn unset_variables(
    compiled: &Compiled,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut seen: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for used in compiled.variables.iter().filter(|used| !used.has_default) {
        let Some(unset) = Unset::of(&used.name, lookup(&used.name).as_deref()) else {
            continue;
        };
        let at = *seen.entry(&used.name).or_insert_with(|| {
            let name = &used.name;
            let mut help = format!("set `{name}` before `ctr start`");
            // A default of a secret would be a secret in the document.
            if !used.is_secret {
                help.push_str(&format!(", or write `${{{name}:-default}}`"));
            } else if unset.is_empty {
                help.push_str(&format!(", or write `${{{name}:-}}` where none is needed"));
            }
            found.push(Diagnostic::new(Code::EnvUnset, unset.to_string()).help(help));
            found.len() - 1
        });
        // A handful of places is enough to find the rest.
        if found[at].labels.len() < 4 {
            let text = format!("`{}` needs it", used.path);
            found[at] = found[at].clone().at(used.span, text);
        }
    }
    found
}
