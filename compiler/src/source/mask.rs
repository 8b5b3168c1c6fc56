//! Source text that may be shown: the values of secret keys are starred out.
//!
//! A diagnostic quotes lines around a mistake, and a key may stand on one of
//! them. The text may be broken, so this works on lines and not on a tree; it
//! would rather hide too much. Bytes keep their places, so spans still fit.

/// Names (folded to lower-case letters and digits) that end like this hold secrets.
const SECRET_ENDINGS: &[&str] = &[
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "signature",
    "sig",
];

/// Texts that are credentials wherever they stand.
const SECRET_PREFIXES: &[&str] = &[
    "sk-", "sk_", "ctr_", "gsk_", "xai-", "AIza", "ghp_", "Bearer ",
];

/// The text with every character of a secret replaced by as many `*` as it has bytes.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        for range in secrets(line) {
            for byte in &mut bytes[start + range.start..start + range.end] {
                *byte = b'*';
            }
        }
        start += line.len();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// Byte ranges of secrets in one line.
fn secrets(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices([':', '=']) {
        if names_a_secret(&line[..at]) {
            found.extend(value(line, at + 1));
        }
    }
    for (at, _) in line.match_indices("://") {
        let rest = &line[at + 3..];
        let authority = rest
            .find(['/', '?', '#', ' ', '"', '\'', ','])
            .unwrap_or(rest.len());
        if let Some(end) = rest[..authority]
            .rfind('@')
            .filter(|end| !rest[..*end].starts_with("${"))
        {
            found.push(at + 3..at + 3 + end);
        }
    }
    for prefix in SECRET_PREFIXES {
        for (at, _) in line.match_indices(prefix) {
            let starts_word = !line[..at]
                .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '{'));
            let end = at + prefix.len();
            let end = end
                + line[end..]
                    .find(|c: char| !is_secret_char(c))
                    .unwrap_or(line.len() - end);
            if starts_word && end - at >= prefix.len() + 8 {
                found.push(at..end);
            }
        }
    }
    found
}

/// Whether the text before a `:` or `=` ends with the name of a secret.
fn names_a_secret(before: &str) -> bool {
    let name = before.trim_end().trim_end_matches(['"', '\'']);
    let start = name
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |at| {
            at + name[at..].chars().next().map_or(1, char::len_utf8)
        });
    let folded: String = name[start..]
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRET_ENDINGS.iter().any(|ending| folded.ends_with(ending))
}

/// The range of the value from `from` on, unless it is a lone `${NAME}` or nothing.
fn value(line: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let rest = &line[from..];
    let mut start = from + (rest.len() - rest.trim_start().len());
    let quote = line[start..]
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => {
            start += 1;
            start + line[start..].find(quote).unwrap_or(line.len() - start)
        }
        None if line[start..].starts_with("${") => line[start..]
            .find('}')
            .map_or(line.len(), |at| start + at + 1),
        None => {
            start
                + line[start..]
                    .find(|c: char| {
                        c.is_whitespace() || matches!(c, ',' | '}' | ']' | '&' | '"' | '\'')
                    })
                    .unwrap_or(line.len() - start)
        }
    };
    let text = line[start..end].trim_end();
    let empty = matches!(
        text,
        "" | "|" | ">" | "|-" | ">-" | "[" | "{" | "~" | "null"
    );
    (!empty && !crate::plan::is_lone_variable(text)).then(|| start..start + text.len())
}

fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '~')
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_starred_and_the_rest_is_not() {
        for (text, wanted) in [
            ("key: abc # c", "key: *** # c"),
            (
                "{id: a, key: \"a b\", model: m}",
                "{id: a, key: \"***\", model: m}",
            ),
            ("\"api_key\": \"xyz\",", "\"api_key\": \"***\","),
            ("APIKEY: ${CTR_API_KEY}", "APIKEY: ${CTR_API_KEY}"),
            ("key: \"${K:-abc}\"", "key: \"*********\""),
            ("auth_token: é", "auth_token: **"),
            (
                "api: https://u:p@h/x?key=abc&a=b",
                "api: https://***@h/x?key=***&a=b",
            ),
            ("max_tokens: 5", "max_tokens: 5"),
            ("  sk-ant-0123456789", "  *****************"),
            (
                "pool_endpoint_id: risk-averse-endpoint",
                "pool_endpoint_id: risk-averse-endpoint",
            ),
        ] {
            assert_eq!(masked(text), wanted);
        }
    }
}
