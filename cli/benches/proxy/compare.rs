//! The same load on several servers, turn by turn.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::figures::{median, quantile};
use crate::process::Server;
use crate::wire::Wire;

const ROUNDS: usize = 11;

/// How long one round of one server takes, roughly.
const ROUND: Duration = Duration::from_millis(250);

/// How late a timer may ring.
const TIMER: Duration = Duration::from_millis(2);

/// Fewest requests of a connection in a round at a given rate.
const FEWEST: usize = 12;

/// What the load is made of.
pub(crate) struct Load<'l> {
    pub(crate) request: &'l [u8],
    pub(crate) connections: usize,
    /// What is timed.
    pub(crate) until: Until,
    pub(crate) pace: Pace,
}

/// When a connection asks again.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as it is answered. The server decides how many requests that makes, and of
    /// the faster one more are waiting for the client at any time.
    Full,
    /// So that every server gets the same number a second, half of what the slowest takes.
    Half,
}

#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// The last byte of the answer.
    End,
    /// The first byte after its head.
    FirstByte,
}

/// One server's figures of all rounds.
#[derive(Default)]
pub(crate) struct Rounds {
    per_second: Vec<f64>,
    p50_us: Vec<f64>,
    cpu_us: f64,
}

impl Rounds {
    /// Requests a second, as a share of the other's in the same round.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        median(quotients(&self.per_second, &other.per_second))
    }

    /// The lowest and the highest of those shares.
    pub(crate) fn spread(&self, other: &Self) -> (f64, f64) {
        let all: Vec<f64> = quotients(&self.per_second, &other.per_second).collect();
        (quantile(all.clone(), 0.0), quantile(all, 1.0))
    }

    /// Middle time of an answer, as a multiple of the other's.
    pub(crate) fn times(&self, other: &Self) -> f64 {
        median(quotients(&self.p50_us, &other.p50_us))
    }

    /// Microseconds that the middle answer takes more than the other's.
    pub(crate) fn added_us(&self, other: &Self) -> f64 {
        let pairs = self.p50_us.iter().zip(&other.p50_us);
        median(pairs.map(|(mine, its)| mine - its))
    }

    pub(crate) fn told(&self) -> String {
        format!(
            "{:.0}/s, p50 {:.0} µs, CPU {:.1} µs",
            median(self.per_second.clone()),
            median(self.p50_us.clone()),
            self.cpu_us
        )
    }
}

fn quotients(mine: &[f64], its: &[f64]) -> impl Iterator<Item = f64> {
    mine.iter().zip(its).map(|(mine, its)| mine / its)
}

/// Puts the load on each server in turn, round by round.
pub(crate) async fn alternate<const N: usize>(
    servers: [&Server; N],
    load: &Load<'_>,
) -> [Rounds; N] {
    let mut all = std::array::from_fn(|_| Rounds::default());
    // The first run opens connections, warms caches, and says how many requests make a round.
    let mut requests = 50 * load.connections;
    let mut slowest = f64::INFINITY;
    for server in servers {
        let (per_second, _) = run(server.addr, load, requests, None).await;
        requests = requests.max((per_second * ROUND.as_secs_f64()) as usize);
        slowest = slowest.min(per_second);
    }
    let every = match load.pace {
        Pace::Full => None,
        Pace::Half => {
            requests = requests.min((slowest / 2.0 * ROUND.as_secs_f64()) as usize);
            requests = requests.max(FEWEST * load.connections);
            Some(Duration::from_secs_f64(
                load.connections as f64 * 2.0 / slowest,
            ))
        }
    };
    let mut served = 0;
    for _ in 0..ROUNDS {
        for (server, rounds) in servers.iter().zip(&mut all) {
            let before = server.cpu_seconds();
            let (per_second, p50_us) = run(server.addr, load, requests, every).await;
            rounds.per_second.push(per_second);
            rounds.p50_us.push(p50_us);
            rounds.cpu_us += server.cpu_seconds() - before;
        }
        served += requests / load.connections * load.connections;
    }
    for rounds in &mut all {
        rounds.cpu_us *= 1e6 / served as f64;
    }
    all
}

/// Requests a second, and the middle time of an answer in microseconds; a connection asks
/// `every` so often, or as soon as it is answered.
async fn run(
    addr: SocketAddr,
    load: &Load<'_>,
    requests: usize,
    every: Option<Duration>,
) -> (f64, f64) {
    let mut wires = Vec::new();
    for _ in 0..load.connections {
        wires.push(Wire::connect(addr).await);
    }
    let each = requests / load.connections;
    let start = Instant::now();
    let tasks: Vec<_> = (0_u32..)
        .zip(wires)
        .map(|(nth, wire)| {
            let turns = every.map(|every| (start + every * nth / load.connections as u32, every));
            tokio::spawn(ask(wire, load.request.to_vec(), each, load.until, turns))
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        let done = tokio::time::timeout(Duration::from_secs(120), task).await;
        times.extend(done.unwrap().unwrap());
    }
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    (per_second, median(times))
}

/// Timers ring by milliseconds, in which many requests would become due at once: they are
/// not trusted with the last one.
async fn wait_until(due: Instant) {
    if let Some(early) = due.checked_sub(TIMER) {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

/// `turns` are when the first request is due, and how long after it the next one.
async fn ask(
    mut wire: Wire,
    request: Vec<u8>,
    times: usize,
    until: Until,
    mut turns: Option<(Instant, Duration)>,
) -> Vec<f64> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        if let Some((due, every)) = &mut turns {
            wait_until(*due).await;
            *due += *every;
        }
        let sent = Instant::now();
        assert!(wire.send(&request).await);
        let took = match until {
            Until::End => {
                wire.message().await.unwrap();
                sent.elapsed()
            }
            Until::FirstByte => {
                wire.head().await.unwrap();
                wire.first_byte().await.unwrap();
                let took = sent.elapsed();
                wire.last_chunk().await.unwrap();
                took
            }
        };
        assert!(wire.is_ok(), "{}", wire.head_text());
        all.push(took.as_secs_f64() * 1e6);
    }
    all
}
