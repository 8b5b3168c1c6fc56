//! A text as the place it is put into would write it.

/// Words that some reader of YAML takes for a boolean or for nothing.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// How a text is written in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes, where that means the same.
    Yaml,
    /// Always in double quotes.
    Json,
    /// In double quotes with the escapes of KDL.
    Kdl,
}

impl Style {
    /// A text, with quotes where it needs them.
    pub(super) fn text(self, text: &str) -> String {
        match self {
            Self::Yaml if is_plain(text) => text.to_owned(),
            Self::Yaml | Self::Json | Self::Kdl => format!("\"{}\"", self.escaped(text)),
        }
    }

    /// A text as it stands between double quotes.
    pub(super) fn escaped(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() && self == Self::Kdl => {
                    out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
                }
                c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => out.push(c),
            }
        }
        out
    }

    /// A text in place of `written`, in the same kind of quotes.
    pub(super) fn instead(self, written: &str, text: &str) -> String {
        match written.chars().next() {
            Some('"' | '#') => format!("\"{}\"", self.escaped(text)),
            Some('\'') => format!("'{}'", text.replace('\'', "''")),
            _ if self == Self::Kdl && is_name(text) => text.to_owned(),
            _ => self.text(text),
        }
    }
}

/// Whether a text means the same without quotes to every reader of YAML. Says
/// no where readers may disagree.
fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || matches!(c, '_' | '/');
    let inner = |c: char| c.is_alphanumeric() || "_-./@+".contains(c);
    text.starts_with(first)
        && text.chars().all(inner)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a text is a name in KDL.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'))
        && !matches!(text, "true" | "false" | "null" | "inf" | "nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_as_they_are() {
        for (style, written, wanted) in [
            (Style::Yaml, "old", "new"),
            (Style::Yaml, "\"old\"", "\"new\""),
            (Style::Yaml, "'old'", "'new'"),
            (Style::Kdl, "old", "new"),
            (Style::Kdl, "#\"old\"#", "\"new\""),
        ] {
            assert_eq!(style.instead(written, "new"), wanted, "{written}");
        }
    }

    #[test]
    fn quotes_come_where_they_are_needed() {
        for text in ["4.1", "a: b", "on", "- a", "a #b", "a,b", "", "ä b"] {
            assert_eq!(Style::Yaml.instead("old", text), format!("\"{text}\""));
        }
        assert_eq!(Style::Yaml.instead("'old'", "it's"), "'it''s'");
        assert_eq!(Style::Yaml.instead("\"old\"", "a\"\\"), r#""a\"\\""#);
        assert_eq!(Style::Kdl.instead("old", "true"), "\"true\"");
        assert_eq!(Style::Kdl.text("a\u{7}"), r#""a\u{7}""#);
    }
}
