//! What does deciding cost on the way? The proxy against a plain forwarder.
//!
//! Both are processes of their own with one worker thread, in front of the
//! same upstream on loopback. The forwarder is built from the same server and
//! client crates and passes bytes on untouched. Rounds alternate between the
//! two, and the middle ratio of all rounds is printed: absolute figures of a
//! shared machine mean nothing. Load is bounded by count and goes to loopback
//! only.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 9;
const CONNECTIONS: usize = 32;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match std::env::var("CTR_BENCH_FORWARD_TO") {
        Ok(upstream) => runtime.block_on(forward(upstream)),
        Err(_) => runtime.block_on(compare()),
    }
}

async fn compare() {
    let upstream = serve_upstream().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("registration.yaml");
    std::fs::write(&config, registration(upstream)).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("CTR_BENCH_FORWARD_TO", upstream.to_string());
    let forwarder = Server::start(command);
    // The forwarder writes no log, so the like-for-like figure is without one.
    for (level, what) in [("warn", "no log lines"), ("info", "a log line a request")] {
        let log = std::fs::File::create(folder.path().join(level)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ctr"));
        command
            .args(["start", "--port", "0", "--log-level", level, "--config"])
            .arg(&config)
            .stderr(log);
        let proxy = Server::start(command);
        println!(
            "{what}; resident at idle: proxy {:.1} MB (aim ≤ 30), forwarder {:.1} MB",
            proxy.resident_mb(),
            forwarder.resident_mb()
        );
        measure(&proxy, &forwarder).await;
    }
}

/// Alternates between the two and prints the middle ratio for each size of body.
async fn measure(proxy: &Server, forwarder: &Server) {
    for (name, size, requests) in [("2 KB", 2_000, 6_000), ("60 KB", 60_000, 2_500)] {
        let bytes = request(size);
        let mut rounds = Vec::new();
        let before = (proxy.cpu_seconds(), forwarder.cpu_seconds());
        for round in 0..=ROUNDS {
            let plain = requests_per_second(forwarder.addr, &bytes, requests).await;
            let routed = requests_per_second(proxy.addr, &bytes, requests).await;
            // The first round opens connections and warms caches.
            if round > 0 {
                rounds.push((routed / plain, routed, plain));
            }
        }
        let served = (requests / CONNECTIONS * CONNECTIONS * (ROUNDS + 1)) as f64 / 1e6;
        let (routed, plain) = (
            proxy.cpu_seconds() - before.0,
            forwarder.cpu_seconds() - before.1,
        );
        println!(
            "{name} bodies: CPU a request {:.1} µs and {:.1} µs, forwarder / proxy {:.2}",
            routed / served,
            plain / served,
            plain / routed
        );
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ratio, routed, plain) = rounds[rounds.len() / 2];
        println!(
            "{name} bodies, {CONNECTIONS} connections: proxy / forwarder {ratio:.2} (aim ≥ 0.80; {routed:.0} and {plain:.0} requests a second, ratios {:.2} to {:.2})",
            rounds[0].0,
            rounds[rounds.len() - 1].0,
        );
    }
}

