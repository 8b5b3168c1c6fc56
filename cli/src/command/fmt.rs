//! `ctr fmt`: the same files in the one canonical layout.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ctr_compiler::Limits;
use ctr_compiler::diagnostic::Problems;
use ctr_compiler::document::{Unformatted, format};
use ctr_compiler::source::{Source, Sources};
use ctr_runtime::reload::{self, Input};

use super::convert::not_read;
use crate::args::{Fmt, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, file, json, patch};

pub(super) fn run(asked: &Fmt, terminal: &Terminal) -> Result<Exit, Stopped> {
    refuse_confusion(asked)?;
    let mut run = Run {
        asked,
        terminal,
        worst: Exit::Fine,
        seen: BTreeSet::new(),
        unformatted: 0,
        told: Vec::new(),
    };
    for path in &asked.files {
        if path == Path::new("-") {
            run.stdin()?;
            continue;
        }
        match reload::files(path) {
            Ok(files) => files.iter().try_for_each(|file| run.file(file))?,
            Err(error) => run.refused(&path.display().to_string(), error.into()),
        }
    }
    run.end()
}

fn refuse_confusion(asked: &Fmt) -> Result<(), Stopped> {
    let stdin = asked.files.iter().any(|file| file == Path::new("-"));
    if stdin && asked.files.len() > 1 {
        return Err(Stopped::usage("`-` is formatted to stdout, and alone")
            .help("format the files in a run of their own"));
    }
    if !stdin && asked.stdin_name.is_some() {
        return Err(
            Stopped::usage("`--stdin-name` names stdin, which is not read")
                .help("name `-` as the file"),
        );
    }
    if stdin && asked.format == Format::Json && !asked.check {
        return Err(Stopped::usage("`-` needs stdout for the formatted text")
            .help("leave `--format` out, or add `--check`"));
    }
    Ok(())
}

/// What became of one text.
enum Became {
    /// It is as it should be.
    Same,
    /// It should be this.
    Other(Sources),
    /// It has mistakes.
    Refused(Problems),
}

struct Run<'a> {
    asked: &'a Fmt,
    terminal: &'a Terminal,
    worst: Exit,
    /// Files by their true paths: what is named twice is formatted once.
    seen: BTreeSet<PathBuf>,
    unformatted: usize,
    told: Vec<json::FmtFile>,
}

