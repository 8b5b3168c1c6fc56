//! Keeps one plan alive and serves it.
//!
//! The only crate with sockets, files, time and secrets. Data runs one way: the
//! [`reload`] task compiles what the files say and swaps the [`activate::Live`]
//! plan; the [`proxy`] takes the plan of the moment for each request and holds
//! it to the last byte.

pub mod access;
pub mod activate;
mod admin;
pub mod ask_plan;
mod client;
pub mod clock;
pub mod corpus;
pub mod counts;
mod cut;
pub mod evaluate;
pub mod http1;
pub mod observe;
mod patience;
pub mod pool;
pub mod protocol;
pub mod proxy;
pub mod reload;
pub mod requests;
pub mod scripted;
pub mod server;
pub mod settings;
pub mod trace;
