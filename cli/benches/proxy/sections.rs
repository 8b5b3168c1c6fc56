//! The sections of the bench, each with its aims.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::apart::Apart;
use crate::compare::{Load, Pace, Rounds, Until, alternate};
use crate::figures::{Aim, tell};
use crate::nginx::Log;
use crate::process::Server;
use crate::{bodies, faults, memory, nginx, registrations, swaps, upstream};

const SECTIONS: [&str; 8] = [
    "plain",
    "log",
    "rules",
    "translation",
    "stream",
    "memory",
    "swaps",
    "faults",
];

const SIZES: [(&str, usize); 2] = [("2 KB", 2_000), ("60 KB", 60_000)];

/// Runs the sections that the arguments name, or all.
pub(crate) async fn run() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    if let Some(unknown) = asked.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        println!("no section `{unknown}`; there are: {}", SECTIONS.join(", "));
        return;
    }
    let stage = Stage::set().await;
    for section in SECTIONS {
        if !asked.is_empty() && !asked.iter().any(|name| name == section) {
            continue;
        }
        println!("\n{section}");
        match section {
            "plain" => plain(&stage).await,
            "log" => log(&stage).await,
            "rules" => rules(&stage).await,
            "translation" => translation(&stage).await,
            "stream" => stream(&stage).await,
            "memory" => memory::run(stage.upstream, stage.folder.path()).await,
            "swaps" => swaps::run(stage.upstream, stage.folder.path()).await,
            _ => faults::run(stage.upstream, stage.folder.path()).await,
        }
    }
}

struct Stage {
    upstream: SocketAddr,
    folder: TempDir,
    forwarder: Server,
}

impl Stage {
    async fn set() -> Self {
        let upstream = upstream::serve().await;
        Self {
            upstream,
            folder: tempfile::tempdir().unwrap(),
            forwarder: Server::forwarder(upstream),
        }
    }

    fn ctr(&self, name: &str, registration: &str, level: &str) -> Server {
        Server::ctr(self.folder.path(), name, registration, level)
    }

    async fn nginx(&self, log: Log) -> Option<Server> {
        let nginx = nginx::start(self.folder.path(), self.upstream, log).await;
        if nginx.is_none() {
            println!("SKIPPED the comparison with nginx: it is not installed");
        }
        nginx
    }
}

fn load(request: &[u8], connections: usize) -> Load<'_> {
    Load {
        request,
        connections,
        until: Until::End,
        pace: Pace::Full,
    }
}

/// Puts the load on each server in turn, at one connection with the servers apart from it:
/// there most of the time is waking up.
async fn compare<const N: usize>(servers: [&Server; N], load: &Load<'_>) -> [Rounds; N] {
    let _apart = match load.connections {
        1 => Apart::keep(&servers),
        _ => None,
    };
    alternate(servers, load).await
}

/// Tells a share of requests a second.
fn share(what: &str, mine: &Rounds, its: &Rounds, aim: Aim) {
    let (low, high) = mine.spread(its);
    let beside = format!(
        " {low:.2} to {high:.2}; {} against {}",
        mine.told(),
        its.told()
    );
    tell(what, mine.ratio(its), "", aim, &beside);
}

/// The plan needs nothing but `model`, and nothing is logged, as the forwarder logs nothing.
async fn plain(stage: &Stage) {
    let ctr = stage.ctr("plain", &registrations::plain(stage.upstream), "warn");
    let nginx = stage.nginx(Log::Off).await;
    for (name, size) in SIZES {
        let request = bodies::request("sonnet", size, false);
        let is_small = size < 10_000;
        let least = Aim::AtLeast(if is_small { 0.9 } else { 0.85 });
        let most = Aim::AtMost(if is_small { 30.0 } else { 40.0 });
        let over_nginx = Aim::AtLeast(if is_small { 0.9 } else { 1.0 });
        for connections in [1, 32, 128] {
            let load = load(&request, connections);
            let what = |than: &str| format!("{name}, {connections} connections, ctr / {than}");
            let (routed, plain) = match &nginx {
                Some(nginx) => {
                    let all = compare([&ctr, &stage.forwarder, nginx], &load).await;
                    let [routed, plain, passed] = all;
                    share(&what("nginx"), &routed, &passed, over_nginx);
                    (routed, plain)
                }
                None => {
                    let [routed, plain] = compare([&ctr, &stage.forwarder], &load).await;
                    (routed, plain)
                }
            };
            share(&what("forwarder"), &routed, &plain, least);
            if connections == 1 {
                let what = format!("{name}, one connection, added to p50");
                tell(&what, routed.added_us(&plain), "µs", most, "");
            }
        }
    }
}

