//! Source text and places in it.
//!
//! Everything the compiler says about a document it says about a byte range of
//! one [`Source`]. This file holds the only conversion between byte offsets and
//! lines and columns (people count characters, editors count UTF-16 units), so
//! that no two outputs can disagree about where a mistake is.

mod mask;

use std::ops::Range;
use std::sync::OnceLock;

pub(crate) use mask::{credentials, is_secret_parameter, masked, obeyed};

/// Number of one source in its [`Sources`], in the order they were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A byte range of one source; `start <= end`, both inside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source the offsets count in.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `range` of `source`.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = offset(range.start);
        Self {
            source,
            start,
            end: offset(range.end).max(start),
        }
    }

    /// The bytes `within` (offsets from this span's start), clipped to this span.
    pub fn slice(self, within: Range<usize>) -> Self {
        let offset = |n: usize| {
            self.start
                .saturating_add(u32::try_from(n).unwrap_or(u32::MAX))
                .min(self.end)
        };
        Self {
            source: self.source,
            start: offset(within.start),
            end: offset(within.end),
        }
    }

    /// The range as `usize`, for indexing.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and the place it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A position for people and for editors, all counted from 1 except `utf16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Column in UTF-16 code units, from 0, as the Language Server Protocol counts.
    pub utf16: usize,
}

/// One text with its name and line table. A byte order mark is dropped, and
/// bytes that are not UTF-8 are replaced, with the first one remembered.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
    invalid_at: Option<usize>,
    masked: OnceLock<String>,
    /// Characters and UTF-16 units before each block of [`BLOCK`] bytes.
    blocks: OnceLock<Vec<(usize, usize)>>,
}

/// Bytes that are counted one by one; lines may be megabytes long.
const BLOCK: usize = 1 << 12;

impl Source {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let bytes = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) => rest.to_vec(),
            None => bytes,
        };
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (
                    String::from_utf8_lossy(error.as_bytes()).into_owned(),
                    Some(at),
                )
            }
        };
        let line_starts = line_starts(&text);
        Self {
            name,
            text,
            line_starts,
            invalid_at,
            masked: OnceLock::new(),
            blocks: OnceLock::new(),
        }
    }

    /// The name as the user gave it: a path, `<stdin>`, `main:registration.yaml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text without its byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it may be quoted: values of secret keys are starred out, and
    /// characters that a terminal would obey are replaced, byte for byte.
    pub fn masked(&self) -> &str {
        self.masked.get_or_init(|| {
            mask::disarmed(match self.is_kdl() {
                true => mask::masked_kdl(&self.text),
                false => masked(&self.text),
            })
        })
    }

    /// Whether the text is KDL, which the ending of its name says.
    pub fn is_kdl(&self) -> bool {
        self.name.ends_with(".kdl")
    }

    /// Byte offset of the first byte that was not UTF-8.
    pub fn invalid_at(&self) -> Option<usize> {
        self.invalid_at
    }

    /// Line, column and UTF-16 column of a byte offset. An offset past the end
    /// or inside a character counts as the nearest position before it.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_of(offset);
        let (characters, utf16) = self.between(self.line_start(line), offset);
        Position {
            line: line + 1,
            column: characters + 1,
            utf16,
        }
    }

    /// Characters and UTF-16 units from one offset to another.
    fn between(&self, start: usize, end: usize) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        if end - start <= BLOCK {
            return counted(&bytes[start..end]);
        }
        let blocks = self.blocks.get_or_init(|| {
            let mut before = (0, 0);
            let mut blocks = vec![before];
            for block in bytes.chunks(BLOCK) {
                let (characters, utf16) = counted(block);
                before = (before.0 + characters, before.1 + utf16);
                blocks.push(before);
            }
            blocks
        });
        let upto = |at: usize| {
            let (characters, utf16) = blocks[at / BLOCK];
            let rest = counted(&bytes[at - at % BLOCK..at]);
            (characters + rest.0, utf16 + rest.1)
        };
        let (before, through) = (upto(start), upto(end));
        (through.0 - before.0, through.1 - before.1)
    }

    /// The byte offset of a line, counted from 0, and a column in UTF-16 code
    /// units, as the Language Server Protocol counts. A column past the end of
    /// its line, or inside a character, counts as the nearest position before it.
    pub fn offset_of_utf16(&self, line: usize, column: usize) -> usize {
        let range = self.line_range(line);
        let mut units = 0;
        let text = self.text.get(range.clone()).unwrap_or("");
        for (at, c) in text.char_indices() {
            units += c.len_utf16();
            if units > column {
                return range.start + at;
            }
        }
        range.end
    }

    /// The bytes of a line, counted from 0, without its line break; empty past the end.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_start(line);
        let end = self
            .line_starts
            .get(line + 1)
            .map_or(self.text.len(), |next| *next as usize);
        let text = self.text.get(start..end).unwrap_or("");
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    /// Index, from 0, of the line that holds `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start as usize <= offset)
            .saturating_sub(1)
    }

    /// How many lines there are; at least one.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    fn line_start(&self, line: usize) -> usize {
        self.line_starts
            .get(line)
            .map_or(self.text.len(), |start| *start as usize)
    }
}

