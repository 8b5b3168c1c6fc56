//! Upstreams that fail in every way: each client gets one answer or one error, each
//! request one line in the log, and nothing stays open. A binary of its own,
//! and one test, since descriptors are counted for the whole process. The long
//! form, with memory, is a section of the proxy bench.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "proxy/stage.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod stage;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

use stage::{Got, MESSAGES, Stage, endpoint, gone, pool_plan, upstream};

/// Only ends a test that would hang; nothing measures it.
const PATIENCE: Duration = Duration::from_secs(60);

const ROUNDS: usize = 3;

/// What a client gets of one endpoint that fails.
#[derive(Clone, Copy)]
enum Alone {
    /// A whole answer of this status.
    Status(u16),
    /// The answer that had begun, which does not look complete.
    Broken,
    /// Whole events, then an error event.
    ErrorEvent,
    /// All of it, slowly.
    Whole,
}

/// A way to fail.
struct Fault {
    name: &'static str,
    url: String,
    plain: Alone,
    stream: Alone,
    _upstream: Option<ScriptedUpstream>,
}

impl Fault {
    fn new(name: &'static str, upstream: ScriptedUpstream, plain: Alone, stream: Alone) -> Self {
        Self {
            name,
            url: upstream.url(),
            plain,
            stream,
            _upstream: Some(upstream),
        }
    }

    async fn scripted(name: &'static str, answer: Answer, plain: Alone, stream: Alone) -> Self {
        let upstream = upstream().await;
        upstream.set_default(answer);
        Self::new(name, upstream, plain, stream)
    }

    async fn all() -> Vec<Self> {
        use Alone::{Broken, ErrorEvent, Status, Whole};
        let error = |status| Answer::error(status, "api_error", "from bad");
        let long = Duration::from_secs(3600);
        let drip = Answer::text("from bad").gap(Duration::from_millis(5));
        let same = |status| (Status(status), Status(status));
        let scripted = [
            ("hang", Answer::hang(), same(504)),
            ("late", Answer::text("from bad").delay(long), same(504)),
            ("reset", Answer::reset(), same(502)),
            ("500", error(500), same(500)),
            ("429", error(429), same(429)),
            ("529", error(529), same(529)),
            // What is short is read whole before anybody is told that it begins.
            ("cut", Answer::cut("from bad", 3), (Status(502), ErrorEvent)),
            (
                "cut inside",
                Answer::cut_inside("from bad", 3),
                (Status(502), ErrorEvent),
            ),
            (
                "cut far in",
                Answer::cut_inside("from bad ".repeat(4_000), 3),
                (Broken, ErrorEvent),
            ),
            ("drip", drip, (Whole, Whole)),
        ];
        let mut all = vec![Self::new("refuse", gone().await, Status(502), Status(502))];
        for (name, answer, (plain, stream)) in scripted {
            all.push(Self::scripted(name, answer, plain, stream).await);
        }
        all.push(Self {
            name: "garbage",
            url: garbage().await,
            plain: Status(502),
            stream: Status(502),
            _upstream: None,
        });
        all
    }

    fn alone(&self, stream: bool) -> Alone {
        if stream { self.stream } else { self.plain }
    }
}

/// The address of something that speaks no HTTP.
async fn garbage() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"\x16\x03\x01 no HTTP\r\n\r\n\0\0").await;
        }
    });
    format!("http://{addr}")
}

/// Each fault as a model of its own, and as the first endpoint of a pool.
fn plan(faults: &[Fault], good: &ScriptedUpstream) -> Value {
    let mut plan = pool_plan(MESSAGES, &[good]);
    let mut like = plan["pools"]["m"].take();
    plan["pools"] = serde_json::json!({});
    // What failed is asked again at once.
    like["health"]["cooldown_ms"] = 0.into();
    like["health"]["open_ms"] = 0.into();
    like["retry_budget"]["percent"] = 100.into();
    for fault in faults {
        let bad = |id: &str| endpoint(id, &format!("{}{MESSAGES}", fault.url), 1);
        let mut pool = like.clone();
        let mut second = endpoint("good", &format!("{}{MESSAGES}", good.url()), 2);
        second["provider"] = format!("provider-good-{}", fault.name).into();
        pool["endpoints"] = vec![bad(&format!("bad {}", fault.name)), second].into();
        plan["pools"][format!("pool {}", fault.name)] = pool;
        plan["models"][fault.name] = bad(fault.name);
    }
    plan["upstream_timeout_ms"] = 250.into();
    plan
}

