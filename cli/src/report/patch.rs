//! Two texts as a unified diff. Secrets are starred out, so it is for reading
//! and not for `patch`.

use std::ops::Range;
use std::time::{Duration, Instant};

use ctr_compiler::source::Source;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

/// Lines around a change.
const CONTEXT: usize = 3;
/// After so long the shortest diff is no longer looked for.
const LONGEST: Duration = Duration::from_secs(2);

/// The way from one text to the other; empty when they are the same.
pub(crate) fn unified(old: &Source, new: &Source, heads: [&str; 2]) -> String {
    let (before, after) = (lines(old.text()), lines(new.text()));
    let deadline = Some(Instant::now() + LONGEST);
    let changes = capture_diff_slices_deadline(Algorithm::Myers, &before, &after, deadline);
    // What is shown is the same line by line, without secrets.
    let (before, after) = (lines(old.masked()), lines(new.masked()));
    let mut out = String::new();
    for hunk in group_diff_ops(changes, CONTEXT) {
        if out.is_empty() {
            out.push_str(&format!("--- {}\n+++ {}\n", heads[0], heads[1]));
        }
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        out.push_str(&format!(
            "@@ -{} +{} @@\n",
            range(first.old_range().start..last.old_range().end),
            range(first.new_range().start..last.new_range().end),
        ));
        for change in &hunk {
            match change {
                DiffOp::Equal { .. } => some(' ', &before[change.old_range()], &mut out),
                _ => {
                    some('-', &before[change.old_range()], &mut out);
                    some('+', &after[change.new_range()], &mut out);
                }
            }
        }
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn some(mark: char, lines: &[&str], out: &mut String) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// `start,count` as diffs count.
fn range(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr_compiler::source::Sources;

    fn between(old: &str, new: &str) -> String {
        let mut sources = Sources::new();
        let old = sources.add("r.yaml", old);
        let new = sources.add("r.yaml", new);
        unified(
            sources.get(old),
            sources.get(new),
            ["r.yaml", "r.yaml (formatted)"],
        )
    }

    #[test]
    fn lines_are_counted_as_diffs_count() {
        assert_eq!(between("a\n", "a\n"), "");
        assert_eq!(
            between("a\nb\nc\nd\ne\n", "a\nb\nc\nd\n\ne\n"),
            "--- r.yaml\n+++ r.yaml (formatted)\n@@ -2,4 +2,5 @@\n b\n c\n d\n+\n e\n"
        );
        assert_eq!(
            between("a", "a\n"),
            "--- r.yaml\n+++ r.yaml (formatted)\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"
        );
        assert!(between("", "a\n").contains("@@ -0,0 +1 @@"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = between("key:   sk-0123456789\n", "key: sk-0123456789\n");
        assert!(
            shown.contains("+key: ***") && !shown.contains("0123"),
            "{shown}"
        );
    }
}
