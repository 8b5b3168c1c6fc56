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
mod walk;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use ctr_compiler::plan::Interface;
use http::{HeaderMap, Method, Request, Response, request};

use account::Account;
use client::Client;
use relay::Relay;
use walk::Committed;

use crate::access;
use crate::activate::Live;
use crate::protocol::ask::Ask;
use crate::protocol::error::ProxyError;

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
        walk::walk(&self.client, &asked, live, account).await
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
