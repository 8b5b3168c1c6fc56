//! How a pool behaves as its clients see it: rests, trials, limits, retries. The
//! time of day stands still unless a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ctr_compiler::health::{Reason, Standing, Terms};
use ctr_runtime::clock::Clock;
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use serde_json::{Value, json};

use crate::arriving::{BEGINNING, Client, REST};
use crate::stage::{CHAT, Got, MESSAGES, Stage, gone, pool_plan, upstream};

const PLAIN: &str = "{\"model\":\"m\"}";
const STREAM: &str = "{\"model\":\"m\",\"stream\":true}";
/// 2026-01-01T00:00:00Z.
const T: u64 = 1_767_225_600_000;

/// A stage and the hands of its clock.
struct Pool {
    stage: Stage,
    now: Arc<AtomicU64>,
}

impl Pool {
    async fn new(upstreams: &[&ScriptedUpstream], settings: Value) -> Self {
        Self::over(MESSAGES, upstreams, settings).await
    }

    /// A pool over these upstreams, with settings put over the defaults.
    async fn over(path: &str, upstreams: &[&ScriptedUpstream], settings: Value) -> Self {
        let mut plan = pool_plan(path, upstreams);
        merge(&mut plan["pools"]["m"], settings);
        let now = Arc::new(AtomicU64::new(T));
        let hands = Arc::clone(&now);
        let clock = Clock::new(move || hands.load(Ordering::Relaxed));
        Self {
            stage: Stage::at(&plan, clock).await,
            now,
        }
    }

