//! Finds the model in a request body without building a JSON tree.
//!
//! Routing needs one string of a body that is mostly prose. A tree costs more
//! than everything else the proxy does with a request, and writing it again
//! would change bytes that prompt caches and thinking signatures depend on. So
//! this walks over the bytes once. The top level is read strictly, because a
//! body in which the upstream finds another model than the proxy did would pass
//! the plan by; of what lies deeper only strings and brackets are followed, and
//! the upstream may complain about the rest. Where the model has been found and
//! two quick searches prove that no other name can follow, the rest is not walked.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::carried::Carried;

/// Levels of nesting a body may have; the deepest real ones, schemas of tools, have some 20.
const MAX_DEPTH: usize = 1024;

/// What the proxy wants to know of a request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The top-level `model`, if there is one.
    pub model: Option<Model>,
    /// Offset just past the opening brace.
    pub inside: usize,
    /// Whether the object has no members.
    pub is_empty: bool,
}

/// The value of a body's `model`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The value with escapes resolved.
    pub name: String,
    /// Its bytes in the body, quotes included.
    pub range: Range<usize>,
}

/// Why a body is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// No bytes, or only white space.
    Empty,
    /// JSON, perhaps, but not an object.
    NotObject,
    /// Not JSON, found at this offset.
    Malformed(usize),
    /// Ends before its last bracket or quote.
    Truncated,
    /// More than 1024 levels.
    TooDeep,
    /// More than one top-level `model` that was seen: which one counts would be the
    /// upstream's choice.
    DuplicateModel,
    /// `model` is no string.
    ModelNotString,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the request body is empty"),
            Self::NotObject => f.write_str("the request body is not a JSON object"),
            Self::Malformed(at) => write!(f, "the request body is not valid JSON (at byte {at})"),
            Self::Truncated => {
                f.write_str("the request body is not valid JSON (it ends too early)")
            }
            Self::TooDeep => write!(
                f,
                "the request body is nested deeper than {MAX_DEPTH} levels"
            ),
            Self::DuplicateModel => f.write_str("`model` is given more than once"),
            Self::ModelNotString => f.write_str("`model` is not a string"),
        }
    }
}

impl std::error::Error for AskError {}

impl Ask {
    /// Reads a body as far as it must.
    ///
    /// # Errors
    /// [`AskError`] when the body is no JSON object with at most one `model`, a string.
    /// What follows the model, and is read no further, may be no JSON, and may have a second
    /// `model` that is an object or a list, which names none.
    pub fn read(body: &[u8]) -> Result<Self, AskError> {
        Self::read_unless(body, |_| false)
    }

    /// As [`Ask::read`], but what follows the model is not looked at where
    /// `is_read_elsewhere` says so of that model: the caller then finds out whether the
    /// body is JSON, as far as it matters, and has no second one.
    ///
    /// # Errors
    /// [`AskError`] when the body is not so, as far as it is looked at.
    pub(crate) fn read_unless(
        body: &[u8],
        is_read_elsewhere: impl FnOnce(&str) -> bool,
    ) -> Result<Self, AskError> {
        let mut scan = Scan { body, at: 0 };
        match scan.peek_token() {
            None => return Err(AskError::Empty),
            Some(b'{') => scan.at += 1,
            Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return Err(AskError::NotObject);
            }
            Some(_) => return Err(AskError::Malformed(scan.at)),
        }
        let inside = scan.at;
        let mut ask = Self {
            model: None,
            inside,
            is_empty: false,
        };
        if scan.token()? == b'}' {
            ask.is_empty = true;
        } else {
            scan.at -= 1;
            let mut more = true;
            while more && ask.model.is_none() {
                more = scan.member(&mut ask)?;
            }
            if let Some(model) = ask.model.as_ref().filter(|_| more)
                && (is_read_elsewhere(&model.name) || scan.no_model_can_follow())
            {
                return Ok(ask);
            }
            while more {
                more = scan.member(&mut ask)?;
            }
        }
        match scan.peek_token() {
            None => Ok(ask),
            Some(_) => Err(AskError::Malformed(scan.at)),
        }
    }

    /// What a body asks for whose beginning this is, and where its members go on behind
    /// the model; none where the beginning does not tell. What follows has to be watched
    /// as it comes: it may hold another model, or be no JSON.
    pub fn peek(beginning: &[u8]) -> Option<(Self, usize)> {
        let mut scan = Scan {
            body: beginning,
            at: 0,
        };
        if scan.token() != Ok(b'{') {
            return None;
        }
        let mut ask = Self {
            model: None,
            inside: scan.at,
            is_empty: false,
        };
        while scan.member(&mut ask) == Ok(true) {
            if ask.model.is_some() {
                return Some((ask, scan.at));
            }
        }
        None
    }

    /// The name of the model, if one was given.
    pub fn name(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.name.as_str())
    }
}

