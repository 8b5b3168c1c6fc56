//! Colour where people expect it, and nowhere else.

use crate::Place;

const BROKEN: &str = "Models: []\n";

fn coloured(place: &Place, arguments: &str, variables: &[(&str, &str)]) -> bool {
    let told = place
        .ctr(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let both = [told.stdout, told.stderr].concat();
    assert!(!both.is_empty());
    both.contains(&0x1b)
}

#[test]
fn a_pipe_gets_none_unless_somebody_insists() {
    let place = Place::new().with("broken.yaml", BROKEN);
    assert!(!coloured(&place, "compile broken.yaml", &[]));
    assert!(coloured(
        &place,
        "compile broken.yaml",
        &[("CLICOLOR_FORCE", "1")]
    ));
    assert!(!coloured(
        &place,
        "compile broken.yaml",
        &[("NO_COLOR", "1")]
    ));
    assert!(coloured(
        &place,
        "compile broken.yaml --color always",
        &[("NO_COLOR", "1")]
    ));
    assert!(!coloured(
        &place,
        "--color never compile broken.yaml",
        &[("CLICOLOR_FORCE", "1")]
    ));
}

#[test]
fn a_diff_is_painted_and_json_is_not() {
    let place = Place::quick_start();
    let changed = place
        .read("registration.yaml")
        .replace("background: haiku", "background: sonnet");
    let place = place.with("new.yaml", &changed);
    assert!(coloured(
        &place,
        "diff --color always registration.yaml new.yaml",
        &[]
    ));
    assert!(!coloured(&place, "diff registration.yaml new.yaml", &[]));
    assert!(!coloured(
        &place,
        "diff --color always --format json registration.yaml new.yaml",
        &[]
    ));
}

#[test]
fn a_document_cannot_speak_to_the_terminal() {
    let place = Place::new().with(
        "hostile.yaml",
        "Router: {default: \"\u{1b}]0;x\u{7}\u{202e}\"}\n",
    );
    let told = place
        .ctr("compile --color never hostile.yaml")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let text = String::from_utf8(told.stderr).unwrap();
    assert!(
        !text
            .chars()
            .any(|c| matches!(c, '\u{1b}' | '\u{7}' | '\u{202e}')),
        "{text}"
    );
}
