//! What is remembered of requests that a proxy ended when it stopped.

use ctr_runtime::scripted::Answer;
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::home::started;
use crate::traces::{begun, home, says, until, upstreams, with_state};

#[tokio::test]
async fn requests_that_end_with_the_proxy_were_not_left_by_their_clients() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let running = started(with_state(&home)).await.unwrap();
    let stream = "data: {\"type\":\"message_start\"}\n\n";
    a.set_script([
        Answer::hang(),
        Answer::raw("text/event-stream", [stream, stream])
            .gap(std::time::Duration::from_secs(3600)),
    ]);
    let mut waits = begun(&running, &says("m", "hello")).await;
    a.wait_received(1).await;
    let mut body = says("m", "hello");
    body["stream"] = json!(true);
    let mut reads = begun(&running, &body).await;
    let mut came = [0; 16];
    reads.read_exact(&mut came).await.unwrap();
    tokio::time::pause();
    running.stop().await;
    tokio::time::resume();
    for client in [&mut waits, &mut reads] {
        client.read_to_end(&mut Vec::new()).await.unwrap();
    }

    let running = started(with_state(&home)).await.unwrap();
    let all = until(&running, 2).await;
    let mut ends = [0, 1].map(|at| {
        let trace = &all["traces"][at];
        let tried = &trace["attempts"][0];
        format!(
            "{} {} {}",
            trace["status"], trace["outcome"], tried["outcome"]
        )
    });
    ends.sort();
    assert_eq!(
        ends,
        ["200 \"broken\" \"answered\"", "503 \"refused\" \"refused\""]
    );
}
