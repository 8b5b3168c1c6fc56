//! What tokens cost, by the prices that the plan declares.
//!
//! A registration declares what input and output cost. What the endpoint's cache
//! costs follows from the price of input, by the factors that makers publish.

use super::{Cost, Interface};

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

/// Tokens that are paid for; the four add up to all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Input that no cache had a part in.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Input that was read from the endpoint's cache.
    pub cache_read: u64,
    /// Input that was written to it.
    pub cache_write: u64,
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

impl Cost {
    /// What so many tokens cost at an endpoint of this interface. A side without a
    /// price counts as free.
    pub fn of(&self, interface: Interface, paid: Paid) -> Priced {
        let (read, write) = match interface {
            Interface::Anthropic => (ANTHROPIC_READ, ANTHROPIC_WRITE),
            Interface::Openai => (OPENAI_READ, OPENAI_WRITE),
        };
        let input = self.input_per_1m.unwrap_or(0.0) / MILLION;
        let output = self.output_per_1m.unwrap_or(0.0) / MILLION;
        let cache_read = count(paid.cache_read) * input * read;
        let cache_write = count(paid.cache_write) * input * write;
        let plain = count(paid.input) * input + count(paid.output) * output;
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

    const PAID: Paid = Paid {
        input: 1_000_000,
        output: 100_000,
        cache_read: 2_000_000,
        cache_write: 400_000,
    };

    fn is(input: Option<f64>, interface: Interface, wanted: [f64; 3]) {
        let cost = Cost {
            currency: "USD".to_owned(),
            input_per_1m: input,
            output_per_1m: Some(15.0),
        };
        let priced = cost.of(interface, PAID);
        let found = [priced.total, priced.cache_read, priced.cache_write];
        for (found, wanted) in found.into_iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-9, "{priced:?}");
        }
    }

    #[test]
    fn the_cache_has_prices_of_its_own() {
        is(
            Some(3.0),
            Interface::Anthropic,
            [3.0 + 1.5 + 0.6 + 1.5, 0.6, 1.5],
        );
        is(
            Some(3.0),
            Interface::Openai,
            [3.0 + 1.5 + 3.0 + 1.2, 3.0, 1.2],
        );
    }

    #[test]
    fn a_side_without_a_price_is_free() {
        is(None, Interface::Anthropic, [1.5, 0.0, 0.0]);
    }
}
