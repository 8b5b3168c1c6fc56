//! The header fields of a message (RFC 9110, section 5).

use std::borrow::Borrow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

use super::Malformed;
use super::outgoing::{COLON, LINE_END, write_line};

/// Room for what is added on the way: lines, and bytes of them.
const ADDED: (usize, usize) = (4, 192);

/// Header fields in their order, kept as the lines they are written in. Names are as
/// they came, and the same whatever their case.
///
/// A message has a dozen of them, most of which nobody asks for: to look at the lengths
/// of their names is sooner done than to hash one, and to pass one on is to copy a line.
#[derive(Default)]
pub struct Headers {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// A bit for each length of a name, modulo 64, that was added: most of what is asked
    /// for is not there.
    lengths: u64,
}

/// Where a line stands among the bytes, and how long its name is.
#[derive(Clone, Copy)]
struct Line {
    begin: usize,
    name: usize,
    end: usize,
}

impl Line {
    fn name<'h>(&self, bytes: &'h [u8]) -> Name<'h> {
        Name(&bytes[self.begin..self.begin + self.name])
    }

    fn value<'h>(&self, bytes: &'h [u8]) -> &'h [u8] {
        &bytes[self.begin + self.name + COLON.len()..self.end - LINE_END.len()]
    }
}

/// The bit of a name's length.
fn bit(name: &[u8]) -> u64 {
    1 << (name.len() % 64)
}

/// The name of a field.
#[derive(Clone, Copy)]
pub(crate) struct Name<'h>(&'h [u8]);

impl Name<'_> {
    /// Whether it is this one, whatever the case of both.
    #[inline]
    pub(crate) fn is(self, name: impl AsRef<[u8]>) -> bool {
        let name = name.as_ref();
        // Nearly always the lengths differ, which is to be seen without a call.
        self.0.len() == name.len() && self.0.eq_ignore_ascii_case(name)
    }

    /// Whether it is one of these, whatever their case.
    pub(crate) fn is_one_of(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// As most write it.
    pub(crate) fn in_small_letters(self) -> Vec<u8> {
        self.0.to_ascii_lowercase()
    }

    /// Whether it begins like this, whatever the case of both.
    pub(crate) fn begins_with(self, beginning: &str) -> bool {
        let own = self.0.get(..beginning.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(beginning.as_bytes()))
    }
}

impl Headers {
    /// The fields in the lines of a head of `length` bytes, and room for a few more.
    ///
    /// # Errors
    /// When a name is longer than the longest that [`HeaderName`] holds. Whatever else
    /// httparse takes for a name or a value is one.
    pub(crate) fn parsed(lines: &[httparse::Header<'_>], length: usize) -> Result<Self, Malformed> {
        let mut headers = Self::with_room(lines.len(), length);
        for line in lines {
            if line.name.len() > usize::from(u16::MAX) {
                return Err(Malformed("it has a header whose name is too long"));
            }
            headers.push(line.name.as_bytes(), line.value);
        }
        Ok(headers)
    }

    fn with_room(lines: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes + ADDED.1),
            lines: Vec::with_capacity(lines + ADDED.0),
            lengths: 0,
        }
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        let begin = self.bytes.len();
        write_line(&mut self.bytes, name, value);
        self.lines.push(Line {
            begin,
            name: name.len(),
            end: self.bytes.len(),
        });
        self.lengths |= bit(name);
    }

    /// Names and values in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Name<'_>, &[u8])> {
        let lines = self.lines.iter();
        lines.map(|line| (line.name(&self.bytes), line.value(&self.bytes)))
    }

    /// The values of the fields of this name.
    pub fn get_all(&self, name: impl AsRef<[u8]>) -> impl Iterator<Item = &[u8]> {
        let length = name.as_ref().len();
        let lines = self.that_may_be(name.as_ref()).iter();
        let named = lines
            .filter(move |line| line.name == length && line.name(&self.bytes).is(name.as_ref()));
        named.map(|line| line.value(&self.bytes))
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        let mut lines = self.that_may_be(name).iter();
        let found = lines.find(|line| line.name(&self.bytes).is(name))?;
        Some(found.value(&self.bytes))
    }

    /// The lines among which this name may be.
    fn that_may_be(&self, name: &[u8]) -> &[Line] {
        match self.lengths & bit(name) {
            0 => &[],
            _ => &self.lines,
        }
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
            let name = name.as_ref();
            self.retain(|other| !other.is(name));
        }
    }

    /// Takes out the fields of every other name.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(Name<'_>) -> bool) {
        let bytes = &self.bytes;
        self.lines.retain(|line| is_kept(line.name(bytes)));
    }

    /// Takes out the fields whose values hold these bytes.
    pub(crate) fn remove_holding(&mut self, bytes: &[u8]) {
        let all = &self.bytes;
        self.lines
            .retain(|line| memmem::find(line.value(all), bytes).is_none());
    }

    /// Writes the lines of every field but those of such a name.
    pub(crate) fn write(&self, out: &mut Vec<u8>, is_out: impl Fn(Name<'_>) -> bool) {
        let bytes = &self.bytes;
        for line in self.lines.iter().filter(|line| !is_out(line.name(bytes))) {
            out.extend_from_slice(&bytes[line.begin..line.end]);
        }
    }
}

