//! Over real sockets: which connections are used again, and which are not.

mod tls;

use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

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

    fn request(&self) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::from("hello"));
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

async fn ask(client: &Client, server: &Server) -> Bytes {
    let response = client.request(server.request()).await.expect("an answer");
    let body = response.body.collect().await.expect("a body");
    body.to_bytes()
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (server, client) = (Server::start().await, Client::new());
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
    let (server, client) = (Server::start().await, Client::new());
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
    let (server, client) = (Server::start().await, Client::new());
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
    let (server, client) = (Server::start().await, Client::new());
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
    let (server, client) = (Server::start().await, Client::new());
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
async fn a_kept_connection_that_breaks_is_told_apart() {
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        let (mut one, mut other) = (server.accept().await, server.accept().await);
        answer(&mut one, ANSWER).await;
        answer(&mut other, ANSWER).await;
        // The one that is used again takes the request, and is gone without a word.
        let (gone, still_open) = tokio::select! {
            () = read(&mut one) => (one, other),
            () = read(&mut other) => (other, one),
        };
        drop(gone);
        // What was kept beside it is not trusted.
        answer(&mut server.accept().await, ANSWER).await;
        drop(still_open);
    };
    let ask = async {
        let both = tokio::join!(ask(&client, &server), ask(&client, &server));
        assert_eq!(both, ("ok".into(), "ok".into()));
        let broke = client.request(server.request()).await;
        assert!(matches!(broke, Err(SendError::Stale(_))));
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn what_went_wrong_is_told_apart() {
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        read(&mut server.accept().await).await;
    };
    let ask = async {
        let broke = client.request(server.request()).await;
        assert!(matches!(broke, Err(SendError::Broke(_))));
    };
    tokio::join!(serve, ask);
    let request = server.request();
    drop(server);
    let refused = client.request(request).await;
    assert!(refused.is_err_and(|error| error.is_connect()));
}

#[tokio::test]
async fn an_answer_comes_in_any_form() {
    let (server, client) = (Server::start().await, Client::new());
    let connections: [&[&[u8]]; 3] = [
        &[
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nok",
        ],
        &[b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
        &[ANSWER],
    ];
    let serve = async {
        for answers in connections {
            let mut stream = server.accept().await;
            for with in answers {
                answer(&mut stream, with).await;
            }
        }
    };
    let ask = async {
        for _ in connections.concat() {
            assert_eq!(ask(&client, &server).await, "ok");
        }
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_whole() {
    let (server, client) = (Server::start().await, Client::new());
    let heads = ["content-length: 3", "transfer-encoding: chunked"];
    let serve = async {
        for head in heads {
            let mut stream = server.accept().await;
            let begun = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n2\r");
            answer(&mut stream, begun.as_bytes()).await;
        }
    };
    let ask = async {
        for _ in heads {
            let response = client.request(server.request()).await.expect("an answer");
            let body = response.body.collect().await;
            assert!(matches!(body, Err(Broke::Closed)));
        }
    };
    tokio::join!(serve, ask);
}

/// Neither side could go on if one direction had to be done before the other.
#[tokio::test]
async fn a_request_goes_out_beside_its_answer() {
    const LARGE: usize = 16 << 20;
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        let mut stream = server.accept().await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("written");
        let (mut from, mut to) = stream.split();
        let mut head = [0; 1];
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            from.read_exact(&mut head).await.expect("a head");
            seen.extend_from_slice(&head);
        }
        let echo = tokio::io::copy(&mut from, &mut to);
        assert_eq!(echo.await.expect("copied"), LARGE as u64);
    };
    let ask = async {
        let sent = Bytes::from(vec![b'x'; LARGE]);
        let request = server.request().map(|_| Full::from(sent.clone()));
        let response = client.request(request).await.expect("an answer");
        let body = response.body.collect().await.expect("a body");
        assert!(body.to_bytes() == sent);
        // All went out and came back, so that the server sees its end.
        drop(client);
    };
    tokio::join!(serve, ask);
}

/// As servers do that refuse a body for its length.
#[tokio::test]
async fn an_answer_before_the_end_of_its_request_counts() {
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        let mut stream = server.accept().await;
        stream.read_exact(&mut [0; 99]).await.expect("a beginning");
        let refusal = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig";
        stream.write_all(refusal).await.expect("written");
        answer(&mut server.accept().await, ANSWER).await;
        drop(stream);
    };
    let asked = async {
        let large = Full::from(vec![b'x'; 16 << 20]);
        let request = server.request().map(|_| large);
        let response = client.request(request).await.expect("an answer");
        assert_eq!(response.status, 413);
        let body = response.body.collect().await.expect("a body");
        assert_eq!(body.to_bytes(), "big");
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, asked);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let (server, client) = (Server::start().await, Client::new());
    let serve = async {
        let mut stream = server.accept().await;
        stream
            .write_all(&ANSWER[..ANSWER.len() - 2])
            .await
            .expect("written");
        stream.read_exact(&mut [0; 9]).await.expect("a beginning");
        answer(&mut stream, ANSWER).await;
    };
    let ask = async {
        let mut request = server.request().map(|_| Full::default());
        *request.method_mut() = Method::HEAD;
        let response = client.request(request).await.expect("an answer");
        assert_eq!(response.headers.text("content-length"), Some("2"));
        assert!(response.body.is_end_stream());
        drop(response);
        assert_eq!(ask(&client, &server).await, "ok");
    };
    tokio::join!(serve, ask);
}

/// Kept connections would outlive what they are for.
#[tokio::test(start_paused = true)]
async fn a_connection_nobody_takes_is_closed_in_time() {
    let (server, client) = (Server::start().await, Client::new());
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
fn a_server_is_told_its_host() {
    let told = |address: &'static str| host(&Uri::from_static(address)).to_owned();
    assert_eq!(told("http://a.example"), "a.example");
    assert_eq!(told("http://a.example:80/v1?x=1"), "a.example");
    assert_eq!(told("https://u:p@a.example:443/v1"), "a.example");
    assert_eq!(told("https://a.example:80/v1"), "a.example:80");
    assert_eq!(told("http://[::1]:8080/v1"), "[::1]:8080");
    assert_eq!(told("http://[::1]/v1"), "[::1]");
}
