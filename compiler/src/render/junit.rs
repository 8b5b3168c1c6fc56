//! Diagnostics as a JUnit report, which every CI server shows as tests.

use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{SourceId, Sources};

/// One suite, `ctr compile`, with a test case for every source in order.
///
/// A case has at most one `failure`, which tells all errors of its source:
/// many readers keep only one of several. Warnings and notes are in its
/// `system-out`. What has no place is told with the first source. `file` is not
/// in the schema that Jenkins publishes; GitLab and CircleCI link to it.
pub fn text<'d>(
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    sources: &Sources,
) -> String {
    let first = sources.iter().next().map(|(id, _)| id);
    let placed: Vec<(Option<SourceId>, &Diagnostic)> = diagnostics
        .into_iter()
        .map(|found| (found.span().map(|span| span.source).or(first), found))
        .collect();
    let mut cases = String::new();
    let mut failures = 0;
    for (id, source) in sources.iter() {
        let of_source = placed.iter().filter(|(source, _)| *source == Some(id));
        let (errors, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) = of_source
            .map(|(_, found)| *found)
            .partition(|found| found.severity == Severity::Error);
        failures += usize::from(!errors.is_empty());
        case(&mut cases, source.name(), &errors, &others, sources);
    }
    let tests = sources.len();
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites {counts}>\n  <testsuite name=\"ctr compile\" {counts} skipped=\"0\">\n\
         {cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(
    out: &mut String,
    name: &str,
    errors: &[&Diagnostic],
    others: &[&Diagnostic],
    sources: &Sources,
) {
    let name = attribute(name);
    let open = format!("    <testcase classname=\"ctr compile\" name=\"{name}\" file=\"{name}\"");
    if errors.is_empty() && others.is_empty() {
        let _ = writeln!(out, "{open}/>");
        return;
    }
    let _ = writeln!(out, "{open}>");
    if let Some((first, rest)) = errors.split_first() {
        let more = match rest.len() {
            0 => String::new(),
            1 => ", and 1 more error".to_owned(),
            more => format!(", and {more} more errors"),
        };
        let _ = writeln!(
            out,
            "      <failure message=\"{}{more}\" type=\"{}\">{}</failure>",
            attribute(&first.headline),
            attribute(first.code.as_str()),
            content(&told(errors, sources))
        );
    }
    if !others.is_empty() {
        let _ = writeln!(
            out,
            "      <system-out>{}</system-out>",
            content(&told(others, sources))
        );
    }
    let _ = writeln!(out, "    </testcase>");
}

/// `place: severity code: headline` and the help below it.
fn told(diagnostics: &[&Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for found in diagnostics {
        if let Some(span) = found.span() {
            let _ = write!(out, "{}: ", sources.place(span));
        }
        let severity = found.severity.word();
        let _ = writeln!(out, "{severity} {}: {}", found.code, found.headline);
        if let Some(help) = &found.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}

/// Text between tags. What XML 1.0 has no way to write is left out.
pub(super) fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| writable(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(c),
        }
    }
    out
}

/// Text between double quotes, where a reader turns white space into blanks.
pub(super) fn attribute(text: &str) -> String {
    content(text)
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
}

/// The production `Char` of XML 1.0.
fn writable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            attribute("a\u{0}\u{1b}\u{ffff}<b c=\"d\">&\t\r\n"),
            "a&lt;b c=&quot;d&quot;&gt;&amp;&#9;&#13;&#10;"
        );
        assert_eq!(content("]]>\u{8}𝄞\n"), "]]&gt;𝄞\n");
    }

    #[test]
    fn a_source_is_a_case() {
        let mut sources = Sources::new();
        let bad = sources.add("bad.yaml", "a: b\n");
        sources.add("good.yaml", "c: d\n");
        let at = |code| Diagnostic::new(code, "no `x` < 1").at(Span::new(bad, 3..4), "");
        let found = [
            at(Code::ModelNone),
            at(Code::ModelNone).help("add it"),
            at(Code::RouterNoDefault),
        ];
        assert_eq!(
            text(&found, &sources),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" errors="0">
  <testsuite name="ctr compile" tests="2" failures="1" errors="0" skipped="0">
    <testcase classname="ctr compile" name="bad.yaml" file="bad.yaml">
      <failure message="no `x` &lt; 1, and 1 more error" type="model/none">bad.yaml:1:4: error model/none: no `x` &lt; 1
bad.yaml:1:4: error model/none: no `x` &lt; 1
  help: add it
</failure>
      <system-out>bad.yaml:1:4: warning router/no-default: no `x` &lt; 1
</system-out>
    </testcase>
    <testcase classname="ctr compile" name="good.yaml" file="good.yaml"/>
  </testsuite>
</testsuites>
"#
        );
    }
}
