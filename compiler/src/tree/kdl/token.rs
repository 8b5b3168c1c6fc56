//! The tokens of a text with their places, for whoever lays it out again.

use std::ops::Range;

use super::scan::Scan;
use super::string::{is_newline, is_space};
use crate::source::SourceId;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The end of a line.
    Break,
    /// `;`
    Semicolon,
    /// `// …`
    Line,
    /// `/* … */`
    Aside,
    /// `\`, behind which only comments stand.
    Continued,
    /// The end of a line that goes on.
    Joined,
    /// `/-`
    Hide,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `=`
    Equals,
    /// `(type)`
    Type,
    /// A name or a value.
    Value,
}

/// The tokens of a text in order; what stands between them is space. None when
/// the text is not KDL.
pub(crate) fn tokens(text: &str) -> Option<Vec<(Token, Range<usize>)>> {
    let mut scan = Scan::new(SourceId::default(), text);
    let mut tokens = Vec::new();
    let mut continued = false;
    while let Some(c) = scan.peek() {
        let start = scan.at;
        let one = |token, scan: &mut Scan<'_>| {
            scan.at += c.len_utf8();
            token
        };
        let rest = scan.rest();
        let token = match c {
            c if is_space(c) => {
                scan.at += c.len_utf8();
                continue;
            }
            c if is_newline(c) => {
                scan.at += if rest.starts_with("\r\n") {
                    2
                } else {
                    c.len_utf8()
                };
                match std::mem::take(&mut continued) {
                    true => Token::Joined,
                    false => Token::Break,
                }
            }
            ';' => one(Token::Semicolon, &mut scan),
            '{' => one(Token::Open, &mut scan),
            '}' => one(Token::Close, &mut scan),
            '=' => one(Token::Equals, &mut scan),
            '/' if scan.eat("/-") => Token::Hide,
            '/' if rest.starts_with("//") => {
                scan.line_comment().ok()?;
                Token::Line
            }
            '/' if rest.starts_with("/*") => {
                scan.comment().ok()?;
                Token::Aside
            }
            '\\' => {
                continued = true;
                one(Token::Continued, &mut scan)
            }
            '(' => {
                let span = scan.annotation().ok()??;
                tokens.push((Token::Type, span.range()));
                continue;
            }
            _ => {
                scan.value().ok()?;
                Token::Value
            }
        };
        tokens.push((token, start..scan.at));
    }
    if continued {
        tokens.push((Token::Joined, scan.at..scan.at));
    }
    Some(tokens)
}
