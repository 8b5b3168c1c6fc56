//! A diff as the comment of a pull request, in GitHub's Markdown.
//!
//! Names and values are a stranger's: whatever they hold, they stay text in
//! their own cell, call nobody, and link nowhere.

use std::fmt::Write;

use super::{counts, plans};
use crate::diagnostic::{Problems, Severity};
use crate::diff::{Change, Diff};
use crate::source::Sources;

/// Changes that are shown. A comment holds 65,536 characters.
const SHOWN: usize = 100;
/// Characters of one value that are shown.
const VALUE: usize = 120;

/// A line that counts by weight, a table with the heaviest change first, and
/// the sentences folded away.
pub fn markdown(diff: &Diff) -> String {
    if diff.is_empty() {
        return format!("**No change**: both are {}\n", plans(diff, code));
    }
    let mut changes: Vec<&Change> = diff.changes.iter().collect();
    changes.sort_by_key(|change| std::cmp::Reverse(diff.weight_of(change)));
    let left = changes.len().saturating_sub(SHOWN);
    changes.truncate(SHOWN);
    let mut out = format!(
        "**{}** ({})\n\n| Weight | What | Before | After |\n| --- | --- | --- | --- |\n",
        counts(diff),
        plans(diff, code)
    );
    for change in &changes {
        let (before, after) = change.shown();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            diff.weight_of(change).word(),
            words(change, &change.title()),
            value(before.as_deref()),
            value(after.as_deref())
        );
    }
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more; {} lists all", code("ctr diff"));
    }
    out.push_str("\n<details>\n<summary>What traffic will notice</summary>\n\n");
    for change in &changes {
        let _ = writeln!(
            out,
            "- **{}** {}: {}",
            diff.weight_of(change).word(),
            words(change, &change.title()),
            words(change, &change.sentence())
        );
    }
    out.push_str("\n</details>\n");
    out
}

/// What a pull request is told when the side `name` is no plan: its errors.
pub fn markdown_refused(name: &str, problems: &Problems, sources: &Sources) -> String {
    let errors = problems
        .iter()
        .filter(|found| found.severity == Severity::Error);
    let count = problems.count(Severity::Error);
    let mut out = format!(
        "**{} does not compile**: {count} {}\n\n",
        code(name),
        if count == 1 { "error" } else { "errors" }
    );
    for found in errors.take(SHOWN) {
        let place = found.span().map(|span| code(&sources.place(span)));
        let _ = writeln!(
            out,
            "- {}{}{}: {}",
            place.as_deref().unwrap_or_default(),
            if place.is_some() { " " } else { "" },
            found.code,
            code(&found.headline.replace('`', "'"))
        );
    }
    if count > SHOWN {
        let _ = writeln!(out, "- … and {} more", count - SHOWN);
    }
    out
}

fn value(value: Option<&str>) -> String {
    let Some(value) = value else {
        return "–".to_owned();
    };
    match value.char_indices().nth(VALUE) {
        Some((cut, _)) => code(&format!("{}…", &value[..cut])),
        None => code(value),
    }
}

/// A title or sentence of `change`: our words as they are, the user's, which
/// stand in backticks, as code. When a name has a backtick itself nobody can
/// tell them apart, and all of it is code.
fn words(change: &Change, text: &str) -> String {
    let values = [change.before.as_deref(), change.after.as_deref()];
    let unclear =
        change.path().contains('`') || values.into_iter().flatten().any(|text| text.contains('`'));
    if unclear {
        return code(text);
    }
    text.split('`')
        .enumerate()
        .map(|(at, part)| match at % 2 {
            0 => part.to_owned(),
            _ => code(part),
        })
        .collect()
}

/// Text as code, in a table cell or outside. A code span takes nearly every
/// text as it is; the rest is spelt in entities, which no rule of Markdown
/// looks into.
pub(crate) fn code(text: &str) -> String {
    let hard = |c: char| matches!(c, '`' | '|' | '\\') || c.is_control();
    if !text.trim().is_empty() && !text.contains(hard) {
        return format!("`{text}`");
    }
    let mut out = String::from("<code>");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == ' ' || (!c.is_ascii() && !c.is_control()) {
            out.push(c);
        } else {
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out.push_str("</code>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Subject;

    #[test]
    fn nothing_in_a_value_leaves_its_cell() {
        assert_eq!(code("<b> @team *x*"), "`<b> @team *x*`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(
            code("a`</code>\n| x"),
            "<code>a&#96;&#60;&#47;code&#62;&#10;&#124; x</code>"
        );
        assert_eq!(code("a\\"), "<code>a&#92;</code>");
        assert_eq!(code(""), "<code></code>");
        assert_eq!(value(None), "–");
        assert_eq!(value(Some(&"ä".repeat(130))).chars().count(), VALUE + 3);
    }

    #[test]
    fn a_name_with_a_backtick_is_code_as_a_whole() {
        let change = |id: &str| Change {
            subject: Subject::Model(id.to_owned()),
            before: None,
            after: Some("m".to_owned()),
        };
        let plain = change("a");
        assert_eq!(words(&plain, &plain.title()), "model `a`");
        let odd = change("a` @team `b");
        assert_eq!(
            words(&odd, &odd.title()),
            "<code>model &#96;a&#96; &#64;team &#96;b&#96;</code>"
        );
    }

    #[test]
    fn no_side_is_told_by_its_errors() {
        let sources = Sources::single("a.yaml", "Router: {default: x}\nModels: []\n");
        let compiled = crate::compile(&sources);
        let page = markdown_refused("a.yaml", &compiled.problems, &sources);
        assert!(
            page.starts_with("**`a.yaml` does not compile**: "),
            "{page}"
        );
        assert!(page.contains("\n- `a.yaml:1:"), "{page}");
    }
}
