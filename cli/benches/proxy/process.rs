//! Processes under measurement: how they start, and what they use.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that serves; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Starts it and reads the address it says it listens on.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .env("TOKIO_WORKER_THREADS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| address(&line))
            .unwrap();
        // The pipe is read to its end, so that a full one never stops the process.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, addr }
    }

    /// A process whose address is known beforehand.
    pub(crate) fn known(child: Child, addr: SocketAddr) -> Self {
        Self { child, addr }
    }

    pub(crate) fn forwarder(upstream: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::start(command.env("CTR_BENCH_FORWARD_TO", upstream.to_string()))
    }

    /// `ctr start` with a registration in this folder; its log goes there too.
    pub(crate) fn ctr(folder: &Path, name: &str, registration: &str, level: &str) -> Self {
        let config = folder.join(format!("{name}.yaml"));
        std::fs::write(&config, registration).unwrap();
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let state = folder.join(format!("{name}.state"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_ctr"));
        command
            .args(["start", "--port", "0", "--log-level", level, "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(state)
            .stderr(log);
        Self::start(&mut command)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// User and system time so far; the kernel counts it in hundredths of a second.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = self.told_by_kernel("stat");
        let fields: Vec<f64> = stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        fields
            .get(11)
            .zip(fields.get(12))
            .map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
    }

    pub(crate) fn resident_kb(&self) -> f64 {
        let status = self.told_by_kernel("status");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(f64::NAN)
    }

    /// Open file descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id()))
            .map_or(0, |open| open.flatten().count())
    }

    fn told_by_kernel(&self, what: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{what}", self.id())).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `127.0.0.1:PORT` in a line.
fn address(line: &str) -> Option<SocketAddr> {
    let start = line.find("127.0.0.1:")?;
    let end = line[start + 10..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(line.len(), |at| start + 10 + at);
    line[start..end]
        .parse()
        .ok()
        .filter(|addr: &SocketAddr| addr.port() != 0)
}
