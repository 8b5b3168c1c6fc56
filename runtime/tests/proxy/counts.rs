//! Counts of tokens, and vectors.

use ctr_runtime::scripted::Answer;
use futures_util::future::join_all;

use crate::stage::{
    CHAT, EMBEDDINGS, MESSAGES, Stage, empty_plan, endpoint, gone, pool_plan, upstream,
};

const COUNT: &str = "/v1/messages/count_tokens";
const ASK: &str = "{\"model\":\"m\",\"system\":\"Be kind.\",\"messages\":[{\"role\":\"user\",\"content\":\"How many are these?\"}],\"tools\":[]}";

#[tokio::test]
async fn an_endpoint_that_can_count_is_asked() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let beta = ("anthropic-beta", "token-counting-2024-11-01");
    let got = stage
        .ask("/v1/messages/count_tokens?beta=true", &[beta], ASK)
        .await;
    assert_eq!(
        (got.status.as_u16(), got.body.as_str()),
        (200, "{\"input_tokens\":10}")
    );
    assert_eq!(
        (got.header("x-ctr-estimate"), got.header("x-ctr-endpoint")),
        ("", "a")
    );
    let received = &up.received()[0];
    assert_eq!(received.target, "/v1/messages/count_tokens?beta=true");
    assert_eq!(received.body, ASK.replace("\"m\"", "\"up/a\""));
    assert_eq!(received.header(beta.0), Some(beta.1));
    assert_eq!(stage.health("a").success_count, 0);
}

#[tokio::test]
async fn many_counts_come_at_once() {
    let up = upstream().await;
    for at in [MESSAGES, CHAT] {
        let stage = Stage::new(&pool_plan(at, &[&up])).await;
        let all = join_all((0..26).map(|_| stage.ask(COUNT, &[], ASK))).await;
        assert!(all.iter().all(|got| got.status == 200 && got.whole), "{at}");
    }
    assert_eq!(up.received().len(), 26);
}

#[tokio::test]
async fn elsewhere_a_count_is_estimated_and_says_so() {
    let (up, gone) = (upstream().await, gone().await);
    for (upstream, at) in [(&up, CHAT), (&up, "/custom"), (&gone, MESSAGES)] {
        let stage = Stage::new(&pool_plan(at, &[upstream])).await;
        let got = stage.ask(COUNT, &[], ASK).await;
        assert_eq!(
            (got.status.as_u16(), got.body.as_str()),
            (200, "{\"input_tokens\":11}"),
            "{at}"
        );
        assert_eq!(got.header("x-ctr-estimate"), "input_tokens");
        assert_eq!(got.header("content-type"), "application/json");
        // A count that fails says nothing about how requests are answered.
        assert_eq!(stage.health("a").failure_count, 0);
    }
    assert_eq!(up.received().len(), 0);
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    let got = stage
        .ask(COUNT, &[], "{\"model\":\"m\",\"messages\":[\"\\x\"]}")
        .await;
    assert_eq!(got.status, 400);
    let got = stage.ask(COUNT, &[], "{\"model\":\"none\"}").await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["type"].as_str()),
        (404, Some("not_found_error"))
    );
}

#[tokio::test]
async fn vectors_are_made_by_openai_endpoints() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a]);
    let second = endpoint("b", &format!("{}{CHAT}?v=1", b.url()), 1);
    plan["pools"]["m"]["endpoints"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let stage = Stage::new(&plan).await;
    let vectors = "{\"object\":\"list\",\"data\":[ ]}";
    b.push(Answer::raw("application/json", [vectors]));
    let ask = "{\"model\":\"m\",\"input\":[\"a\"],\"encoding_format\":\"base64\"}";
    let got = stage.ask(EMBEDDINGS, &[], ask).await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.body.as_str(),
            got.header("x-ctr-endpoint")
        ),
        (200, vectors, "b")
    );
    let received = &b.received()[0];
    assert_eq!(received.target, "/v1/embeddings?v=1");
    assert_eq!(received.body, ask.replace("\"m\"", "\"up/b\""));

    let none = Stage::new(&pool_plan(MESSAGES, &[&a])).await;
    let got = none.ask(EMBEDDINGS, &[], ask).await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["param"].as_str()),
        (400, Some("model"))
    );
    // An address of which no other can be inferred.
    let mut plan = empty_plan();
    plan["models"]["m"] = endpoint("m", &format!("{}/chat/", b.url()), 0);
    let odd = Stage::new(&plan).await;
    let got = odd.ask(EMBEDDINGS, &[], ask).await;
    let body = got.json();
    assert_eq!(got.status, 400);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("embeddings"),
        "{body}"
    );
    assert_eq!((a.received().len(), b.received().len()), (0, 1));
}
