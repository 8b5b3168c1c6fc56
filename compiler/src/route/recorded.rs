//! What was found in a text that is not at hand: enough to decide again, as far
//! as the same was looked for.

use std::fmt;

/// What was found in the text of a request when it was recorded, as one plan
/// sees it. It must give the same answer throughout one decision.
#[derive(Clone, Copy)]
pub struct Recorded<'r> {
    /// The first rule that matches.
    pub rule: Found,
    /// Likeness to the prototype of the rule at a position; none where it was
    /// not measured.
    pub likeness: &'r dyn Fn(usize) -> Option<f64>,
    /// Likeness to the last task of its session; none where it was not measured.
    pub same_task: Option<f64>,
}

impl fmt::Debug for Recorded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("rule", &self.rule)
            .field("same_task", &self.same_task)
            .finish_non_exhaustive()
    }
}

/// Whether a rule matches a text that is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one at this position does, and none before it.
    Rule(usize),
    /// None does.
    Nothing,
    /// It depends on a pattern that was not looked for; the first rule that has
    /// such a one is at this position.
    Unknown(usize),
}
