//! Regular expressions of rules: which of them can be matched in a time that
//! grows with the text only, and what is surely true of what they match.
//!
//! The syntax is that of Rust's `regex`: a search in the whole text, `^` and `$`
//! at every line. Nothing is matched here.

use std::ops::Range;

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, Ast, ErrorKind, RepetitionKind};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Bytes a pattern may have.
const LONGEST: usize = 8 << 10;

/// Bytes a pattern may take once its repetitions are written out, as
/// [`weight`] estimates them; what `regex` builds without asking for more.
const HEAVIEST: u64 = 8 << 20;

/// A pattern that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Why not.
    pub(crate) because: Because,
    /// The bytes of the pattern that are to blame.
    pub(crate) range: Range<usize>,
    /// What they are, as a label.
    pub(crate) what: String,
    /// What to do, starting with a verb.
    pub(crate) help: &'static str,
}

/// Why a pattern is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// It cannot be read.
    Syntax,
    /// It needs to go back in the text.
    NotLinear,
    /// It would take too much room.
    TooLarge,
}

/// Reads a pattern. Capitals are kept apart in what is returned; whether they
/// count when it is matched is said elsewhere.
pub(crate) fn read(text: &str) -> Result<Hir, Refused> {
    if text.len() > LONGEST {
        return Err(too_large(text, "this has more than 8 KiB"));
    }
    let parsed = ParserBuilder::new().build().parse(text);
    let parsed = parsed.map_err(|error| unreadable(text, &error))?;
    if let Some(range) = possessive(&parsed) {
        return Err(not_linear(range, "a possessive quantifier"));
    }
    let mut translator = TranslatorBuilder::new().multi_line(true).build();
    let hir = translator.translate(text, &parsed).map_err(|error| {
        let help = "write a name such as `\\p{L}` or `\\p{Greek}`, or list the characters";
        refused(
            Because::Syntax,
            range(error.span()),
            lower(error.kind()),
            help,
        )
    })?;
    if weight(&hir) > HEAVIEST {
        return Err(too_large(
            text,
            "its repetitions multiply to more than fits",
        ));
    }
    Ok(hir)
}

fn refused(
    because: Because,
    range: Range<usize>,
    what: impl Into<String>,
    help: &'static str,
) -> Refused {
    Refused {
        because,
        range,
        what: what.into(),
        help,
    }
}

fn too_large(text: &str, what: &str) -> Refused {
    let help = "lower the counts in `{ }`, or use several patterns";
    refused(Because::TooLarge, 0..text.len(), what, help)
}

fn not_linear(range: Range<usize>, what: &str) -> Refused {
    let help = match what {
        "a look-ahead" | "a look-behind" => {
            "write what surrounds it into the pattern; what must not match can have a rule of higher `priority`"
        }
        "a back-reference" => "write out what it repeats",
        _ => "use a plain group or quantifier; nothing here ever goes back in the text",
    };
    refused(Because::NotLinear, range, what, help)
}

fn unreadable(text: &str, error: &ast::Error) -> Refused {
    let range = range(error.span());
    let before = text.get(..range.start).unwrap_or("");
    let here = text.get(range.start..).unwrap_or("");
    let what = match error.kind() {
        ErrorKind::UnsupportedLookAround if here.starts_with("(?<") => "a look-behind",
        ErrorKind::UnsupportedLookAround => "a look-ahead",
        ErrorKind::UnsupportedBackreference => "a back-reference",
        ErrorKind::EscapeUnrecognized if here.starts_with("\\k") || here.starts_with("\\g") => {
            "a back-reference"
        }
        ErrorKind::FlagUnrecognized if before.ends_with("(?") && here.starts_with('>') => {
            "an atomic group"
        }
        ErrorKind::FlagUnrecognized if before.ends_with("(?") && here.starts_with('(') => {
            "a condition"
        }
        ErrorKind::FlagUnrecognized
            if before.ends_with("(?") && here.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            "a recursion"
        }
        kind => {
            let range = visible(text, range);
            return refused(Because::Syntax, range, lower(kind), help(kind));
        }
    };
    let opened = if before.ends_with("(?") { 2 } else { 0 };
    not_linear(range.start - opened..range.end, what)
}

