//! What an answer cost, by the prices that the plan declares.
//!
//! A registration declares what input and output cost. What the endpoint's cache
//! costs follows from the price of input, by the factors that makers publish.

use ctr_compiler::plan::{Cost, Interface};

use crate::protocol::usage::Tokens;

/// Part of the input price that Anthropic asks for what it reads from its cache.
const ANTHROPIC_READ: f64 = 0.1;

/// Multiple of the input price that Anthropic asks for what it keeps for five minutes.
const ANTHROPIC_WRITE: f64 = 1.25;

/// Part of the input price that OpenAI asks for cached input: the largest of those
/// it publishes (a tenth to a half, by model), so that a cost is rather too high.
const OPENAI_READ: f64 = 0.5;

/// OpenAI asks nothing more for what it keeps.
const OPENAI_WRITE: f64 = 1.0;

const MILLION: f64 = 1_000_000.0;

/// What the tokens of one endpoint cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    cost: Cost,
    interface: Interface,
}

/// What an answer cost, all in one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priced {
    /// Everything together.
    pub total: f64,
    /// Of it, reads from the cache.
    pub cache_read: f64,
    /// Of it, writes to the cache.
    pub cache_write: f64,
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
        let (read, write) = match self.interface {
            Interface::Anthropic => (ANTHROPIC_READ, ANTHROPIC_WRITE),
            Interface::Openai => (OPENAI_READ, OPENAI_WRITE),
        };
        let input = self.cost.input_per_1m.unwrap_or(0.0) / MILLION;
        let output = self.cost.output_per_1m.unwrap_or(0.0) / MILLION;
        let cache_read = count(tokens.cache_read) * input * read;
        let cache_write = count(tokens.cache_write) * input * write;
        let plain = count(tokens.input) * input + count(tokens.output) * output;
        Priced {
            total: plain + cache_read + cache_write,
            cache_read,
            cache_write,
        }
    }
}

/// As exact as a count of tokens is, which is below 2^53.
fn count(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(input: Option<f64>, interface: Interface) -> Prices {
        let cost = Cost {
            currency: "USD".to_owned(),
            input_per_1m: input,
            output_per_1m: Some(15.0),
        };
        Prices::new(&cost, interface)
    }

    const TOKENS: Tokens = Tokens {
        input: 1_000_000,
        output: 100_000,
        cache_read: 2_000_000,
        cache_write: 400_000,
        are_reads_limited: false,
    };

    fn near(priced: Priced, total: f64, read: f64, write: f64) {
        let found = [priced.total, priced.cache_read, priced.cache_write];
        for (found, wanted) in found.into_iter().zip([total, read, write]) {
            assert!((found - wanted).abs() < 1e-9, "{priced:?}");
        }
    }

    #[test]
    fn the_cache_has_prices_of_its_own() {
        let anthropic = prices(Some(3.0), Interface::Anthropic);
        near(anthropic.of(&TOKENS), 3.0 + 1.5 + 0.6 + 1.5, 0.6, 1.5);
        let openai = prices(Some(3.0), Interface::Openai);
        near(openai.of(&TOKENS), 3.0 + 1.5 + 3.0 + 1.2, 3.0, 1.2);
        assert_eq!(openai.currency(), "USD");
    }

    #[test]
    fn a_side_without_a_price_is_free() {
        near(
            prices(None, Interface::Anthropic).of(&TOKENS),
            1.5,
            0.0,
            0.0,
        );
    }
}
