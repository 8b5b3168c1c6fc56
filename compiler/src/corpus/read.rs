//! From a line of text to what it says, and back.
//!
//! What a line says is a stranger's and may be private: a complaint names its
//! place and never quotes it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::{PatternSet, Request, VERSION};

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// What is looked for in the texts of the lines that name it.
    Patterns(PatternSet),
    /// A request.
    Request(Box<Request>),
}

/// Why a line is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// It is of another version of the form.
    Version(u64),
    /// It ends in the middle.
    Cut,
    /// It is no JSON from this column on.
    NotJson(usize),
    /// It is JSON, and no line of a corpus; the column where that shows.
    NotCorpus(usize),
    /// It is longer than is followed.
    TooLong,
    /// It is not UTF-8.
    NotText,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "is of version {version} of the form, and this ctr reads version {VERSION}"
            ),
            Self::Cut => f.write_str("ends in the middle"),
            Self::NotJson(column) => write!(f, "is no JSON from column {column} on"),
            Self::NotCorpus(column) => {
                write!(f, "is no line of a corpus, which shows at column {column}")
            }
            Self::TooLong => f.write_str("is longer than any line of a corpus"),
            Self::NotText => f.write_str("is not UTF-8"),
        }
    }
}

impl std::error::Error for BadLine {}

#[derive(Deserialize)]
struct Read {
    v: u64,
    patterns: Option<PatternSet>,
    request: Option<Box<Request>>,
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

#[derive(Serialize)]
struct Written<'l> {
    v: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    patterns: Option<&'l PatternSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'l Request>,
}

/// Reads a line, which may end in a line break.
///
/// # Errors
/// When it is of no use.
pub fn read(line: &[u8]) -> Result<Line, BadLine> {
    let text = std::str::from_utf8(line).map_err(|_| BadLine::NotText)?;
    match serde_json::from_str::<Read>(text) {
        Ok(read) if read.v != VERSION => Err(BadLine::Version(read.v)),
        Ok(Read {
            request: Some(request),
            ..
        }) => Ok(Line::Request(request)),
        Ok(Read {
            patterns: Some(patterns),
            ..
        }) => Ok(Line::Patterns(patterns)),
        Ok(_) => Err(BadLine::NotCorpus(1)),
        Err(error) => Err(bad(text, &error)),
    }
}

/// A later version may look like anything, so its number is looked for apart.
fn bad(text: &str, error: &serde_json::Error) -> BadLine {
    match error.classify() {
        Category::Eof => BadLine::Cut,
        Category::Syntax | Category::Io => BadLine::NotJson(error.column()),
        Category::Data => match serde_json::from_str::<Version>(text) {
            Ok(Version { v }) if v != VERSION => BadLine::Version(v),
            _ => BadLine::NotCorpus(error.column()),
        },
    }
}

/// The line for what is looked for in texts, with its line break.
pub fn write_patterns(patterns: &PatternSet) -> String {
    write(&Written {
        v: VERSION,
        patterns: Some(patterns),
        request: None,
    })
}

/// The line for a request, with its line break.
pub fn write_request(request: &Request) -> String {
    write(&Written {
        v: VERSION,
        patterns: None,
        request: Some(request),
    })
}

fn write(line: &Written<'_>) -> String {
    // Its keys are texts and its numbers are finite, or become null.
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}
