use crate::{Place, QUICK_START, assert_story};

#[test]
fn a_registration_that_is_right() {
    let place = Place::quick_start();
    assert_story!("compile", place.story("compile registration.yaml"));
    assert_story!(
        "compile-preview",
        place.story("compile --preview registration.yaml")
    );
    assert_story!(
        "compile-json",
        place.story("compile --format json registration.yaml")
    );
}

#[test]
fn a_registration_that_is_not() {
    let text = QUICK_START
        .replace("default: sonnet", "default: sonet")
        .replace("interface: anthropic", "interface: soap");
    let place = Place::new().with("registration.yaml", &text);
    assert_story!("compile-errors", place.story("compile registration.yaml"));
    assert_story!(
        "compile-errors-json",
        place.story("compile --format json --preview registration.yaml")
    );
}

#[test]
fn mistakes_are_told_to_machines() {
    let text = QUICK_START
        .replace("default: sonnet", "default: sonet")
        .replace("interface: anthropic", "interface: soap");
    let place = Place::new()
        .with("set/a, b.yaml", &text)
        .with("set/more.yaml", "Models: [{id: <m>, ids: 1}]\n");
    let mut sarif = place.story("compile --format sarif set");
    // The version is the only thing in it that a release changes.
    sarif = sarif.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_story!("compile-errors-sarif", sarif);
    assert_story!(
        "compile-errors-github",
        place.story("compile --format github set")
    );
    assert_story!(
        "compile-errors-junit",
        place.story("compile --format junit set")
    );
}

#[test]
fn a_document_that_is_right_has_nothing_for_machines() {
    let place = Place::quick_start();
    assert_story!(
        "compile-junit",
        place.story("compile --format junit registration.yaml")
    );
    let told = place
        .ctr("compile --format github registration.yaml")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(0));
    assert!(told.stdout.is_empty() && told.stderr.is_empty());
    let told = place
        .ctr("compile --format sarif registration.yaml")
        .output()
        .unwrap();
    let log: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn a_locked_plan_is_the_only_one_that_passes() {
    let changed = QUICK_START.replace("background: haiku", "background: sonnet");
    let place = Place::quick_start().with("changed.yaml", &changed);
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    let told = place
        .ctr("compile --format json registration.yaml")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let hash = report["hash"].as_str().unwrap().to_owned();
    let place = place.with("plan.lock", &format!("{hash}  registration.yaml\n"));
    assert_story!(
        "compile-locked",
        place.story("compile --locked plan.json registration.yaml")
    );
    assert_story!(
        "compile-locked-other",
        place.story("compile --locked plan.json -o new.json changed.yaml")
    );
    assert!(!place.path("new.json").exists());
    assert_story!(
        "compile-locked-json",
        place.story("compile --locked plan.lock --format json changed.yaml")
    );
    for format in ["text", "json", "sarif", "github", "junit"] {
        let exit = |document: &str| {
            let told = place
                .ctr("compile --locked plan.lock --format")
                .args([format, document])
                .output()
                .unwrap();
            let refused = String::from_utf8(told.stderr).unwrap();
            (told.status.code(), refused.contains("reviewed"))
        };
        assert_eq!(exit("registration.yaml"), (Some(0), false), "{format}");
        assert_eq!(exit("changed.yaml"), (Some(1), true), "{format}");
    }
    let told = place
        .ctr("compile --locked plan.json -")
        .write_stdin(changed)
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let words = String::from_utf8(told.stderr).unwrap();
    assert!(
        words.contains("`ctr compile -o - - | ctr diff plan.json -`"),
        "{words}"
    );
}

#[test]
fn a_lock_that_cannot_be_read_is_3() {
    let place = Place::quick_start().with("plan.json", "{\"schema\":\"ctr.plan/0\"}");
    assert_story!(
        "compile-locked-unreadable",
        place.story("compile --locked registration.yaml registration.yaml")
    );
    for lock in ["missing.json", "plan.json", "."] {
        let told = place
            .ctr("compile registration.yaml --format sarif --locked")
            .arg(lock)
            .output()
            .unwrap();
        assert_eq!(told.status.code(), Some(3), "{lock}");
        assert!(told.stdout.is_empty(), "{lock}");
    }
}

