//! The YAML parser's errors in our words: clipped to a line, with help for
//! the mistakes people make in registrations.

use granit_parser::{ErrorKind, ScanError};

use crate::Limits;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{SourceId, Span};

/// One diagnostic for a syntax error. `in_flow` is whether it stands inside `{…}` or `[…]`.
pub(super) fn translate(
    error: &ScanError,
    id: SourceId,
    text: &str,
    in_flow: bool,
    limits: &Limits,
) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    let span = place(id, text, at);
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(span, limits);
    }
    if in_flow && let Some(diagnostic) = unquoted_variable(id, text, at) {
        return diagnostic;
    }
    let (label, help) = explain(error.kind());
    let message = error.kind().to_string();
    Diagnostic::new(
        Code::SyntaxInvalidYaml,
        format!("this is not YAML: {message}"),
    )
    .at(span, label)
    .help(help)
}

/// Nesting beyond the limit.
pub(super) fn too_deep(span: Span, limits: &Limits) -> Diagnostic {
    let depth = limits.depth;
    Diagnostic::new(
        Code::SyntaxTooDeep,
        format!("maps and lists are nested more than {depth} levels deep"),
    )
    .at(span, "the limit is reached here")
    .help("flatten the document; no section needs more than 8 levels")
}

/// `{key: ${NAME}}`: in flow collections the brace of a bare `${` opens a map.
fn unquoted_variable(id: SourceId, text: &str, at: usize) -> Option<Diagnostic> {
    let line_start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let line_end = text[at..].find('\n').map_or(text.len(), |found| found + at);
    let line = &text[line_start..line_end];
    let (start, _) = line
        .match_indices("${")
        .take_while(|(found, _)| line_start + found <= at + 1)
        .last()?;
    let before = line[..start].trim_end();
    if !before.is_empty() && !before.ends_with([':', ',', '[']) {
        return None;
    }
    let end = line[start..]
        .find('}')
        .map_or(line.len(), |found| start + found + 1);
    let reference = &line[start..end];
    let span = Span::new(id, line_start + start..line_start + end);
    let diagnostic = |reference: &str| {
        Diagnostic::new(
            Code::SyntaxInvalidYaml,
            format!("`{reference}` must be quoted inside `{{…}}` or `[…]`"),
        )
        .at(span, "the brace opens a map here")
        .help(format!("quote it: `\"{reference}\"`"))
    };
    // Only a reference is safe to repeat: a default may be a secret, and so may
    // be whatever follows a brace that is never closed.
    Some(match crate::variable::variables(reference).as_deref() {
        Ok([variable]) if variable.default.is_none() => {
            diagnostic(reference).fix(span, format!("\"{reference}\""))
        }
        Ok([variable]) => diagnostic(&format!("${{{}:-…}}", variable.name)),
        _ => diagnostic("${…}"),
    })
}

fn explain(kind: &ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation => (
            "a tab stands here",
            "indent with spaces; YAML allows no tabs there",
        ),
        ErrorKind::UnknownAnchor => (
            "no anchor of this name stands before it",
            "define it first with `&name`",
        ),
        ErrorKind::UnclosedQuotedScalar => ("the text ends inside quotes", "close the quote"),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("a bracket is still open here", "close the `[` or `{`")
        }
        ErrorKind::UnknownQuotedScalarEscape => (
            "this escape does not exist",
            "use single quotes where `\\` is meant literally",
        ),
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => (
            "a control character stands here",
            "remove it; inside double quotes it can be written as an escape, such as `\\x07`",
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("this character cannot start a value", "quote the value")
        }
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey => (
            "the structure breaks here",
            "align this line with the others of its map or list",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a key was expected here",
            "write `key: value`, with a space after the colon",
        ),
        _ => (
            "reading stopped here",
            "check the indentation and the quotes on this line and the one above",
        ),
    }
}

/// The place of an error: the character there, or the last one of its line.
fn place(id: SourceId, text: &str, at: usize) -> Span {
    let width = |from: usize| {
        text[from..]
            .chars()
            .next()
            .filter(|c| *c != '\n' && *c != '\r')
            .map_or(0, char::len_utf8)
    };
    let mut at = at;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    if width(at) == 0 && text.len() == at {
        // An error at the end of the text is shown at the end of its last line with content.
        at = text
            .trim_end()
            .char_indices()
            .next_back()
            .map_or(0, |(last, _)| last);
    }
    Span::new(id, at..at + width(at))
}
