//! The client of the tour: asks the proxy as an SDK would.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::within;
use crate::exit::Stopped;

/// What came back.
pub(super) struct Heard {
    pub(super) status: u16,
    /// Endpoint that answered, as the proxy says.
    pub(super) endpoint: String,
    /// Plan that routed it, as the proxy says.
    pub(super) plan: String,
    /// The words of the answer.
    pub(super) text: String,
    /// Stream events, 0 for a plain answer.
    pub(super) events: usize,
}

pub(super) struct Caller {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Caller {
    pub(super) fn new(proxy: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            base: format!("http://{proxy}"),
            client,
        }
    }

    /// One request for `sonnet`.
    pub(super) async fn ask(&self, stream: bool) -> Result<Heard, Stopped> {
        let body = json!({
            "model": "sonnet",
            "max_tokens": 64,
            "stream": stream,
            "messages": [{ "role": "user", "content": "hello" }],
        });
        let request = Request::post(format!("{}/v1/messages", self.base))
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .body(Full::from(body.to_string()));
        let (head, body) = self.send(request.map_err(Stopped::could_not)?).await?;
        let header = |name| {
            let value: Option<&str> = head
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or("none").to_owned()
        };
        let (text, events) = if stream {
            streamed(&body)
        } else {
            (plain(&body), 0)
        };
        let (endpoint, plan) = (header("x-ctr-endpoint"), header("x-ctr-plan"));
        Ok(Heard {
            status: head.status().as_u16(),
            endpoint,
            plan,
            text,
            events,
        })
    }

    /// What the proxy says of itself.
    pub(super) async fn health(&self) -> Result<String, Stopped> {
        let request = Request::get(format!("{}/api/health", self.base)).body(Full::default());
        Ok(self.send(request.map_err(Stopped::could_not)?).await?.1)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Response<()>, String), Stopped> {
        let path = request.uri().path().to_owned();
        let exchange = async {
            let response = self.client.request(request).await;
            let (head, body) = response
                .map_err(|error| unanswered(&path, &error))?
                .into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| unanswered(&path, &error))?
                .to_bytes();
            Ok((
                Response::from_parts(head, ()),
                String::from_utf8_lossy(&body).into_owned(),
            ))
        };
        within(exchange, &format!("the proxy answers `{path}`")).await
    }
}

fn unanswered(path: &str, error: &dyn std::error::Error) -> Stopped {
    Stopped::could_not(format!("the proxy does not answer `{path}`: {error}"))
}

fn plain(body: &str) -> String {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    message["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The words of all deltas, and how many events there were.
fn streamed(body: &str) -> (String, usize) {
    let events: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let text = events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    (text, events.len())
}
