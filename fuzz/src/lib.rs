//! What must hold for every input, by what is fuzzed.

pub mod registration;
pub mod translation;
