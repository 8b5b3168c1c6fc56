//! Levels and waivers, as whoever reviews a registration meets them.

use std::net::TcpListener;

use crate::{Place, assert_story};

/// A pool behind one host, and what the document says of that.
fn registration(lint: &str) -> String {
    let endpoint = |letter: char, key: &str| {
        format!(
            "    - id: sonnet\n      api: https://llm.example/{letter}/v1\n      key: ${{{key}}}\n      \
             model: m\n      metadata: {{pool_endpoint_id: sonnet-{letter}}}\n"
        )
    };
    format!(
        "Registration:\n  enabled: true\n  models:\n{}{}Router: {{default: sonnet}}\nLint:\n  pool/shared-upstream: deny\n{lint}",
        endpoint('a', "PRIMARY_KEY"),
        endpoint('b', "SECONDARY_KEY"),
    )
}

fn waiver(until: &str) -> String {
    format!(
        "  waivers:\n    - code: pool/shared-upstream\n      at: Registration.models.sonnet\n      \
         reason: one provider until the contract is signed\n      until: {until}\n"
    )
}

#[test]
fn what_is_denied_is_refused() {
    let place = Place::new().with("r.yaml", &registration(""));
    assert_story!("lint-deny", place.story("compile r.yaml"));
}

#[test]
fn what_is_waived_is_counted_and_listed() {
    let place = Place::new().with("r.yaml", &registration(&waiver("2999-01-01")));
    assert_story!("lint-waived", place.story("compile r.yaml"));
    assert_story!(
        "lint-waived-json",
        place.story("compile --format json r.yaml")
    );
    let sarif = place.story("compile --format sarif r.yaml");
    let sarif = sarif.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_story!("lint-waived-sarif", sarif);
    // On the lines of a pull request it would be noise.
    let told = place
        .ctr("compile --format github r.yaml")
        .output()
        .unwrap();
    assert!(told.stdout.is_empty() && told.stderr.is_empty());
}

#[test]
fn an_expired_waiver_is_refused_in_a_review_and_nowhere_else() {
    let expired = registration(&waiver("2000-01-01")).replace("  pool/shared-upstream: deny\n", "");
    let changed = expired.replace("model: m\n", "model: n\n");
    let place = Place::new()
        .with("r.yaml", &expired)
        .with("new.yaml", &changed);
    assert_story!("lint-expired", place.story("compile r.yaml"));
    assert_eq!(place.exit("diff --exit-code r.yaml new.yaml"), 2);
    assert_eq!(place.exit("why router.slots.default --config r.yaml"), 0);
    // It gets as far as listening.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(
        place.exit(&format!("start --config r.yaml --port {port}")),
        3
    );
}

#[test]
fn variables_have_levels_too() {
    let text = registration(&waiver("2999-01-01"));
    let place = Place::new().with("r.yaml", &text);
    let exit = |place: &Place| {
        let mut command = place.ctr("compile r.yaml");
        let output = command.env_remove("PRIMARY_KEY").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, words) = exit(&place);
    assert!(
        code == Some(0) && words.ends_with("1 warning, 1 waived\n"),
        "{words}"
    );
    let place = place.with(
        "r.yaml",
        &text.replace("Lint:\n", "Lint:\n  env/unset: deny\n"),
    );
    assert_eq!(exit(&place).0, Some(1));
    let place = place.with(
        "r.yaml",
        &text.replace("Lint:\n", "Lint:\n  env/unset: allow\n"),
    );
    let (code, words) = exit(&place);
    assert!(code == Some(0) && words == "1 waived\n", "{words}");
    // Without a value nothing can be served, whatever the document says.
    let mut command = place.ctr("start --config r.yaml");
    let output = command.env_remove("PRIMARY_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
