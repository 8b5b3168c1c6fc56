//! What a plan prepares to decide by: made when it is first needed, and never
//! shown. Two plans are the same whether they have prepared anything or not.

use std::fmt;
use std::sync::OnceLock;

use super::index::Index;
use super::{Plan, Rule, Target};
use crate::matching::Matcher;

/// What was prepared so far.
#[derive(Default)]
pub(super) struct Prepared {
    index: OnceLock<Index>,
    rules: OnceLock<Matcher>,
    prototypes: OnceLock<Vec<usize>>,
}

impl Plan {
    /// Resolves a logical model id or a `provider,model` reference. A model
    /// wins over a pool of the same id.
    pub fn resolve(&self, name: &str) -> Option<Target<'_>> {
        let index = self.prepared.index.get_or_init(|| Index::of(self));
        index.find(self, name)
    }

    /// The rules of its smart router, ready to be asked. An expression that cannot
    /// be compiled, which neither the compiler nor [`Plan::from_json`] lets
    /// through, would leave all of them without a match.
    pub fn rules(&self) -> &Matcher {
        let smart = self.smart_router.as_ref();
        let rules = smart.map_or(&[][..], |smart| &smart.rules);
        let made = || Matcher::new(rules).unwrap_or_default();
        self.prepared.rules.get_or_init(made)
    }

    /// Positions of the rules of its smart router that a text may be like, in their order.
    pub(crate) fn prototypes(&self) -> &[usize] {
        let smart = self.smart_router.as_ref();
        let rules = smart.map_or(&[][..], |smart| &smart.rules);
        let takes_part = |rule: &Rule| rule.enabled && rule.prototype.is_some();
        let able = || (0..rules.len()).filter(|at| takes_part(&rules[*at]));
        self.prepared.prototypes.get_or_init(|| able().collect())
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}
