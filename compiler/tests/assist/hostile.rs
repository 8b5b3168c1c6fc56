//! Whatever stands in a text, and wherever the cursor is, there is an answer,
//! and every place in it lies inside its source.

use ctr_compiler::assist;
use ctr_compiler::source::{SourceId, Sources, Span};
use proptest::prelude::*;

use crate::names::NAMES;
use crate::{HEAD, KDL};

/// Pieces that texts are made of, and that break them.
const PIECES: &[&str] = &[
    "Models:",
    "Router:",
    "default: ",
    "- ",
    "id: a",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    ":",
    "\"",
    "'",
    "\n",
    "\r\n",
    "\r",
    "  ",
    "\t",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "|",
    ">",
    "---",
    "!",
    "${",
    "${K}",
    "ä",
    "𝄞",
    "model \"a\" ",
    "router ",
    "=",
    "/*",
    "*/",
    "/-",
    "\\",
    "#\"",
    "\"\"\"",
    "(",
    ")",
    ";",
    "\u{feff}",
    "\0",
];

fn check(name: &str, text: &str, offset: usize) {
    let sources = Sources::single(name, text);
    let id = sources.iter().next().unwrap().0;
    let inside = |span: Span| {
        let text = sources.get(span.source).text().get(span.range());
        assert!(text.is_some(), "{span:?} of {text:?}");
    };
    for found in assist::complete(&sources, id, offset, &["A".to_owned()]) {
        inside(found.span);
    }
    if let Some(hover) = assist::hover(&sources, id, offset) {
        inside(hover.span);
    }
    assist::definitions(&sources, id, offset)
        .into_iter()
        .for_each(inside);
    assist::references(&sources, id, offset, true)
        .into_iter()
        .for_each(inside);
    if let Some(found) = assist::renamable(&sources, id, offset) {
        inside(found.span);
    }
    for fix in assist::rename(&sources, id, offset, "x y").unwrap_or_default() {
        inside(fix.span);
    }
    assist::is_registration(&sources, id);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_answers(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        offset in 0_usize..200,
        kdl in any::<bool>(),
    ) {
        check(if kdl { "a.kdl" } else { "a.yaml" }, &pieces.concat(), offset);
    }

    #[test]
    fn a_text_that_was_spoilt_has_answers(
        base in prop::sample::select(vec![HEAD, NAMES, KDL]),
        cut in any::<prop::sample::Index>(),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..4),
        offset in any::<prop::sample::Index>(),
    ) {
        let mut text = base.to_owned();
        text.insert_str(cut.index(base.len()), &pieces.concat());
        let name = if base == KDL { "a.kdl" } else { "a.yaml" };
        let offset = offset.index(text.len() + 9);
        check(name, &text, offset);
    }
}

/// Texts that would take long if anything were looked at again and again.
#[test]
fn long_texts_take_no_longer_than_they_are() {
    for piece in [
        "[", "{", "- ", "'\n", "\"a\n", "${", "a: |\n", "a: {\n", "(", "/*", "#\"", "\"\"\"",
        "a {", "a=", ": ", "&a ", "a:\n ",
    ] {
        let text = piece.repeat(50_000 / piece.len());
        for name in ["a.yaml", "a.kdl"] {
            let sources = Sources::single(name, text.clone());
            let id: SourceId = sources.iter().next().unwrap().0;
            assist::complete(&sources, id, text.len(), &[]);
            assist::hover(&sources, id, text.len() / 2);
        }
    }
}