    fn wait(&self, ms: u64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    async fn ask(&self, body: &str) -> Got {
        self.stage.ask(MESSAGES, &[], body).await
    }

    /// Who answers.
    async fn answers(&self) -> String {
        let got = self.ask(PLAIN).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.header("x-ctr-endpoint").to_owned()
    }

    fn standing(&self, id: &str) -> (Standing, Option<Reason>) {
        let now = self.now.load(Ordering::Relaxed);
        let policy = self.stage.live.plan().pools["m"].health.clone();
        let health = self.stage.health(id);
        let terms = Terms {
            policy,
            limit: None,
        };
        (
            health.standing(&terms.policy, now),
            health.reason(&terms.policy, now),
        )
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn until(ms: u64) -> Standing {
    Standing::Cooldown { until_ms: T + ms }
}

#[tokio::test]
async fn an_upstream_says_when_to_come_back() {
    for (status, name, value, rests_ms) in [
        (429, "retry-after", "7", 7_000),
        (503, "retry-after", "Thu, 01 Jan 2026 00:00:30 GMT", 30_000),
        (529, "retry-after-ms", "250", 250),
        (
            429,
            "anthropic-ratelimit-tokens-reset",
            "2026-01-01T00:00:20Z",
            20_000,
        ),
        (429, "x-ratelimit-reset-requests", "6m0s", 360_000),
        (429, "retry-after", "999999", 3_600_000),
        (429, "retry-after", "0", 60_000),
        (500, "x-ratelimit-reset-requests", "6m0s", 60_000),
    ] {
        let (a, b) = (upstream().await, upstream().await);
        a.push(Answer::error(status, "rate_limit_error", "slow down").header(name, value));
        let pool = Pool::new(&[&a, &b], json!({})).await;
        assert_eq!(pool.answers().await, "b");
        let (standing, _) = pool.standing("a");
        assert_eq!(standing, until(rests_ms), "{name}: {value}");
        pool.wait(rests_ms - 1);
        assert_eq!(pool.answers().await, "b", "{name}: {value}");
        pool.wait(1);
        assert_eq!(pool.answers().await, "a", "{name}: {value}");
    }
}

#[tokio::test]
async fn a_longer_rest_is_never_replaced_by_a_shorter_one() {
    let a = upstream().await;
    a.set_script(["90", "1"].map(|seconds| {
        Answer::error(429, "rate_limit_error", "slow down").header("retry-after", seconds)
    }));
    let pool = Pool::new(&[&a], json!({})).await;
    // A pool of one has nobody else, and asks it all the same.
    for _ in 0..2 {
        let got = pool.ask(PLAIN).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (429, "a")
        );
        assert_eq!(
            pool.standing("a"),
            (until(90_000), Some(Reason::RetryAfter))
        );
    }
}

#[tokio::test]
async fn a_refused_key_opens_at_once_and_is_named() {
    for status in [401, 403] {
        let (a, b) = (upstream().await, upstream().await);
        a.push(Answer::error(status, "authentication_error", "who are you"));
        let pool = Pool::new(&[&a, &b], json!({})).await;
        assert_eq!(pool.answers().await, "b");
        let until_ms = T + 300_000;
        let wanted = (Standing::Open { until_ms }, Some(Reason::Credential));
        assert_eq!(pool.standing("a"), wanted);
    }
}

#[tokio::test]
async fn what_was_open_gets_one_trial_at_a_time() {
    let (a, b) = (upstream().await, upstream().await);
    a.set_default(Answer::error(500, "api_error", "no"));
    let pool = Pool::new(&[&a, &b], json!({})).await;
    for _ in 0..3 {
        assert_eq!(pool.answers().await, "b");
        pool.wait(60_000);
    }
    assert!(matches!(pool.standing("a").0, Standing::Open { .. }));
    pool.wait(240_000);
    assert_eq!(pool.standing("a").0, Standing::HalfOpen { trials: 1 });
    // The trial hangs; until it has ended, everybody else goes to `b`.
    a.push(Answer::hang());
    let before = a.received().len();
    let trial = tokio::spawn({
        let body = PLAIN.to_owned();
        let (addr, send) = (pool.stage.addr, crate::stage::post);
        async move { send(addr, MESSAGES, &body).await }
    });
    a.wait_received(before + 1).await;
    assert_eq!(
        pool.standing("a"),
        (Standing::HalfOpen { trials: 0 }, Some(Reason::Trials))
    );
    for _ in 0..3 {
        assert_eq!(pool.answers().await, "b");
    }
    assert_eq!(a.received().len(), before + 1);
    // Its client leaves. That says nothing about `a`, whose next trial fails.
    trial.abort();
    a.wait_aborted(1).await;
    while pool.standing("a").0 == (Standing::HalfOpen { trials: 0 }) {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.answers().await, "b");
    assert_eq!(a.received().len(), before + 2);
    assert!(matches!(pool.standing("a").0, Standing::Open { .. }));
    // The one after that succeeds, and all is well.
    pool.wait(300_000);
    a.set_default(Answer::text("hello"));
    for _ in 0..3 {
        assert_eq!(pool.answers().await, "a");
    }
    assert_eq!(pool.standing("a"), (Standing::Healthy, None));
}

#[tokio::test]
async fn slow_clients_hold_no_trial() {
    let (a, b) = (upstream().await, upstream().await);
    a.push(Answer::error(401, "authentication_error", "no"));
    let pool = Pool::new(&[&a, &b], json!({})).await;
    assert_eq!(pool.answers().await, "b");
    pool.wait(300_000);
    let free = Standing::HalfOpen { trials: 1 };
    assert_eq!(pool.standing("a").0, free);
    // One that has not sent all of its request does not go there yet.
    let length = BEGINNING.len() + REST.len();
    let mut slow = Client::begin(&pool.stage, length, BEGINNING).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.standing("a").0, free);
    assert_eq!(a.received().len(), 1);
    // One that has not read all of its answer is there no longer.
    let large = " ".repeat(4 << 20);
    a.push(Answer::raw("application/json", ["{".to_owned(), large]));
    let answer = pool.stage.send(MESSAGES, &[], PLAIN).await;
    assert_eq!(answer.headers()["x-ctr-endpoint"], "a");
    assert_eq!(pool.standing("a").0, free);
    slow.go_on(REST).await;
    assert_eq!(slow.answer().await.0, 200);
    assert_eq!(a.received().len(), 3);
    assert_eq!(pool.standing("a").0, Standing::Healthy);
}

#[tokio::test]
async fn with_all_out_a_pool_may_reject() {
    for (path, kind) in [(MESSAGES, "overloaded_error"), (CHAT, "server_error")] {
        let (a, b) = (gone().await, upstream().await);
        b.push(Answer::error(503, "api_error", "no").header("retry-after", "5"));
        let pool = Pool::over(path, &[&a, &b], json!({ "on_all_open": "reject" })).await;
        let first = pool.stage.ask(path, &[], PLAIN).await;
        assert_eq!(first.status, 503, "the last word of an upstream");
        let got = pool.stage.ask(path, &[], PLAIN).await;
        assert_eq!((got.status.as_u16(), got.header("retry-after")), (503, "5"));
        assert_eq!(got.json()["error"]["type"], kind);
        assert_eq!(got.header("x-ctr-endpoint"), "");
        assert_eq!(b.received().len(), 1);
        pool.wait(4_500);
        let got = pool.stage.ask(path, &[], PLAIN).await;
        assert_eq!((got.status.as_u16(), got.header("retry-after")), (503, "1"));
        pool.wait(500);
        assert_eq!(pool.stage.ask(path, &[], PLAIN).await.status, 200);
    }
}

#[tokio::test]
async fn with_all_out_a_pool_tries_all_the_same_unless_told_otherwise() {
    let (a, b) = (gone().await, upstream().await);
    b.push(Answer::error(500, "api_error", "no"));
    let pool = Pool::new(&[&a, &b], json!({})).await;
    assert_eq!(pool.ask(PLAIN).await.status, 500);
    assert_eq!(pool.answers().await, "b");
    assert_eq!(pool.standing("b").0, Standing::Healthy);
}

#[tokio::test]
async fn a_request_is_tried_again_so_often_and_no_more() {
    for (most, attempts) in [(0, 1), (1, 2), (2, 3), (9, 3)] {
        let upstreams = [upstream().await, upstream().await, upstream().await];
        for upstream in &upstreams {
            upstream.set_default(Answer::error(500, "api_error", "no"));
        }
        let all: Vec<&ScriptedUpstream> = upstreams.iter().collect();
        let pool = Pool::new(&all, json!({ "max_retries": most })).await;
        assert_eq!(pool.ask(PLAIN).await.status, 500);
        let asked: usize = upstreams.iter().map(|one| one.received().len()).sum();
        assert_eq!(asked, attempts, "{most} retries");
    }
}

#[tokio::test]
async fn a_brown_out_is_not_amplified() {
    let (a, b) = (upstream().await, upstream().await);
    for upstream in [&a, &b] {
        upstream.set_default(Answer::error(500, "api_error", "no"));
    }
    let budget = json!({ "percent": 20, "min_per_second": 0, "window_seconds": 10 });
    // Without rests, so that nothing but the budget keeps requests away.
    let health = json!({ "cooldown_ms": 0, "failures_to_open": 1000 });
    let settings = json!({ "retry_budget": budget, "health": health });
    let pool = Pool::new(&[&a, &b], settings).await;
    for _ in 0..50 {
        assert_eq!(pool.ask(PLAIN).await.status, 500);
    }
    let asked = a.received().len() + b.received().len();
    assert_eq!(asked, 60, "50 requests and a fifth of them again");
    // The floor is for pools that have few requests.
    let budget = json!({ "percent": 0, "min_per_second": 1, "window_seconds": 10 });
    let health = json!({ "cooldown_ms": 0, "failures_to_open": 1000 });
    let pool = Pool::new(
        &[&a, &b],
        json!({ "retry_budget": budget, "health": health }),
    )
    .await;
    for _ in 0..30 {
        pool.ask(PLAIN).await;
    }
    assert_eq!(a.received().len() + b.received().len() - asked, 40);
}

#[tokio::test]
async fn an_endpoint_at_its_limit_is_skipped_and_not_failed() {
    let (a, b) = (upstream().await, upstream().await);
    let endpoints = |plan: &mut Value| {
        plan["pools"]["m"]["enforce_rate_limits"] = true.into();
        plan["pools"]["m"]["endpoints"][0]["rate_limit"] = json!({ "rpm": 2 });
        plan["pools"]["m"]["endpoints"][1]["rate_limit"] = json!({ "rpm": 1 });
    };
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    endpoints(&mut plan);
    let now = Arc::new(AtomicU64::new(T));
    let hands = Arc::clone(&now);
    let clock = Clock::new(move || hands.load(Ordering::Relaxed));
    let pool = Pool {
        stage: Stage::at(&plan, clock).await,
        now,
    };
    let mut answered = String::new();
    for _ in 0..3 {
        answered += &pool.answers().await;
    }
    assert_eq!(answered, "aab");
    let got = pool.ask(PLAIN).await;
    assert_eq!(got.status, 429);
    assert_eq!(got.json()["error"]["type"], "rate_limit_error");
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((60..=62).contains(&wait), "{wait}");
    for id in ["a", "b"] {
        assert_eq!(pool.standing(id), (Standing::Healthy, None));
    }
    pool.wait(wait * 1_000);
    assert_eq!(pool.answers().await, "a");
    assert_eq!((a.received().len(), b.received().len()), (3, 1));
}

#[tokio::test]
async fn tokens_are_estimated_and_then_known() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    plan["pools"]["m"]["enforce_rate_limits"] = true.into();
    plan["pools"]["m"]["endpoints"][0]["rate_limit"] = json!({ "tpm": 1_000 });
    let clock = Clock::new(|| T);
    let stage = Stage::at(&plan, clock).await;
    // By its bytes, this one is over a quarter of what a minute may hold.
    let long = format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "y".repeat(1_100));
    let mut answered = String::new();
    for _ in 0..4 {
        answered += stage
            .ask(MESSAGES, &[], &long)
            .await
            .header("x-ctr-endpoint");
    }
    // The upstream says that each used far less.
    assert_eq!(answered, "aaaa");
    let expensive = r#"{"usage": {"input_tokens": 10, "output_tokens": 900}}"#;
    a.push(Answer::raw("application/json", [expensive]));
    assert_eq!(
        stage
            .ask(MESSAGES, &[], PLAIN)
            .await
            .header("x-ctr-endpoint"),
        "a"
    );
    let got = stage.ask(MESSAGES, &[], &long).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
}