/// What follows the model of a body, in pieces.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    carried: Carried<{ PLAIN.len() - 1 }>,
    may_name: bool,
    /// The last byte that is no white space.
    last: Option<u8>,
}

/// How a key ends that reads `model`, spelt plainly.
const PLAIN: &[u8] = b"model\"";
/// What is in such a key that is spelt with an escape: one of its letters is `\u0064`
/// to `\u006f`.
const ESCAPED: &[u8] = b"\\u006";

impl Rest {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        static PLAINS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PLAIN));
        static ESCAPES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(ESCAPED));
        // One automaton for both takes fifty times as long: in prose it starts often.
        let find = |piece: &[u8]| {
            let mut plain = PLAINS.find_iter(piece);
            let named = plain.find(|at| may_name(piece, *at));
            named.or_else(|| ESCAPES.find(piece))
        };
        self.may_name |= self.carried.find(piece, find).is_some() || find(piece).is_some();
        self.carried.passes(piece);
        self.last = piece.trim_ascii_end().last().copied().or(self.last);
    }

    /// Whether all of it ends like an object and cannot hold another key that reads
    /// `model` and names one. Where this says no, the whole body has to be [read](Ask::read).
    pub(crate) fn has_no_model(&self) -> bool {
        !self.may_name && self.last == Some(b'}')
    }
}

/// Whether what ends with the `model"` at `at` may be a key that names a model. It is none
/// where it is a value, and it names none where its own value is an object or a list, as in
/// the schemas of tools. What stands behind the piece may be anything.
fn may_name(piece: &[u8], at: usize) -> bool {
    let behind = piece[at + PLAIN.len()..].trim_ascii_start();
    match behind.split_first() {
        Some((b',' | b'}' | b']', _)) => false,
        Some((b':', value)) => !matches!(value.trim_ascii_start().first(), Some(b'{' | b'[')),
        _ => true,
    }
}

