//! Saves of every kind, good and bad.

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use ctr_compiler::plan::LogLevel;
use ctr_runtime::server::StartError;
use tracing_subscriber::prelude::*;

use crate::home::{Home, KEY, get, models, started, until, until_models, with_model};

const BROKEN: &str = "Models: [\n";

#[tokio::test]
async fn a_good_save_goes_live() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let before = running.live().hash.clone();
    home.write("registration.yaml", &with_model("two"));
    let status = until(&running, |status| status.swaps == 1).await;
    assert_eq!(models(&running), ["two"]);
    assert_eq!(status.hash, running.live().hash);
    assert_ne!(status.hash, before);
    assert!(!status.stale);
}

#[tokio::test]
async fn a_broken_save_is_refused_and_the_next_good_one_goes_live() {
    let home = Home::with_model("one");
    let running = home.start().await;
    home.write("registration.yaml", BROKEN);
    let status = until(&running, |status| status.stale).await;
    assert_eq!(models(&running), ["one"]);
    let refusal = status.last_refusal.as_ref().unwrap();
    assert!(
        refusal.summary.starts_with("1 error"),
        "{}",
        refusal.summary
    );
    assert!(
        refusal.summary.contains("registration.yaml:"),
        "{}",
        refusal.summary
    );
    assert_eq!(refusal.problems[0]["severity"], "error");

    let health = get(&running, "/api/health", &format!("x-api-key: {KEY}\r\n")).await;
    assert_eq!(health.body["reload"]["stale"], true);
    assert_eq!(
        health.body["reload"]["lastRefusal"]["summary"],
        refusal.summary
    );

    home.write("registration.yaml", &with_model("two"));
    let status = until(&running, |status| status.swaps == 1).await;
    assert_eq!(models(&running), ["two"]);
    assert!(!status.stale && status.last_refusal.is_some());
}

#[tokio::test]
async fn a_defect_while_reading_a_save_does_not_end_the_watch() {
    let home = Home::with_model("one");
    let mut settings = home.settings("registration.yaml");
    let env = Arc::clone(&settings.env);
    settings.env = Arc::new(move |name: &str| {
        assert_ne!(name, "DEFECT");
        env(name)
    });
    let running = started(settings).await.unwrap();
    home.write(
        "registration.yaml",
        &with_model("two").replace("UPSTREAM_KEY", "DEFECT"),
    );
    let status = until(&running, |status| status.stale).await;
    let refusal = status.last_refusal.as_ref().unwrap();
    assert!(refusal.summary.contains("defect"), "{}", refusal.summary);
    assert_eq!(models(&running), ["one"]);

    home.write("registration.yaml", &with_model("two"));
    until_models(&running, &["two"]).await;
}

#[tokio::test]
async fn every_atomic_rename_is_seen() {
    let home = Home::with_model("zero");
    let running = home.start().await;
    for id in ["one", "two", "three"] {
        home.replace("registration.yaml", &with_model(id));
        until_models(&running, &[id]).await;
    }
}

#[tokio::test]
async fn a_deleted_file_keeps_the_plan_and_comes_back() {
    let home = Home::with_model("one");
    let running = home.start().await;
    fs::remove_file(home.path("registration.yaml")).unwrap();
    let status = until(&running, |status| status.stale).await;
    assert!(
        status
            .last_refusal
            .as_ref()
            .unwrap()
            .summary
            .ends_with("it does not exist")
    );
    assert_eq!(models(&running), ["one"]);
    home.write("registration.yaml", &with_model("two"));
    until_models(&running, &["two"]).await;
}

