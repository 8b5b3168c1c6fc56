//! A proxy on a real socket, with its registration in a real directory.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "server/admin.rs"]
mod admin;
#[path = "server/benchmark.rs"]
mod benchmark;
#[path = "server/consulted.rs"]
mod consulted;
#[path = "server/explain.rs"]
mod explain;
#[path = "server/home.rs"]
mod home;
#[path = "server/hostile.rs"]
mod hostile;
#[path = "server/load.rs"]
mod load;
#[path = "server/models.rs"]
mod models;
#[path = "server/pages.rs"]
mod pages;
#[path = "server/plan.rs"]
mod plan;
#[path = "server/pools.rs"]
mod pools;
#[path = "server/record.rs"]
mod record;
#[path = "server/reload.rs"]
mod reload;
#[path = "server/shadow.rs"]
mod shadow;
#[path = "server/shell.rs"]
mod shell;
#[path = "server/stopping.rs"]
mod stopping;
#[path = "server/traces.rs"]
mod traces;
