//! JSON as it was written: a tree of borrowed pieces.
//!
//! A translation moves prose from one envelope into another. Decoding it and
//! writing it again would cost more than all the rest, and lose what a decoded
//! string cannot hold (half a surrogate pair, which streams do split). So
//! strings keep their escapes here and numbers their digits; what lies under
//! names that the caller calls opaque is checked and not looked into. The
//! grammar is read strictly, since what is written is put together from pieces
//! of what was read; only those who write nothing may pass over what is opaque
//! without a check.

mod blocks;
mod brackets;
mod escapes;
mod parse;
mod scan;
mod text;

use std::borrow::Cow;
use std::fmt;

use parse::Opaque;
pub use text::Text;

/// Levels of nesting that are read; the deepest real ones, schemas of tools, have some 20.
pub const MAX_DEPTH: usize = 512;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// As written: a number, `true`, `false`, `null`, or something opaque.
    Raw(Cow<'a, str>),
    /// A string.
    Text(Text<'a>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// Members in their order; of several with one name the last counts. A name that is
/// borrowed needs no escapes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// A text is no JSON, or nested too deeply; found at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub usize);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not valid JSON (at byte {})", self.0)
    }
}

impl std::error::Error for Malformed {}

impl<'a> Json<'a> {
    /// `null`.
    pub const NULL: Self = Self::Raw(Cow::Borrowed("null"));

    /// Reads a whole text. Objects and lists under a name in `opaque` stay [`Json::Raw`].
    ///
    /// # Errors
    /// Where it stops to be JSON.
    pub fn parse(text: &'a str, opaque: &[&str]) -> Result<Self, Malformed> {
        parse::document(text, opaque, Opaque::Checked)
    }

    /// As [`Json::parse`], of bytes that may not even be text.
    ///
    /// # Errors
    /// Where it stops to be JSON.
    pub fn read(bytes: &'a [u8], opaque: &[&str]) -> Result<Self, Malformed> {
        parse::document(text(bytes)?, opaque, Opaque::Checked)
    }

    /// As [`Json::read`], but what is opaque is not checked: it is passed over by its
    /// brackets, at a fraction of the time. So is what the outermost object has under the
    /// name `member`. For those who only look at a text; what is written from it may be no
    /// JSON.
    ///
    /// # Errors
    /// Where it stops to be JSON around what is opaque.
    pub fn look_at(
        bytes: &'a [u8],
        opaque: &[&str],
        member: Option<&str>,
    ) -> Result<Self, Malformed> {
        parse::document(text(bytes)?, opaque, Opaque::Unchecked { member })
    }

    /// A member of an object; none of anything else.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(object) => object.get(name),
            _ => None,
        }
    }

    /// A member that is a string.
    pub fn text_at(&self, name: &str) -> Option<Text<'a>> {
        self.get(name)?.text().cloned()
    }

    /// A member that is a number without a fraction and not below zero.
    pub fn count_at(&self, name: &str) -> Option<u64> {
        self.get(name)?.count()
    }

    /// The string it is.
    pub fn text(&self) -> Option<&Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is this string.
    pub fn is(&self, word: &str) -> bool {
        self.text().is_some_and(|text| text.is(word))
    }

    /// The elements of the list it is.
    pub fn list(&self) -> Option<&[Json<'a>]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The elements of a list; nothing of anything else.
    pub fn items(&self) -> &[Json<'a>] {
        self.list().unwrap_or_default()
    }

    /// The elements of a list, to be changed.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Json<'a>>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The object it is.
    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object it is, to be changed.
    pub fn object_mut(&mut self) -> Option<&mut Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The members of an object; nothing of anything else.
    pub fn members(&self) -> &[(Cow<'a, str>, Json<'a>)] {
        match self {
            Self::Object(object) => &object.0,
            _ => &[],
        }
    }

    /// A whole number from 0, also where it is written `5.0` or `1e3`.
    pub fn count(&self) -> Option<u64> {
        let raw = self.raw()?;
        raw.parse().ok().or_else(|| {
            let number: f64 = raw.parse().ok()?;
            let is_count = number.fract() == 0.0 && (0.0..=9e15).contains(&number);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range, as just checked"
            )]
            is_count.then_some(number as u64)
        })
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match self.raw()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether it says nothing: `null`, `false`, or an empty string, list or object.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Raw(raw) => matches!(&**raw, "null" | "false" | "{}" | "[]"),
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(object) => object.0.is_empty(),
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.raw() == Some("null")
    }

    /// What is not taken apart, as written.
    pub fn raw(&self) -> Option<&str> {
        match self {
            Self::Raw(raw) => Some(raw),
            _ => None,
        }
    }

    /// It as JSON.
    pub fn written(&self) -> String {
        let mut out = String::with_capacity(self.length());
        self.write(&mut out);
        out
    }

    /// Adds it to `out` as JSON.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Raw(raw) => out.push_str(raw),
            Self::Text(text) => text.write(out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => object.write(out),
        }
    }

    /// Bytes of it as JSON.
    pub fn length(&self) -> usize {
        match self {
            Self::Raw(raw) => raw.len(),
            Self::Text(text) => text.written().len() + 2,
            Self::List(items) => bracketed(items.iter().map(Json::length)),
            Self::Object(object) => object.length(),
        }
    }

    /// The same without anything borrowed.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Raw(raw) => Json::Raw(Cow::Owned(raw.into_owned())),
            Self::Text(text) => Json::Text(text.into_owned()),
            Self::List(items) => Json::List(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(object) => Json::Object(object.into_owned()),
        }
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}

