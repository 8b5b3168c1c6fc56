//! Plans, problems and diffs as text and as JSON. Nothing here decides
//! anything, and nothing here holds a secret.

pub mod compiled;
pub mod diff;
mod drawing;
pub mod evaluate;
pub mod explain;
pub mod github;
pub mod health;
pub mod junit;
pub mod outcomes;
pub mod pool_health;
pub mod preview;
pub mod problems;
pub mod replay;
pub mod sarif;
pub mod simulate;
pub mod suite;
mod table;
pub mod why;

use serde_json::{Value, json};

/// Adds the members that have a value.
fn with_present<T: serde::Serialize, const N: usize>(
    mut object: Value,
    members: [(&str, Option<T>); N],
) -> Value {
    for (name, value) in members {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    object
}
