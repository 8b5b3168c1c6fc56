//! The header fields of a message (RFC 9110, section 5).

use std::borrow::Borrow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Room for what is added on the way: lines, and bytes of them.
const ADDED: (usize, usize) = (4, 192);

/// Header fields in their order, kept as the lines they are written in. Names are as
/// they came, and the same whatever their case.
///
/// A message has a dozen of them, most of which nobody asks for: to look at the lengths
/// of their names is sooner done than to hash one, and to pass one on is to copy a line.
#[derive(Clone, Default)]
pub struct Headers {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// A bit for each length of a name, modulo 64, that was added: most of what is asked
    /// for is not there.
    lengths: u64,
}

/// Where a line stands in the text: `name: value\r\n`.
#[derive(Clone, Copy)]
struct Line {
    begin: usize,
    name: usize,
    end: usize,
}

/// The bit of a name's length.
fn bit(name: &[u8]) -> u64 {
    1 << (name.len() % 64)
}

/// What stands between a name and its value.
const COLON: &[u8] = b": ";
const END: &[u8] = b"\r\n";

/// The name of a field.
#[derive(Clone, Copy)]
pub(crate) struct Name<'h>(&'h [u8]);

impl Name<'_> {
    #[inline]
    pub(crate) fn is(self, name: impl AsRef<[u8]>) -> bool {
        let name = name.as_ref();
        // Nearly always the lengths differ, which is to be seen without a call.
        self.0.len() == name.len() && self.0.eq_ignore_ascii_case(name)
    }

    pub(crate) fn is_one_of(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    pub(crate) fn begins_with(self, beginning: &str) -> bool {
        let own = self.0.get(..beginning.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(beginning.as_bytes()))
    }
}

impl Headers {
    /// The fields in the lines of a head of `length` bytes, and room for a few more.
    ///
    /// A name and a value that httparse takes are those of a field.
    pub(crate) fn parsed(lines: &[httparse::Header<'_>], length: usize) -> Self {
        let mut headers = Self {
            text: Vec::with_capacity(length + ADDED.1),
            lines: Vec::with_capacity(lines.len() + ADDED.0),
            lengths: 0,
        };
        for line in lines {
            headers.push(line.name.as_bytes(), line.value);
        }
        headers
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        let begin = self.text.len();
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(COLON);
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(END);
        self.lines.push(Line {
            begin,
            name: name.len(),
            end: self.text.len(),
        });
        self.lengths |= bit(name);
    }

    fn name(&self, line: &Line) -> Name<'_> {
        Name(&self.text[line.begin..line.begin + line.name])
    }

    fn value(&self, line: &Line) -> &[u8] {
        &self.text[line.begin + line.name + COLON.len()..line.end - END.len()]
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Name<'_>, &[u8])> {
        let lines = self.lines.iter();
        lines.map(|line| (self.name(line), self.value(line)))
    }

    /// The values of the fields of this name.
    pub fn get_all(&self, name: impl AsRef<[u8]>) -> impl Iterator<Item = &[u8]> {
        let may_be = self.lengths & bit(name.as_ref()) != 0;
        let lines = if may_be { &self.lines[..] } else { &[] };
        let named = lines.iter().filter(move |line| self.name(line).is(&name));
        named.map(|line| self.value(line))
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The same where it is ASCII, as everything is that is read here.
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<&str> {
        let value = self.get(name).filter(|value| value.is_ascii())?;
        std::str::from_utf8(value).ok()
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.get(name).is_some()
    }

    /// Adds a field behind all others.
    pub fn append(&mut self, name: impl Borrow<HeaderName>, value: impl Borrow<HeaderValue>) {
        let (name, value) = (name.borrow(), value.borrow());
        self.push(name.as_str().as_bytes(), value.as_bytes());
    }

    /// Adds a field in place of those of its name.
    pub fn insert(&mut self, name: impl Borrow<HeaderName>, value: impl Borrow<HeaderValue>) {
        self.remove(name.borrow());
        self.append(name, value);
    }

    /// Adds a field where there is none of its name.
    pub(crate) fn or_insert(
        &mut self,
        name: impl Borrow<HeaderName>,
        value: impl Borrow<HeaderValue>,
    ) {
        if !self.contains(name.borrow()) {
            self.append(name, value);
        }
    }

    /// Takes out the fields of this name.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        if self.contains(&name) {
            self.retain(|other| !other.is(&name));
        }
    }

    /// Takes out the fields of every other name.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(Name<'_>) -> bool) {
        let text = &self.text;
        let name = |line: &Line| Name(&text[line.begin..line.begin + line.name]);
        self.lines.retain(|line| is_kept(name(line)));
    }

    /// Writes the lines of every field but those of such a name.
    pub(crate) fn write(&self, out: &mut Vec<u8>, is_out: impl Fn(Name<'_>) -> bool) {
        for line in self.lines.iter().filter(|line| !is_out(self.name(line))) {
            out.extend_from_slice(&self.text[line.begin..line.end]);
        }
    }
}

