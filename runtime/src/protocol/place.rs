//! Where in a request the conversation stands, to be said of what is none there. A field
//! that is not read can be named and left out; a part of the conversation cannot.

use std::fmt;

use super::json::{Json, Text};
use super::translate::Unreadable;

/// A place in a request, written as `messages[3].content`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'p> {
    /// A field of the request.
    Field(&'static str),
    /// A member of the object at a place.
    Member(&'p Place<'p>, &'static str),
    /// An element of the list at a place.
    Item(&'p Place<'p>, usize),
}

/// What is said at a place.
#[derive(Debug)]
pub(crate) enum Said<'j, 'a> {
    /// A text.
    Text(&'j Text<'a>),
    /// A list, whose elements are still to be looked at.
    List(&'j [Json<'a>]),
}

impl Place<'_> {
    /// What is said here: a text or a list; a list of nothing where nothing or `null` is.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn said<'j, 'a>(
        &self,
        value: Option<&'j Json<'a>>,
    ) -> Result<Said<'j, 'a>, Unreadable> {
        match value {
            None => Ok(Said::List(&[])),
            Some(Json::Text(text)) => Ok(Said::Text(text)),
            Some(Json::List(items)) => Ok(Said::List(items)),
            Some(value) if value.is_null() => Ok(Said::List(&[])),
            Some(_) => Err(self.is("neither text nor a list")),
        }
    }

    /// The objects of a list that stands here, each with its place in it; `null` is passed over.
    ///
    /// # Errors
    /// When an element is something else.
    pub(crate) fn objects<'j, 'a>(
        &self,
        items: &'j [Json<'a>],
    ) -> Result<impl Iterator<Item = (usize, &'j Json<'a>)> + use<'j, 'a>, Unreadable> {
        let is_other = |item: &Json<'_>| !matches!(item, Json::Object(_)) && !item.is_null();
        if let Some(at) = items.iter().position(is_other) {
            return Err(Place::Item(self, at).is("no object"));
        }
        let all = items.iter().enumerate();
        Ok(all.filter(|(_, item)| !item.is_null()))
    }

    /// An error about what stands here.
    pub(crate) fn is(&self, what: &str) -> Unreadable {
        Unreadable(format!("`{self}` is {what}").into())
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Member(object, name) => write!(f, "{object}.{name}"),
            Self::Item(list, at) => write!(f, "{list}[{at}]"),
        }
    }
}
