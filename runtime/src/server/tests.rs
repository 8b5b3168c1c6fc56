//! Over real sockets: what a client is answered, and when its connection ends.

mod against_hyper;

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, sleep};

use super::accept;
use crate::cut::Cut;
use crate::http1::{Request, Response};

/// A server that answers by the path of a request.
struct Served {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
}

impl Served {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(accept(listener, answer, stopped, Cut::default()));
        Self { addr, stop }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.expect("a connection")
    }

    /// What comes back until the connection ends.
    async fn all(&self, sent: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(sent.as_bytes()).await.expect("written");
        rest(&mut stream).await
    }
}

async fn answer(request: Box<Request<Body>>) -> Response<Body> {
    let path = request.uri.path().to_owned();
    let ok = |text: &'static str| Ok::<_, Infallible>(Bytes::from_static(text.as_bytes()));
    match path.as_str() {
        "/echo" => match request.body.collect().await {
            Ok(body) => ok_with(body.to_bytes()),
            Err(error) => with_status(StatusCode::BAD_REQUEST, error.to_string()),
        },
        "/stubborn" => {
            let mut body = request.body;
            let mut failures = 0;
            while let Some(frame) = body.frame().await.filter(|_| failures < 3) {
                failures += u8::from(frame.is_err());
            }
            ok_with(format!("{failures} failures"))
        }
        "/pieces" => ok_with(Body::from_stream(stream::iter([ok("ab"), ok(""), ok("c")]))),
        "/large" => ok_with(Body::from_stream(stream::iter([
            Ok::<_, Infallible>(large()),
            ok("c"),
        ]))),
        "/breaks" => {
            let pieces = [Ok(Bytes::from_static(b"ab")), Err("broken")];
            ok_with(Body::from_stream(stream::iter(pieces)))
        }
        "/huge" => ok_with(vec![b'x'; 64 << 20]),
        "/none" => with_status(StatusCode::NO_CONTENT, String::new()),
        "/never" => std::future::pending().await,
        _ => ok_with("unread"),
    }
}

fn large() -> Bytes {
    vec![b'x'; 9 << 10].into()
}

fn ok_with(body: impl Into<Body>) -> Response<Body> {
    Response::new(StatusCode::OK, body.into())
}

fn with_status(status: StatusCode, body: String) -> Response<Body> {
    Response::new(status, Body::from(body))
}

/// What comes until the connection ends, without dates.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.expect("an end");
    without_dates(&read)
}

/// What comes until it ends like this.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let length = stream.read_buf(&mut read).await.expect("more");
        assert_ne!(length, 0, "it ended: {}", String::from_utf8_lossy(&read));
    }
    without_dates(&read)
}

