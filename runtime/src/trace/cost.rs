//! What an answer cost, by the prices of the endpoint that gave it.

use ctr_compiler::plan::{Cost, Interface, Paid, Priced};

use crate::protocol::usage::Tokens;

/// What the tokens of one endpoint cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    cost: Cost,
    interface: Interface,
}

impl Prices {
    /// The prices that the plan declares for an endpoint of this interface.
    pub fn new(cost: &Cost, interface: Interface) -> Self {
        Self {
            cost: cost.clone(),
            interface,
        }
    }

    /// ISO 4217 code.
    pub fn currency(&self) -> &str {
        &self.cost.currency
    }

    /// What so many tokens cost. A side without a price counts as free.
    pub fn of(&self, tokens: &Tokens) -> Priced {
        let paid = Paid {
            input: tokens.input,
            output: tokens.output,
            cache_read: tokens.cache_read,
            cache_write: tokens.cache_write,
        };
        self.cost.of(self.interface, paid)
    }
}
