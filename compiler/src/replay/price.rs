//! What an answer costs at an endpoint, by the prices that the plan declares.

use crate::corpus::Usage;
use crate::plan::Endpoint;

/// The unit of declared prices, in tokens.
const PER: f64 = 1e6;

/// The price of an answer and its currency; none where a price is not declared
/// that it depends on. Input from and into a cache counts as input: plans declare
/// no prices for caches.
pub fn price<'p>(endpoint: &'p Endpoint, usage: &Usage) -> Option<(f64, &'p str)> {
    let cost = endpoint.cost.as_ref()?;
    let part = |tokens: u64, price: Option<f64>| match tokens {
        0 => Some(0.0),
        tokens => Some(tokens as f64 * price? / PER),
    };
    let input = part(usage.all_input(), cost.input_per_1m)?;
    let output = part(usage.output, cost.output_per_1m)?;
    Some((input + output, &cost.currency))
}
