//! The store by itself, in a file of a folder of its own.

use tempfile::TempDir;

use super::*;

fn trace(at: u64) -> Trace {
    Trace {
        request_id: format!("req_{at}"),
        started_at: at,
        route_reason: vec![
            if at.is_multiple_of(1000) {
                "round"
            } else {
                "any"
            }
            .to_owned(),
        ],
        ..Trace::default()
    }
}

fn records(traces: impl IntoIterator<Item = Trace>) -> Vec<Written> {
    traces.into_iter().map(Written::from).collect()
}

fn all() -> Filter {
    Filter {
        limit: 1_000_000,
        ..Filter::default()
    }
}

#[tokio::test]
async fn the_oldest_make_room() {
    let mut store = Store::new(None);
    let many = u64::from(KEPT) + 2 * u64::from(TIDIED);
    let numbers: Vec<u64> = (1..=many).collect();
    for batch in numbers.chunks(500) {
        let traces = batch.iter().map(|at| trace(*at));
        store
            .add(&mut records(traces))
            .await
            .expect("it takes them");
    }
    let found = store.find(all()).await.expect("it tells them");
    let (least, most) = (KEPT as usize, (KEPT + TIDIED) as usize);
    assert!((least..=most).contains(&found.len()), "{}", found.len());
    assert_eq!(found[0].started_at, many, "newest first");
    assert!(found.is_sorted_by(|a, b| a.started_at > b.started_at));
    let filter = Filter {
        route_reason: Some("round".to_owned()),
        limit: 3,
        ..Filter::default()
    };
    let found = store.find(filter).await.expect("it tells them");
    let times: Vec<u64> = found.iter().map(|trace| trace.started_at).collect();
    assert_eq!(times, [12_000, 11_000, 10_000], "through all pages");
}

#[tokio::test]
async fn two_processes_share_a_file_and_a_lock_ends() {
    let folder = TempDir::new().expect("a folder");
    let mut one = Store::new(Some(folder.path()));
    let mut other = Store::new(Some(folder.path()));
    one.add(&mut records([trace(1), trace(2)]))
        .await
        .expect("it takes them");
    other
        .add(&mut records([trace(2), trace(3)]))
        .await
        .expect("what is there already stays");
    assert_eq!(one.find(all()).await.expect("tells").len(), 3);

    let lock = one.connection().await.expect("open");
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *lock)
        .await
        .expect("locks");
    other
        .add(&mut records([trace(4)]))
        .await
        .expect_err("it is locked");
    other.reopen().await;
    sqlx::query("ROLLBACK")
        .execute(&mut *lock)
        .await
        .expect("unlocks");
    other
        .add(&mut records([trace(4)]))
        .await
        .expect("it is free again");
    assert_eq!(other.find(all()).await.expect("tells").len(), 4);
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_record_of_another_version_is_passed_over() {
    let mut store = Store::new(None);
    store
        .add(&mut records([trace(1), trace(2)]))
        .await
        .expect("takes");
    let connection = store.connection().await.expect("open");
    sqlx::query("UPDATE traces SET record = '{\"requestId\": 3}' WHERE started_at = 2")
        .execute(connection)
        .await
        .expect("changes it");
    let found = store.find(all()).await.expect("tells");
    assert_eq!(found, [trace(1)]);
}

#[tokio::test]
async fn what_an_earlier_version_kept_is_still_there() {
    let folder = TempDir::new().expect("a folder");
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join(NAME))
        .create_if_missing(true);
    let mut earlier = options.connect().await.expect("a file");
    let mut first = migrations();
    first.migrations.to_mut().truncate(1);
    let made = first.run_direct(None, &mut earlier, false).await;
    made.expect("the first table");
    sqlx::query(
        "INSERT INTO traces (request_id, started_at, cascade_triggered, shadow_checked, record) \
         VALUES ('req_1', 1, 0, 0, ?)",
    )
    .bind(Written::from(trace(1)).json)
    .execute(&mut earlier)
    .await
    .expect("a trace");
    earlier.close().await.expect("closed");

    let mut store = Store::new(Some(folder.path()));
    store
        .add(&mut records([trace(1), trace(2)]))
        .await
        .expect("takes");
    let found = store.find(all()).await.expect("tells");
    assert_eq!(found, [trace(2), trace(1)]);
    let one = Filter {
        request_id: Some("req_1".to_owned()),
        ..all()
    };
    assert_eq!(store.find(one).await.expect("tells"), [trace(1)]);
    store.close().await;
}
