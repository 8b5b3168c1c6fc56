//! What another server takes for a request: whatever stands before the proxy may read as
//! that one does, so that the proxy must never see a request where it sees none, or
//! another one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Collected;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::time::timeout;

use super::*;

/// Requests as they were seen, but for their version, which nobody is told, with the body where that was whole.
type Requests = Vec<(String, Option<Bytes>)>;

type Seen = Arc<Mutex<Requests>>;

async fn see<B>(request: http::Request<B>, seen: Seen) -> Response<Body>
where
    B: http_body::Body<Data = Bytes>,
{
    let (mut head, body) = request.into_parts();
    // How a body was framed is the server's business.
    head.headers.remove("transfer-encoding");
    head.headers.remove("content-length");
    let body = body.collect().await.ok().map(Collected::to_bytes);
    let request = format!("{} {} {:?}", head.method, head.uri, head.headers);
    seen.lock().expect("not poisoned").push((request, body));
    Response::new(StatusCode::OK, Body::from("ok"))
}

/// Sends bytes, after which whatever was begun ends, and waits for the connection's end.
async fn send(addr: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    let end = format!(
        "GET /end HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n{}\r\n\r\n",
        "x".repeat(50_000)
    );
    // The server may close before everything is sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.write_all(end.as_bytes()).await;
    let mut answers = Vec::new();
    let reading = stream.read_to_end(&mut answers);
    // An end may be a reset.
    let _ = timeout(Duration::from_secs(20), reading)
        .await
        .expect("an end");
}

async fn ours(bytes: &[u8]) -> Requests {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let seen = Seen::default();
    let known = Arc::clone(&seen);
    let (stop, stopped) = oneshot::channel();
    let answer = move |request: Box<Request<Body>>| see((*request).into(), Arc::clone(&known));
    let served = tokio::spawn(accept(listener, answer, stopped, Cut::default()));
    send(addr, bytes).await;
    drop(stop);
    served.await.expect("it ends");
    let seen = seen.lock().expect("not poisoned");
    seen.clone()
}

async fn hypers(bytes: &[u8]) -> Requests {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let seen = Seen::default();
    let known = Arc::clone(&seen);
    let served = async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let answer = service_fn(move |request| {
            let seeing = see(request, Arc::clone(&known));
            async { Ok::<_, Infallible>(http::Response::from(seeing.await)) }
        });
        // Whatever it says of the connection's end.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    };
    tokio::join!(served, send(addr, bytes));
    let seen = seen.lock().expect("not poisoned");
    seen.clone()
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\r\r\n"), 1 => Just("")]
}

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "host: a",
        "x: b",
        "x:",
        "x: \u{fc}",
        "X-Y:\tb\t",
        "content-length: 3",
        "content-length: 3",
        "Content-Length:3",
        "content-length: 03",
        "content-length: 0",
        "content-length: 3, 3",
        "content-length: 4",
        "content-length: -3",
        "content-length: +3",
        "content-length : 3",
        "content-length: 3 ",
        "content-length: 0x3",
        "content-length:",
        "transfer-encoding: chunked",
        "transfer-encoding: chunked",
        "Transfer-Encoding:Chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding:\tchunked",
        "transfer-encoding : chunked",
        "transfer-encoding:\u{b}chunked",
        "transfer-encoding: identity",
        " transfer-encoding: chunked",
        "\ttransfer-encoding: chunked",
        "transfer_encoding: chunked",
        "connection: close",
        "connection: keep-alive",
        "connection: keep-alive, close",
        "expect: 100-continue",
        "no colon",
        ": no name",
        "x: \u{0}",
        "x: \u{7f}",
    ])
}

fn body() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "abc",
        "abcd",
        "3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "03;x=y\r\nabc\r\n1\r\nd\r\n0\r\nx: y\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "3\r\r\nabc\r\n0\r\n\r\n",
        "3;\rx\r\nabc\r\n0\r\n\r\n",
        "3;\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\r\n0\r\n",
        "3\r\nabc\r\n0\r\nx: y\n\r\n",
        "3\r\nabc\r\n0\r\n\n",
        "3\r\nabc\r\n0\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "\u{b}3\r\nabc\r\n0\r\n\r\n",
        "3\u{b}\r\nabc\r\n0\r\n\r\n",
        "10000000000000003\r\nabc\r\n0\r\n\r\n",
        "\r\n",
    ])
}

fn message() -> impl Strategy<Value = String> {
    let method = prop_oneof![6 => Just("POST"), 2 => Just("GET"), 1 => Just("HEAD"), 1 => Just("get"), 1 => Just("G@T"), 1 => Just("")];
    let target = prop_oneof![8 => Just("/a?b"), 1 => Just("*"), 1 => Just("http://a/b"), 1 => Just("a"), 1 => Just(""), 1 => Just("/\u{fc}"), 1 => Just("/a b"), 1 => Just("/#x")];
    let version = prop_oneof![9 => Just(" HTTP/1.1"), 2 => Just(" HTTP/1.0"), 1 => Just(" HTTP/1.2"), 1 => Just(" HTTP/2.0"), 1 => Just("")];
    // Without one it is refused, whatever else it says.
    let host = prop_oneof![9 => Just("host: a\r\n"), 1 => Just("")];
    let fields = prop::collection::vec((field(), line_end()), 0..5);
    let before = prop_oneof![9 => Just(""), 1 => Just("\r\n"), 1 => Just("\n"), 1 => Just(" ")];
    (
        before,
        (method, target, version, line_end()),
        (host, fields),
        line_end(),
        body(),
    )
        .prop_map(
            |(before, (method, target, version, end), (host, fields), last, body)| {
                let fields: String = fields
                    .iter()
                    .flat_map(|(field, end)| [*field, *end])
                    .collect();
                format!("{before}{method} {target}{version}{end}{host}{fields}{last}{body}")
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_is_seen_where_hyper_sees_none(messages in prop::collection::vec(message(), 1..4)) {
        let sent = messages.concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (ours, hypers) = runtime.block_on(async { tokio::join!(ours(sent.as_bytes()), hypers(sent.as_bytes())) });
        // What breaks off here may be whole there, but not the other way round.
        let pairs = ours.iter().zip(&hypers);
        let same = pairs.take_while(|((head, body), (same_head, same_body))| {
            head == same_head && (body.is_none() || body == same_body)
        });
        let same = same.count();
        prop_assert_eq!(same, ours.len(), "ours {:#?}\nhyper's {:#?}", ours, hypers);
    }
}