/// A place between two characters becomes the one behind it.
fn visible(text: &str, range: Range<usize>) -> Range<usize> {
    let next = text.get(range.end..).and_then(|rest| rest.chars().next());
    match next {
        Some(next) if range.is_empty() => range.start..range.start + next.len_utf8(),
        _ => range,
    }
}

fn help(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ClassUnclosed | ErrorKind::GroupUnclosed => {
            "close it, or write `\\` before it to find the character itself"
        }
        ErrorKind::GroupUnopened | ErrorKind::RepetitionMissing => {
            "write `\\` before it to find the character itself"
        }
        ErrorKind::RepetitionCountUnclosed
        | ErrorKind::RepetitionCountDecimalEmpty
        | ErrorKind::RepetitionCountInvalid
        | ErrorKind::DecimalEmpty
        | ErrorKind::DecimalInvalid => {
            "write a count such as `{2}` or `{2,5}`, or `\\{` to find the brace itself"
        }
        ErrorKind::EscapeUnrecognized | ErrorKind::ClassEscapeInvalid => {
            "remove the backslash where the character stands for itself"
        }
        ErrorKind::FlagUnrecognized => "use flags such as `(?i)` or `(?s)`, or a plain group",
        _ => "write it as Rust's `regex` reads it, and `\\` before what stands for itself",
    }
}

fn lower(kind: &impl ToString) -> String {
    let text = kind.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => text,
    }
}

fn range(span: &ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

/// Where a quantifier follows a quantifier with a `+`, as in `a++`: other
/// engines never give back what it took, and this one has nothing to give back.
fn possessive(ast: &Ast) -> Option<Range<usize>> {
    let mut rest = vec![ast];
    while let Some(ast) = rest.pop() {
        match ast {
            Ast::Repetition(outer) => {
                let doubled = matches!(*outer.ast, Ast::Repetition(_));
                if doubled && outer.op.kind == RepetitionKind::OneOrMore && outer.greedy {
                    return Some(range(&outer.op.span));
                }
                rest.push(&outer.ast);
            }
            Ast::Group(group) => rest.push(&group.ast),
            Ast::Alternation(alternation) => rest.extend(alternation.asts.iter().rev()),
            Ast::Concat(concat) => rest.extend(concat.asts.iter().rev()),
            _ => {}
        }
    }
    None
}

/// Bytes it takes to match a pattern, roughly, and rather too many. Every node
/// costs a state, a class a transition for each of its ranges.
fn weight(hir: &Hir) -> u64 {
    const STATE: u64 = 48;
    let parts = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => (literal.0.len() as u64).saturating_mul(STATE),
        HirKind::Class(Class::Unicode(class)) => {
            (class.ranges().len() as u64).saturating_mul(STATE)
        }
        HirKind::Class(Class::Bytes(class)) => (class.ranges().len() as u64).saturating_mul(STATE),
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            weight(&repeated.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(group) => weight(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(weight).fold(0, u64::saturating_add)
        }
    };
    parts.saturating_add(STATE)
}

/// Whether a pattern surely matches every text, the empty one too.
pub(crate) fn matches_everything(hir: &Hir) -> bool {
    let parts = match hir.kind() {
        HirKind::Capture(group) => return matches_everything(&group.sub),
        HirKind::Alternation(parts) => return parts.iter().any(matches_everything),
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(hir),
    };
    let is_start = |part: &Hir| matches!(part.kind(), HirKind::Look(Look::Start | Look::StartLF));
    let is_end = |part: &Hir| matches!(part.kind(), HirKind::Look(Look::End | Look::EndLF));
    let begun = parts.iter().take_while(|part| is_start(part)).count();
    let (starts, rest) = parts.split_at(begun);
    let ended = rest.iter().rev().take_while(|part| is_end(part)).count();
    let (body, ends) = rest.split_at(rest.len() - ended);
    if !body.iter().all(may_be_empty) {
        return false;
    }
    // Tied to one end only, or to none, an empty match is there. Tied to both
    // ends of a line, something must be able to take the whole line.
    let of_text = |look: Look| move |part: &Hir| matches!(part.kind(), HirKind::Look(found) if *found == look);
    let whole = starts.iter().any(of_text(Look::Start)) && ends.iter().any(of_text(Look::End));
    starts.is_empty() || ends.is_empty() || (!whole && body.iter().any(takes_a_line))
}

fn may_be_empty(hir: &Hir) -> bool {
    let properties = hir.properties();
    properties.minimum_len() == Some(0) && properties.look_set().is_empty()
}

/// `.*`, or a group around it.
fn takes_a_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(group) => takes_a_line(&group.sub),
        HirKind::Repetition(Repetition {
            min: 0,
            max: None,
            sub,
            ..
        }) => match sub.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                let mut others = class.clone();
                others.negate();
                others
                    .ranges()
                    .iter()
                    .all(|range| range.start() == '\n' && range.end() == '\n')
            }
            _ => false,
        },
        _ => false,
    }
}

