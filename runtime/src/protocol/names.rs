//! Names of tools where a protocol takes shorter ones.

use std::borrow::Cow;

use super::json::Text;

/// Names that were shortened on the way there, to be restored on the way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    limit: usize,
    /// Short and long.
    known: Vec<(String, String)>,
}

impl Names {
    /// With at most so many characters.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            known: Vec::new(),
        }
    }

    /// The name itself, or its beginning and a hash of it all.
    pub fn fit<'a>(&mut self, name: Text<'a>) -> Text<'a> {
        if name.written().len() <= self.limit {
            return name;
        }
        let plain = name.plain().into_owned();
        if let Some((short, _)) = self.known.iter().find(|(_, long)| *long == plain) {
            return Text::from_string(short.clone());
        }
        let hash = blake3::hash(plain.as_bytes()).to_hex();
        let beginning: String = plain.chars().take(self.limit.saturating_sub(9)).collect();
        let short = format!("{beginning}_{}", &hash[..8]);
        self.known.push((short.clone(), plain));
        Text::from_string(short)
    }

    /// The name that became this one.
    pub fn restore<'a>(&self, name: Text<'a>) -> Text<'a> {
        if self.known.is_empty() {
            return name;
        }
        let plain: Cow<'_, str> = name.plain();
        match self.known.iter().find(|(short, _)| *short == plain) {
            Some((_, long)) => Text::from_string(long.clone()),
            None => name,
        }
    }
}