/// How each request ended, as the log tells it.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "outcome" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Told {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Open descriptors of this process; where nobody tells, always as many.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, |open| open.flatten().count())
}

async fn until(what: &str, wanted: impl Fn() -> bool) {
    let waiting = async {
        while !wanted() {
            tokio::task::yield_now().await;
        }
    };
    let done = timeout(PATIENCE, waiting).await;
    assert!(done.is_ok(), "{what}");
}

/// What a client gets on a connection of its own; none where that breaks off
/// before there is a head.
async fn ask(stage: &Stage, model: &str, stream: bool) -> Option<Got> {
    let body = format!("{{\"model\":\"{model}\",\"stream\":{stream},\"messages\":[]}}");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = http::Request::post(format!("http://{}{MESSAGES}", stage.addr));
    let request = request.body(Full::from(body)).unwrap();
    let asking = async { Some(Got::read(client.request(request).await.ok()?).await) };
    let asked = timeout(PATIENCE, asking).await;
    asked.unwrap_or_else(|_| panic!("{model}, stream {stream}: no answer"))
}

/// Whether an answer is of one upstream, and of which.
fn holds(got: &Got, word: &str, other: &str) -> bool {
    got.body.contains(word) && !got.body.contains(other)
}

fn judge(got: Option<&Got>, alone: Alone, stream: bool, what: &str) {
    let Some(got) = got else {
        assert!(matches!(alone, Alone::Broken), "{what}: no head");
        return;
    };
    let status = got.status.as_u16();
    let is_over = got.body.contains("message_stop") || (!stream && got.body.ends_with('}'));
    let is_right = match alone {
        Alone::Status(wanted) => status == wanted && got.whole && got.body.contains("\"error\""),
        Alone::Broken => status == 200 && !got.whole,
        Alone::ErrorEvent => {
            status == 200 && got.whole && !is_over && got.body.contains("event: error\n")
        }
        Alone::Whole => status == 200 && got.whole && is_over,
    };
    assert!(is_right, "{what}: {got:?}");
    assert!(!got.body.contains("good"), "{what}: {got:?}");
}

#[tokio::test]
async fn upstreams_fail_and_nothing_is_lost_mixed_or_left() {
    let told = Told::default();
    // While there is only one subscriber, a place that writes a line is judged by
    // the thread that first comes by.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing_subscriber::registry()
        .with(told.clone())
        .set_default();
    let good = upstream().await;
    good.set_default(Answer::text("good"));
    let faults = Fault::all().await;
    let stage = Stage::new(&plan(&faults, &good)).await;
    let mut asked = 0;
    let mut open = None;
    for _ in 0..ROUNDS {
        for (fault, stream) in faults
            .iter()
            .flat_map(|fault| [(fault, false), (fault, true)])
        {
            let what = format!("{}, stream {stream}", fault.name);
            let got = ask(&stage, fault.name, stream).await;
            judge(got.as_ref(), fault.alone(stream), stream, &what);
            let got = ask(&stage, &format!("pool {}", fault.name), stream).await;
            match fault.alone(stream) {
                Alone::Status(_) => {
                    let got = got.unwrap_or_else(|| panic!("{what}: no head"));
                    assert!(got.whole && got.status == 200, "{what}: {got:?}");
                    assert_eq!(got.header("x-ctr-endpoint"), "good", "{what}");
                    assert!(holds(&got, "good", "bad"), "{what}: {got:?}");
                }
                begun => judge(got.as_ref(), begun, stream, &what),
            }
            asked += 2;
        }
        until("a request has no line in the log", || told.count() >= asked).await;
        let most = *open.get_or_insert_with(descriptors);
        until("descriptors stay open", || descriptors() <= most).await;
    }
    assert_eq!(told.count(), asked);
    let outcomes = told.0.lock().unwrap();
    let broken = outcomes.iter().filter(|outcome| *outcome == "broken");
    // Two faults cut an answer that has begun, plain and not, alone and in a pool.
    assert_eq!(broken.count(), ROUNDS * 2 * 2 * 2);
    assert!(
        outcomes.iter().all(|outcome| outcome != "client_left"),
        "{outcomes:?}"
    );
}
