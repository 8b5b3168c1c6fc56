//! An upstream as lean as can be: reads a request, writes a prepared answer.
//! What it answers is said by the path, and by `stream` in the body; the model
//! `late` is answered after 20 ms.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::wire::Wire;

/// First folders of paths that are answered badly.
pub(crate) const FAULTS: [&str; 9] = [
    "hang",
    "status-500",
    "status-429",
    "status-529",
    "cut-body",
    "cut-stream",
    "cut-event",
    "garbage",
    "drip",
];

/// Wait before the first byte under `/a` and `/b`, and between events there.
const PACE: Duration = Duration::from_millis(2);

const EVENTS: usize = 5;

/// Serves on a free port for as long as the runtime lives.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let answers: &'static Answers = Box::leak(Box::new(Answers::prepare()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, answers));
        }
    });
    addr
}

async fn connection(stream: TcpStream, answers: &'static Answers) {
    let mut wire = Wire::new(stream);
    while wire.message().await.is_some() {
        if !answer(&mut wire, answers).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn answer(wire: &mut Wire, answers: &Answers) -> bool {
    let beginning = &wire.body()[..wire.body().len().min(96)];
    let stream = memchr::memmem::find(beginning, b"\"stream\":true").is_some();
    if memchr::memmem::find(beginning, b"\"model\":\"late\"").is_some() {
        tokio::time::sleep(10 * PACE).await;
    }
    let path = wire.head_text().split(' ').nth(1).unwrap_or("");
    match path.split('/').nth(1).unwrap_or("") {
        "v1" if path.ends_with("/chat/completions") => wire.send(&answers.chat).await,
        "v1" if stream => wire.send(&answers.stream).await,
        "v1" => wire.send(&answers.message).await,
        "a" => paced(wire, "a", stream).await,
        "b" => paced(wire, "b", stream).await,
        "hold" => {
            let began = wire.send(STREAM_HEAD).await && wire.send(&chunk(&event("hold", 0))).await;
            // Ends when the other side does.
            began && wire.message().await.is_some()
        }
        fault => {
            let fault = fault.to_owned();
            fails(wire, &fault).await
        }
    }
}

/// An answer that says in every part where it comes from, a part at a time.
async fn paced(wire: &mut Wire, name: &str, stream: bool) -> bool {
    tokio::time::sleep(PACE).await;
    if !stream {
        return wire.send(&whole("200 OK", &message(name))).await;
    }
    let mut sent = wire.send(STREAM_HEAD).await;
    for n in 0..EVENTS {
        sent = sent && wire.send(&chunk(&event(name, n))).await;
        tokio::time::sleep(PACE).await;
    }
    sent && wire.send(LAST_CHUNK).await
}

async fn fails(wire: &mut Wire, fault: &str) -> bool {
    let error = r#"{"type":"error","error":{"type":"api_error","message":"scripted"}}"#;
    match fault {
        "status-500" => wire.send(&whole("500 Oops", error)).await,
        "status-429" => wire.send(&whole("429 Slow", error)).await,
        "status-529" => wire.send(&whole("529 Full", error)).await,
        "cut-body" => {
            let whole = whole("200 OK", &message("cut"));
            wire.send(&whole[..whole.len() - 20]).await;
            false
        }
        "cut-stream" => {
            let _ = wire.send(STREAM_HEAD).await && wire.send(&chunk(&event("cut", 0))).await;
            false
        }
        "cut-event" => {
            let event = chunk(&event("cut", 0));
            let _ = wire.send(STREAM_HEAD).await
                && wire.send(&event).await
                && wire.send(&event[..event.len() / 2]).await;
            false
        }
        "garbage" => {
            wire.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n\0\0").await;
            false
        }
        "drip" => {
            for byte in b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" {
                if !wire.send(&[*byte]).await {
                    return false;
                }
                tokio::time::sleep(10 * PACE).await;
            }
            false
        }
        // Silent until the other side has enough.
        _ => wire.head().await.is_some(),
    }
}

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Answers that are the same for everybody.
struct Answers {
    message: Vec<u8>,
    chat: Vec<u8>,
    stream: Vec<u8>,
}

impl Answers {
    fn prepare() -> Self {
        let words = "word ".repeat(100);
        let chat = format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{words}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":100,"total_tokens":109}}}}"#
        );
        let mut stream = STREAM_HEAD.to_vec();
        for n in 0..EVENTS {
            stream.extend_from_slice(&chunk(&event("v1", n)));
        }
        stream.extend_from_slice(LAST_CHUNK);
        Self {
            message: whole("200 OK", &message(&words)),
            chat: whole("200 OK", &chat),
            stream,
        }
    }
}

fn message(text: &str) -> String {
    format!(
        r#"{{"type":"message","content":[{{"type":"text","text":"{text}"}}],"usage":{{"input_tokens":9,"output_tokens":100}}}}"#
    )
}

fn event(text: &str, n: usize) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{n},\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}

fn whole(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}
