//! Listening, keeping connections, and stopping.

use ctr_runtime::server::StartError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::home::{Home, KEY, answer, get, started, with_model};

#[tokio::test]
async fn the_port_and_host_of_the_settings_win() {
    let home = Home::new();
    home.write(
        "registration.yaml",
        &format!("HOST: no-such-host.invalid\nPORT: 1\n{}", with_model("one")),
    );
    let mut settings = home.settings("registration.yaml");
    settings.host = Some("${LOOPBACK}".to_owned());
    let running = started(settings.clone()).await.unwrap();
    assert!(running.addr().ip().is_loopback());
    assert!(running.addr().port() > 1);
    settings.host = Some("[::1]".to_owned());
    if let Ok(running) = started(settings.clone()).await {
        assert!(running.addr().is_ipv6());
    }
    settings.host = Some("${NOT_SET}".to_owned());
    assert!(matches!(
        started(settings).await,
        Err(StartError::Activate(_))
    ));
}

#[tokio::test]
async fn a_public_host_without_a_key_is_not_listened_on() {
    let home = Home::new();
    let open = with_model("one").replace("APIKEY: \"${CTR_KEY}\"\n", "");
    for host in ["0.0.0.0", "\"::\"", "\"[::]\""] {
        home.write("registration.yaml", &format!("HOST: {host}\n{open}"));
        let running = home.start().await;
        assert_eq!(running.addr().ip().to_string(), "127.0.0.1", "{host}");
    }
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_told_apart() {
    let home = Home::new();
    let error = started(home.settings("none.yaml")).await.unwrap_err();
    assert!(matches!(&error, StartError::Read(_)), "{error}");
    home.write("registration.yaml", "Models: 3\n");
    let error = started(home.settings("registration.yaml"))
        .await
        .unwrap_err();
    let StartError::Refused { compiled, sources } = error else {
        panic!("{error}")
    };
    assert!(compiled.problems.has_errors() && sources.len() == 1);
    home.write("registration.yaml", &with_model("one"));
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = home.settings("registration.yaml");
    settings.port = Some(taken.local_addr().unwrap().port());
    let error = started(settings).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Bind { addr, .. } if addr.starts_with("127.0.0.1:")),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_lets_a_running_request_finish_and_waits_for_no_idle_connection() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let mut idle = TcpStream::connect(running.addr()).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: ctr\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let silent = TcpStream::connect(running.addr()).await.unwrap();

    let mut busy = TcpStream::connect(running.addr()).await.unwrap();
    let draft = with_model("two");
    let head = format!(
        "POST /api/models/compiled/preview HTTP/1.1\r\nhost: ctr\r\nx-api-key: {KEY}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        draft.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    // The interim answer tells that the handler is waiting for the body.
    let mut interim = [0; 25];
    busy.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    let addr = running.addr();
    let stopping = tokio::spawn(running.stop());
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(
        TcpStream::connect(addr).await.is_err(),
        "nothing is accepted any more"
    );
    assert!(!stopping.is_finished());
    busy.write_all(draft.as_bytes()).await.unwrap();
    let answer = answer(&mut busy).await;
    assert_eq!(
        (answer.status, &answer.body["success"]),
        (200, &true.into())
    );
    stopping.await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn large_headers_are_taken() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let large = format!("x-large: {}\r\n", "x".repeat(100 << 10));
    assert_eq!(get(&running, "/health", &large).await.status, 200);
}

#[tokio::test]
async fn one_connection_takes_many_requests() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    for _ in 0..3 {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: ctr\r\n\r\n")
            .await
            .unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"}") {
            seen.push(stream.read_u8().await.unwrap());
        }
        assert!(seen.starts_with(b"HTTP/1.1 200"));
    }
}
