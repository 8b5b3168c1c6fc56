//! What a plan looks for in the text of a request, and which text that is.

use ctr_compiler::corpus::{Finder, TextShape};
use ctr_compiler::plan::{AnalysisScope, Plan};
use ctr_compiler::route::same_task;

/// What a plan looks for.
#[derive(Debug)]
pub(super) struct Looks {
    pub(super) scope: AnalysisScope,
    pub(super) finder: Option<Finder>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    pub(super) text: Option<TextShape>,
    /// Likeness to the last task of its session.
    pub(super) same_task: Option<f64>,
}

impl Looks {
    pub(super) fn of(plan: &Plan) -> Self {
        let smart = plan.smart_router.as_ref();
        Self {
            scope: smart.map_or(AnalysisScope::LastMessage, |smart| smart.analysis_scope),
            finder: Finder::of(plan),
        }
    }

    /// Looks at a text; `last` is the text of its session's last task.
    pub(super) fn shape(&self, text: Option<&str>, last: Option<&str>) -> Shape {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Shape::default();
        };
        let shape = match &self.finder {
            Some(finder) => finder.find(text),
            None => TextShape {
                chars: text.chars().count() as u64,
                ..TextShape::default()
            },
        };
        Shape {
            text: Some(shape),
            same_task: last.map(|last| same_task(text, last)),
        }
    }

    /// Whether another plan looks for the same in the same texts.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let id = |looks: &Self| looks.finder.as_ref().map(|finder| finder.set().id.clone());
        self.scope == other.scope && id(self) == id(other)
    }
}