impl<'a> Object<'a> {
    /// With no member.
    pub fn new() -> Self {
        Self::default()
    }

    /// `{"type": kind}`, with which most objects of these protocols begin.
    pub fn of_type(kind: &'static str) -> Self {
        Self::new().with("type", kind)
    }

    /// With one more member at the end.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Json<'a>>) -> Self {
        self.push(name, value);
        self
    }

    /// As [`Object::with`], where there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Json<'a>>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a member at the end; its name has nothing that needs an escape.
    pub fn push(&mut self, name: &'static str, value: impl Into<Json<'a>>) {
        self.0.push((Cow::Borrowed(name), value.into()));
    }

    /// Adds a member that was read; its name is borrowed where it is written without escapes.
    fn push_read(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        self.0.push((name, value));
    }

    /// Puts a value in place of the ones of this name, or at the end.
    pub fn set(&mut self, name: &'static str, value: impl Into<Json<'a>>) {
        match self.0.iter().position(|(known, _)| known == name) {
            Some(at) => {
                self.0[at].1 = value.into();
                let mut seen = false;
                self.0
                    .retain(|(known, _)| known != name || !std::mem::replace(&mut seen, true));
            }
            None => self.push(name, value),
        }
    }

    /// Takes out all members of this name; the one that counted.
    pub fn remove(&mut self, name: &str) -> Option<Json<'a>> {
        let mut found = None;
        while let Some(at) = self.0.iter().position(|(known, _)| known == name) {
            found = Some(self.0.remove(at).1);
        }
        found
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// The member of this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json<'a>> {
        let found = self.0.iter_mut().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// Its members in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The values of its members, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Json<'a>> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// It as JSON.
    pub fn written(&self) -> String {
        let mut out = String::with_capacity(self.length());
        self.write(&mut out);
        out
    }

    /// Bytes of it as JSON.
    fn length(&self) -> usize {
        let members = self.0.iter();
        bracketed(members.map(|(name, value)| with_escapes(name).len() + 3 + value.length()))
    }

    /// Adds it to `out` as JSON.
    pub fn write(&self, out: &mut String) {
        out.push('{');
        self.write_members(out, false);
        out.push('}');
    }

    /// Adds its members to `out`; whether others stand there before them.
    pub fn write_members(&self, out: &mut String, after_others: bool) {
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 || after_others {
                out.push(',');
            }
            out.push('"');
            out.push_str(&with_escapes(name));
            out.push_str("\":");
            value.write(out);
        }
    }

    fn into_owned(self) -> Object<'static> {
        let own = |(name, value): (Cow<'a, str>, Json<'a>)| {
            (Cow::Owned(name.into_owned()), value.into_owned())
        };
        Object(self.0.into_iter().map(own).collect())
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    simdutf8::compat::from_utf8(bytes).map_err(|error| Malformed(error.valid_up_to()))
}

/// A name with the escapes it needs.
#[expect(clippy::ptr_arg, reason = "a name that is borrowed needs none")]
fn with_escapes<'n>(name: &'n Cow<'_, str>) -> Cow<'n, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name),
        Cow::Owned(name) => Text::from_plain(name).into_written(),
    }
}

/// Bytes of elements of these lengths with commas between and brackets around them.
fn bracketed(lengths: impl Iterator<Item = usize>) -> usize {
    (lengths.map(|length| length + 1).sum::<usize>() + 1).max(2)
}

impl<'a> From<Text<'a>> for Json<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Text(text)
    }
}

/// A string of the program's own; escapes are added where it needs them.
impl<'a> From<&'a str> for Json<'a> {
    fn from(plain: &'a str) -> Self {
        Self::Text(Text::from_plain(plain))
    }
}

impl<'a> From<Object<'a>> for Json<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

impl<'a> From<Vec<Json<'a>>> for Json<'a> {
    fn from(items: Vec<Json<'a>>) -> Self {
        Self::List(items)
    }
}

impl From<bool> for Json<'_> {
    fn from(flag: bool) -> Self {
        Self::Raw(Cow::Borrowed(if flag { "true" } else { "false" }))
    }
}

impl From<u64> for Json<'_> {
    fn from(number: u64) -> Self {
        Self::Raw(Cow::Owned(number.to_string()))
    }
}

impl From<usize> for Json<'_> {
    fn from(number: usize) -> Self {
        Self::Raw(Cow::Owned(number.to_string()))
    }
}

#[cfg(test)]
mod tests;
