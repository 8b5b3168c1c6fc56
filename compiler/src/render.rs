//! Plans, problems and diffs as text and as JSON. Nothing here decides
//! anything, and nothing here holds a secret.

pub mod compiled;
pub mod diff;
pub mod github;
pub mod junit;
pub mod preview;
pub mod problems;
pub mod sarif;
mod table;
pub mod why;
