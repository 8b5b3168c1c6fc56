//! Signals that end a proxy. A binary of its own, and one test, since signals
//! reach every proxy of the process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "server/home.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod home;

use std::process::Command;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn terminate() {
    let process = std::process::id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &process])
            .status()
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn one_signal_drains_and_a_second_ends_at_once() {
    let home = home::Home::with_model("one");
    let running = home.start().await;
    let mut busy = TcpStream::connect(running.addr()).await.unwrap();
    let key = home::KEY;
    let head = format!(
        "POST /api/models/compiled/preview HTTP/1.1\r\nhost: ctr\r\nx-api-key: {key}\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    busy.read_exact(&mut interim).await.unwrap();

    let addr = running.addr();
    let waiting = tokio::spawn(running.wait());
    // The task has not run yet, and the signal counts already.
    terminate();
    // It has seen the signal when it accepts nobody any more.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished(), "the request still runs");
    terminate();
    waiting.await.unwrap();
    let mut rest = Vec::new();
    let _ = busy.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "the request was cut");
}
