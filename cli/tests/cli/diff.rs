use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::{Place, QUICK_START, assert_story};

fn changed() -> Place {
    let new = QUICK_START
        .replace("pool_priority: 10", "pool_priority: 30")
        .replace("background: haiku", "background: sonnet");
    Place::new()
        .with("old.yaml", QUICK_START)
        .with("new.yaml", &new)
}

#[test]
fn a_change_is_told() {
    let place = changed();
    assert_story!("diff", place.story("diff old.yaml new.yaml"));
    assert_story!(
        "diff-json",
        place.story("diff --format json --exit-code old.yaml new.yaml")
    );
    assert_eq!(place.exit("diff --exit-code old.yaml new.yaml"), 2);
    assert_eq!(place.exit("diff --exit-code old.yaml old.yaml"), 0);
}

#[test]
fn a_pull_request_is_told() {
    let place = changed();
    assert_story!(
        "diff-markdown",
        place.story("diff --format markdown old.yaml new.yaml")
    );
    assert_story!(
        "diff-markdown-same",
        place.story("diff --format markdown old.yaml old.yaml")
    );
    let place = place.with(
        "broken.yaml",
        &QUICK_START.replace("default: sonnet", "default: sonet"),
    );
    assert_story!(
        "diff-markdown-broken",
        place.story("diff --format markdown old.yaml broken.yaml")
    );
}

#[test]
fn changes_that_are_too_heavy_are_refused() {
    let place = changed();
    assert_story!(
        "diff-fail-on",
        place.story("diff --fail-on notable --exit-code old.yaml new.yaml")
    );
    let exit = |limit: &str| {
        place.exit(&format!(
            "diff --exit-code --fail-on {limit} old.yaml new.yaml"
        ))
    };
    let exits = ["quiet", "notable", "breaking", "restart"].map(exit);
    assert_eq!(exits, [1, 1, 2, 2]);
    assert_eq!(place.exit("diff --fail-on quiet old.yaml old.yaml"), 0);
    let moved = format!("{QUICK_START}\nPORT: 9999\n");
    let place = changed().with("moved.yaml", &moved);
    assert_eq!(place.exit("diff --fail-on breaking old.yaml moved.yaml"), 1);
}

#[test]
fn a_side_that_does_not_compile_is_drawn() {
    let place = changed().with(
        "broken.yaml",
        &QUICK_START.replace("default: sonnet", "default: sonet"),
    );
    assert_story!(
        "diff-broken",
        place.story("diff --exit-code old.yaml broken.yaml")
    );
    assert_story!(
        "diff-broken-json",
        place.story("diff --format json broken.yaml old.yaml")
    );
}

#[test]
fn a_plan_of_another_version_is_refused() {
    let place = changed().with("plan.json", "{\"schema\":\"ctr.plan/0\"}");
    assert_story!("diff-old-plan", place.story("diff plan.json new.yaml"));
}

fn git(place: &Place, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .current_dir(place.path(""))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments);
    assert!(
        command.output().unwrap().status.success(),
        "git {arguments:?}"
    );
}

#[test]
fn a_side_may_be_a_git_revision() {
    let place = Place::quick_start();
    git(&place, &["init", "-q"]);
    git(&place, &["add", "registration.yaml"]);
    git(&place, &["commit", "-q", "-m", "first"]);
    let edited = place
        .read("registration.yaml")
        .replace("background: haiku", "background: sonnet");
    let place = place.with("registration.yaml", &edited);
    assert_story!(
        "diff-revision",
        place.story("diff HEAD:registration.yaml registration.yaml")
    );
    assert_eq!(
        place.exit("diff nowhere:registration.yaml registration.yaml"),
        3
    );
    assert_story!(
        "diff-git",
        place.story("diff --git HEAD --exit-code registration.yaml")
    );
    let whole = place.path("registration.yaml");
    assert_eq!(
        place.exit(&format!("diff --git HEAD --exit-code {}", whole.display())),
        2
    );
    assert_eq!(place.exit("diff --git HEAD --exit-code ."), 2);
    assert_eq!(place.exit("diff --git nowhere registration.yaml"), 3);
    let told = place.ctr("diff --git HEAD none.yaml").output().unwrap();
    assert_eq!(told.status.code(), Some(3));
    let words = String::from_utf8_lossy(&told.stderr);
    assert!(words.contains("`HEAD` has no `none.yaml`"), "{words}");
}

