//! Models are asked so many at a time, and let go when it is enough.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ctr_compiler::evaluate::fixed;
use ctr_runtime::evaluate::{AddressError, Asking, Kept, run};
use ctr_runtime::scripted::{Answer, Reply, ScriptedUpstream};

/// Only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(30);

fn asking(base_url: &str) -> Asking {
    Asking {
        base_url: base_url.to_owned(),
        key: None,
        timeout: PATIENCE,
        at_once: 3,
        max_tokens: 9,
        judge: None,
        cache: None,
    }
}

async fn upstream(answer: Answer) -> ScriptedUpstream {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.set_default(answer);
    upstream
}

fn never() -> impl Future<Output = ()> {
    std::future::pending()
}

#[tokio::test]
async fn no_more_are_under_way_than_was_said() {
    let upstream = upstream(Answer::new(Reply::Hang)).await;
    let asking = asking(&upstream.url());
    let models = ["a".to_owned(), "b".to_owned()];
    let tasks = fixed();
    let stop = upstream.wait_received(3);
    let answers = run(&asking, &tasks, &models, 1, stop, || {}).await.unwrap();
    assert_eq!(
        (answers.rows.len(), answers.asked, answers.is_cut()),
        (0, 16, true)
    );
    upstream.wait_aborted(3).await;
    assert_eq!(upstream.received().len(), 3);
}

#[tokio::test]
async fn rows_come_in_the_order_of_what_was_asked_whoever_is_first() {
    let upstream = upstream(Answer::text("second")).await;
    let mut slow = Answer::text("first");
    slow.delay = Duration::from_millis(50);
    upstream.set_script([slow]);
    let done = AtomicUsize::new(0);
    let count = || {
        done.fetch_add(1, Ordering::Relaxed);
    };
    let asking = asking(&upstream.url());
    let (tasks, models) = (fixed(), ["m".to_owned()]);
    let answers = run(&asking, &tasks[..2], &models, 2, never(), count)
        .await
        .unwrap();
    let asked: Vec<&str> = answers
        .rows
        .iter()
        .map(|row| row.task_id.as_str())
        .collect();
    assert_eq!(
        asked,
        ["quick_status", "quick_status", "coding_fix", "coding_fix"]
    );
    assert_eq!((done.load(Ordering::Relaxed), answers.is_cut()), (4, false));
}

#[tokio::test]
async fn what_can_not_be_asked_is_told_before_anything_is_sent() {
    let ask = async |asking: Asking| {
        run(&asking, &fixed(), &["m".to_owned()], 1, never(), || {})
            .await
            .map(|_| ())
    };
    let told = ask(asking("nowhere")).await;
    assert!(matches!(told, Err(AddressError::Url(_))), "{told:?}");
    let mut keyed = asking("http://127.0.0.1:1");
    keyed.key = Some("a\nb".to_owned());
    assert_eq!(ask(keyed).await, Err(AddressError::Key));
}

/// An answer that cannot be kept, or read again, is only asked for again.
#[tokio::test]
async fn a_cache_that_is_of_no_use_is_no_end() {
    let upstream = upstream(Answer::text("hello")).await;
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("taken"), "").unwrap();
    let with = |directory: &str| Asking {
        cache: Some(Kept {
            directory: folder.path().join(directory),
            scope: "s".to_owned(),
        }),
        ..asking(&upstream.url())
    };
    let ask = async |asking: &Asking| {
        let answers = run(asking, &fixed()[..1], &["m".to_owned()], 1, never(), || {}).await;
        let row = answers.unwrap().rows.remove(0);
        assert_eq!(row.output.as_deref(), Some("hello"));
    };
    ask(&with("taken")).await;
    ask(&with("good")).await;
    assert_eq!(upstream.received().len(), 2);
    ask(&with("good")).await;
    assert_eq!(upstream.received().len(), 2);
    for entry in std::fs::read_dir(folder.path().join("good")).unwrap() {
        let path = entry.unwrap().path();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(path, "{\"output\": 3").unwrap();
    }
    ask(&with("good")).await;
    assert_eq!(upstream.received().len(), 3);
}
