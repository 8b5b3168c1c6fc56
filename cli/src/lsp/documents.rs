//! The texts an editor has open, and the files of the document set beside them.
//!
//! What is open goes before what is on disk. A file that is in no set is a
//! document set of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ctr_compiler::source::{SourceId, Sources};
use ctr_runtime::reload::{self, Input};
use tower_lsp_server::ls_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::position::Encoding;

/// A text that is open.
#[derive(Clone)]
struct Open {
    uri: Uri,
    /// Where it is saved, without links in the path.
    path: Option<PathBuf>,
    /// The name that says which syntax it is, and that messages show.
    name: String,
    text: Arc<str>,
    version: i32,
}

/// A file of the set as it is on disk.
#[derive(Clone)]
struct Saved {
    name: String,
    path: PathBuf,
    text: Arc<str>,
}

/// Every text there is.
pub(super) struct Documents {
    open: BTreeMap<String, Open>,
    inputs: Vec<Input>,
    saved: Vec<Saved>,
}

/// A document set to ask about, and where its sources are.
pub(super) struct Scene {
    pub(super) sources: Sources,
    places: Vec<Place>,
}

/// Where a source is for the editor.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) id: SourceId,
    pub(super) uri: Uri,
    /// The version, where it is open.
    pub(super) version: Option<i32>,
}

impl Documents {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        let mut documents = Self {
            open: BTreeMap::new(),
            inputs,
            saved: Vec::new(),
        };
        documents.read_set();
        documents
    }

    /// Reads the files of the set again. A file that cannot be read is no
    /// reason to forget the others, which are read one by one.
    pub(super) fn read_set(&mut self) {
        self.saved.clear();
        for input in &self.inputs {
            let sources = match reload::read(std::slice::from_ref(input)) {
                Ok(sources) => sources,
                Err(error) => {
                    tracing::warn!("{error}; {}", error.help());
                    continue;
                }
            };
            for (_, source) in sources.iter() {
                let path = settled(Path::new(source.name()));
                if self.saved.iter().all(|saved| saved.path != path) {
                    self.saved.push(Saved {
                        name: source.name().to_owned(),
                        path,
                        text: source.text().into(),
                    });
                }
            }
        }
    }

    pub(super) fn open(&mut self, item: TextDocumentItem) {
        let path = item.uri.to_file_path().map(|path| settled(&path));
        let mut name = match &path {
            Some(path) => path.display().to_string(),
            None => item.uri.to_string(),
        };
        // A text without a file yet has no ending that says what it is.
        if item.language_id.eq_ignore_ascii_case("kdl") && !name.ends_with(".kdl") {
            name.push_str(".kdl");
        }
        let open = Open {
            path,
            name,
            text: item.text.into(),
            version: item.version,
            uri: item.uri,
        };
        self.open.insert(open.uri.to_string(), open);
    }

    /// Applies changes in order. One without a range is the whole text.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        let Some(open) = self.open.get_mut(uri.as_str()) else {
            return;
        };
        open.version = version;
        for change in changes {
            let Some(range) = change.range else {
                open.text = change.text.into();
                continue;
            };
            let sources = Sources::single("", open.text.as_bytes());
            let Some((_, source)) = sources.iter().next() else {
                continue;
            };
            let start = encoding.offset(source, range.start);
            let end = encoding.offset(source, range.end).max(start);
            let mut text = source.text().to_owned();
            text.replace_range(start..end, &change.text);
            open.text = text.into();
        }
    }

    pub(super) fn close(&mut self, uri: &Uri) {
        self.open.remove(uri.as_str());
    }

    /// Whether a file is one of the set.
    pub(super) fn is_in_set(&self, uri: &Uri) -> bool {
        let open = self
            .open
            .get(uri.as_str())
            .and_then(|open| open.path.clone());
        let path = open.or_else(|| uri.to_file_path().map(|path| settled(&path)));
        path.is_some_and(|path| self.holds(&path))
    }

    fn holds(&self, path: &Path) -> bool {
        let would = |input: &Input| match input {
            Input::Path(folder) => folder.is_dir() && reload::would_read(folder, path),
            Input::Stdin | Input::Revision { .. } => false,
        };
        self.saved.iter().any(|saved| saved.path == path) || self.inputs.iter().any(would)
    }

    /// The documents to look at: the set, and every other open text by itself.
    pub(super) fn scenes(&self) -> Vec<Scene> {
        let mut scenes = Vec::new();
        if !self.inputs.is_empty() {
            scenes.push(self.set());
        }
        let others = self.open.values().filter(|open| !self.is_in_set(&open.uri));
        scenes.extend(others.map(alone));
        scenes
    }

    /// The document set that a text is part of, and which part.
    pub(super) fn scene(&self, uri: &Uri) -> Option<(Scene, SourceId)> {
        let scene = match self.is_in_set(uri) {
            true => self.set(),
            false => alone(self.open.get(uri.as_str())?),
        };
        let place = scene.places.iter().find(|place| place.uri == *uri)?;
        let id = place.id;
        Some((scene, id))
    }

    fn set(&self) -> Scene {
        let mut scene = Scene::empty();
        for saved in &self.saved {
            let open = self
                .open
                .values()
                .find(|open| open.path.as_ref() == Some(&saved.path));
            match open {
                Some(open) => scene.add(
                    &saved.name,
                    &open.text,
                    open.uri.clone(),
                    Some(open.version),
                ),
                None => {
                    if let Some(uri) = Uri::from_file_path(&saved.path) {
                        scene.add(&saved.name, &saved.text, uri, None);
                    }
                }
            }
        }
        // What is new and not saved yet.
        for open in self.open.values() {
            let is_new = open.path.as_ref().is_some_and(|path| {
                self.saved.iter().all(|saved| saved.path != *path) && self.holds(path)
            });
            if is_new {
                scene.add(&open.name, &open.text, open.uri.clone(), Some(open.version));
            }
        }
        scene
    }
}

fn alone(open: &Open) -> Scene {
    let mut scene = Scene::empty();
    scene.add(&open.name, &open.text, open.uri.clone(), Some(open.version));
    scene
}

impl Scene {
    fn empty() -> Self {
        Self {
            sources: Sources::new(),
            places: Vec::new(),
        }
    }

    fn add(&mut self, name: &str, text: &str, uri: Uri, version: Option<i32>) {
        let id = self.sources.add(name, text);
        self.places.push(Place { id, uri, version });
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where a source is for the editor.
    pub(super) fn uri(&self, id: SourceId) -> Option<&Uri> {
        let place = self.places.iter().find(|place| place.id == id)?;
        Some(&place.uri)
    }
}

/// A path without links, or as it is where there is no such file yet.
fn settled(path: &Path) -> PathBuf {
    if let Ok(path) = std::fs::canonicalize(path) {
        return path;
    }
    let folder = path
        .parent()
        .and_then(|folder| std::fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