#[test]
fn a_path_is_found_in_a_revision_however_it_is_named() {
    let place = Place::new().with("registration/all.yaml", QUICK_START);
    let place = place.with("sub/notes.txt", "no registration");
    git(&place, &["init", "-q"]);
    git(&place, &["add", "."]);
    git(&place, &["commit", "-q", "-m", "first"]);
    let broken = QUICK_START.replace("background: haiku", "background: sonnet");
    let place = place.with(
        "registration/all.yaml",
        &broken.replace("id: haiku", "id: small"),
    );
    symlink(place.path(""), place.path("sub/root")).unwrap();
    symlink("../registration", place.path("sub/link")).unwrap();
    let elsewhere = Place::new().with("registration/all.yaml", QUICK_START);
    symlink(place.path(""), elsewhere.path("root")).unwrap();
    symlink(elsewhere.path("registration"), place.path("sub/out")).unwrap();
    let told = |path: &Path| {
        let mut ctr = place.ctr("diff --git HEAD --fail-on breaking");
        let told = ctr.arg(path).current_dir(place.path("sub"));
        let told = told.output().unwrap();
        (
            told.status.code(),
            String::from_utf8(told.stdout).unwrap().contains("new plan"),
        )
    };
    for path in [
        place.path("registration"),
        elsewhere.path("root/registration"),
        "../registration".into(),
        "root/registration".into(),
        "link".into(),
    ] {
        assert_eq!(told(&path), (Some(1), false), "{}", path.display());
    }
    for path in [elsewhere.path("registration"), "out".into()] {
        assert_eq!(told(&path), (Some(3), false), "{}", path.display());
    }
}

#[test]
fn a_new_registration_that_forwards_breaks_nobody() {
    let place = Place::new().with("notes.txt", "no registration");
    git(&place, &["init", "-q"]);
    git(&place, &["add", "."]);
    git(&place, &["commit", "-q", "-m", "first"]);
    let place = place.with(
        "new.yaml",
        &format!("{QUICK_START}\nRuntime: {{mode: local, remote_service: {{enabled: true, base_url: 'https://r.example', auth_token: '${{T}}'}}}}\n"),
    );
    assert_eq!(place.exit("diff --git HEAD --fail-on breaking new.yaml"), 0);
}

#[test]
fn what_a_revision_does_not_have_is_new() {
    let (models, slots) = QUICK_START.split_once("\nRouter:\n").unwrap();
    let place = Place::new().with("models.yaml", models);
    let place = place.with("other/notes.txt", "no registration");
    git(&place, &["init", "-q"]);
    git(&place, &["add", "other"]);
    git(&place, &["commit", "-q", "-m", "first"]);
    let place = place.with("new/router.yaml", &format!("Router:\n{slots}"));
    assert_story!(
        "diff-git-new",
        place.story("diff --git HEAD --fail-on breaking models.yaml new")
    );
    assert_story!(
        "diff-git-new-json",
        place.story("diff --git HEAD --exit-code --format json models.yaml new")
    );
    assert_story!(
        "diff-git-new-markdown",
        place.story("diff --git HEAD --format markdown models.yaml new")
    );
    let exit = |paths: &str| place.exit(&format!("diff --git HEAD {paths}"));
    assert_eq!(exit("models.yaml new none.yaml"), 3);
    assert_eq!(exit("other"), 3);
    assert_eq!(place.exit("diff --git nowhere models.yaml new"), 3);

    // A part that is added is compared with the parts that were there.
    let before = format!("{models}\nRouter: {{default: sonnet}}\n");
    let place = place.with("models.yaml", &before);
    git(&place, &["add", "models.yaml"]);
    git(&place, &["commit", "-q", "-m", "second"]);
    let place = place.with(
        "more.yaml",
        "Models:\n  - {id: opus, api: \"https://api.anthropic.com\", key: \"${OPUS_KEY}\", interface: anthropic, model: claude-opus-4-5}\n",
    );
    assert_story!(
        "diff-git-part",
        place.story("diff --git HEAD models.yaml more.yaml")
    );
    let place = place.with("more.yaml", "Models: 1\n");
    let mut told = place.ctr("diff --git HEAD --format markdown more.yaml");
    let told = String::from_utf8(told.output().unwrap().stdout).unwrap();
    assert!(
        told.starts_with("**`more.yaml` does not compile**"),
        "{told}"
    );
}
