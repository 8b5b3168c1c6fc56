//! What does `ctr` cost on the way? Against a plain forwarder, and against nginx.
//!
//! Every server is a process of its own with one worker thread, in front of the
//! same upstream on loopback. The forwarder is built from the same server and
//! client crates and passes bytes on untouched. Rounds alternate between the
//! servers, and the middle ratio of all rounds is printed: absolute figures of a
//! shared machine mean nothing. Load is bounded and goes to loopback only.
//!
//! `cargo bench --bench proxy` runs every section, `cargo bench --bench proxy --
//! plain memory` those that are named. docs/measuring.md says what the figures mean.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and fails by panicking"
)]

mod apart;
mod bodies;
mod compare;
mod faults;
mod figures;
mod forward;
mod memory;
mod nginx;
mod process;
mod registrations;
mod sections;
mod swaps;
mod upstream;
mod wire;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match std::env::var("CTR_BENCH_FORWARD_TO") {
        Ok(upstream) => runtime.block_on(forward::serve(upstream)),
        Err(_) => runtime.block_on(sections::run()),
    }
}
