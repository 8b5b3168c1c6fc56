//! The long form of the fault run: upstreams that fail in every way, for a while.
//!
//! The short form, which judges every answer, is a test of the runtime.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use crate::figures::{Aim, tell};
use crate::memory::descriptors_left;
use crate::process::Server;
use crate::upstream::FAULTS;
use crate::wire::Wire;
use crate::{bodies, registrations};

const CONNECTIONS: usize = 32;
const TIMEOUT: Duration = Duration::from_millis(300);
/// What a loaded machine may add to a wait.
const LATE: Duration = Duration::from_secs(1);

fn seconds() -> f64 {
    let asked = std::env::var("CTR_BENCH_SECONDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(10.0)
}

pub(crate) async fn run(upstream: SocketAddr, folder: &Path) {
    // Bound and never listening: connections are refused, and nobody else gets the port.
    let gone = TcpSocket::new_v4().unwrap();
    gone.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let millis = TIMEOUT.as_millis() as u64;
    let registration = registrations::faulty(upstream, gone.local_addr().unwrap(), millis);
    let ctr = Server::ctr(folder, "faults", &registration, "info");
    // What is allocated once is not counted.
    let mut asked = load(ctr.addr, Duration::from_secs_f64(seconds() / 5.0))
        .await
        .0;
    let descriptors = ctr.descriptors().min(settled(&ctr).await);
    let before = ctr.resident_kb();
    let (more, longest) = load(ctr.addr, Duration::from_secs_f64(seconds())).await;
    asked += more;
    let left = descriptors_left(&ctr, descriptors).await;
    tell(
        "descriptors that stay",
        left as f64,
        "",
        Aim::AtMost(0.0),
        "",
    );
    let grown = (ctr.resident_kb() - before) / 1024.0;
    tell("memory that stays", grown, "MB", Aim::AtMost(2.0), "");
    let waited = longest.as_secs_f64();
    let most = (TIMEOUT * 3 + LATE).as_secs_f64();
    tell("longest wait", waited, "s", Aim::AtMost(most), "");
    let lines = lines(&folder.join("faults.log"), asked).await;
    let missing = asked as f64 - lines as f64;
    let told = format!("; {asked} requests");
    tell(
        "requests without a log line",
        missing,
        "",
        Aim::AtMost(0.0),
        &told,
    );
}

/// Descriptors once connections that nobody uses are closed by their upstreams.
async fn settled(ctr: &Server) -> usize {
    tokio::time::sleep(Duration::from_secs(1)).await;
    ctr.descriptors()
}

/// Requests of every kind to every endpoint; how many, and the longest wait.
async fn load(addr: SocketAddr, span: Duration) -> (usize, Duration) {
    let end = Instant::now() + span;
    let mut clients = Vec::new();
    for client in 0..CONNECTIONS {
        clients.push(tokio::spawn(async move {
            let (mut asked, mut longest) = (0, Duration::ZERO);
            let mut models = FAULTS
                .iter()
                .chain(&["gone", "sonnet"])
                .cycle()
                .skip(client);
            while Instant::now() < end {
                let model = models.next().unwrap_or(&"sonnet");
                let mut wire = Wire::connect(addr).await;
                let sent = Instant::now();
                assert!(wire.send(&bodies::small(model, asked % 2 == 0)).await);
                // However it ends: with an answer, or a connection that breaks off.
                let _ = wire.message().await;
                longest = longest.max(sent.elapsed());
                asked += 1;
            }
            (asked, longest)
        }));
    }
    let (mut asked, mut longest) = (0, Duration::ZERO);
    for client in clients {
        let (more, wait) = client.await.unwrap();
        asked += more;
        longest = longest.max(wait);
    }
    (asked, longest)
}

/// Log lines of requests, once as many as wanted are there or no more come.
async fn lines(log: &Path, wanted: usize) -> usize {
    let mut found = 0;
    for _ in 0..40 {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        found = text
            .lines()
            .filter(|line| line.contains(" outcome="))
            .count();
        if found >= wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    found
}
