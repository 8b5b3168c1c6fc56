//! Responses that an endpoint keeps: they are read and deleted where they were made.

use std::time::Duration;

use bytes::Bytes;

use super::body::Spliced;
use super::call::{Call, kept};
use super::kept::Kept;
use super::walk::Committed;
use super::{address, attempt, headers, refusal};
use crate::activate::{Live, Upstream};
use crate::client::Client;
use crate::http1::Request;
use crate::protocol::error::ProxyError;

/// Asks the account that keeps a response. One that is not remembered can only
/// be with the one OpenAI account that the plan has, if it has one.
///
/// # Errors
/// When nobody is known to keep it, or the one who does cannot be reached.
pub(super) async fn ask(
    client: &Client,
    known: &Kept,
    head: Request<()>,
    body: Bytes,
    live: &Live,
) -> Result<Committed, ProxyError> {
    let (id, what) = kept(head.uri.path()).ok_or(ProxyError::NotKept)?;
    let upstream = keeper(known, id, live).ok_or(ProxyError::NotKept)?;
    let there = format!("/responses/{id}{what}");
    let uri = address::sibling(&upstream.uri, &there).ok_or(ProxyError::NotKept)?;
    let mut cleaned = head.headers;
    headers::clean_request(&mut cleaned, Call::Kept.interface());
    headers::with_key(&mut cleaned, upstream);
    let request = Request {
        method: head.method,
        uri: headers::target(uri, head.uri.query()).ok_or(ProxyError::LongQuery)?,
        headers: cleaned,
        body: Spliced::whole(body),
    };
    let limit = live.plan().upstream_timeout_ms.map(Duration::from_millis);
    let answered = attempt::attempt(client, request, &upstream.id_header, limit, None, false).await;
    // Whatever comes of it says nothing about how the endpoint answers requests.
    match answered.or_else(|failed| failed.answer.ok_or(())) {
        Ok(mut answer) => {
            refusal::hide_key(&mut answer, upstream, limit).await;
            Ok(Committed::alone(answer))
        }
        Err(()) => Err(ProxyError::Unreachable {
            model: upstream.model.clone(),
        }),
    }
}

fn keeper<'l>(known: &Kept, id: &str, live: &'l Live) -> Option<&'l Upstream> {
    let upstreams = live.plan().endpoints().filter(|endpoint| endpoint.enabled);
    let mut able = upstreams
        .map(|endpoint| live.upstream(endpoint))
        .filter(|upstream| upstream.speaks.interface() == Call::Kept.interface())
        .filter(|upstream| address::sibling(&upstream.uri, "/responses").is_some());
    match known.account(id) {
        Some(account) => able.find(|upstream| upstream.account == account),
        None => {
            let first = able.next()?;
            able.all(|upstream| upstream.account == first.account)
                .then_some(first)
        }
    }
}