struct Scan<'b> {
    body: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    /// One `"key": value` of the top level; whether another follows.
    fn member(&mut self, ask: &mut Ask) -> Result<bool, AskError> {
        self.expect(b'"')?;
        let key = self.string()?;
        let is_model = match &self.body[key.start + 1..key.end - 1] {
            b"model" => true,
            plain if !plain.contains(&b'\\') => false,
            _ => self.text(&key)? == "model",
        };
        self.expect(b':')?;
        let first = self.token()?;
        if is_model {
            if ask.model.is_some() {
                return Err(AskError::DuplicateModel);
            }
            if first != b'"' {
                return Err(AskError::ModelNotString);
            }
            let range = self.string()?;
            let name = self.text(&range)?.into_owned();
            ask.model = Some(Model { name, range });
        } else {
            self.value(first)?;
        }
        match self.token()? {
            b',' => Ok(true),
            b'}' => Ok(false),
            _ => Err(AskError::Malformed(self.at - 1)),
        }
    }

    fn no_model_can_follow(&self) -> bool {
        let mut rest = Rest::default();
        rest.push(&self.body[self.at..]);
        rest.has_no_model()
    }

    /// Passes over the value whose first byte has just been read.
    fn value(&mut self, first: u8) -> Result<(), AskError> {
        match first {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.nested(first),
            _ => self.scalar(),
        }
    }

    /// Passes over a number, `true`, `false` or `null`. Which one it is matters to nobody here.
    fn scalar(&mut self) -> Result<(), AskError> {
        let start = self.at - 1;
        let rest = &self.body[start..];
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest
            .iter()
            .position(|byte| !is_part(byte))
            .unwrap_or(rest.len());
        self.at = start + length;
        if length == 0 {
            Err(AskError::Malformed(start))
        } else {
            Ok(())
        }
    }

    /// Passes over an object or a list, whose opening bracket has just been read.
    fn nested(&mut self, first: u8) -> Result<(), AskError> {
        let mut open = Brackets::default();
        open.push(first)?;
        while let Some(byte) = self.body.get(self.at) {
            self.at += 1;
            match CLASS[usize::from(*byte)] {
                Class::Plain => {}
                Class::Quote => {
                    self.string()?;
                }
                Class::Open => open.push(*byte)?,
                Class::Close => {
                    if !open.pop(*byte) {
                        return Err(AskError::Malformed(self.at - 1));
                    }
                    if open.depth == 0 {
                        return Ok(());
                    }
                }
                Class::Never => return Err(AskError::Malformed(self.at - 1)),
            }
        }
        Err(AskError::Truncated)
    }

    /// Passes over a string whose opening quote has just been read; its range with both quotes.
    fn string(&mut self) -> Result<Range<usize>, AskError> {
        let start = self.at - 1;
        loop {
            let stop = self.find_stop().ok_or(AskError::Truncated)?;
            if self.body[stop] == b'"' {
                self.at = stop + 1;
                return Ok(start..self.at);
            }
            // The escaped byte cannot end the string, whatever it is.
            self.at = stop + 2;
        }
    }

    /// Offset of the next quote or backslash.
    fn find_stop(&self) -> Option<usize> {
        // Keys and the text between two escapes are mostly shorter than it takes
        // to start the vector search, so the first words are looked at by themselves.
        const NEAR_WORDS: usize = 4;
        let mut at = self.at;
        for _ in 0..NEAR_WORDS {
            let Some(word) = self.body.get(at..).and_then(<[u8]>::first_chunk) else {
                break;
            };
            let stops = stops_in(u64::from_le_bytes(*word));
            if stops != 0 {
                return Some(at + stops.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        memchr2(b'"', b'\\', self.body.get(at..)?).map(|found| found + at)
    }

    fn text(&self, range: &Range<usize>) -> Result<Cow<'_, str>, AskError> {
        let quoted = &self.body[range.clone()];
        // A borrowed `&str` where nothing is escaped, which is nearly always.
        if let Ok(plain) = serde_json::from_slice::<&str>(quoted) {
            return Ok(Cow::Borrowed(plain));
        }
        let text = serde_json::from_slice::<String>(quoted);
        text.map(Cow::Owned)
            .map_err(|_| AskError::Malformed(range.start))
    }

    /// The next byte that is no white space, without taking it.
    fn peek_token(&mut self) -> Option<u8> {
        while let Some(byte) = self.body.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn token(&mut self) -> Result<u8, AskError> {
        let byte = self.peek_token().ok_or(AskError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), AskError> {
        if self.token()? == wanted {
            Ok(())
        } else {
            Err(AskError::Malformed(self.at - 1))
        }
    }
}

/// The high bit of each byte that is a quote or a backslash. Only the lowest
/// set one is to be trusted; a borrow may set others above it (Mycroft's test
/// for a zero byte, applied to both differences).
fn stops_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    (quotes | backslashes) & (ONES << 7)
}

/// The open brackets, one bit each: set for a brace.
struct Brackets {
    depth: usize,
    braces: [u64; MAX_DEPTH / 64],
}

impl Default for Brackets {
    fn default() -> Self {
        Self {
            depth: 0,
            braces: [0; MAX_DEPTH / 64],
        }
    }
}

impl Brackets {
    fn push(&mut self, open: u8) -> Result<(), AskError> {
        let word = self
            .braces
            .get_mut(self.depth / 64)
            .ok_or(AskError::TooDeep)?;
        let bit = 1 << (self.depth % 64);
        if open == b'{' {
            *word |= bit;
        } else {
            *word &= !bit;
        }
        self.depth += 1;
        Ok(())
    }

    /// Closes the innermost one; whether `close` fits it.
    fn pop(&mut self, close: u8) -> bool {
        self.depth -= 1;
        let is_brace = self.braces[self.depth / 64] >> (self.depth % 64) & 1 == 1;
        is_brace == (close == b'}')
    }
}

#[derive(Clone, Copy)]
enum Class {
    Plain,
    Quote,
    Open,
    Close,
    /// Stands nowhere outside a string.
    Never,
}

/// What a byte means outside a string.
static CLASS: [Class; 256] = {
    let mut table = [Class::Never; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'"' => Class::Quote,
            b'{' | b'[' => Class::Open,
            b'}' | b']' => Class::Close,
            b' ' | b'\n' | b'\r' | b'\t' | b',' | b':' | b'-' | b'+' | b'.' => Class::Plain,
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Class::Plain,
            _ => Class::Never,
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests;
