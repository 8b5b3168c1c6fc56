//! Offsets of the compiler and positions of the protocol.

use ctr_compiler::source::{Source, Span};
use tower_lsp_server::ls_types::{Position, PositionEncodingKind, Range};

/// What columns count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// What every client understands.
    #[default]
    Utf16,
}

impl Encoding {
    /// Bytes where the client offers them, as that is what we count.
    pub(super) fn of(offered: Option<&[PositionEncodingKind]>) -> Self {
        match offered.is_some_and(|offered| offered.contains(&PositionEncodingKind::UTF8)) {
            true => Self::Utf8,
            false => Self::Utf16,
        }
    }

    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    /// The byte offset of a position; the nearest one before a place that is none.
    pub(super) fn offset(self, source: &Source, position: Position) -> usize {
        let (line, column) = (position.line as usize, position.character as usize);
        match self {
            Self::Utf16 => source.offset_of_utf16(line, column),
            Self::Utf8 => {
                let range = source.line_range(line);
                let mut at = range.start.saturating_add(column).min(range.end);
                while !source.text().is_char_boundary(at) {
                    at -= 1;
                }
                at
            }
        }
    }

    pub(super) fn position(self, source: &Source, offset: usize) -> Position {
        let line = source.line_of(offset);
        let column = match self {
            Self::Utf16 => source.position(offset).utf16,
            Self::Utf8 => offset - source.line_range(line).start,
        };
        Position::new(number(line), number(column))
    }

    pub(super) fn range(self, source: &Source, span: Span) -> Range {
        let range = span.range();
        Range::new(
            self.position(source, range.start),
            self.position(source, range.end),
        )
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr_compiler::source::Sources;

    #[test]
    fn both_encodings_turn_round() {
        let sources = Sources::single("a.yaml", "a: 𝄞ü\r\nb: ö\rc\n");
        let (_, source) = sources.iter().next().unwrap();
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            for at in (0..=source.text().len()).filter(|at| source.text().is_char_boundary(*at)) {
                let position = encoding.position(source, at);
                let back = encoding.offset(source, position);
                // Inside a line break, the end of the line is meant.
                assert!(
                    back == at || source.text()[back..at].trim().is_empty(),
                    "{at}"
                );
            }
        }
        let column = |encoding: Encoding| encoding.position(source, 7).character;
        assert_eq!((column(Encoding::Utf8), column(Encoding::Utf16)), (7, 5));
        assert_eq!(Encoding::Utf16.offset(source, Position::new(0, 4)), 3);
        assert_eq!(
            Encoding::Utf16.offset(source, Position::new(9, 4)),
            source.text().len()
        );
        assert_eq!(Encoding::Utf8.offset(source, Position::new(0, u32::MAX)), 9);
    }
}
