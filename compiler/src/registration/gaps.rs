//! Where a document could not be read.

use std::collections::BTreeSet;
use std::ops::Bound;

/// The paths at which a mistake was told while reading. A value that is absent there
/// was meant, so that its absence must not be told as well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gaps {
    paths: BTreeSet<String>,
    /// Whether part of the text could not be read at all, so that anything may be absent.
    pub(super) everywhere: bool,
}

impl Gaps {
    pub(super) fn note(&mut self, path: String) {
        self.paths.insert(path);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.everywhere
    }

    /// Whether there may be one at a path, or below it.
    pub fn has(&self, path: &str) -> bool {
        let from = (Bound::Included(path), Bound::Unbounded);
        let found = self.paths.range::<str, _>(from);
        let mut found = found.take_while(|found| found.starts_with(path));
        let below = |found: &String| {
            let next = found.as_bytes().get(path.len());
            matches!(next, None | Some(b'.' | b'['))
        };
        self.everywhere || found.any(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_at_a_path_or_below_it() {
        let mut gaps = Gaps::default();
        assert!(gaps.is_empty() && !gaps.has("APIKEY"));
        for path in ["APIKEY", "Models[10].metadata.label", "Router.defaults"] {
            gaps.note(path.to_owned());
        }
        for (path, wanted) in [
            ("APIKEY", true),
            ("API", false),
            ("Models[10]", true),
            ("Models[10].metadata", true),
            ("Models[10].meta", false),
            ("Models[1]", false),
            ("Models", true),
            ("Router.default", false),
            ("Router.defaults.semantic", false),
        ] {
            assert_eq!(gaps.has(path), wanted, "{path}");
        }
        gaps.everywhere = true;
        assert!(gaps.has("Router.default") && !gaps.is_empty());
    }
}
