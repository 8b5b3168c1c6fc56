//! Plans are swapped under load: what it costs, and whether anything is lost.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::figures::{Aim, median, quantile, tell};
use crate::process::Server;
use crate::wire::{Wire, header};
use crate::{bodies, registrations};

const CONNECTIONS: usize = 64;
const SWAPS: usize = 100;
const SAVES: usize = 15;

/// Turns of load without and with swaps, so that both meet the same machine.
const TURNS: usize = 5;

/// Seconds of load with swaps; as many without.
fn seconds() -> f64 {
    let asked = std::env::var("CTR_BENCH_SECONDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(20.0)
}

pub(crate) async fn run(upstream: SocketAddr, folder: &Path) {
    under_load(upstream, folder).await;
    save_to_live(upstream, folder).await;
}

async fn under_load(upstream: SocketAddr, folder: &Path) {
    let plan = |n: usize| registrations::preferring(["a", "b"][n % 2], upstream, 2);
    let ctr = Server::ctr(folder, "swaps", &plan(0), "warn");
    let seen = Rc::new(Seen::default());
    let turn = Duration::from_secs_f64(seconds() / TURNS as f64);
    let (mut still, mut swapping) = (Vec::new(), Vec::new());
    let mut saves = 0;
    let local = LocalSet::new();
    local
        .run_until(async {
            for _ in 0..TURNS {
                let clients = begin(ctr.addr, &seen);
                tokio::time::sleep(turn).await;
                still.push(end(clients, &seen).await);
                let clients = begin(ctr.addr, &seen);
                for _ in 0..SWAPS / TURNS {
                    saves += 1;
                    save(folder, "swaps", &plan(saves));
                    tokio::time::sleep(turn / (SWAPS / TURNS) as u32).await;
                }
                swapping.push(end(clients, &seen).await);
            }
        })
        .await;
    let swaps = seen.changes.get();
    let told = format!(
        "; {} requests, {swaps} changes of plan seen",
        seen.served.get()
    );
    tell(
        "failed requests",
        seen.failed.get() as f64,
        "",
        Aim::AtMost(0.0),
        &told,
    );
    tell(
        "mixed requests",
        seen.mixed.get() as f64,
        "",
        Aim::AtMost(0.0),
        "",
    );
    let ratios = still
        .iter()
        .zip(&swapping)
        .map(|(still, swapping)| swapping / still);
    let told = format!(
        "; p99 {:.1} ms with {saves} saves, {:.1} ms without",
        median(swapping.clone()),
        median(still.clone())
    );
    tell(
        "p99 with swaps / without",
        median(ratios),
        "",
        Aim::AtMost(1.2),
        &told,
    );
}

/// What all clients saw.
#[derive(Default)]
struct Seen {
    done: Cell<bool>,
    served: Cell<u64>,
    failed: Cell<u64>,
    mixed: Cell<u64>,
    /// How often an answer was of another plan than the one before it.
    changes: Cell<u64>,
    latest: RefCell<String>,
    /// Which endpoint a plan prefers.
    prefers: RefCell<HashMap<String, String>>,
}

type Client = tokio::task::JoinHandle<Vec<f64>>;

fn begin(addr: SocketAddr, seen: &Rc<Seen>) -> Vec<Client> {
    seen.done.set(false);
    let client =
        |n: usize| tokio::task::spawn_local(client(addr, n.is_multiple_of(2), Rc::clone(seen)));
    (0..CONNECTIONS).map(client).collect()
}

/// Lets running requests finish; the time in which 99 of 100 were answered, in ms.
async fn end(clients: Vec<Client>, seen: &Seen) -> f64 {
    seen.done.set(true);
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    quantile(times, 0.99)
}

async fn client(addr: SocketAddr, stream: bool, seen: Rc<Seen>) -> Vec<f64> {
    let request = bodies::request("sonnet", 2_000, stream);
    let mut wire = Wire::connect(addr).await;
    let mut times = Vec::new();
    while !seen.done.get() {
        let sent = Instant::now();
        if !wire.send(&request).await || wire.message().await.is_none() || !wire.is_ok() {
            seen.failed.set(seen.failed.get() + 1);
            wire = Wire::connect(addr).await;
            continue;
        }
        times.push(sent.elapsed().as_secs_f64() * 1e3);
        seen.judge(&wire, stream);
    }
    times
}

impl Seen {
    /// One plan, one endpoint, one answer, and whole.
    fn judge(&self, wire: &Wire, stream: bool) {
        self.served.set(self.served.get() + 1);
        let plan = header(wire.head_text(), "x-ctr-plan").unwrap_or("");
        let endpoint = header(wire.head_text(), "x-ctr-endpoint").unwrap_or("");
        if self.latest.borrow().as_str() != plan {
            self.changes.set(self.changes.get() + 1);
            plan.clone_into(&mut self.latest.borrow_mut());
        }
        let mut prefers = self.prefers.borrow_mut();
        let preferred = prefers
            .entry(plan.to_owned())
            .or_insert_with(|| endpoint.to_owned());
        let told = format!("\"text\":\"{endpoint}\"");
        let parts = memchr::memmem::find_iter(wire.body(), told.as_bytes()).count();
        let wanted = if stream { 5 } else { 1 };
        let all = memchr::memmem::find_iter(wire.body(), b"\"text\":\"").count();
        if preferred != endpoint || parts != wanted || all != wanted {
            self.mixed.set(self.mixed.get() + 1);
        }
    }
}

/// From the rename to the first answer of the new plan, with 1,000 endpoints.
async fn save_to_live(upstream: SocketAddr, folder: &Path) {
    let plan = |n: usize| registrations::preferring(["a", "b"][n % 2], upstream, 1_000);
    let ctr = Server::ctr(folder, "saves", &plan(0), "warn");
    let request = bodies::small("sonnet", false);
    let mut wire = Wire::connect(ctr.addr).await;
    let mut times = Vec::new();
    for n in 1..=SAVES {
        let text = plan(n);
        let wanted = ["a", "b"][n % 2];
        let saved = Instant::now();
        save(folder, "saves", &text);
        loop {
            assert!(wire.send(&request).await);
            wire.message().await.unwrap();
            if header(wire.head_text(), "x-ctr-endpoint") == Some(wanted) {
                break;
            }
        }
        times.push(saved.elapsed().as_secs_f64() * 1e3);
    }
    let told = format!(
        "; the slowest of {SAVES} {:.0} ms",
        quantile(times.clone(), 1.0)
    );
    tell(
        "save to live, 1,000 endpoints",
        median(times),
        "ms",
        Aim::AtMost(150.0),
        &told,
    );
}

/// Saves as most editors do.
fn save(folder: &Path, name: &str, text: &str) {
    let saving = folder.join(format!(".{name}.saving"));
    std::fs::write(&saving, text).unwrap();
    std::fs::rename(saving, folder.join(format!("{name}.yaml"))).unwrap();
}