/// Characters of UTF-8 bytes and how many UTF-16 units they are, each counted at its first byte.
fn counted(bytes: &[u8]) -> (usize, usize) {
    let characters = bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    let pairs = bytes.iter().filter(|byte| **byte >= 0xf0).count();
    (characters, characters + pairs)
}

fn line_starts(text: &str) -> Vec<u32> {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut starts = vec![0];
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix("\r\n").unwrap_or(line);
        let returns = content.match_indices('\r');
        starts.extend(returns.map(|(at, _)| offset(start + at + 1)));
        start += line.len();
        if line.ends_with('\n') {
            starts.push(offset(start));
        }
    }
    starts
}

/// The sources of one document set, in the order they count.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// No sources yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One source, for callers that have a single text.
    pub fn single(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        let mut sources = Self::new();
        sources.add(name, text);
        sources
    }

    /// Adds a text under the name messages will show. Any bytes are accepted;
    /// what is wrong with them is said when they are compiled.
    pub fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> SourceId {
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source::new(name.into(), bytes.into()));
        id
    }

    /// The source of an id that [`Sources::add`] gave.
    ///
    /// # Panics
    /// When the id comes from another set, which is a mistake of the caller.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.files[id.0 as usize]
    }

    /// The place of a part of a text, given as bytes of its value; the whole
    /// place where escapes or line breaks came between the two.
    pub fn within(&self, text: &Spanned<String>, part: Range<usize>) -> Span {
        let written = self.get(text.span.source).text().get(text.span.range());
        match written.and_then(|written| written.find(&text.value)) {
            Some(at) => text.span.slice(at + part.start..at + part.end),
            None => text.span,
        }
    }

    /// All sources with their ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (SourceId(u32::try_from(at).unwrap_or(u32::MAX)), file))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// `name:line:column` of a span's start.
    pub fn place(&self, span: Span) -> String {
        let source = self.get(span.source);
        let position = source.position(span.start as usize);
        format!("{}:{}:{}", source.name(), position.line, position.column)
    }
}

/// Where lines begin, kept without the texts: enough to say file and line of a
/// place when the text is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<(String, Vec<u32>)>);

impl Places {
    /// The lines of these sources.
    pub fn of(sources: &Sources) -> Self {
        let lines = |source: &Source| {
            let breaks = source.text().match_indices('\n');
            breaks
                .map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))
                .collect()
        };
        let all = sources.iter();
        Self(
            all.map(|(_, source)| (source.name().to_owned(), lines(source)))
                .collect(),
        )
    }

    /// File and line, from 1. None where the span is of other sources.
    pub fn line(&self, span: Span) -> Option<(&str, usize)> {
        let (name, begins) = self.0.get(span.source.0 as usize)?;
        let line = begins.partition_point(|begin| *begin <= span.start);
        Some((name, line + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_long_lines_are_those_of_a_walk() {
        let line = "aé😀".repeat(3 * BLOCK / 7);
        let sources = Sources::single("r.yaml", format!("first\n{line}\r\nlast é"));
        let source = sources.get(SourceId(0));
        for (offset, _) in source.text().char_indices() {
            let start = source.text()[..offset].rfind('\n').map_or(0, |at| at + 1);
            let before = &source.text()[start..offset];
            let position = source.position(offset);
            assert_eq!(position.column, before.chars().count() + 1);
            assert_eq!(position.utf16, before.encode_utf16().count());
        }
    }
}
