//! Bodies that reach the upstream while the client still sends them.

use std::sync::mpsc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use crate::stage::{MESSAGES, Stage, gone, pool_plan, upstream};
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use serde_json::{Value, json};

/// An upstream that is read byte by byte.
struct Raw(TcpListener);

impl Raw {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A plan of pool `m`, whose first endpoint this is.
    fn plan(&self, others: &[&ScriptedUpstream]) -> Value {
        let mut plan = pool_plan(MESSAGES, &[&[others[0]], others].concat());
        let url = format!("http://{}{MESSAGES}", self.0.local_addr().unwrap());
        plan["pools"]["m"]["endpoints"][0]["api"]["url"] = url.into();
        plan
    }

    async fn accept(&self) -> Reading {
        Reading {
            stream: self.0.accept().await.unwrap().0,
            bytes: Vec::new(),
        }
    }
}

struct Reading {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Reading {
    /// Reads until this has come.
    async fn until(&mut self, wanted: &str) {
        while !self.text().contains(wanted) {
            let read = self.stream.read_buf(&mut self.bytes).await.unwrap();
            assert!(read > 0, "{wanted} never came: {}", self.text());
        }
    }

    /// Reads until the connection ends.
    async fn end(&mut self) {
        // It may be reset.
        let _ = self.stream.read_to_end(&mut self.bytes).await;
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// Bytes of the body that are promised, and what came of it.
    fn body(&self) -> (usize, &str) {
        let (head, body) = self.text().split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        (length.unwrap().parse().unwrap(), body)
    }

    async fn answer(&mut self, status: u16) {
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}");
        self.stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A client that sends its body in parts.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn begin(stage: &Stage, length: usize, beginning: &str) -> Self {
        let mut stream = TcpStream::connect(stage.addr).await.unwrap();
        let head = format!(
            "POST {MESSAGES} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        let sent = head + beginning;
        stream.write_all(sent.as_bytes()).await.unwrap();
        Self(stream)
    }

    pub(crate) async fn go_on(&mut self, rest: &str) {
        self.0.write_all(rest.as_bytes()).await.unwrap();
    }

    /// Status and body of the answer.
    pub(crate) async fn answer(mut self) -> (u16, String) {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

/// The client has begun, and the upstream has heard of it.
async fn begun(stage: &Stage, raw: &Raw) -> (Client, Reading) {
    let client = Client::begin(stage, BEGINNING.len() + REST.len(), BEGINNING).await;
    let mut reading = raw.accept().await;
    reading.until("it beg").await;
    (client, reading)
}

/// A body in two parts.
pub(crate) const BEGINNING: &str = "{ \"model\":\"m\", \"x\": \"it beg";
pub(crate) const REST: &str = "ins\",\"of\":\"a \\\"model\\\" of its kind\" }";

#[tokio::test]
async fn the_upstream_hears_of_a_body_before_its_end() {
    let (raw, other) = (Raw::start().await, upstream().await);
    let stage = Stage::new(&raw.plan(&[&other])).await;
    let (mut client, mut reading) = begun(&stage, &raw).await;
    client.go_on(REST).await;
    reading.until("kind\" }").await;
    let whole = format!("{BEGINNING}{REST}").replace("\"m\"", "\"up/a\"");
    assert_eq!(reading.body(), (whole.len(), &*whole));
    reading.answer(200).await;
    assert_eq!(client.answer().await, (200, "{}".to_owned()));
}

/// However it is spelt, and wherever the parts are cut: no upstream ever has a whole
/// request that names two models.
#[tokio::test]
async fn a_second_model_never_arrives() {
    let (raw, other) = (Raw::start().await, upstream().await);
    let stage = Stage::new(&raw.plan(&[&other])).await;
    for second in ["\"model\":\"z\"}", "\"mod\\u0065l\":\"z\"}", "\"x\":\"z\"]"] {
        let body = format!("{{\"model\":\"m\",\"x\":\"y\",{second}");
        for cut in "{\"model\":\"m\",\"".len()..body.len() {
            let (beginning, rest) = body.split_at(cut);
            let mut client = Client::begin(&stage, body.len(), beginning).await;
            let mut reading = raw.accept().await;
            reading.until("up/a").await;
            client.go_on(rest).await;
            let (status, answer) = client.answer().await;
            assert_eq!(status, 400, "{beginning} {rest}: {answer}");
            reading.end().await;
            let (promised, came) = reading.body();
            assert!(came.len() < promised, "{beginning} {rest}: {came}");
        }
    }
    assert_eq!(stage.health("a").failure_count, 0);
    assert_eq!(other.received(), [], "nobody else is asked");
}

#[tokio::test]
async fn another_endpoint_is_sent_the_same() {
    let (raw, other) = (Raw::start().await, upstream().await);
    let stage = Stage::new(&raw.plan(&[&other])).await;
    let (mut client, mut reading) = begun(&stage, &raw).await;
    reading.answer(500).await;
    client.go_on(REST).await;
    other.wait_received(1).await;
    let whole = format!("{BEGINNING}{REST}").replace("\"m\"", "\"up/b\"");
    assert_eq!(other.received()[0].body, whole);
    assert_eq!(client.answer().await.0, 200);
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_wait_for_a_slow_client_is_not_blamed() {
    let _still = still();
    for (status, waits) in [(Some(408), true), (None, true), (None, false)] {
        let (raw, other) = (Raw::start().await, upstream().await);
        let stage = Stage::new(&raw.plan(&[&other])).await;
        let (mut client, mut reading) = begun(&stage, &raw).await;
        if waits {
            advance(Duration::from_secs(5)).await;
        }
        if let Some(status) = status {
            reading.answer(status).await;
        }
        drop(reading);
        // The proxy hears of it before the rest comes.
        for _ in 0..1_000 {
            yield_now().await;
        }
        client.go_on(REST).await;
        let whole = format!("{BEGINNING}{REST}");
        if waits {
            // It is asked again, when there is all of it.
            let mut reading = raw.accept().await;
            reading.until("kind\" }").await;
            assert_eq!(reading.body().1, whole.replace("\"m\"", "\"up/a\""));
            reading.answer(200).await;
            assert_eq!(stage.health("a").failure_count, 0, "{status:?}");
        } else {
            other.wait_received(1).await;
            assert_eq!(stage.health("a").failure_count, 1);
        }
        assert_eq!(client.answer().await.0, 200);
    }
}

#[tokio::test]
async fn a_kept_connection_that_is_gone_blames_nobody_while_a_client_sends() {
    let (raw, other) = (Raw::start().await, upstream().await);
    let stage = Stage::new(&raw.plan(&[&other])).await;
    let (mut client, mut reading) = begun(&stage, &raw).await;
    client.go_on(REST).await;
    reading.until("kind\" }").await;
    reading.answer(200).await;
    assert_eq!(client.answer().await.0, 200);
    reading.bytes.clear();
    let mut client = Client::begin(&stage, BEGINNING.len() + REST.len(), BEGINNING).await;
    reading.until("it beg").await;
    drop(reading);
    // The proxy hears of it before the rest comes.
    for _ in 0..1_000 {
        yield_now().await;
    }
    client.go_on(REST).await;
    let mut reading = raw.accept().await;
    reading.until("kind\" }").await;
    reading.answer(200).await;
    assert_eq!(client.answer().await.0, 200);
    assert_eq!(stage.health("a").failure_count, 0);
}

/// Milliseconds that an endpoint is taken to have needed.
fn latencies(stage: &Stage) -> Vec<u64> {
    let policy = &stage.live.plan().pools["m"].health;
    let latencies = stage.health("a").latencies;
    let fresh = latencies.fresh(policy, stage.live.clock().now_ms());
    fresh.map(|sample| sample.latency_ms).collect()
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_client_is_not_the_endpoints() {
    let _still = still();
    let raw = Raw::start().await;
    let gone = gone().await;
    let stage = Stage::new(&raw.plan(&[&gone])).await;
    // It sends slowly.
    let (mut client, mut reading) = begun(&stage, &raw).await;
    advance(Duration::from_secs(3)).await;
    client.go_on(REST).await;
    reading.until("kind\" }").await;
    advance(Duration::from_millis(20)).await;
    reading.answer(200).await;
    assert_eq!(client.answer().await.0, 200);
    let first = latencies(&stage);
    assert!((20..3_000).contains(&first[0]), "{first:?}");
    // It reads slowly, more than any buffer of a socket holds.
    reading.bytes.clear();
    let mut client = Client::begin(&stage, BEGINNING.len() + REST.len(), BEGINNING).await;
    client.go_on(REST).await;
    reading.until("kind\" }").await;
    let length = 24 << 20;
    let head = format!("HTTP/1.1 200 x\r\ncontent-length: {length}\r\n\r\n");
    let answer = tokio::spawn(async move {
        reading.stream.write_all(head.as_bytes()).await.unwrap();
        reading.stream.write_all(&vec![b' '; length]).await.unwrap();
    });
    let mut begun = [0; 1];
    client.0.read_exact(&mut begun).await.unwrap();
    // All that there is room for goes out.
    for _ in 0..10_000 {
        yield_now().await;
    }
    advance(Duration::from_secs(4)).await;
    let (status, body) = {
        let mut rest = String::from_utf8(begun.to_vec()).unwrap();
        client.0.read_to_string(&mut rest).await.unwrap();
        (rest.starts_with("HTTP/1.1 200"), rest.len())
    };
    answer.await.unwrap();
    assert!(status && body > length);
    let both = latencies(&stage);
    assert!(both.len() == 2 && both[1] < 4_000, "{both:?}");
}

#[tokio::test]
async fn an_answer_waits_for_the_end_of_the_body() {
    let raw = Raw::start().await;
    let gone = gone().await;
    let stage = Stage::new(&raw.plan(&[&gone])).await;
    let (mut client, mut reading) = begun(&stage, &raw).await;
    reading.answer(400).await;
    client.go_on(REST).await;
    assert_eq!(client.answer().await, (400, "{}".to_owned()));
}

#[tokio::test]
async fn a_client_that_breaks_off_is_nobody_elses_fault() {
    let (raw, other) = (Raw::start().await, upstream().await);
    other.set_default(Answer::text("never asked"));
    let mut plan = raw.plan(&[&other]);
    plan["pools"]["m"]["enforce_rate_limits"] = true.into();
    plan["pools"]["m"]["endpoints"][0]["rate_limit"] = json!({ "rpm": 1 });
    let stage = Stage::new(&plan).await;
    let (client, mut reading) = begun(&stage, &raw).await;
    drop(client);
    reading.end().await;
    let (promised, came) = reading.body();
    assert!(came.len() < promised, "{came}");
    assert_eq!(stage.health("a").failure_count, 0);
    assert_eq!(other.received(), []);
    // Nor has it used up the limit of who never had it whole.
    let live = &stage.live;
    let it = live.upstream(&live.plan().pools["m"].endpoints[0]);
    let seen = it.record.seen(&it.terms, live.clock().now_ms(), 1);
    assert_eq!(seen.limited_until, None);
}

/// Of a body that no buffer of a socket holds it takes what fits there.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_takes_nothing_is_given_up() {
    let _still = still();
    let (raw, other) = (Raw::start().await, upstream().await);
    let mut plan = raw.plan(&[&other]);
    plan["upstream_timeout_ms"] = 1_000.into();
    let stage = Stage::new(&plan).await;
    let rest = format!("{}\"}}", "x".repeat(24 << 20));
    let mut client = Client::begin(&stage, BEGINNING.len() + rest.len(), BEGINNING).await;
    let _deaf = raw.accept().await;
    client.go_on(&rest).await;
    // Its time runs from when all of it is here, which nobody tells.
    let began = Instant::now();
    while stage.health("a").failure_count == 0 {
        assert!(began.elapsed() < Duration::from_secs(300), "it is not");
        advance(Duration::from_millis(50)).await;
    }
    other.wait_received(1).await;
    assert_eq!(
        other.received()[0].body.len(),
        BEGINNING.len() + rest.len() + 3
    );
    assert_eq!(client.answer().await.0, 200);
    assert_eq!(stage.health("a").failure_count, 1);
}

/// Keeps a paused clock from running on by itself as long as it is there: it would
/// whenever every task waits, and one that waits for a socket may get there in no time.
fn still() -> mpsc::Sender<()> {
    let (still, over) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        // It ends with the sender.
        let _ = over.recv();
    });
    still
}