impl Run<'_> {
    /// Formats stdin to stdout.
    fn stdin(&mut self) -> Result<(), Stopped> {
        let name = self.asked.stdin_name.as_deref().unwrap_or("<stdin>");
        let sources = reload::read_stdin(name)?;
        let became = became(&sources)?;
        if self.asked.check || matches!(became, Became::Refused(_)) {
            return self.tell(&sources, &became);
        }
        let text = match &became {
            Became::Other(formatted) => only(formatted),
            Became::Same | Became::Refused(_) => only(&sources),
        };
        self.terminal.product(text.map_or("", Source::text))
    }

    /// Formats a file in its place. What goes wrong with it is told, and does
    /// not keep the others from being formatted; only a stdout that cannot be
    /// written to does.
    fn file(&mut self, path: &Path) -> Result<(), Stopped> {
        if let Ok(path) = path.canonicalize()
            && !self.seen.insert(path)
        {
            return Ok(());
        }
        let read = reload::read(&[Input::Path(path.to_owned())]).map_err(Stopped::from);
        let done = read.and_then(|sources| {
            let became = self.in_place(path, &sources)?;
            Ok((sources, became))
        });
        match done {
            Ok((sources, became)) => self.tell(&sources, &became),
            Err(stopped) => {
                self.refused(&path.display().to_string(), stopped);
                Ok(())
            }
        }
    }

    fn in_place(&self, path: &Path, sources: &Sources) -> Result<Became, Stopped> {
        let became = became(sources)?;
        let name = path.display();
        let bytes = fs::read(path)
            .map_err(|error| Stopped::could_not(format!("cannot read `{name}`: {error}")))?;
        let text = only(sources).map_or("", Source::text);
        // A byte order mark is no part of a text, and is not written.
        let marked = bytes.strip_prefix(b"\xEF\xBB\xBF");
        let became = match became {
            Became::Same if marked.is_some() => Became::Other(sources.clone()),
            became => became,
        };
        if let Became::Other(formatted) = &became
            && !self.asked.check
        {
            if marked.unwrap_or(&bytes) != text.as_bytes() {
                let stopped = Stopped::could_not(format!("`{name}` changed while it was read"));
                return Err(stopped.help("run `ctr fmt` again"));
            }
            write(path, only(formatted).map_or("", Source::text))?;
        }
        Ok(became)
    }

    fn tell(&mut self, sources: &Sources, became: &Became) -> Result<(), Stopped> {
        let name = only(sources).map_or("", Source::name);
        let text = self.asked.format == Format::Text;
        let mut problems = None;
        let state = match became {
            Became::Same => "formatted",
            Became::Other(formatted) if self.asked.check => {
                self.worst = worse(self.worst, Exit::Problems);
                self.unformatted += 1;
                if let (Some(old), Some(new), true) = (only(sources), only(formatted), text) {
                    let head = format!("{name} (formatted)");
                    self.terminal
                        .patch(&patch::unified(old, new, [name, &head]))?;
                }
                "unformatted"
            }
            Became::Other(_) => {
                if text {
                    self.terminal.text(&format!("{name}\n"))?;
                }
                "changed"
            }
            Became::Refused(found) => {
                self.worst = worse(self.worst, Exit::Problems);
                if text {
                    self.terminal.problems(found, sources);
                }
                problems = Some(found);
                "refused"
            }
        };
        let none = Problems::default();
        self.told.push(json::FmtFile {
            name: name.to_owned(),
            state,
            message: None,
            diagnostics: json::diagnostics(problems.unwrap_or(&none), sources),
        });
        Ok(())
    }

    fn refused(&mut self, name: &str, stopped: Stopped) {
        self.worst = worse(self.worst, stopped.exit);
        if self.asked.format == Format::Text {
            self.terminal.stopped(&stopped);
        }
        self.told.push(json::FmtFile {
            name: name.to_owned(),
            state: "refused",
            message: Some(stopped.message),
            diagnostics: json::diagnostics(&Problems::default(), &Sources::new()),
        });
    }

    fn end(self) -> Result<Exit, Stopped> {
        if self.asked.format == Format::Json {
            let report = json::Fmt {
                ok: self.worst == Exit::Fine,
                files: self.told,
            };
            self.terminal.product(&json::text(&report))?;
        } else if self.unformatted > 0 {
            let all = counted(self.told.len(), "file");
            let are = if self.unformatted == 1 { "is" } else { "are" };
            self.terminal.say(&format!(
                "{} of {all} {are} not formatted; run `ctr fmt`",
                self.unformatted
            ));
        }
        Ok(self.worst)
    }
}

fn became(sources: &Sources) -> Result<Became, Stopped> {
    let Some((id, source)) = sources.iter().next() else {
        return Ok(Became::Same);
    };
    match format(sources, id, &Limits::default()) {
        Ok(text) if text == source.text() => Ok(Became::Same),
        Ok(text) => Ok(Became::Other(Sources::single(source.name(), text))),
        Err(Unformatted::Problems(problems)) => Ok(Became::Refused(problems)),
        Err(why) => Err(not_read(source.name(), &why)),
    }
}

fn only(sources: &Sources) -> Option<&Source> {
    sources.iter().next().map(|(_, source)| source)
}

fn write(path: &Path, text: &str) -> Result<(), Stopped> {
    let name = path.display();
    // A rename would pass such a file by.
    if fs::metadata(path).is_ok_and(|found| found.permissions().readonly()) {
        return Err(
            Stopped::could_not(format!("`{name}` may not be written to"))
                .help("make it writable, or leave it out"),
        );
    }
    file::replace(path, text)
        .map_err(|error| Stopped::could_not(format!("cannot write `{name}`: {error}")))
}

/// The one that a script must know of.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Fine, other) => other,
        (_, Exit::CouldNot) => Exit::CouldNot,
        (one, _) => one,
    }
}
