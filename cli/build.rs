//! Puts the pages of docs/diagnostics into the binary, so that `ctr
//! explain-code` needs no network and always speaks of the version at hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
        .join("../docs/diagnostics");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut pages = Vec::new();
    collect(&root, "", &mut pages)?;
    pages.sort();
    let mut table = String::from("&[\n");
    for (code, path) in pages {
        let path = fs::canonicalize(path)?;
        writeln!(table, "    ({code:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("diagnostic_pages.rs"), table)
}

/// Every `AREA/NAME.md` below `folder`, as (`AREA/NAME`, path).
fn collect(folder: &Path, area: &str, pages: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
            continue;
        };
        let name = format!("{area}{stem}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md") && !area.is_empty() {
            pages.push((name, path));
        }
    }
    Ok(())
}
