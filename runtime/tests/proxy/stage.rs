//! A proxy on a loopback port, the plan it serves, and a client for it.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use ctr_compiler::health::Health;
use ctr_compiler::plan::Plan;
use ctr_runtime::activate::Live;
use ctr_runtime::clock::Clock;
use ctr_runtime::http1::Request;
use ctr_runtime::pool::Records;
use ctr_runtime::proxy::{Call, Proxy};
use ctr_runtime::scripted::ScriptedUpstream;
use ctr_runtime::server::accept;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const EMBEDDINGS: &str = "/v1/embeddings";
pub(crate) const UPSTREAM_KEY: &str = "upstream-secret";
pub(crate) const CALLER_KEY: &str = "caller-secret";

/// An endpoint that speaks the protocol its URL ends in.
pub(crate) fn endpoint(id: &str, url: &str, priority: i64) -> Value {
    let is_openai = url.contains("/chat/") || url.ends_with("/responses");
    let interface = if is_openai { "openai" } else { "anthropic" };
    json!({
        "api": { "url": url },
        "capabilities": { "images": true, "reasoning": true, "tools": true },
        "enabled": true,
        "id": id,
        "interface": interface,
        "key": "${UPSTREAM_KEY}",
        "model": format!("up/{id}"),
        "priority": priority,
        "provider": format!("provider-{id}"),
    })
}

/// A plan with nothing in it.
pub(crate) fn empty_plan() -> Value {
    json!({
        "listen": { "host": "127.0.0.1", "port": 0 },
        "log_level": "info",
        "models": {},
        "pools": {},
        "router": { "background_models": [], "long_context_threshold": 60_000, "slots": {} },
        "runtime": { "mode": "local" },
        "schema": "ctr.plan/1",
        "upstream_services": {},
    })
}

/// A plan with one pool `m` over these upstreams, at `path`, in this order.
pub(crate) fn pool_plan(path: &str, upstreams: &[&ScriptedUpstream]) -> Value {
    let members = upstreams.iter().zip(["a", "b", "c"]).zip(0..);
    let endpoints: Vec<Value> = members
        .map(|((upstream, id), priority)| {
            endpoint(id, &format!("{}{path}", upstream.url()), priority)
        })
        .collect();
    let mut plan = empty_plan();
    plan["pools"]["m"] = json!({
        "endpoints": endpoints,
        "enforce_rate_limits": false,
        "health": {
            "cooldown_ms": 60_000, "ewma_decay_ms": 10_000, "failures_to_open": 3, "half_open_trials": 1,
            "latency_max_age_ms": 600_000, "latency_window": 20, "open_ms": 300_000, "retry_after_max_ms": 3_600_000,
        },
        "max_retries": 2,
        "on_all_open": "fail_open",
        "retry_budget": { "min_per_second": 10, "percent": 20, "window_seconds": 10 },
        "strategy": "priority",
    });
    plan
}

/// An answer as the client got it.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Whether the body came to a proper end.
    pub(crate) whole: bool,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, mut body) = response.into_parts();
        let (mut bytes, mut whole) = (Vec::new(), true);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap()),
                Err(_) => whole = false,
            }
        }
        Self {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(bytes).unwrap(),
            whole,
        }
    }
}

pub(crate) struct Stage {
    pub(crate) addr: SocketAddr,
    pub(crate) live: Arc<Live>,
    pub(crate) proxy: Proxy,
    stop: Option<oneshot::Sender<()>>,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
}

impl Stage {
    pub(crate) async fn new(plan: &Value) -> Self {
        Self::at(plan, Clock::default()).await
    }

    /// A stage whose time of day is what `clock` says.
    pub(crate) async fn at(plan: &Value, clock: Clock) -> Self {
        let plan = Plan::from_json(&plan.to_string()).unwrap();
        let env = |name: &str| match name {
            "UPSTREAM_KEY" => Some(UPSTREAM_KEY.to_owned()),
            "CALLER_KEY" => Some(CALLER_KEY.to_owned()),
            _ => None,
        };
        let records = Records::with_clock(clock);
        let live = Arc::new(Live::activate(plan.into(), &env, &records).unwrap());
        let proxy = Proxy::new(Arc::new(ArcSwap::new(Arc::clone(&live))));
        let served = proxy.clone();
        let answer = move |request: Box<Request<Body>>| {
            let served = served.clone();
            async move {
                let call = Call::of(&request).expect("only calls are sent");
                served.serve(call, request).await
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(accept(listener, answer, stopped, proxy.cut()));
        Self {
            addr,
            live,
            proxy,
            stop: Some(stop),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Stops to accept; what runs goes on for a while.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    pub(crate) async fn send(
        &self,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Incoming> {
        let mut request = http::Request::post(format!("http://{}{target}", self.addr));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        self.client
            .request(request.body(body).unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn ask(&self, target: &str, headers: &[(&str, &str)], body: &str) -> Got {
        Got::read(self.send(target, headers, body).await).await
    }

    /// A request without a body.
    pub(crate) async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.addr));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).unwrap();
        Got::read(self.client.request(request).await.unwrap()).await
    }

    /// What is known about an endpoint.
    pub(crate) fn health(&self, id: &str) -> Health {
        let endpoint = self
            .live
            .plan()
            .endpoints()
            .find(|endpoint| endpoint.id == id)
            .unwrap();
        self.live.upstream(endpoint).record.health()
    }
}

/// A request on a connection of its own, which ends with the future.
pub(crate) async fn post(addr: SocketAddr, target: &str, body: &str) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = http::Request::post(format!("http://{addr}{target}"));
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let request = request.body(body).unwrap();
    client.request(request).await.unwrap()
}

pub(crate) async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start().await.unwrap()
}

/// An address where nothing listens. A socket that is bound to it and does not
/// listen keeps it from being given to another test.
pub(crate) async fn gone() -> ScriptedUpstream {
    let upstream = upstream().await;
    upstream.stop().await;
    let kept = TcpSocket::new_v4().unwrap();
    kept.set_reuseaddr(true).unwrap();
    kept.bind(upstream.addr()).unwrap();
    std::mem::forget(kept);
    upstream
}
