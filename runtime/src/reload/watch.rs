//! Notices that registration files may have changed.
//!
//! Directories are watched, never files: a watch on a file stays with the file
//! that an atomic rename or a ConfigMap swap has just replaced. An event may name
//! anything, since a ConfigMap's swap names `..data` only, except what the proxy
//! itself writes, which may lie beside the registration. Since a
//! re-pointed symbolic link to a directory gives no event at all, and some file
//! systems give none ever, the files are looked at now and then as well.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::read::{self, ReadError};
use crate::evaluate::NAME as HISTORY;

/// Contents up to this size are part of a look; larger files go by size and time.
const HASHED: u64 = 4 << 20;

/// How names of files begin that the proxy writes, the store of traces many times a
/// second.
const OWN: [&str; 3] = [crate::trace::STORE, crate::pool::STATE, HISTORY];

/// Something may have changed. Several wakings before a wait count as one.
#[derive(Clone, Debug, Default)]
pub(super) struct Woken(Arc<Notify>);

impl Woken {
    pub(super) async fn wait(&self) {
        self.0.notified().await;
    }

    fn wake(&self, event: &notify::Result<Event>) {
        // Reading gives events too, and our own reading must not lead to more of it.
        let only_read = matches!(event, Ok(Event { kind: EventKind::Access(access), .. })
            if *access != AccessKind::Close(AccessMode::Write));
        if !only_read && !matches!(event, Ok(event) if is_own(event)) {
            self.0.notify_one();
        }
    }
}

/// Whether an event is about nothing but files that the proxy writes.
fn is_own(event: &Event) -> bool {
    let is_own = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| OWN.iter().any(|own| name.starts_with(own)))
    };
    !event.paths.is_empty() && event.paths.iter().all(is_own)
}

/// The watched directories.
pub(super) struct Watch {
    inputs: Vec<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    // A directory that is deleted and made again is another one under the same path.
    watched: BTreeMap<PathBuf, Identity>,
    warned: bool,
}

impl Watch {
    pub(super) fn new(inputs: Vec<PathBuf>, woken: &Woken) -> Self {
        let waking = woken.clone();
        let mut watch = Self {
            inputs,
            watcher: None,
            watched: BTreeMap::new(),
            warned: false,
        };
        match notify::recommended_watcher(move |event| waking.wake(&event)) {
            Ok(watcher) => watch.watcher = Some(watcher),
            Err(error) => watch.warn(&error),
        }
        watch
    }

    /// Watches the directories that the inputs lead through now, and no others.
    pub(super) fn follow(&mut self) {
        let Some(mut watcher) = self.watcher.take() else {
            return;
        };
        let wanted = directories(&self.inputs);
        let gone = |path: &PathBuf, identity: &Identity| wanted.get(path) != Some(identity);
        let old: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, identity)| gone(path, identity))
            .map(|(path, _)| path.clone())
            .collect();
        for path in old {
            // It fails when the directory is gone, and the watch with it.
            let _ = watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        for (path, identity) in wanted {
            if self.watched.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path, identity);
                }
                Err(error) => self.warn(&error),
            }
        }
        self.watcher = Some(watcher);
    }

    /// What the files look like now.
    pub(super) fn look(&self) -> Look {
        Look::at(&self.inputs)
    }

    fn warn(&mut self, error: &notify::Error) {
        // A directory that has just gone is no failure of watching.
        if self.warned || matches!(error.kind, ErrorKind::PathNotFound) {
            return;
        }
        self.warned = true;
        tracing::warn!(
            "cannot watch the registration's directories, changes are seen within 2 s instead: {error}"
        );
    }
}

/// The directories in which something happens when an input changes: the one a
/// name stands in and the one it leads to, for the inputs and for the files in them.
fn directories(inputs: &[PathBuf]) -> BTreeMap<PathBuf, Identity> {
    let mut found = BTreeMap::new();
    let mut add = |directory: &Path| {
        let canonical = directory.canonicalize();
        if let Some((path, metadata)) = canonical
            .ok()
            .and_then(|path| fs::metadata(&path).ok().map(|data| (path, data)))
        {
            found.insert(path, Identity::of(&metadata));
        }
    };
    for input in inputs {
        add(parent(input));
        if input.is_dir() {
            add(input);
        }
        for file in read::files(input).unwrap_or_default() {
            if let Ok(target) = file.canonicalize() {
                add(parent(&target));
            }
        }
    }
    found
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// What inputs look like; two looks that are equal need no reading in between.
#[derive(Debug, PartialEq)]
pub(crate) struct Look(Vec<Seen>);

#[derive(Debug, PartialEq)]
enum Seen {
    File {
        path: PathBuf,
        identity: Identity,
        modified: Option<SystemTime>,
        length: u64,
        content: Option<blake3::Hash>,
    },
    Not(ReadError),
    Gone(PathBuf),
}

impl Look {
    pub(crate) fn at(inputs: &[PathBuf]) -> Self {
        let mut seen = Vec::new();
        for input in inputs {
            match read::files(input) {
                Ok(files) => seen.extend(files.into_iter().map(Seen::at)),
                Err(error) => seen.push(Seen::Not(error)),
            }
        }
        Self(seen)
    }
}

impl Seen {
    fn at(path: PathBuf) -> Self {
        let Ok(metadata) = fs::metadata(&path) else {
            return Self::Gone(path);
        };
        let content = if metadata.is_file() && metadata.len() <= HASHED {
            hash(&path)
        } else {
            None
        };
        Self::File {
            identity: Identity::of(&metadata),
            modified: metadata.modified().ok(),
            length: metadata.len(),
            content,
            path,
        }
    }
}

fn hash(path: &Path) -> Option<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path).ok()?).ok()?;
    Some(hasher.finalize())
}

/// What tells a file or directory from another one of the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    #[cfg(not(unix))]
    created: Option<SystemTime>,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self {
            created: metadata.created().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use notify::event::{DataChange, ModifyKind};

    use super::*;

    fn wakes(names: &[&str]) -> bool {
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let event = names.iter().fold(Event::new(modified), |event, name| {
            event.add_path(Path::new("/home/me/.claude-trigger-router").join(name))
        });
        let woken = Woken::default();
        woken.wake(&Ok(event));
        woken.wait().now_or_never().is_some()
    }

    #[test]
    fn what_the_proxy_writes_wakes_nobody() {
        for own in ["ctr.db", "ctr.db-wal", "model-pool-health.json"] {
            assert!(!wakes(&[own]), "{own}");
        }
        for other in ["config.yaml", "..data", "ctr.yaml", ""] {
            assert!(wakes(&[other]), "{other}");
        }
        assert!(wakes(&["ctr.db", "config.yaml"]));
        assert!(wakes(&[]));
    }
}
