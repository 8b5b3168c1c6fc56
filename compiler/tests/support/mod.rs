//! Reading fixtures and writing snapshots, for the tests of this crate.

use std::path::{Path, PathBuf};

use ctr_compiler::diagnostic::{Problems, Shown};
use ctr_compiler::source::Sources;
use miette::{GraphicalReportHandler, GraphicalTheme};

/// The folders of fixtures/`area`, sorted.
pub(crate) fn folders(area: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures")
        .join(area);
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no fixtures in {}", root.display());
    folders
}

/// Every file of a folder as one document set, in name order.
pub(crate) fn sources(folder: &Path) -> Sources {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut sources = Sources::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        sources.add(name, std::fs::read(&file).unwrap());
    }
    sources
}

/// All problems as a terminal without colours shows them.
pub(crate) fn problems(problems: &Problems, sources: &Sources) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false);
    let mut page = String::new();
    for diagnostic in problems.iter() {
        handler
            .render_report(&mut page, &Shown::new(diagnostic, sources))
            .unwrap();
        page.push('\n');
    }
    page
}

/// Compares with snapshots/`area`/`name`.snap.
pub(crate) fn snapshot(area: &str, name: &str, page: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../snapshots")
            .join(area),
    );
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, page));
}

/// Every place that is named lies inside its source, between characters.
pub(crate) fn assert_inside(problems: &Problems, sources: &Sources) {
    for diagnostic in problems.iter() {
        let fix = diagnostic.fix.iter().map(|fix| fix.span);
        for span in diagnostic.labels.iter().map(|label| label.span).chain(fix) {
            let inside = sources.get(span.source).text().get(span.range());
            assert!(inside.is_some(), "{span:?} of {diagnostic:?}");
        }
    }
}
