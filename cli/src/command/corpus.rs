//! `ctr corpus`: recorded requests out of what other programs keep.

use std::fs;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use ctr_compiler::corpus::Finder;
use ctr_runtime::corpus::{Imported, Importer, Kind};
use ctr_runtime::reload::Input;

use super::diff::Side;
use super::replay::{cannot_read, open, refuse_two_stdin};
use crate::args::{Corpus, CorpusCommand, CorpusImport, Foreign, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, json};

pub(super) fn run(asked: &Corpus, terminal: &Terminal) -> Result<Exit, Stopped> {
    match &asked.command {
        CorpusCommand::Import(asked) => import(asked, terminal),
    }
}

fn import(asked: &CorpusImport, terminal: &Terminal) -> Result<Exit, Stopped> {
    refuse_two_stdin(asked.inputs.iter().chain(&asked.patterns))?;
    let finder = match finder(asked, terminal)? {
        Ok(finder) => finder,
        Err(exit) => return Ok(exit),
    };
    let mut files = Vec::new();
    for input in &asked.inputs {
        gather(input, asked.from, &mut files)?;
    }
    let kind = match asked.from {
        Foreign::ClaudeCode => Kind::ClaudeCode,
        Foreign::Litellm => Kind::Litellm,
    };
    let mut to: Box<dyn Write> = match asked.output.as_deref() {
        Some(path) if path != Path::new("-") => {
            refuse_own_input(path, &files)?;
            Box::new(BufWriter::new(create(path)?))
        }
        _ => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let mut write = |line: &str| to.write_all(line.as_bytes());
    let cannot_write = |error: io::Error| Stopped::could_not(format!("cannot write: {error}"));
    let mut importer =
        Importer::new(kind, finder.as_ref(), asked.text, &mut write).map_err(cannot_write)?;
    for name in &files {
        let mut reader = BufReader::with_capacity(1 << 18, open(name)?);
        importer
            .file(name, &mut reader)
            .map_err(|error| cannot_read(name, &error))?;
    }
    let imported = importer.finish();
    to.flush().map_err(cannot_write)?;
    drop(to);
    tell(&imported, files.len(), asked.format, terminal);
    Ok(match imported.requests {
        0 => Exit::Problems,
        _ => Exit::Fine,
    })
}

/// What is looked for in texts; the inner error says how a registration ended
/// that is no plan.
fn finder(
    asked: &CorpusImport,
    terminal: &Terminal,
) -> Result<Result<Option<Finder>, Exit>, Stopped> {
    if asked.patterns.is_empty() {
        return Ok(Ok(None));
    }
    let inputs: Vec<Input> = asked.patterns.iter().map(|it| Input::parse(it)).collect();
    let side = Side::read(&inputs)?;
    let Some(plan) = &side.plan else {
        terminal.problems(&side.problems, &side.sources);
        return Ok(Err(Exit::Problems));
    };
    Ok(Ok(Finder::of(plan)))
}

/// A file, or the files of a format below a folder, in the order of their names.
fn gather(input: &str, from: Foreign, files: &mut Vec<String>) -> Result<(), Stopped> {
    if input == "-" || !Path::new(input).is_dir() {
        files.push(input.to_owned());
        return Ok(());
    }
    let mut folders = vec![PathBuf::from(input)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let told = folder.display().to_string();
        let entries = fs::read_dir(&folder).map_err(|error| cannot_read(&told, &error))?;
        for entry in entries.flatten() {
            let path = entry.path();
            // A link to a folder may lead back here.
            let kind = entry.file_type();
            if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                folders.push(path);
            } else if is_of(&path, from) {
                found.push(path.display().to_string());
            }
        }
    }
    if found.is_empty() {
        return Err(
            Stopped::could_not(format!("no file of this format is below `{input}`"))
                .help("name the files themselves"),
        );
    }
    found.sort();
    files.extend(found);
    Ok(())
}

fn is_of(path: &Path, from: Foreign) -> bool {
    let ends: &[&str] = match from {
        Foreign::ClaudeCode => &["jsonl"],
        Foreign::Litellm => &["jsonl", "json", "csv"],
    };
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ends.contains(&end))
}

fn refuse_own_input(path: &Path, files: &[String]) -> Result<(), Stopped> {
    let Ok(output) = fs::canonicalize(path) else {
        return Ok(());
    };
    if files
        .iter()
        .any(|name| fs::canonicalize(name).is_ok_and(|input| input == output))
    {
        return Err(
            Stopped::usage("the corpus would replace what it is made of")
                .help("name another file after `-o`"),
        );
    }
    Ok(())
}

/// A corpus is for its owner: it says who asked what, when.
fn create(path: &Path) -> Result<fs::File, Stopped> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| Stopped::could_not(format!("cannot write `{}`: {error}", path.display())))
}

fn tell(imported: &Imported, files: usize, format: Format, terminal: &Terminal) {
    if format == Format::Json {
        let report = json::CorpusImport {
            requests: imported.requests,
            read: imported.read,
            passed_over: imported.passed_over.clone(),
            bad: imported.bad,
            first_bad: imported.first_bad.clone(),
        };
        terminal.say(json::text(&report).trim_end());
        return;
    }
    let requests = usize::try_from(imported.requests).unwrap_or(usize::MAX);
    terminal.say(&format!(
        "{} from {} lines of {}",
        counted(requests, "request"),
        imported.read,
        counted(files, "file")
    ));
    let passed: Vec<String> = imported
        .passed_over
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    if !passed.is_empty() {
        terminal.say(&crate::report::printable(
            &format!("passed over: {}", passed.join(", ")),
            false,
        ));
    }
    if imported.bad > 0 {
        terminal.say(&format!("could not be read: {}", imported.bad));
        for line in &imported.first_bad {
            terminal.say(&crate::report::printable(&format!("  {line}"), false));
        }
    }
}