/// The same with a log line a request, which nginx writes as well.
async fn log(stage: &Stage) {
    let ctr = stage.ctr("log", &registrations::plain(stage.upstream), "info");
    let nginx = stage.nginx(Log::Each).await;
    let others = [
        ("forwarder", Some(&stage.forwarder)),
        ("nginx", nginx.as_ref()),
    ];
    for (name, size) in SIZES {
        let request = bodies::request("sonnet", size, false);
        for (than, other) in others {
            let Some(other) = other else { continue };
            let [routed, passed] = alternate([&ctr, other], &load(&request, 32)).await;
            let what = format!("{name}, 32 connections, a log line a request, ctr / {than}");
            share(&what, &routed, &passed, Aim::None);
        }
    }
}

/// All slots and 1,000 rules, and a model that nobody knows.
async fn rules(stage: &Stage) {
    let registration = registrations::ruled(stage.upstream, 1_000);
    let ctr = stage.ctr("rules", &registration, "warn");
    for (name, size) in SIZES {
        let request = bodies::request("nobody-knows", size, false);
        let aim = Aim::AtLeast(0.5);
        for connections in [1, 32, 128] {
            let load = load(&request, connections);
            let [routed, plain] = compare([&ctr, &stage.forwarder], &load).await;
            let what = format!(
                "{name}, {connections} connections, slots and 1,000 rules, ctr / forwarder"
            );
            share(&what, &routed, &plain, aim);
        }
    }
}

/// An Anthropic client on an OpenAI endpoint.
async fn translation(stage: &Stage) {
    let registration = registrations::translated(stage.upstream);
    let ctr = stage.ctr("translated", &registration, "warn");
    for (name, size) in SIZES {
        let request = bodies::request("sonnet", size, false);
        let is_small = size < 10_000;
        for connections in [1, 32] {
            let load = load(&request, connections);
            let [routed, plain] = compare([&ctr, &stage.forwarder], &load).await;
            let aim = if is_small {
                Aim::AtLeast(0.6)
            } else {
                Aim::None
            };
            let what = format!("{name}, {connections} connections, translated, ctr / forwarder");
            share(&what, &routed, &plain, aim);
            if connections == 1 {
                let aim = if is_small {
                    Aim::None
                } else {
                    Aim::AtMost(150.0)
                };
                let what = format!("{name}, one connection, translated, added to p50");
                tell(&what, routed.added_us(&plain), "µs", aim, "");
            }
        }
    }
}

/// The first byte of a stream, from an upstream that begins at once, and from one
/// that takes 20 ms, which is still early for a model. Both servers get the same number
/// of requests a second; what they do when they get all they take is told besides.
async fn stream(stage: &Stage) {
    let ctr = stage.ctr("stream", &registrations::plain(stage.upstream), "warn");
    let _apart = Apart::keep(&[&ctr, &stage.forwarder]);
    for (name, size) in SIZES {
        for (model, connections) in [("sonnet", 1), ("sonnet", 32), ("late", 1), ("late", 32)] {
            let request = bodies::request(model, size, true);
            let after = if model == "late" { "20 ms" } else { "0 ms" };
            for (pace, how, aim) in [
                (Pace::Half, "the same rate", Aim::AtMost(1.1)),
                (Pace::Full, "each at its limit", Aim::None),
            ] {
                let load = Load {
                    until: Until::FirstByte,
                    pace,
                    ..load(&request, connections)
                };
                let [routed, plain] = alternate([&ctr, &stage.forwarder], &load).await;
                let what =
                    format!("{name}, {connections} connections, {how}, first byte after {after}");
                let beside = format!("; {} against {}", routed.told(), plain.told());
                tell(&what, routed.times(&plain), "times", aim, &beside);
            }
        }
    }
}
