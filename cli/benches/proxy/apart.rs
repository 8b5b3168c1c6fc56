//! Keeping servers apart from the load: where the kernel puts either is chance, and at a
//! leisurely pace it decides over a third of the time to the first byte.

use std::process::{Command, Stdio};

use crate::process::Server;

/// While it lives, servers are kept to one processor and this process to another.
pub(crate) struct Apart {
    processes: Vec<u32>,
    processors: usize,
}

impl Apart {
    /// None where there is one processor only, or no `taskset`.
    pub(crate) fn keep(servers: &[&Server]) -> Option<Self> {
        let processors = std::thread::available_parallelism().ok()?.get();
        let mut apart = Self {
            processes: Vec::new(),
            processors,
        };
        let all = servers.iter().map(|server| (server.id(), "0"));
        for (process, processor) in all.chain([(std::process::id(), "1")]) {
            apart.processes.push(process);
            if processors < 2 || !keep(process, processor) {
                return None;
            }
        }
        Some(apart)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let all = format!("0-{}", self.processors - 1);
        for process in &self.processes {
            keep(*process, &all);
        }
    }
}

/// Keeps all threads of a process to these processors; whether it was possible.
fn keep(process: u32, processors: &str) -> bool {
    let status = Command::new("taskset")
        .args(["-apc", processors, &process.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
