//! ctr.
fn main() {}
