//! `ctr man`: what `--help` says, as pages for `man`.

use std::fs;
use std::io;

use clap::CommandFactory;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use crate::args::{Args, Man};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, file};

pub(super) fn run(asked: &Man, terminal: &Terminal) -> Result<Exit, Stopped> {
    let pages = pages();
    let Some(folder) = &asked.output else {
        let name = asked.page.as_deref().unwrap_or("ctr");
        let page = pages.iter().find(|page| page.name == name);
        let Some(page) = page else {
            return Err(Stopped::usage(format!("there is no command `{name}`"))
                .help("see the commands with `ctr --help`"));
        };
        terminal.product(&page.text)?;
        return Ok(Exit::Fine);
    };
    let could_not = |what: &str, error: &io::Error| {
        Stopped::could_not(format!("cannot write `{what}`: {error}"))
    };
    fs::create_dir_all(folder).map_err(|error| could_not(&folder.display().to_string(), &error))?;
    for page in pages {
        let path = folder.join(&page.file);
        file::replace(&path, &page.text)
            .map_err(|error| could_not(&path.display().to_string(), &error))?;
    }
    Ok(Exit::Fine)
}

struct Written {
    /// The command, `ctr` for the whole; of a part `corpus-import`.
    name: String,
    file: String,
    text: String,
}

fn pages() -> Vec<Written> {
    let mut whole = Args::command().disable_help_subcommand(true);
    whole.build();
    let is_own = |part: &&clap::Command| !part.is_hide_set() && part.get_name() != "help";
    let mut all = vec![whole.clone()];
    for part in whole.get_subcommands().filter(is_own) {
        all.push(part.clone());
        all.extend(part.get_subcommands().filter(is_own).cloned());
    }
    all.into_iter().map(page).collect()
}

fn page(command: clap::Command) -> Written {
    let whole = command.get_display_name().unwrap_or(command.get_name());
    let name = whole.strip_prefix("ctr-").unwrap_or(whole).to_owned();
    let notes = notes(
        &command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default(),
    );
    let has_parts = command.has_subcommands();
    let version = env!("CARGO_PKG_VERSION");
    let page = Page::new(command)
        .source(format!("ctr {version}"))
        .manual("ctr");
    let mut text = Vec::new();
    let rendered = page
        .render_title(&mut text)
        .and_then(|()| page.render_name_section(&mut text))
        .and_then(|()| page.render_synopsis_section(&mut text))
        .and_then(|()| page.render_description_section(&mut text))
        .and_then(|()| page.render_options_section(&mut text))
        .and_then(|()| match has_parts {
            true => page.render_subcommands_section(&mut text),
            false => Ok(()),
        })
        .and_then(|()| notes.to_writer(&mut text));
    rendered.expect("memory takes whatever is written to it");
    Written {
        name,
        file: page.get_filename(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// What follows the options: each line that ends with a colon begins a section,
/// and what is indented stays as it is.
fn notes(text: &str) -> Roff {
    let mut page = Roff::new();
    let (mut in_section, mut as_is) = (false, false);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let indented = line.starts_with(' ');
        if indented != as_is {
            page.control(if indented { "nf" } else { "fi" }, []);
            as_is = indented;
        }
        let title = line.strip_suffix(':').filter(|_| !indented);
        if title.is_some() || !in_section {
            page.control("SH", [title.unwrap_or("NOTES").to_uppercase().as_str()]);
            in_section = true;
        }
        if title.is_none() {
            page.text([roman(line)]);
        }
    }
    page
}