#[tokio::test]
async fn strategies_are_obeyed() {
    let (a, b, c) = (upstream().await, upstream().await, upstream().await);
    let all = [&a, &b, &c];
    let pool = Pool::new(&all, json!({ "strategy": "round-robin" })).await;
    let mut answered = String::new();
    for _ in 0..6 {
        answered += &pool.answers().await;
    }
    assert_eq!(answered, "abcabc");

    // One answers late, and another fails: each is told from its record.
    let pool = Pool::new(&all, json!({ "strategy": "least-latency" })).await;
    a.push(Answer::text("slow").delay(Duration::from_millis(60)));
    a.push(Answer::error(500, "api_error", "no"));
    b.push(Answer::text("slow").delay(Duration::from_millis(20)));
    assert_eq!(pool.answers().await, "a", "nothing is known");
    assert_eq!(pool.answers().await, "b", "after `a` failed");
    assert_eq!(pool.answers().await, "b", "`c` was never measured");
    pool.wait(60_000);
    assert_eq!(pool.answers().await, "b", "`a` is slower");

    let pool = Pool::new(&all, json!({ "strategy": "health-aware" })).await;
    a.push(Answer::reset());
    assert_eq!(pool.answers().await, "b");
    pool.wait(60_000);
    assert_eq!(pool.answers().await, "b", "`a` failed a minute ago");
}

