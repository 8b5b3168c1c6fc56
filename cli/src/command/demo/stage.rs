//! What the tour plays with: a registration in a folder of its own, and two
//! upstreams that answer by a script.

use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};
use ctr_runtime::reload::{self, Input};
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use ctr_runtime::server::{self, Running};
use ctr_runtime::settings::Settings;

use super::failed;
use crate::exit::Stopped;
use crate::report::file;

/// The file a reader would begin with.
const REGISTRATION: &str = include_str!("../../../../fixtures/quick-start/registration.yaml");

pub(super) struct Stage {
    folder: Folder,
    first: ScriptedUpstream,
    second: ScriptedUpstream,
}

/// The registration as it stands in the file now.
pub(super) struct Read {
    pub(super) sources: Sources,
    pub(super) compiled: Compiled,
}

impl Read {
    /// The plan; `promise` is what the tour told the reader.
    pub(super) fn plan(&self, promise: &str) -> Result<&Plan, Stopped> {
        self.compiled.plan.as_ref().ok_or_else(|| failed(promise))
    }
}

impl Stage {
    pub(super) async fn set() -> Result<Self, Stopped> {
        let folder = Folder::new()?;
        let first = upstream("hello from the first upstream").await?;
        let second = upstream("hello from the second upstream").await?;
        let stage = Self {
            folder,
            first,
            second,
        };
        stage.write(REGISTRATION)?;
        Ok(stage)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.0.join("registration.yaml")
    }

    pub(super) fn read(&self) -> Result<Read, Stopped> {
        let sources = reload::read(&[Input::Path(self.file())])?;
        let compiled = compile(&sources);
        Ok(Read { sources, compiled })
    }

    /// Saves the file with each text replaced, as an editor does.
    pub(super) fn save(&self, changes: &[(&str, &str)]) -> Result<(), Stopped> {
        let mut text = fs::read_to_string(self.file()).map_err(Stopped::could_not)?;
        for (before, after) in changes {
            text = text.replacen(before, after, 1);
        }
        self.write(&text)
    }

    /// The proxy. It sees the variables of the demo and none of the reader's,
    /// so that no real key can travel.
    pub(super) async fn serve(&self, port: u16) -> Result<Running, Stopped> {
        let (first, second) = (self.first.url(), self.second.url());
        let env = move |name: &str| match name {
            "PRIMARY_URL" => Some(first.clone()),
            "SECONDARY_URL" => Some(second.clone()),
            "PRIMARY_KEY" | "SECONDARY_KEY" => Some("demo".to_owned()),
            _ => None,
        };
        let settings = Settings {
            inputs: vec![self.file()],
            host: None,
            port: Some(port),
            log_level: None,
            only: None,
            state_dir: None,
            record: None,
            shadow: Vec::new(),
            env: Arc::new(env),
        };
        Ok(server::start(settings).await?)
    }

    pub(super) async fn kill_first(&self) {
        self.first.stop().await;
    }

    /// The first upstream at its old address.
    pub(super) async fn revive_first(&self) -> Result<ScriptedUpstream, Stopped> {
        let revived = ScriptedUpstream::start_at(self.first.addr())
            .await
            .map_err(Stopped::could_not)?;
        revived.set_default(Answer::text("hello from the first upstream, back again"));
        Ok(revived)
    }

    fn write(&self, text: &str) -> Result<(), Stopped> {
        let file = self.file();
        file::replace(&file, text).map_err(|error| {
            Stopped::could_not(format!("cannot write `{}`: {error}", file.display()))
        })
    }
}

async fn upstream(text: &str) -> Result<ScriptedUpstream, Stopped> {
    let upstream = ScriptedUpstream::start()
        .await
        .map_err(Stopped::could_not)?;
    upstream.set_default(Answer::text(text));
    Ok(upstream)
}

/// A folder for one run, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Stopped> {
        let path = std::env::temp_dir().join(format!("ctr-demo-{}", std::process::id()));
        let made = builder().create(&path);
        made.map_err(|error| {
            Stopped::could_not(format!("cannot make `{}`: {error}", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    // What is left in a temporary folder is in nobody's way.
    let _ = fs::remove_dir_all(folder);
}

#[cfg(unix)]
fn builder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn builder() -> DirBuilder {
    DirBuilder::new()
}
