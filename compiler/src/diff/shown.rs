//! What a reader may see of a change: of secrets, only that they changed.

use super::Change;
use crate::plan::Fingerprint;

/// What stands for a secret.
const SECRET: &str = "(secret)";
/// What stands for another secret than the one before.
const CHANGED: &str = "(changed)";

impl Change {
    /// `before` and `after` without fingerprints.
    pub fn shown(&self) -> (Option<String>, Option<String>) {
        let before = self.before.as_deref().map(without_fingerprints);
        let mut after = self.after.as_deref().map(without_fingerprints);
        if before == after {
            after = after.map(|text| text.replace(SECRET, CHANGED));
        }
        (before, after)
    }
}

fn without_fingerprints(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = Fingerprint::find(rest) {
        let (before, after) = (&rest[..found.start], &rest[found.end..]);
        // A fingerprint that stands in brackets takes them with it.
        let bare = before.strip_suffix('(').zip(after.strip_prefix(')'));
        let (before, after) = bare.unwrap_or((before, after));
        out.push_str(before);
        out.push_str(SECRET);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Subject;

    fn shown(before: &str, after: &str) -> (String, String) {
        let change = Change {
            subject: Subject::ModelField("m".to_owned(), "key"),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let (before, after) = change.shown();
        (before.unwrap(), after.unwrap())
    }

    #[test]
    fn of_a_secret_only_the_change_is_told() {
        let (one, other) = (
            Fingerprint::of("one").to_string(),
            Fingerprint::of("other").to_string(),
        );
        assert_eq!(shown(&one, &other), ("(secret)".into(), "(changed)".into()));
        assert_eq!(shown("${A}", &other), ("${A}".into(), "(secret)".into()));
        assert_eq!(
            shown(
                &format!("https://a ({one})"),
                &format!("https://a ({other})")
            ),
            ("https://a (secret)".into(), "https://a (changed)".into())
        );
        assert_eq!(
            shown("secret:short", "b"),
            ("secret:short".into(), "b".into())
        );
    }
}
