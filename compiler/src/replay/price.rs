//! What an answer costs at an endpoint, by the prices that the plan declares, as a
//! trace says it: what the endpoint's cache costs follows from the price of input,
//! by the factors that makers publish.

use crate::corpus::Usage;
use crate::plan::{Endpoint, Interface};

/// The unit of declared prices, in tokens.
const PER: f64 = 1e6;

/// The price of an answer and its currency; none where the endpoint declares no
/// price. A side without a price is free.
pub fn price<'p>(endpoint: &'p Endpoint, usage: &Usage) -> Option<(f64, &'p str)> {
    let cost = endpoint.cost.as_ref()?;
    let (read, write) = match endpoint.interface {
        Interface::Anthropic => (0.1, 1.25),
        // The largest part that OpenAI publishes, so that a cost is rather too high.
        Interface::Openai => (0.5, 1.0),
    };
    let input =
        usage.input as f64 + usage.cache_read as f64 * read + usage.cache_write as f64 * write;
    let total = input * cost.input_per_1m.unwrap_or(0.0)
        + usage.output as f64 * cost.output_per_1m.unwrap_or(0.0);
    Some((total / PER, &cost.currency))
}
