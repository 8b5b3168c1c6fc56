//! What the shell is told.

use std::fmt;
use std::process::ExitCode;

use ctr_runtime::reload::{LoadError, ReadError};
use ctr_runtime::server::StartError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Fine,
    /// The document has errors, or is not what the caller accepts.
    Problems,
    /// The plans differ, and the caller asked to be told.
    Differ,
    /// Something outside the document was in the way: a file, the network.
    CouldNot,
    /// The command line does not say what to do.
    Usage,
    /// Somebody ended it with Ctrl-C; what was done by then is told.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Problems => 1,
            Exit::Differ => 2,
            Exit::CouldNot => 3,
            // EX_USAGE of sysexits.h.
            Exit::Usage => 64,
            // 128 and the number of SIGINT, as shells have it.
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command stopped before it had a result, with the words for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// The exit code.
    pub(crate) exit: Exit,
    /// Lower case, no period.
    pub(crate) message: String,
    /// What to do, starting with a verb.
    pub(crate) help: Option<String>,
}

impl Stopped {
    /// [`Exit::CouldNot`] with the words of an error.
    pub(crate) fn could_not(why: impl fmt::Display) -> Self {
        Self {
            exit: Exit::CouldNot,
            message: why.to_string(),
            help: None,
        }
    }

    /// [`Exit::Usage`].
    pub(crate) fn usage(why: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: why.into(),
            help: None,
        }
    }

    /// With what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::could_not(&error).help(error.help())
    }
}

impl From<StartError> for Stopped {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        match error {
            StartError::Read(error) | StartError::Shadow(LoadError::Read(error)) => error.into(),
            StartError::Other(_) => Self {
                exit: Exit::Problems,
                message,
                help: Some(
                    "see what differs with `ctr diff`, and serve the plan that was reviewed"
                        .to_owned(),
                ),
            },
            StartError::LiteralSecrets { .. } => Self {
                exit: Exit::Problems,
                message,
                help: Some(
                    "write `${NAME}` there in the registration and compile it again, \
                     or start with `--config`"
                        .to_owned(),
                ),
            },
            StartError::Refused { .. } | StartError::Activate(_) | StartError::Shadow(_) => Self {
                exit: Exit::Problems,
                message,
                help: None,
            },
            StartError::Host { .. } => {
                Self::could_not(message).help("correct `HOST`, or name another with `--host`")
            }
            StartError::Bind { .. } => Self::could_not(message)
                .help("choose another with `--port`, or stop what listens there"),
        }
    }
}
