//! `ctr eval --history`: what was saved, over time.

use std::env;
use std::path::PathBuf;

use ctr_compiler::evaluate::{Entry, Summary};
use ctr_compiler::render::evaluate as render;
use ctr_runtime::evaluate::{HistoryError, HistoryFile};
use serde::Serialize;

use super::Format;
use super::tasks::Args;
use crate::command::start::FOLDER;
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Product<'p> {
    history_file: String,
    summary: Summary<'p>,
}

pub(super) fn run(args: &Args, format: Format, terminal: &Terminal) -> Result<Exit, Stopped> {
    let file = file(args)?;
    let history = file.read().map_err(|error| unreadable(&file, &error))?;
    match format {
        Format::Text => terminal.text(&render::history_text(&history))?,
        Format::Svg => terminal.product(&render::history_svg(&history))?,
        Format::Html => terminal.product(&render::history_html(&history))?,
        Format::Json => terminal.product(&json::text(&Product {
            history_file: file.path().display().to_string(),
            summary: history.summary(),
        }))?,
        Format::Junit | Format::Markdown => {
            return Err(
                Stopped::usage("a history is told as text, JSON, SVG or HTML")
                    .help("give another `--format`"),
            );
        }
    }
    Ok(Exit::Fine)
}

/// Saves an entry and says where.
pub(super) fn save(args: &Args, entry: Entry, terminal: &Terminal) -> Result<(), Stopped> {
    let file = file(args)?;
    let id = entry.id.clone();
    file.add(entry).map_err(|error| unreadable(&file, &error))?;
    terminal.say(&format!("saved as {id} in {}", file.path().display()));
    Ok(())
}

fn file(args: &Args) -> Result<HistoryFile, Stopped> {
    if let Some(path) = &args.history_file {
        return Ok(HistoryFile::new(path));
    }
    let home = env::home_dir().filter(|home: &PathBuf| !home.as_os_str().is_empty());
    match home {
        Some(home) => Ok(HistoryFile::in_directory(&home.join(FOLDER))),
        None => Err(
            Stopped::could_not("there is no home directory for a history")
                .help("name a file with `--history-file`"),
        ),
    }
}

fn unreadable(file: &HistoryFile, error: &HistoryError) -> Stopped {
    let path = file.path().display();
    match error {
        HistoryError::File(error) => {
            Stopped::could_not(format!("`{path}` cannot be used as a history: {error}"))
        }
        HistoryError::Text(why) => Stopped {
            exit: Exit::Problems,
            message: format!("`{path}` is no history: {why}"),
            help: Some(
                "name another file with `--history-file`; this one is left as it is".to_owned(),
            ),
        },
    }
}
