//! Memory at idle, and of streams that stay open.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::figures::{Aim, tell};
use crate::process::Server;
use crate::wire::Wire;
use crate::{bodies, registrations};

const STREAMS: usize = 2_000;

pub(crate) async fn run(upstream: SocketAddr, folder: &Path) {
    let ctr = Server::ctr(folder, "memory", &registrations::holding(upstream), "info");
    let idle = ctr.resident_kb();
    tell(
        "resident at idle",
        idle / 1024.0,
        "MB",
        Aim::AtMost(20.0),
        "",
    );
    // What is opened once, for the first request, is not counted.
    drop(open(&ctr, &bodies::small("sonnet", true)).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let descriptors = ctr.descriptors();
    for (name, request) in [
        ("small requests", bodies::small("sonnet", true)),
        ("requests of 60 KB", bodies::request("sonnet", 60_000, true)),
    ] {
        let before = ctr.resident_kb();
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            streams.push(open(&ctr, &request).await);
        }
        let each = (ctr.resident_kb() - before) / STREAMS as f64;
        let what = format!("each of {STREAMS} open streams, {name}");
        tell(&what, each, "KB", Aim::AtMost(100.0), "");
        drop(streams);
        let left = descriptors_left(&ctr, descriptors).await;
        let what = "descriptors that stay when the streams are left";
        tell(what, left as f64, "", Aim::AtMost(0.0), "");
    }
}

/// A stream that has begun.
async fn open(ctr: &Server, request: &[u8]) -> Wire {
    let mut wire = Wire::connect(ctr.addr).await;
    assert!(wire.send(request).await);
    wire.head().await.unwrap();
    assert!(wire.is_ok(), "{}", wire.head_text());
    wire.first_byte().await.unwrap();
    wire
}

/// How many descriptors more than `before` are open, once that settles.
pub(crate) async fn descriptors_left(ctr: &Server, before: usize) -> usize {
    for _ in 0..100 {
        if ctr.descriptors() <= before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ctr.descriptors().saturating_sub(before)
}