/// A process under measurement; ended when dropped.
struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    /// Starts it and reads the address it says it listens on.
    fn start(mut command: Command) -> Self {
        let mut child = command
            .env("TOKIO_WORKER_THREADS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| address(&line))
            .unwrap();
        // The pipe is read to its end, so that a full one never stops the process.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, addr }
    }

    /// User and system time so far; the kernel counts it in hundredths of a second.
    fn cpu_seconds(&self) -> f64 {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<f64> = stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        fields
            .get(11)
            .zip(fields.get(12))
            .map_or(f64::NAN, |(user, system)| (user + system) / 100.0)
    }

    fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap_or("");
        let kilobytes: f64 = line
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .unwrap_or(f64::NAN);
        kilobytes / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `127.0.0.1:PORT` in a line.
fn address(line: &str) -> Option<SocketAddr> {
    let start = line.find("127.0.0.1:")?;
    let end = line[start + 10..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(line.len(), |at| start + 10 + at);
    line[start..end]
        .parse()
        .ok()
        .filter(|addr: &SocketAddr| addr.port() != 0)
}

async fn forward(upstream: String) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Body> =
        Client::builder(TokioExecutor::new()).build(connector);
    let app = axum::Router::new()
        .fallback(pass)
        .with_state((client, upstream));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream: &mut TcpStream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await.unwrap();
}

async fn pass(
    State((client, upstream)): State<(Client<HttpConnector, Body>, String)>,
    mut request: Request,
) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::builder()
        .scheme("http")
        .authority(upstream)
        .path_and_query(path)
        .build()
        .unwrap();
    match client.request(request).await {
        Ok(response) => response.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// An upstream as lean as can be: reads a request, writes a fixed answer.
async fn serve_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let body = format!(
        "{{\"type\":\"message\",\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}",
        "word ".repeat(100)
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = Vec::with_capacity(128 << 10);
                while read_message(&mut stream, &mut buffer).await.is_some() {
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    addr
}

/// Reads one HTTP/1.1 message with a content length; its status, if it is an answer.
async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(head) = buffer
            .windows(4)
            .take(4096)
            .position(|window| window == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text
                .split("content-length: ")
                .nth(1)?
                .lines()
                .next()?
                .trim()
                .parse::<usize>()
                .ok()?;
            let total = head + 4 + length;
            while buffer.len() < total {
                if stream.read_buf(buffer).await.ok()? == 0 {
                    return None;
                }
            }
            buffer.drain(..total);
            return Some(text.lines().next().unwrap_or("").to_owned());
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn requests_per_second(addr: SocketAddr, request: &[u8], requests: usize) -> f64 {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        streams.push(stream);
    }
    let each = requests / CONNECTIONS;
    let start = Instant::now();
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            let request = request.to_vec();
            tokio::spawn(async move {
                let mut buffer = Vec::with_capacity(16 << 10);
                for _ in 0..each {
                    stream.write_all(&request).await.unwrap();
                    let status = read_message(&mut stream, &mut buffer).await.unwrap();
                    assert!(status.contains(" 200"), "{status}");
                }
            })
        })
        .collect();
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(120), task)
            .await
            .unwrap()
            .unwrap();
    }
    (each * CONNECTIONS) as f64 / start.elapsed().as_secs_f64()
}

/// A request as a coding agent sends it: mostly instructions and code as text,
/// a fifth of it schemas of tools.
fn request(size: usize) -> Vec<u8> {
    let prose = concat!(
        "You are a coding agent. Read a file before you edit it, and run the tests after that.\\n",
        r#"- Search with `rg`, never with \"grep -r\"; keep answers short, and say what you did and why.\n"#,
    );
    let tool = r#"{"name":"Read","description":"Reads a file from the local filesystem, whole or in part.","input_schema":{"type":"object","properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0}},"required":["path"]}}"#;
    let text = prose.repeat(size * 4 / 5 / prose.len());
    let tools = vec![tool; (size / 5 / tool.len()).max(1)].join(",");
    let body = format!(
        r#"{{"model":"sonnet","max_tokens":1024,"messages":[{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}],"tools":[{tools}],"stream":false}}"#
    );
    format!(
        "POST /v1/messages HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nanthropic-version: 2023-06-01\r\nx-api-key: caller\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn registration(upstream: SocketAddr) -> String {
    format!(
        "LOG_LEVEL: info\nRouter: {{default: sonnet}}\nRegistration:\n  enabled: true\n  models:\n    - {{id: sonnet, api: \"http://{upstream}/v1\", key: \"${{NONE:-}}\", interface: anthropic, model: claude-sonnet-4-5}}\n    - {{id: sonnet, api: \"http://{upstream}/v1\", key: \"${{NONE:-}}\", interface: anthropic, model: claude-sonnet-4-5}}\n"
    )
}
