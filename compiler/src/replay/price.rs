//! What an answer costs at an endpoint, by the prices that the plan declares, as a
//! trace says it.

use crate::corpus::Usage;
use crate::plan::{Endpoint, Paid};

/// The price of an answer and its currency; none where the endpoint declares no
/// price. A side without a price is free.
pub fn price<'p>(endpoint: &'p Endpoint, usage: &Usage) -> Option<(f64, &'p str)> {
    let cost = endpoint.cost.as_ref()?;
    let paid = Paid {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
    };
    Some((cost.of(endpoint.interface, paid).total, &cost.currency))
}
