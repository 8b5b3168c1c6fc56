//! What the process is told from outside, as opposed to what the plan says.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ctr_compiler::plan::{Hash, LogLevel};

use crate::observe::Record;

/// Gives the value of a variable, if it has one.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Settings of one running proxy.
#[derive(Clone)]
pub struct Settings {
    /// Registration files and directories, in the order they count.
    pub inputs: Vec<PathBuf>,
    /// Listens here instead of at the registration's `HOST`; may hold `${NAME}`.
    pub host: Option<String>,
    /// Listens here instead of at the registration's `PORT`; 0 is any free port.
    pub port: Option<u16>,
    /// The log is kept by this instead of by the registration's `LOG_LEVEL`.
    pub log_level: Option<LogLevel>,
    /// Serves this plan and no other, now and after every save.
    pub only: Option<Hash>,
    /// The directory in which records outlive the process; none keeps them in memory.
    pub state_dir: Option<PathBuf>,
    /// Records requests, whatever the plan says about that.
    pub record: Option<Record>,
    /// A registration that decides about requests as well, and serves none: files
    /// and directories; empty for none.
    pub shadow: Vec<PathBuf>,
    /// Where `${NAME}` gets its value.
    pub env: Env,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            inputs,
            host,
            port,
            log_level,
            only,
            state_dir,
            record,
            shadow,
            env: _,
        } = self;
        f.debug_struct("Settings")
            .field("inputs", inputs)
            .field("host", host)
            .field("port", port)
            .field("log_level", log_level)
            .field("only", only)
            .field("state_dir", state_dir)
            .field("record", record)
            .field("shadow", shadow)
            .finish_non_exhaustive()
    }
}
