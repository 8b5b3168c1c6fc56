//! One request, top to bottom: who → body → features → route → attempts → relay.
//!
//! Nothing here decides where a request goes; the plan and the compiler's
//! [`route`](ctr_compiler::route::route) do. Until an answer is committed the
//! candidates of the decision are walked in their order; from the first byte on
//! the client has one answer, and only its end can still change. Everything
//! belongs to the request's own task: when the client goes away, dropping the
//! future or the body drops the upstream request with it.

mod account;
mod attempt;
mod body;
pub(crate) mod client;
mod headers;
mod relay;
mod request_id;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use ctr_compiler::plan::Interface;
use ctr_compiler::route::{self, Decision, NoRoute, PoolSnapshot, RequestFeatures};
use http::{HeaderMap, Method, Request, Response, request};
use tokio::time::Instant;

use account::{Account, Mark};
use attempt::{Answer, Class};
use body::Spliced;
use client::Client;
use relay::Relay;

use crate::access;
use crate::activate::Live;
use crate::protocol::ask::Ask;
use crate::protocol::error::{ProxyError, shown};

pub use body::BODY_LIMIT;
pub use headers::{ENDPOINT, PLAN};
pub use request_id::request_id;

/// Path of Anthropic Messages.
pub const MESSAGES: &str = "/v1/messages";
/// Path of OpenAI Chat Completions.
pub const CHAT_COMPLETIONS: &str = "/v1/chat/completions";

/// The protocol of a model call; none for any other request.
pub fn model_call<B>(request: &Request<B>) -> Option<Interface> {
    match request.uri().path() {
        _ if request.method() != Method::POST => None,
        MESSAGES => Some(Interface::Anthropic),
        CHAT_COMPLETIONS => Some(Interface::Openai),
        _ => None,
    }
}

/// Serves requests by the plan of the moment. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    live: Arc<ArcSwap<Live>>,
    client: Client,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("live", &self.live.load())
            .finish_non_exhaustive()
    }
}

/// A request that was read and let in.
struct Asked {
    interface: Interface,
    method: Method,
    query: Option<String>,
    headers: HeaderMap,
    body: Bytes,
    ask: Ask,
}

/// An answer the client will get, and where its breaking off is noted.
struct Committed {
    answer: Answer,
    mark: Option<Mark>,
}

impl Proxy {
    /// A proxy that asks `live` for the plan of each request. It keeps its own
    /// pool of upstream connections, which clones share.
    pub fn new(live: Arc<ArcSwap<Live>>) -> Self {
        Self {
            live,
            client: client::client(),
        }
    }

    /// Answers a request of a client that speaks `interface`.
    ///
    /// The path is not looked at, the query is passed on. The request keeps the
    /// plan it began with until the last byte of its answer.
    pub async fn serve(&self, interface: Interface, request: Request<Body>) -> Response<Body> {
        let live = self.live.load_full();
        let mut account = Account::open(request_id());
        match self.answer(interface, request, &live, &mut account).await {
            Ok(Committed { mut answer, mark }) => {
                account.answered(&answer.endpoint, answer.head.status);
                headers::finish_response(&mut answer, &live, &account.request_id);
                let mut response = Response::new(Body::empty());
                *response.status_mut() = answer.head.status;
                *response.headers_mut() = std::mem::take(&mut answer.head.headers);
                *response.body_mut() =
                    Body::new(Relay::new(answer, interface, account, mark, live));
                response
            }
            Err(error) => {
                account.refused(&error);
                let mut response = error.respond(interface, &account.request_id);
                headers::name(response.headers_mut(), &live, &account.request_id);
                response
            }
        }
    }

