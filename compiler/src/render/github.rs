//! Diagnostics as workflow commands of GitHub Actions, which become
//! annotations on the lines of a pull request.

use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// One line a diagnostic, in the order given:
/// `::error file=…,line=…,endLine=…,col=…,endColumn=…,title=CODE::message`,
/// with the help on a second line of the message. Lines and columns count from
/// 1, columns in characters.
pub fn text<'d>(
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    sources: &Sources,
) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let place = match (diagnostic.span(), sources.iter().next()) {
            (Some(span), _) => place(span, sources),
            (None, Some((_, source))) => format!("file={},", property(source.name())),
            (None, None) => String::new(),
        };
        let mut message = diagnostic.headline.clone();
        if let Some(help) = &diagnostic.help {
            let _ = write!(message, "\nhelp: {help}");
        }
        let _ = writeln!(
            out,
            "::{} {place}title={}::{}",
            command(diagnostic.severity),
            property(diagnostic.code.as_str()),
            data(&message)
        );
    }
    out
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

/// Columns only within one line: GitHub refuses an annotation that has them
/// and spans several.
fn place(span: Span, sources: &Sources) -> String {
    let source = sources.get(span.source);
    let (start, end) = (
        source.position(span.start as usize),
        source.position(span.end as usize),
    );
    let mut place = format!(
        "file={},line={},endLine={},",
        property(source.name()),
        start.line,
        end.line
    );
    if start.line == end.line {
        let _ = write!(place, "col={},endColumn={},", start.column, end.column);
    }
    place
}

/// What follows the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value before it, where `:` and `,` end something too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn nothing_in_a_text_ends_a_command() {
        let mut sources = Sources::new();
        let id = sources.add("a,b:c%\n::error::x.yaml", "ä: b\nc\n");
        let mut found = Diagnostic::new(Code::ModelNone, "").at(Span::new(id, 4..5), "");
        found.headline = "100% ::\r\n::error::no".to_owned();
        assert_eq!(
            text([&found], &sources),
            "::error file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax.yaml,line=1,endLine=1,col=4,endColumn=5,\
             title=model/none::100%25 ::%0D%0A::error::no\n"
        );
    }

    #[test]
    fn several_lines_have_no_columns() {
        let mut sources = Sources::new();
        let id = sources.add("a", "b\nc\n");
        let found = Diagnostic::new(Code::ModelNone, "none")
            .at(Span::new(id, 0..3), "")
            .help("add one");
        assert_eq!(
            text([&found], &sources),
            "::error file=a,line=1,endLine=2,title=model/none::none%0Ahelp: add one\n"
        );
    }

    #[test]
    fn what_has_no_place_names_the_first_source() {
        let sources = Sources::single("a", "");
        let found = Diagnostic::new(Code::SourceEmpty, "nothing");
        assert_eq!(
            text([&found], &sources),
            "::error file=a,title=source/empty::nothing\n"
        );
        assert_eq!(
            text([&found], &Sources::new()),
            "::error title=source/empty::nothing\n"
        );
    }
}
