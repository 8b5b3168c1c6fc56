//! `ctr convert`: the same registration in another syntax.

use std::fs;
use std::path::Path;

use ctr_compiler::Limits;
use ctr_compiler::document::{Converted, Syntax, Unconverted, Unformatted, convert};
use ctr_compiler::source::Sources;
use ctr_runtime::reload::{self, Input};

use crate::args::Convert;
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, file};

pub(super) fn run(asked: &Convert, terminal: &Terminal) -> Result<Exit, Stopped> {
    let syntax = asked.to.into();
    refuse_confusion(asked, syntax)?;
    let sources = read(asked)?;
    let Some((id, source)) = sources.iter().next().filter(|_| sources.len() == 1) else {
        return Err(
            Stopped::usage("one file is converted at a time").help("name a file of the folder")
        );
    };
    refuse_own_input(asked, source.name())?;
    let converted = match convert(&sources, id, syntax, &Limits::default()) {
        Ok(converted) => converted,
        Err(Unconverted::Unread(Unformatted::Problems(problems))) => {
            terminal.problems(&problems, &sources);
            return Ok(Exit::Problems);
        }
        Err(Unconverted::Unread(why)) => return Err(not_read(source.name(), &why)),
        Err(Unconverted::Unsaid(path)) => return Err(unsaid(source.name(), &path, syntax)),
    };
    write(asked, &converted, terminal)?;
    if converted.dropped > 0 {
        let comments = counted(converted.dropped, "comment");
        terminal.say(&format!("{comments} left out: JSON has no place for them"));
    }
    Ok(Exit::Fine)
}

fn refuse_confusion(asked: &Convert, syntax: Syntax) -> Result<(), Stopped> {
    if asked.stdin_name.is_some() && asked.input != "-" {
        return Err(
            Stopped::usage("`--stdin-name` names stdin, which is not read")
                .help("name `-` as the file"),
        );
    }
    let ending = asked.output.as_deref().and_then(Path::extension);
    let ending = ending.and_then(|ending| ending.to_str()).unwrap_or("");
    let read_as = match ending {
        "kdl" => Syntax::Kdl,
        "json" => Syntax::Json,
        // JSON is YAML too.
        "yaml" | "yml" if syntax == Syntax::Kdl => Syntax::Yaml,
        _ => syntax,
    };
    if read_as != syntax {
        return Err(Stopped::usage(format!(
            "a file that ends in `.{ending}` is not read as {}",
            word(syntax)
        ))
        .help("give it the ending of its syntax"));
    }
    Ok(())
}

fn read(asked: &Convert) -> Result<Sources, Stopped> {
    match (&asked.stdin_name, Input::parse(&asked.input)) {
        (Some(name), Input::Stdin) => Ok(reload::read_stdin(name)?),
        (_, input) => Ok(reload::read(&[input])?),
    }
}

/// A document must not take the place of what it is made of: where it turns
/// out not to be what was wanted, nothing else would be left.
fn refuse_own_input(asked: &Convert, input: &str) -> Result<(), Stopped> {
    let output = asked
        .output
        .as_deref()
        .and_then(|path| fs::canonicalize(path).ok());
    if output.is_some() && output == fs::canonicalize(input).ok() {
        return Err(
            Stopped::usage("the result would replace the file it is made of")
                .help("name another file after `--output`"),
        );
    }
    Ok(())
}

fn write(asked: &Convert, converted: &Converted, terminal: &Terminal) -> Result<(), Stopped> {
    match asked
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"))
    {
        None => terminal.product(&converted.text),
        Some(path) => file::replace(path, &converted.text).map_err(|error| {
            Stopped::could_not(format!("cannot write `{}`: {error}", path.display()))
        }),
    }
}

fn word(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Yaml => "YAML",
        Syntax::Kdl => "KDL",
        Syntax::Json => "JSON",
    }
}

fn unsaid(name: &str, path: &str, syntax: Syntax) -> Stopped {
    let what = match path {
        "" => format!("`{name}` would mean something else as {}", word(syntax)),
        path => format!("{name}: `{path}` cannot be said in {}", word(syntax)),
    };
    Stopped {
        exit: Exit::Problems,
        message: what,
        help: Some("leave it out or rename it, or choose another syntax".to_owned()),
    }
}

/// Why a text could not be followed, where no diagnostic says so.
pub(super) fn not_read(name: &str, why: &Unformatted) -> Stopped {
    match why {
        Unformatted::NotJson(line, column) => Stopped {
            exit: Exit::Problems,
            message: format!("{name}:{line}:{column}: this is not JSON"),
            help: Some("mend it here, or give a file of YAML the ending `.yaml`".to_owned()),
        },
        Unformatted::Problems(_) | Unformatted::Defect => Stopped::could_not(format!(
            "`{name}` would not stay the same, which is a defect of ctr; it was left as it is"
        ))
        .help("report it, with the file if you can"),
    }
}
