//! Over real sockets: which connections are used again, and which are not.

use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

type Asking = Client<Full<Bytes>>;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that is told what to answer to each request, connection by connection.
struct Server {
    listener: TcpListener,
    address: Uri,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        Self {
            listener,
            address: format!("http://{address}/").parse().expect("a URI"),
        }
    }

    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.expect("a connection").0
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from("hello"));
        *request.uri_mut() = self.address.clone();
        request
    }
}

/// Reads one request.
async fn read(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"hello") {
        let read = stream.read_buf(&mut seen).await.expect("a request");
        assert_ne!(read, 0, "the connection ended");
    }
}

async fn answer(stream: &mut TcpStream, with: &[u8]) {
    read(stream).await;
    stream.write_all(with).await.expect("written");
}

async fn ask(client: &Asking, server: &Server) -> Bytes {
    let response = client.request(server.request()).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body");
    body.to_bytes()
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (server, client) = (Server::start().await, Asking::new());
    let serve = async {
        let mut stream = server.accept().await;
        for _ in 0..3 {
            answer(&mut stream, ANSWER).await;
        }
    };
    let ask = async {
        for _ in 0..3 {
            assert_eq!(ask(&client, &server).await, "ok");
        }
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn a_connection_that_its_server_closed_is_not_used() {
    let (server, client) = (Server::start().await, Asking::new());
    let (closed, is_closed) = tokio::sync::oneshot::channel();
    let serve = async {
        let mut stream = server.accept().await;
        answer(&mut stream, ANSWER).await;
        drop(stream);
        closed.send(()).expect("somebody waits");
        answer(&mut server.accept().await, ANSWER).await;
    };
    let ask = async {
        assert_eq!(ask(&client, &server).await, "ok");
        is_closed.await.expect("it is closed");
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn an_answer_dropped_before_its_end_closes_its_connection() {
    let (server, client) = (Server::start().await, Asking::new());
    let serve = async {
        let mut stream = server.accept().await;
        answer(
            &mut stream,
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
        )
        .await;
        let read = stream.read(&mut [0]).await;
        assert_eq!(read.unwrap_or_default(), 0, "it was closed");
        answer(&mut server.accept().await, ANSWER).await;
    };
    let ask = async {
        drop(client.request(server.request()).await.expect("an answer"));
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn an_answer_that_came_whole_need_not_be_read() {
    let (server, client) = (Server::start().await, Asking::new());
    let serve = async {
        let mut stream = server.accept().await;
        for _ in 0..2 {
            answer(&mut stream, ANSWER).await;
        }
    };
    let ask = async {
        drop(client.request(server.request()).await.expect("an answer"));
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn a_server_that_says_it_closes_is_believed() {
    let (server, client) = (Server::start().await, Asking::new());
    let closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let serve = async {
        let mut first = server.accept().await;
        answer(&mut first, closing).await;
        answer(&mut server.accept().await, ANSWER).await;
    };
    let ask = async {
        for _ in 0..2 {
            assert_eq!(ask(&client, &server).await, "ok");
        }
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn what_went_wrong_is_told_apart() {
    let (server, client) = (Server::start().await, Asking::new());
    let serve = async {
        read(&mut server.accept().await).await;
    };
    let ask = async {
        let broke = client.request(server.request()).await;
        assert!(broke.is_err_and(|error| !error.is_connect()));
    };
    tokio::join!(serve, ask);
    let request = server.request();
    drop(server);
    let refused = client.request(request).await;
    assert!(refused.is_err_and(|error| error.is_connect()));
}

/// Kept connections would outlive what they are for.
#[tokio::test(start_paused = true)]
async fn a_connection_nobody_takes_is_closed_in_time() {
    let (server, client) = (Server::start().await, Asking::new());
    let serve = async {
        let mut stream = server.accept().await;
        answer(&mut stream, ANSWER).await;
        let read = stream.read(&mut [0]).await;
        assert_eq!(read.unwrap_or_default(), 0, "it was closed");
    };
    let began = tokio::time::Instant::now();
    let (_, body) = tokio::join!(serve, ask(&client, &server));
    assert_eq!(body, "ok");
    assert_eq!(began.elapsed().as_secs(), 90);
}

#[test]
fn a_server_is_told_its_host_and_a_path() {
    let told = |address: &'static str| {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static(address);
        let address = origin_form(&mut request);
        let host = host(&address);
        format!("{} {}", host.to_str().expect("text"), request.uri())
    };
    assert_eq!(told("http://a.example"), "a.example /");
    assert_eq!(told("http://a.example:80/v1?x=1"), "a.example /v1?x=1");
    assert_eq!(told("https://u:p@a.example:443/v1"), "a.example /v1");
    assert_eq!(told("https://a.example:80/v1"), "a.example:80 /v1");
    assert_eq!(told("http://[::1]:8080/v1"), "[::1]:8080 /v1");
}
