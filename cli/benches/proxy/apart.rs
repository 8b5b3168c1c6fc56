//! Keeping servers apart from the load: where the kernel puts either is chance, and at a
//! leisurely pace it decides over a third of the time to the first byte.

use std::process::{Command, Stdio};

use crate::process::Server;

/// While it lives, servers are kept to one processor and this process to another.
pub(crate) struct Apart {
    processes: Vec<u32>,
    /// The processors that this process had, as the kernel lists them.
    before: String,
}

impl Apart {
    /// None where there is one processor only, or no `taskset`, which is said.
    pub(crate) fn keep(servers: &[&Server]) -> Option<Self> {
        let apart = Self::kept(servers);
        if apart.is_none() {
            println!("SKIPPED keeping the servers apart: that takes two processors and `taskset`");
        }
        apart
    }

    fn kept(servers: &[&Server]) -> Option<Self> {
        let before = allowed()?;
        let (first, second) = first_two(&before)?;
        let mut apart = Self {
            processes: Vec::new(),
            before,
        };
        let all = servers.iter().map(|server| (server.id(), first));
        for (process, processor) in all.chain([(std::process::id(), second)]) {
            apart.processes.push(process);
            if !keep(process, &processor.to_string()) {
                return None;
            }
        }
        Some(apart)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        for process in &self.processes {
            keep(*process, &self.before);
        }
    }
}

/// Processors of this process, such as `0-3,8`.
fn allowed() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().to_owned())
}

fn first_two(list: &str) -> Option<(usize, usize)> {
    let mut processors = list.split(',').flat_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse().unwrap_or(1)..=last.parse().unwrap_or(0_usize)
    });
    processors.next().zip(processors.next())
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
