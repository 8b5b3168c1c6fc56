//! `ctr explain-code`: the page of a diagnostic, without a browser.

use ctr_compiler::diagnostic::{Code, did_you_mean, nearest};

use crate::args::ExplainCode;
use crate::exit::{Exit, Stopped};
use crate::report::Terminal;

/// Pages of docs/diagnostics by code, sorted.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/diagnostic_pages.rs"));

pub(super) fn run(asked: &ExplainCode, terminal: &Terminal) -> Result<Exit, Stopped> {
    let Some(name) = &asked.code else {
        terminal.product(&list())?;
        return Ok(Exit::Fine);
    };
    let Some(code) = Code::from_name(name.trim()) else {
        return Err(Stopped::usage(format!("there is no code `{name}`")).help(suggestion(name)));
    };
    terminal.product(&page(code))?;
    Ok(Exit::Fine)
}

/// The nearest code, or those of the same area, or how to see them all.
fn suggestion(name: &str) -> String {
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    if nearest(name, known.iter().copied()).is_some() {
        return did_you_mean(name, &known, "codes");
    }
    let area = name.split('/').next().unwrap_or_default();
    let related: Vec<&str> = known
        .into_iter()
        .filter(|code| code.split('/').next() == Some(area))
        .collect();
    if related.is_empty() {
        "list them with `ctr explain-code`".to_owned()
    } else {
        did_you_mean(name, &related, "codes")
    }
}

fn page(code: Code) -> String {
    match PAGES.binary_search_by(|(known, _)| (*known).cmp(code.as_str())) {
        Ok(at) => PAGES[at].1.to_owned(),
        Err(_) => format!("# {code}\n\n{}\n", code.title()),
    }
}

fn list() -> String {
    let width = Code::ALL
        .iter()
        .map(|code| code.as_str().len())
        .max()
        .unwrap_or(0);
    let line = |code: &Code| {
        format!(
            "{:width$}  {:7}  {}\n",
            code.as_str(),
            code.severity().word(),
            code.title()
        )
    };
    Code::ALL.iter().map(line).collect()
}