    async fn answer(
        &self,
        interface: Interface,
        request: Request<Body>,
        live: &Live,
        account: &mut Account,
    ) -> Result<Committed, ProxyError> {
        let (head, mut body) = request.into_parts();
        let taken = match access::check(live.api_key.as_deref(), &head.headers) {
            Ok(()) => body::collect(&head.headers, &mut body).await,
            Err(denied) => Err(ProxyError::Denied(denied)),
        };
        if taken.as_ref().is_err_and(ProxyError::leaves_body) {
            body::discard(&head.headers, &mut body).await;
        }
        let body = taken?;
        let asked = Asked::read(interface, head, body)?;
        account.asks(asked.ask.name().unwrap_or_default());
        let decision = decide(live, &asked)?;
        self.walk(&decision, &asked, live, account).await
    }

    /// Tries the candidates in order until one answers. If none does, the
    /// client gets what the last of those that said anything said.
    async fn walk(
        &self,
        decision: &Decision<'_>,
        asked: &Asked,
        live: &Live,
        account: &mut Account,
    ) -> Result<Committed, ProxyError> {
        let limit = live.plan().upstream_timeout_ms.map(Duration::from_millis);
        let policy = decision
            .pool
            .map(|pool| pool.health.clone())
            .unwrap_or_default();
        let mut said = None;
        let mut timed_out = false;
        for candidate in &decision.candidates {
            let upstream = live.upstream(candidate.endpoint);
            let mark = Mark {
                record: Arc::clone(&upstream.record),
                policy: policy.clone(),
                endpoint: upstream.id_header.clone(),
            };
            let mut request = Request::new(Spliced::new(&asked.body, &asked.ask, &upstream.model));
            *request.method_mut() = asked.method.clone();
            *request.uri_mut() = headers::target(&upstream.uri, asked.query.as_deref())
                .ok_or(ProxyError::LongQuery)?;
            *request.headers_mut() = headers::with_key(asked.headers.clone(), upstream);
            account.attempts += 1;
            let sent = Instant::now();
            match attempt::attempt(&self.client, request, &upstream.id_header, limit).await {
                Ok(answer) => {
                    // A caller's own fault says nothing about the endpoint.
                    if answer.head.status.is_success() {
                        mark.succeeded(account::millis_since(sent));
                    }
                    return Ok(Committed {
                        answer,
                        mark: Some(mark),
                    });
                }
                Err(failed) => {
                    mark.failed(
                        &account.request_id,
                        failed.class.word(),
                        failed.cause.as_deref(),
                    );
                    timed_out = failed.class == Class::Timeout;
                    said = failed.answer.or(said);
                }
            }
        }
        let model = || decision.model.to_owned();
        match said {
            Some(answer) => Ok(Committed { answer, mark: None }),
            None if timed_out => Err(ProxyError::Timeout { model: model() }),
            None => Err(ProxyError::Unreachable { model: model() }),
        }
    }
}

impl Asked {
    fn read(interface: Interface, head: request::Parts, body: Bytes) -> Result<Self, ProxyError> {
        let ask = Ask::read(&body).map_err(ProxyError::Body)?;
        let mut headers = head.headers;
        headers::clean_request(&mut headers, interface);
        let query = head.uri.query().map(str::to_owned);
        Ok(Self {
            interface,
            method: head.method,
            query,
            headers,
            body,
            ask,
        })
    }
}

fn decide<'p>(live: &'p Live, asked: &Asked) -> Result<Decision<'p>, ProxyError> {
    let now = account::now_ms();
    let standing = |endpoint: &_| live.upstream(endpoint).record.standing(now);
    let features = RequestFeatures {
        interface: asked.interface,
        model: asked.ask.name(),
    };
    route::route(live.plan(), &features, &PoolSnapshot::new(&standing)).map_err(|no_route| {
        match no_route {
            NoRoute::UnknownModel { nearest } => ProxyError::UnknownModel {
                asked: features.model.map(shown),
                nearest,
            },
            NoRoute::Interface { model, speaks } => ProxyError::WrongProtocol { model, speaks },
            NoRoute::NothingEnabled { model } => ProxyError::NothingEnabled { model },
        }
    })
}
