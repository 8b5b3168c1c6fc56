//! `ctr import`: what would a config of another gateway be here?

use std::fs;
use std::path::Path;

use ctr_compiler::diagnostic::Severity;
use ctr_compiler::import::{Count, Imported, Tally, import};
use ctr_compiler::source::Sources;
use ctr_runtime::reload::{self, Input};

use crate::args::{Format, Import};
use crate::exit::{Exit, Stopped};
use crate::report::{Summary, Terminal, counted, file, json};

pub(super) fn run(asked: &Import, terminal: &Terminal) -> Result<Exit, Stopped> {
    let input = Input::parse(&asked.input);
    refuse_confusion(asked, &input)?;
    let sources = reload::read(&[input])?;
    refuse_own_input(asked, &sources)?;
    let imported = import(asked.from, &sources);
    let warnings = imported.problems.count(Severity::Warning);
    let is_accepted = !(asked.strict && warnings > 0);
    let document = imported.document.as_ref().filter(|_| is_accepted);
    let text = document.map(|document| document.write(asked.to.into()));
    if let (Some(text), Some(path)) = (&text, named(asked)) {
        file::replace(path, text).map_err(|error| {
            Stopped::could_not(format!("cannot write `{}`: {error}", path.display()))
        })?;
    }
    match asked.format {
        Format::Json => terminal.product(&json::text(&report(
            asked,
            &imported,
            text.as_deref(),
            &sources,
        )))?,
        Format::Text => {
            terminal.problems(&imported.problems, &sources);
            if let Some(text) = &text {
                terminal.say(&format!("{}: {}", asked.input, told(imported.tally)));
                if named(asked).is_none() {
                    terminal.product(text)?;
                }
            }
        }
    }
    match text {
        Some(_) => Ok(Exit::Fine),
        None if imported.document.is_some() => Err(Stopped {
            exit: Exit::Problems,
            message: format!(
                "`--strict` refuses an import with {}",
                counted(warnings, "warning")
            ),
            help: Some("mend the file, or import it without `--strict`".to_owned()),
        }),
        None => Ok(Exit::Problems),
    }
}

/// The file that the registration goes to; none for stdout.
fn named(asked: &Import) -> Option<&Path> {
    let path = asked.output.as_deref();
    path.filter(|path| *path != Path::new("-"))
}

/// What was found, in one line.
fn told(tally: Tally) -> String {
    let mut parts = vec![counted(tally.models, "model")];
    if tally.names != tally.models {
        parts.push(counted(tally.names, "name"));
    }
    if tally.pools > 0 {
        parts.push(counted(tally.pools, "pool"));
    }
    for (count, noun) in [(tally.fallbacks, "fallback"), (tally.slots, "slot")] {
        let Count { found, carried } = count;
        if carried < found {
            parts.push(format!("{carried} of {}", counted(found, noun)));
        } else if found > 0 {
            parts.push(counted(found, noun));
        }
    }
    parts.join(", ")
}

fn report(
    asked: &Import,
    imported: &Imported,
    text: Option<&str>,
    sources: &Sources,
) -> json::Import {
    let problems = &imported.problems;
    json::Import {
        ok: text.is_some(),
        registration: text.filter(|_| named(asked).is_none()).map(str::to_owned),
        carried: json::Carried::of(imported.tally),
        diagnostics: json::diagnostics(problems, sources),
        summary: Summary::new(problems.iter().map(|found| found.severity)),
    }
}

fn refuse_confusion(asked: &Import, input: &Input) -> Result<(), Stopped> {
    if matches!(input, Input::Path(path) if path.is_dir()) {
        return Err(Stopped::usage(format!("`{}` is a folder", asked.input))
            .help("name one file; import several one by one"));
    }
    let to_stdout = asked.output.as_deref() == Some(Path::new("-"));
    if to_stdout && asked.format == Format::Json {
        return Err(Stopped::usage("`--output -` needs stdout for itself")
            .help("name a file for the registration, or read it from the JSON"));
    }
    Ok(())
}

/// A registration must not take the place of the file it is made of.
fn refuse_own_input(asked: &Import, sources: &Sources) -> Result<(), Stopped> {
    let Some(output) = named(asked).and_then(|path| fs::canonicalize(path).ok()) else {
        return Ok(());
    };
    let mut names = sources.iter().map(|(_, source)| source.name());
    match names.any(|name| fs::canonicalize(name).is_ok_and(|path| path == output)) {
        true => Err(
            Stopped::usage("the registration would replace the file it is made of")
                .help("name another file after `--output`"),
        ),
        false => Ok(()),
    }
}