#[test]
fn unset_variables_warn_and_with_strict_refuse() {
    let place = Place::quick_start();
    let unset = |arguments: &str| {
        let told = place
            .ctr(arguments)
            .env_remove("SECONDARY_KEY")
            .output()
            .unwrap();
        crate::tell(arguments, &told)
    };
    assert_story!("compile-unset", unset("compile registration.yaml"));
    assert_story!(
        "compile-strict",
        unset("compile --strict -o plan.json registration.yaml")
    );
    assert!(!place.path("plan.json").exists());
    assert_eq!(place.exit("compile --strict registration.yaml"), 0);
}

#[test]
fn the_plan_is_written_whole_and_read_back() {
    let place = Place::quick_start().with("plan.json", "old");
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    let plan = place.read("plan.json");
    assert!(plan.starts_with("{\"listen\""), "{plan}");
    let printed = place
        .ctr("compile -o - registration.yaml")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), plan);
    assert_story!(
        "diff-same",
        place.story("diff --exit-code plan.json registration.yaml")
    );
    let left: Vec<_> = std::fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_registration_is_not_overwritten() {
    let place = Place::quick_start();
    assert_story!(
        "compile-output-is-input",
        place.story("compile -o registration.yaml registration.yaml")
    );
    assert_eq!(place.read("registration.yaml"), QUICK_START);
    let place = place.with("set/models.yaml", QUICK_START);
    assert_story!(
        "compile-output-in-input",
        place.story("compile -o set/plan.json set")
    );
    assert!(!place.path("set/plan.json").exists());
    assert_eq!(place.exit("compile -o set/models.yaml set"), 64);
    assert_eq!(place.read("set/models.yaml"), QUICK_START);
    assert_eq!(place.exit("compile -o set/plan set"), 0);
    assert_story!(
        "compile-output-nowhere",
        place.story("compile -o nowhere/plan.json registration.yaml")
    );
}

#[test]
fn files_and_folders_are_one_document() {
    let (models, router) = QUICK_START.split_at(QUICK_START.find("Router:").unwrap());
    let place = Place::quick_start()
        .with("set/models.yaml", models)
        .with("set/router.yaml", router);
    let hash = |arguments: &str| {
        let told = place
            .ctr(arguments)
            .args(["--format", "json"])
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        report["hash"].as_str().unwrap().to_owned()
    };
    let whole = hash("compile registration.yaml");
    assert_eq!(hash("compile set"), whole);
    assert_eq!(hash("compile set/router.yaml set/models.yaml"), whole);
    assert_story!("compile-folder", place.story("compile set"));
}

#[test]
fn stdin_is_a_file_too() {
    let place = Place::new();
    let told = place
        .ctr("compile -")
        .write_stdin(QUICK_START)
        .output()
        .unwrap();
    assert_story!("compile-stdin", crate::tell("compile -", &told));
}

#[test]
fn what_cannot_be_read_is_3() {
    let place = Place::new();
    assert_story!("compile-missing", place.story("compile missing.yaml"));
    assert_eq!(place.exit("diff missing.yaml missing.yaml"), 3);
}

#[test]
fn no_more_is_drawn_than_is_read() {
    let mut text = String::from("Models:\n");
    for at in 0..70 {
        text.push_str(&format!(
            "  - {{id: m{at}, api: 'https://a.example', key: k, interface: soap, model: m}}\n"
        ));
    }
    let place = Place::new().with("many.yaml", &text);
    let told = place.ctr("compile many.yaml").output().unwrap();
    let words = String::from_utf8(told.stderr).unwrap();
    assert!(words.contains("… and "), "{words}");
    assert_eq!(words.matches("╰────").count(), 50);
}