#[tokio::test]
async fn a_deleted_directory_comes_back() {
    let home = Home::new();
    fs::create_dir(home.path("etc")).unwrap();
    home.write("etc/registration.yaml", &with_model("one"));
    let running = started(home.settings("etc/registration.yaml"))
        .await
        .unwrap();
    fs::remove_dir_all(home.path("etc")).unwrap();
    until(&running, |status| status.stale).await;
    fs::create_dir(home.path("etc")).unwrap();
    home.write("etc/registration.yaml", &with_model("two"));
    until_models(&running, &["two"]).await;
    home.write("etc/registration.yaml", &with_model("three"));
    until_models(&running, &["three"]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_config_map_is_swapped_through_its_data_link() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    let version = |number: u32, id: &str| {
        fs::create_dir(home.path(&format!("..v{number}"))).unwrap();
        home.write(&format!("..v{number}/registration.yaml"), &with_model(id));
        symlink(format!("..v{number}"), home.path("..data_tmp")).unwrap();
        fs::rename(home.path("..data_tmp"), home.path("..data")).unwrap();
    };
    version(1, "one");
    symlink("..data/registration.yaml", home.path("registration.yaml")).unwrap();
    let running = home.start().await;
    version(2, "two");
    fs::remove_dir_all(home.path("..v1")).unwrap();
    until_models(&running, &["two"]).await;
    version(3, "three");
    until_models(&running, &["three"]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_re_pointed_directory_link_is_seen() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    for (directory, id) in [("a", "one"), ("b", "two")] {
        fs::create_dir(home.path(directory)).unwrap();
        home.write(&format!("{directory}/registration.yaml"), &with_model(id));
    }
    symlink("a", home.path("current")).unwrap();
    let running = started(home.settings("current/registration.yaml"))
        .await
        .unwrap();
    fs::remove_file(home.path("current")).unwrap();
    symlink("b", home.path("current")).unwrap();
    until_models(&running, &["two"]).await;
    home.write("b/registration.yaml", &with_model("three"));
    until_models(&running, &["three"]).await;
}

#[tokio::test]
async fn a_file_added_to_a_directory_counts() {
    let home = Home::new();
    fs::create_dir(home.path("d")).unwrap();
    home.write("d/1.yaml", &with_model("one"));
    let running = started(home.settings("d")).await.unwrap();
    home.write("d/2.yaml", "Registration:\n  enabled: true\n  models:\n    - {id: pool, api: 'https://p.test', key: '${UPSTREAM_KEY}', interface: openai, model: m}\n");
    until_models(&running, &["one", "pool"]).await;
    fs::remove_file(home.path("d/2.yaml")).unwrap();
    until_models(&running, &["one"]).await;
}

#[tokio::test]
async fn the_same_meaning_is_no_swap() {
    let home = Home::with_model("one");
    let running = home.start().await;
    home.replace(
        "registration.yaml",
        &format!("# a comment\n{}", with_model("one")),
    );
    let status = until(&running, |status| status.unchanged == 1).await;
    assert_eq!((status.swaps, status.refusals), (0, 0));
}

#[tokio::test]
async fn what_needs_an_empty_variable_does_not_go_live() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let open = with_model("two").replace("CTR_KEY", "EMPTY");
    home.write("registration.yaml", &open);
    let status = until(&running, |status| status.refusals == 1).await;
    assert_eq!(
        status.last_refusal.as_ref().unwrap().summary,
        "variable `EMPTY` is set to nothing"
    );
    assert_eq!(models(&running), ["one"]);
    let error = started(home.settings("registration.yaml")).await;
    assert!(matches!(error, Err(StartError::Activate(_))), "{error:?}");
    // Who writes an empty default wants no key.
    home.write("registration.yaml", &open.replace("EMPTY", "EMPTY:-"));
    until(&running, |status| status.swaps == 1).await;
    assert_eq!(get(&running, "/v1/models", "").await.status, 200);
}

#[tokio::test]
async fn a_key_that_no_header_carries_does_not_go_live() {
    for key in ["a\n", "a\rb", "\0", " a"] {
        let home = Home::with_model("one");
        let mut settings = home.settings("registration.yaml");
        let env = settings.env;
        settings.env = Arc::new(move |name| match name {
            "ODD" => Some(key.to_owned()),
            _ => env(name),
        });
        let running = started(settings).await.unwrap();
        let text = with_model("two").replace("CTR_KEY", "ODD");
        home.write("registration.yaml", &text);
        let status = until(&running, |status| status.refusals == 1).await;
        let summary = &status.last_refusal.as_ref().unwrap().summary;
        assert!(summary.contains("`APIKEY` has characters"), "{summary}");
        assert_eq!(running.live().api_key.as_deref(), Some(KEY));
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// How often a start is asked for, and for which keys.
    fn restarts(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("restart ctr"));
        lines
            .map(|line| line.split(": ").nth(1).unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn what_only_a_start_takes_is_said_when_it_changes() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone());
    // While there is only one subscriber, a place that writes a line is judged by
    // the thread that first comes by.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing_subscriber::registry().with(layer).set_default();

    let home = Home::with_model("one");
    let running = home.start().await;
    let texts = [
        "LOG_LEVEL: warn\n",
        "LOG_LEVEL: warn\nHOST: localhost\n",
        "PORT: 1\n",
    ];
    for (at, text) in texts.into_iter().enumerate() {
        home.write("registration.yaml", &(text.to_owned() + &with_model("one")));
        until(&running, |status| status.swaps == at as u64 + 1).await;
    }
    assert_eq!(
        log.restarts(),
        ["`LOG_LEVEL` changed", "`HOST` and `LOG_LEVEL` changed"],
        "the port is the settings', as in every test"
    );
    running.stop().await;

    home.write("registration.yaml", &with_model("one"));
    let mut settings = home.settings("registration.yaml");
    settings.log_level = Some(LogLevel::Info);
    let running = started(settings).await.unwrap();
    home.write(
        "registration.yaml",
        &(texts[0].to_owned() + &with_model("one")),
    );
    until(&running, |status| status.swaps == 1).await;
    assert_eq!(log.restarts().len(), 2, "the settings' level stays");
}

#[tokio::test]
async fn what_needs_an_unset_variable_does_not_go_live() {
    let home = Home::with_model("one");
    let running = home.start().await;
    home.write(
        "registration.yaml",
        &with_model("two").replace("UPSTREAM_KEY", "NOT_SET"),
    );
    let status = until(&running, |status| status.refusals == 1).await;
    assert_eq!(
        status.last_refusal.as_ref().unwrap().summary,
        "variable `NOT_SET` is not set"
    );
    assert_eq!(models(&running), ["one"]);

    let home = Home::new();
    home.write(
        "registration.yaml",
        &with_model("two").replace("UPSTREAM_KEY", "NOT_SET"),
    );
    let error = started(home.settings("registration.yaml"))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::Activate(_)), "{error}");
}

#[tokio::test]
async fn a_key_changes_at_once_and_a_public_listener_keeps_one() {
    let home = Home::new();
    home.write(
        "registration.yaml",
        &format!("HOST: 0.0.0.0\n{}", with_model("one")),
    );
    let running = home.start().await;
    assert!(!running.addr().ip().is_loopback());
    let open = with_model("one").replace("APIKEY: \"${CTR_KEY}\"\n", "");
    home.write("registration.yaml", &open);
    let status = until(&running, |status| status.stale).await;
    assert!(
        status
            .last_refusal
            .as_ref()
            .unwrap()
            .summary
            .contains("`APIKEY`")
    );
    assert_eq!(running.live().api_key.as_deref(), Some(KEY));
    running.stop().await;

    let home = Home::with_model("one");
    let running = home.start().await;
    assert_eq!(get(&running, "/v1/models", "").await.status, 401);
    home.write("registration.yaml", &open);
    until(&running, |status| status.swaps == 1).await;
    assert_eq!(get(&running, "/v1/models", "").await.status, 200);
}
