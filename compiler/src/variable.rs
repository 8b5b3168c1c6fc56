//! `${NAME}` and `${NAME:-default}` inside string values.
//!
//! The compiler only reads the names; the values are put in at activation, by
//! whoever owns the environment. `$NAME` without braces is ordinary text.

use std::fmt;
use std::ops::Range;

/// One reference inside a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    /// The name between the braces.
    pub name: &'t str,
    /// The text after `:-`, used when the variable is unset or empty.
    pub default: Option<&'t str>,
    /// Byte range of the whole reference in the text.
    pub range: Range<usize>,
}

/// A `${` that is not a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Byte range of the mistake in the text.
    pub range: Range<usize>,
    /// What is wrong with it, as a label.
    pub what: &'static str,
}

/// A variable that has neither a value nor a default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// Whether it is there, and empty.
    pub is_empty: bool,
}

impl Unset {
    /// What `found` of the environment leaves unset.
    pub(crate) fn of(name: &str, found: Option<&str>) -> Option<Self> {
        let is_empty = found.is_some();
        found.is_none_or(str::is_empty).then(|| Self {
            name: name.to_owned(),
            is_empty,
        })
    }
}

impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, is_empty } = self;
        let state = if *is_empty {
            "set to nothing"
        } else {
            "not set"
        };
        write!(f, "variable `{name}` is {state}")
    }
}

/// The references of a text in order, or the first mistake.
///
/// A name is a letter or `_` followed by letters, digits and `_` (POSIX).
pub fn variables(text: &str) -> Result<Vec<Variable<'_>>, Malformed> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = opening(&text[at..]).map(|found| found + at) {
        let Some(close) = text[start..].find('}').map(|found| found + start) else {
            return Err(Malformed {
                range: start..text.len(),
                what: "this `${` is never closed",
            });
        };
        let inner = &text[start + 2..close];
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_name(name) {
            return Err(Malformed {
                range: start..close + 1,
                what: "this is not a variable name",
            });
        }
        if default.is_some_and(|default| default.contains("${")) {
            return Err(Malformed {
                range: start..close + 1,
                what: "a default cannot refer to another variable",
            });
        }
        found.push(Variable {
            name,
            default,
            range: start..close + 1,
        });
        at = close + 1;
    }
    Ok(found)
}

/// Whether a text has a reference, or what was meant to be one.
pub(crate) fn has_reference(text: &str) -> bool {
    opening(text).is_some()
}

/// Where the first `${` stands.
fn opening(text: &str) -> Option<usize> {
    // Values are short, and asked often: one byte is found sooner than a text.
    let dollars = text.match_indices('$');
    dollars
        .map(|(at, _)| at)
        .find(|at| text[at + 1..].starts_with('{'))
}

/// Replaces every reference with what `lookup` gives, else with its default.
/// A default is also used for an empty value, as in the shell.
///
/// # Errors
/// The first variable that has neither a value nor a default; text with a
/// malformed reference is returned as it is, since the compiler has refused it
/// before.
pub fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Unset> {
    let Ok(variables) = variables(text) else {
        return Ok(text.to_owned());
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for variable in variables {
        out.push_str(&text[at..variable.range.start]);
        let value = lookup(variable.name);
        match (Unset::of(variable.name, value.as_deref()), variable.default) {
            (Some(_), Some(default)) => out.push_str(default),
            (Some(unset), None) => return Err(unset),
            (None, _) => out.push_str(value.as_deref().unwrap_or_default()),
        }
        at = variable.range.end;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// Whether a variable can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "KEY" => Some("k".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_and_plain_dollars_are_not() {
        assert_eq!(
            expand("a-${KEY}-$KEY-${NONE:-d}", &lookup),
            Ok("a-k-$KEY-d".to_owned())
        );
        assert_eq!(expand("${EMPTY:-d}${EMPTY:-}", &lookup), Ok("d".to_owned()));
    }

    #[test]
    fn an_unset_variable_is_named() {
        let told = |text| expand(text, &lookup).unwrap_err().to_string();
        assert_eq!(told("${NONE}"), "variable `NONE` is not set");
        assert_eq!(told("${KEY}${EMPTY}"), "variable `EMPTY` is set to nothing");
    }

    #[test]
    fn lone_references_are_told_from_others() {
        for text in [
            "${A}",
            "${A:-}",
            "${A:-x}",
            "${A}b",
            "a${A}",
            "${A}${B}",
            "${A:-}${B:-}",
            "${}",
            "${A",
            "A}",
            "",
            "${",
            "${A:-}}",
            "${A:-:-}",
            "${A:-${B}}",
            "${ A}",
            "${:-}",
            "${é}",
        ] {
            let lone = match variables(text).as_deref() {
                Ok([only]) => {
                    only.range == (0..text.len()) && only.default.unwrap_or("").is_empty()
                }
                _ => false,
            };
            assert_eq!(crate::plan::is_lone_variable(text), lone, "{text}");
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(variables("ab${X").unwrap_err().range, 2..5);
        assert_eq!(variables("${9}").unwrap_err().range, 0..4);
        assert_eq!(variables("${}").unwrap_err().range, 0..3);
    }
}