/// Only what is still there, with room again for what is added.
impl Clone for Headers {
    fn clone(&self) -> Self {
        let mut headers = Self::with_room(self.lines.len(), self.bytes.len());
        for (name, value) in self.iter() {
            headers.push(name.0, value);
        }
        headers
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
        // What was parsed, or was one of http's own, is one again.
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
impl Headers {
    /// What a head with these lines has.
    pub(crate) fn of(lines: &[(&str, &str)]) -> Self {
        let mut head = Vec::new();
        for (name, value) in lines {
            write_line(&mut head, name, value.as_bytes());
        }
        head.extend_from_slice(LINE_END);
        tests::parsed(&head).expect("a head")
    }

    /// Its lines.
    pub(crate) fn written(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out, |_| false);
        String::from_utf8(out).expect("text")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of a head; none where it is refused.
    pub(super) fn parsed(head: &[u8]) -> Option<Headers> {
        let mut lines = [httparse::EMPTY_HEADER; 32];
        match httparse::parse_headers(head, &mut lines).ok()? {
            httparse::Status::Complete((length, lines)) => Headers::parsed(lines, length).ok(),
            httparse::Status::Partial => None,
        }
    }

    /// At each of these places, since httparse looks at many bytes at a time.
    #[test]
    fn what_a_head_may_hold_is_a_field() {
        for (byte, at) in (u8::MIN..=u8::MAX).flat_map(|byte| [0, 1, 40, 79].map(|at| (byte, at))) {
            let mut odd = [b'a'; 80];
            odd[at] = byte;
            let name = parsed(&[&odd[..], b":b\r\n\r\n"].concat());
            let value = parsed(&[b"a:", &odd[..], b"\r\n\r\n"].concat());
            let is_plain = byte.is_ascii_alphanumeric();
            assert!(!is_plain || name.is_some() && value.is_some(), "{byte}");
            for headers in [name, value].into_iter().flatten() {
                let map = HeaderMap::from(&headers);
                assert_eq!(map.len(), headers.iter().count(), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn a_name_has_an_end() {
        let head = |length| [&vec![b'a'; length][..], b":b\r\n\r\n"].concat();
        let longest = parsed(&head(usize::from(u16::MAX))).expect("a head");
        assert_eq!(HeaderMap::from(&longest).len(), 1);
        assert!(parsed(&head(usize::from(u16::MAX) + 1)).is_none());
    }

    #[test]
    fn a_line_is_passed_on_as_it_came() {
        let headers = parsed(b"X-One:  a b\t\r\ntwo:\r\nx-ONE:c\r\n\r\n").expect("a head");
        assert_eq!(headers.written(), "X-One: a b\r\ntwo: \r\nx-ONE: c\r\n");
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
        let headers = Headers::of(&[("x-api-key", "secret")]);
        assert_eq!(format!("{headers:?}"), r#"["x-api-key"]"#);
    }

    #[test]
    fn what_was_taken_out_is_not_copied() {
        let lines = [("X-Api-Key", "secret"), ("a", "b"), ("c", "a secret of")];
        let mut headers = Headers::of(&lines);
        headers.remove("x-api-key");
        headers.remove_holding(b"secret");
        let copy = headers.clone();
        assert_eq!(copy.written(), "a: b\r\n");
        assert_eq!(copy.bytes, b"a: b\r\n");
    }

    #[derive(Clone, Debug)]
    enum Change {
        Append(HeaderName, HeaderValue),
        Insert(HeaderName, HeaderValue),
        OrInsert(HeaderName, HeaderValue),
        Remove(HeaderName),
        Retain(HeaderName),
    }

    const NAMES: [&str; 4] = ["a", "host", "x-long-name", "date"];

    fn change() -> impl Strategy<Value = Change> {
        let name = prop::sample::select(&NAMES[..]);
        let value = "[a-z :,]{0,5}".prop_map(|value| value.parse().expect("a value"));
        (0..5, name, value).prop_map(|(kind, name, value)| {
            let name = HeaderName::from_static(name);
            match kind {
                0 => Change::Append(name, value),
                1 => Change::Insert(name, value),
                2 => Change::OrInsert(name, value),
                3 => Change::Remove(name),
                _ => Change::Retain(name),
            }
        })
    }

    fn line() -> impl Strategy<Value = (&'static str, &'static str)> {
        const NAMES: [&str; 6] = ["A", "Host", "X-LONG-Name", "datE", "a", "host"];
        (
            prop::sample::select(&NAMES[..]),
            prop::sample::select(&["", "x, y", "z"][..]),
        )
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(
            lines in prop::collection::vec(line(), 0..6),
            changes in prop::collection::vec(change(), 0..12),
        ) {
            let (mut headers, mut map) = (Headers::of(&lines), HeaderMap::new());
            for (name, value) in lines {
                map.append(name, HeaderValue::from_static(value));
            }
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
                    Change::Retain(name) => {
                        headers.retain(|other| other.is(&name));
                        for other in NAMES.iter().filter(|other| **other != name) {
                            map.remove(*other);
                        }
                    }
                }
                prop_assert_eq!(HeaderMap::from(&headers), map.clone());
                prop_assert_eq!(HeaderMap::from(&headers.clone()), map.clone());
                prop_assert_eq!(HeaderMap::from(&Headers::from(&map)), map.clone());
                for name in NAMES {
                    let first = map.get(name).map(HeaderValue::as_bytes);
                    prop_assert_eq!(headers.get(name), first);
                }
            }
        }
    }
}