fn without_dates(read: &[u8]) -> String {
    let text = String::from_utf8(read.to_vec()).expect("text");
    let lines = text.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

fn close(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

fn kept(text: &str) -> String {
    close(text).replace("connection: close\r\n", "")
}

#[tokio::test]
async fn requests_are_answered_in_their_order() {
    let served = Served::start().await;
    let all = served
        .all(
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\none\r\n\
             POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n\
             GET /echo HTTP/1.1\r\nhost: a\r\n\r\n\
             POST /echo HTTP/1.0\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\nfour\
             POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlast",
        )
        .await;
    let old = kept("four").replace("\r\n\r\n", "\r\nconnection: keep-alive\r\n\r\n");
    let wanted = [kept("one"), kept("two"), kept(""), old, close("last")].concat();
    assert_eq!(all, wanted);
}

#[tokio::test]
async fn an_answer_says_where_it_ends() {
    let served = Served::start().await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let all = served
        .all("GET /pieces HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(all, format!("{chunked}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
    let all = served
        .all("GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    let large = String::from_utf8(large().into()).expect("text");
    assert_eq!(
        all,
        format!("{chunked}2400\r\n{large}\r\n1\r\nc\r\n0\r\n\r\n")
    );
    let all = served
        .all("GET /pieces HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        .await;
    assert_eq!(all, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
    let all = served
        .all("HEAD /pieces HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(all, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    let all = served
        .all("GET /none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(all, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}

#[tokio::test]
async fn a_body_that_broke_off_has_no_end() {
    let sent = "POST /stubborn HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                zz\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nhost: a\r\n\r\n";
    let all = Served::start().await.all(sent).await;
    assert_eq!(all, close("3 failures"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_complete() {
    let all = Served::start()
        .await
        .all("GET /breaks HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert_eq!(
        all,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"
    );
}

#[tokio::test]
async fn a_client_that_waits_is_asked_for_its_body() {
    let served = Served::start().await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        )
    };
    let mut stream = served.connect().await;
    stream
        .write_all(head("/echo").as_bytes())
        .await
        .expect("written");
    let asked = until(&mut stream, "\r\n\r\n").await;
    assert_eq!(asked, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ok").await.expect("written");
    assert_eq!(until(&mut stream, "ok").await, kept("ok"));
    // One that has sent it meanwhile is not, nor one whose body nobody wants.
    let sent = format!("{}ok", head("/echo"));
    stream.write_all(sent.as_bytes()).await.expect("written");
    assert_eq!(until(&mut stream, "ok").await, kept("ok"));
    stream
        .write_all(head("/unread").as_bytes())
        .await
        .expect("written");
    assert_eq!(rest(&mut stream).await, close("unread"));
}

#[tokio::test]
async fn an_answer_before_the_end_of_a_request_reaches_a_client_that_still_sends() {
    let served = Served::start().await;
    let mut stream = served.connect().await;
    let head = b"POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n";
    stream.write_all(head).await.expect("written");
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        // The server may have closed before everything is sent.
        let _ = writing.write_all(&vec![b'x'; 3_000_000]).await;
    };
    let mut read = Vec::new();
    let (read, ()) = tokio::join!(
        async {
            reading.read_to_end(&mut read).await.expect("an end");
            without_dates(&read)
        },
        sending
    );
    assert_eq!(read, close("unread"));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_ends_the_connection() {
    let all = Served::start()
        .await
        .all("GET /echo HTTP/1.1\r\nhost: a\r\n\r\nnonsense\r\n\r\nGET /echo HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    let body = "{\"error\":{\"message\":\"the request cannot be read: its head is not HTTP/1\",\"type\":\"invalid_request_error\"},\"type\":\"error\"}";
    let refused = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(all, kept("") + &refused);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_let_go() {
    let served = Served::start().await;
    assert_eq!(served.all("").await, "");
    assert_eq!(
        served.all("GET /echo HTTP/1.1\r\nhost: a\r\n\r\n").await,
        kept("")
    );
    let all = served.all("GET /echo").await;
    assert!(all.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    let served = Served::start().await;
    let mut stream = served.connect().await;
    let head = b"GET /huge HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(head).await.expect("written");
    let began = Instant::now();
    sleep(Duration::from_secs(299)).await;
    let length = stream.read(&mut [0; 4096]).await.expect("its beginning");
    assert_ne!(length, 0);
    // What was read before may have made room for more.
    sleep(Duration::from_secs(301)).await;
    let mut rest = Vec::new();
    // It may end with a reset.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 64 << 20, "{} bytes", rest.len());
    assert_eq!(began.elapsed().as_secs(), 600);
}

#[tokio::test]
async fn what_is_done_for_a_client_that_leaves_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (began, mut begun) = tokio::sync::mpsc::channel(1);
    let answer = move |_| {
        let began = began.clone();
        async move {
            let (dropped, is_dropped) = oneshot::channel::<()>();
            began.send(is_dropped).await.expect("somebody waits");
            let _kept = dropped;
            std::future::pending().await
        }
    };
    let (_stop, stopped) = oneshot::channel();
    tokio::spawn(accept(listener, answer, stopped, Cut::default()));
    let mut asks = async || {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(head).await.expect("written");
        (stream, begun.recv().await.expect("it began"))
    };
    let (stream, is_dropped) = asks().await;
    drop(stream);
    assert!(is_dropped.await.is_err());
    // One that could still read is not told apart.
    let (mut stream, is_dropped) = asks().await;
    stream.shutdown().await.expect("closed");
    assert!(is_dropped.await.is_err());
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_connections_between_requests() {
    let served = Served::start().await;
    let (mut idle, mut busy) = (served.connect().await, served.connect().await);
    idle.write_all(b"GET /echo HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("written");
    assert_eq!(until(&mut idle, "\r\n\r\n").await, kept(""));
    let head =
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    busy.write_all(head).await.expect("written");
    until(&mut busy, "\r\n\r\n").await;
    drop(served.stop);
    assert_eq!(rest(&mut idle).await, "");
    busy.write_all(b"ok").await.expect("written");
    assert_eq!(rest(&mut busy).await, close("ok"));
    assert!(TcpStream::connect(served.addr).await.is_err());
}