/// The texts of a pattern that is nothing but a choice of texts.
pub(crate) fn plain_texts(hir: &Hir) -> Option<Vec<&str>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?]),
        HirKind::Capture(group) => plain_texts(&group.sub),
        HirKind::Alternation(parts) => {
            let texts: Option<Vec<_>> = parts.iter().map(plain_texts).collect();
            Some(texts?.concat())
        }
        _ => None,
    }
}

/// The smallest number that `number` has for a text which each match of the
/// pattern surely holds; for a choice, the largest that one of its parts needs.
pub(crate) fn held(hir: &Hir, number: &impl Fn(&str) -> Option<usize>) -> Option<usize> {
    match hir.kind() {
        HirKind::Literal(literal) => number(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Capture(group) => held(&group.sub, number),
        HirKind::Repetition(repeated) if repeated.min > 0 => held(&repeated.sub, number),
        HirKind::Concat(parts) => parts.iter().filter_map(|part| held(part, number)).min(),
        HirKind::Alternation(parts) => {
            let needed: Option<Vec<usize>> = parts.iter().map(|part| held(part, number)).collect();
            needed?.into_iter().max()
        }
        _ => None,
    }
}

/// The part of `/…/i` between the slashes, where a pattern is written as other
/// languages quote one. A path such as `/api/` has no flag behind it.
pub(crate) fn between_slashes(text: &str) -> Option<&str> {
    let (inner, flags) = text.strip_prefix('/')?.rsplit_once('/')?;
    let is_flag = |c: char| matches!(c, 'd' | 'g' | 'i' | 'm' | 's' | 'u' | 'y');
    let unescaped = inner
        .match_indices('/')
        .any(|(at, _)| !inner[..at].ends_with('\\'));
    let quoted = !inner.is_empty() && !flags.is_empty() && flags.chars().all(is_flag);
    (quoted && !unescaped).then_some(inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_is_answered(text in r"[a-cA\(\)\[\]\{\}|*+?^$.<>=!:0-39,kpPLxuüst\\ /#&~-]{0,24}") {
            match read(&text) {
                Ok(hir) => {
                    let everything = matches_everything(&hir);
                    let built = built(&text);
                    prop_assert!(built.is_ok(), "{:?}", built);
                    prop_assert!(!everything || built.is_ok_and(|regex| regex.is_match("\n x\n")));
                }
                Err(refused) => prop_assert!(text.get(refused.range.clone()).is_some(), "{:?}", refused),
            }
        }
    }

    fn built(text: &str) -> Result<regex::Regex, regex::Error> {
        regex::RegexBuilder::new(text)
            .multi_line(true)
            .case_insensitive(true)
            .build()
    }

    fn refusal(text: &str) -> (Because, String) {
        let refused = read(text).unwrap_err();
        (refused.because, text[refused.range].to_owned())
    }

    #[test]
    fn what_needs_to_go_back_is_refused_at_its_place() {
        for (text, blamed) in [
            ("fix(?=ed)", "(?="),
            ("fix(?!ed)", "(?!"),
            ("(?<=pre)fix", "(?<="),
            ("(?<!pre)fix", "(?<!"),
            ("(a)\\1", "\\1"),
            ("(?<n>a)\\k<n>", "\\k"),
            ("x(?>a+)b", "(?>"),
            ("x(?(1)a|b)", "(?("),
            ("xa++b", "+"),
            ("x(a*+)b", "+"),
        ] {
            assert_eq!(
                refusal(text),
                (Because::NotLinear, blamed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_at_its_place() {
        for (text, blamed) in [
            ("fix (the", "("),
            ("*.rs", "*"),
            ("a{2,1}", "{2,1}"),
            ("[a", "["),
            ("a)", ")"),
            ("\\p{Klingon}", "\\p{Klingon}"),
            ("ü\\q", "\\q"),
        ] {
            assert_eq!(
                refusal(text),
                (Because::Syntax, blamed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_other_engines_have_in_common_is_read() {
        for text in [
            "(?<name>a)",
            "(?P<name>a)",
            "\\d+\\s\\w\\b",
            "a\\/b",
            "\\u0041",
            "(?:a|b)*?",
            "(a+)+",
            "a{2}{3}",
            "",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_accepted_can_be_built() {
        for (text, accepted) in [
            ("(a{1000}){1000}", false),
            ("(a{100}){100}", true),
            ("((((a{99}){99}){99}){99}){99}", false),
            ("a{4294967295}", false),
            ("\\w{1,100}", true),
            ("\\w{1,2000}", false),
            ("\\pL{100}", true),
            ("[^a]{1,5000}", true),
            (".{0,10000}", true),
            ("k{10000}", true),
            ("(?:){100000}", true),
            ("(?:^){100000}", true),
            ("(?:a|b|c|){10000}", true),
        ] {
            let read = read(text);
            assert_eq!(read.is_ok(), accepted, "{text}");
            if accepted {
                assert!(built(text).is_ok(), "{text}: {:?}", weight(&read.unwrap()));
            }
        }
        let long = "a".repeat(LONGEST);
        assert!(read(&long).is_ok() && built(&long).is_ok());
        assert_eq!(read(&(long + "a")).unwrap_err().because, Because::TooLarge);
    }

    #[test]
    fn only_what_is_sure_matches_everything() {
        for (text, everything) in [
            ("", true),
            (".*", true),
            ("^", true),
            ("$", true),
            ("^.*$", true),
            ("^(.*)$", true),
            ("\\A.*$", true),
            ("a*", true),
            ("(a|b?)", true),
            ("fix|", true),
            ("^a?", true),
            ("^\\s*$", false),
            ("^$", false),
            ("\\A.*\\z", false),
            ("\\b", false),
            ("\\b.*", false),
            (".+", false),
            ("^.", false),
        ] {
            let hir = read(text).unwrap();
            assert_eq!(matches_everything(&hir), everything, "{text}");
            let regex = regex::RegexBuilder::new(text)
                .multi_line(true)
                .build()
                .unwrap();
            let texts = ["", "\n", "x", "x\n\ny", " x "];
            let all = texts.iter().all(|text| regex.is_match(text));
            assert!(all || !everything, "{text}");
        }
    }

    #[test]
    fn only_quoted_patterns_stand_between_slashes() {
        for (text, inner) in [
            ("/fix .*/i", Some("fix .*")),
            ("/a\\/b/gi", Some("a\\/b")),
            ("/api/", None),
            ("/api/v1", None),
            ("/usr/lib/i", None),
            ("a/b/i", None),
            ("//i", None),
        ] {
            assert_eq!(between_slashes(text), inner, "{text}");
        }
    }
}
