//! The proxy between real sockets: a client, the proxy, and scripted upstreams.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "proxy/arriving.rs"]
mod arriving;
#[path = "proxy/bytes.rs"]
mod bytes;
#[path = "proxy/chain.rs"]
mod chain;
#[path = "proxy/clients.rs"]
mod clients;
#[path = "proxy/counts.rs"]
mod counts;
#[path = "proxy/fallback.rs"]
mod fallback;
#[path = "proxy/images.rs"]
mod images;
#[path = "proxy/kept.rs"]
mod kept;
#[path = "proxy/log.rs"]
mod log;
#[path = "proxy/pools.rs"]
mod pools;
#[path = "proxy/refusals.rs"]
mod refusals;
#[path = "proxy/secrets.rs"]
mod secrets;
#[path = "proxy/stage.rs"]
mod stage;
#[path = "proxy/stopping.rs"]
mod stopping;
#[path = "proxy/streams.rs"]
mod streams;
#[path = "proxy/translated.rs"]
mod translated;