/// Names alone: a value may be a key.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|(name, _)| String::from_utf8_lossy(name.0));
        f.debug_list().entries(names).finish()
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let mut headers = Self::default();
        for (name, value) in map {
            headers.append(name, value);
        }
        headers
    }
}

impl From<&Headers> for HeaderMap {
    fn from(headers: &Headers) -> Self {
        let fields = headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.0).ok()?;
            Some((name, HeaderValue::from_bytes(value).ok()?))
        });
        let mut map = Self::with_capacity(headers.lines.len());
        for (name, value) in fields {
            map.append(name, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of a head; none where it is refused.
    fn parsed(head: &[u8]) -> Option<Headers> {
        let mut lines = [httparse::EMPTY_HEADER; 8];
        match httparse::parse_headers(head, &mut lines).ok()? {
            httparse::Status::Complete((length, lines)) => Some(Headers::parsed(lines, length)),
            httparse::Status::Partial => None,
        }
    }

    fn written(headers: &Headers) -> String {
        let mut out = Vec::new();
        headers.write(&mut out, |_| false);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_a_head_may_hold_is_a_field() {
        for byte in u8::MIN..=u8::MAX {
            let name = parsed(&[b'a', byte, b':', b'b', b'\r', b'\n', b'\r', b'\n']);
            let value = parsed(&[b'a', b':', b'b', byte, b'b', b'\r', b'\n', b'\r', b'\n']);
            for headers in [name, value].into_iter().flatten() {
                let map = HeaderMap::from(&headers);
                assert_eq!(map.len(), headers.iter().count(), "{byte}");
            }
        }
    }

    #[test]
    fn a_line_is_passed_on_as_it_came() {
        let headers = parsed(b"X-One:  a b\t\r\ntwo:\r\nx-ONE:c\r\n\r\n").expect("a head");
        assert_eq!(written(&headers), "X-One: a b\r\ntwo: \r\nx-ONE: c\r\n");
        let ones: Vec<_> = headers.get_all("x-one").collect();
        assert_eq!(ones, [b"a b".as_slice(), b"c"]);
        assert_eq!(headers.get("Two"), Some(b"".as_slice()));
        assert_eq!(headers.get("x-on"), None);
        let mut out = Vec::new();
        headers.write(&mut out, |name| name.begins_with("X-O"));
        assert_eq!(out, b"two: \r\n");
    }

    #[test]
    fn no_value_is_shown() {
        let headers = parsed(b"x-api-key: secret\r\n\r\n").expect("a head");
        assert_eq!(format!("{headers:?}"), r#"["x-api-key"]"#);
    }

    #[derive(Clone, Debug)]
    enum Change {
        Append(HeaderName, HeaderValue),
        Insert(HeaderName, HeaderValue),
        OrInsert(HeaderName, HeaderValue),
        Remove(HeaderName),
    }

    fn change() -> impl Strategy<Value = Change> {
        let name = prop::sample::select(vec!["a", "host", "x-long-name", "date"]);
        let value = "[a-z :,]{0,5}".prop_map(|value| value.parse().expect("a value"));
        (0..4, name, value).prop_map(|(kind, name, value)| {
            let name = HeaderName::from_static(name);
            match kind {
                0 => Change::Append(name, value),
                1 => Change::Insert(name, value),
                2 => Change::OrInsert(name, value),
                _ => Change::Remove(name),
            }
        })
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(changes in prop::collection::vec(change(), 0..12)) {
            let (mut headers, mut map) = (Headers::default(), HeaderMap::new());
            for change in changes {
                match change {
                    Change::Append(name, value) => {
                        headers.append(&name, &value);
                        map.append(name, value);
                    }
                    Change::Insert(name, value) => {
                        headers.insert(&name, &value);
                        map.insert(name, value);
                    }
                    Change::OrInsert(name, value) => {
                        headers.or_insert(&name, &value);
                        map.entry(name).or_insert(value);
                    }
                    Change::Remove(name) => {
                        headers.remove(&name);
                        map.remove(name);
                    }
                }
                prop_assert_eq!(HeaderMap::from(&headers), map.clone());
                prop_assert_eq!(HeaderMap::from(&Headers::from(&map)), map.clone());
            }
        }
    }
}