#[tokio::test]
async fn latency_is_to_the_first_event_or_to_the_end() {
    let a = upstream().await;
    let pool = Pool::new(&[&a], json!({})).await;
    let gap = Duration::from_millis(150);
    a.push(Answer::text("one two three").gap(gap));
    pool.ask(STREAM).await;
    a.push(Answer::raw("application/json", ["{", "}"]).gap(gap));
    pool.ask(PLAIN).await;
    let policy = &pool.stage.live.plan().pools["m"].health;
    let latencies = pool.stage.health("a").latencies;
    let samples: Vec<u64> = latencies
        .fresh(policy, T)
        .map(|sample| sample.latency_ms)
        .collect();
    assert!(samples[0] < 150 && samples[1] >= 150, "{samples:?}");
}

#[tokio::test]
async fn a_plain_answer_that_breaks_off_was_no_success() {
    let a = upstream().await;
    a.push(Answer::cut_inside("hello ".repeat(4_000), 0));
    let pool = Pool::new(&[&a], json!({})).await;
    let got = pool.ask(PLAIN).await;
    assert!(!got.whole);
    let health = pool.stage.health("a");
    assert_eq!((health.success_count, health.failure_count), (0, 1));
    assert_eq!(
        health
            .latencies
            .fresh(&pool.stage.live.plan().pools["m"].health, T)
            .count(),
        0
    );
}
