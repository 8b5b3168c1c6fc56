//! Responses that an endpoint keeps: they are read and deleted where they were made.

use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::health::Failure;
use ctr_compiler::plan::Plan;
use http::Method;

use super::attempt::{Connection, Failed};
use super::body::Spliced;
use super::call::{Call, kept};
use super::kept::Kept;
use super::walk::Committed;
use super::{address, attempt, headers, refusal};
use crate::activate::{Live, Upstream};
use crate::client::Client;
use crate::http1::Request;
use crate::protocol::error::{self, ProxyError};

/// Asks the account that keeps a response. One that is not remembered can only
/// be with the one OpenAI account that the plan has, if it has one.
///
/// # Errors
/// When nobody is known to keep it, or the one who does gives no answer.
pub(super) async fn ask(
    client: &Client,
    known: &Kept,
    head: Request<()>,
    body: Bytes,
    live: &Live,
    request_id: &str,
) -> Result<Committed, ProxyError> {
    let (id, what) = kept(head.uri.path()).ok_or(ProxyError::NotKept)?;
    let (model, upstream) = keeper(known, id, live).ok_or(ProxyError::NotKept)?;
    let there = format!("/responses/{id}{what}");
    let uri = address::sibling(&upstream.uri, &there).ok_or(ProxyError::NotKept)?;
    let mut cleaned = head.headers;
    headers::clean_request(&mut cleaned, Call::Kept.interface());
    headers::with_key(&mut cleaned, upstream);
    let uri = headers::target(uri, head.uri.query()).ok_or(ProxyError::LongQuery)?;
    let limit = live.plan().upstream_timeout_ms.map(Duration::from_millis);
    let attempt = || {
        let request = Request {
            method: head.method.clone(),
            uri: uri.clone(),
            headers: cleaned.clone(),
            body: Spliced::whole(body.clone()),
        };
        attempt::attempt(client, request, &upstream.id_header, limit, None, false)
    };
    let mut answered = attempt().await;
    let is_gone = |failed: &Failed| failed.broke_on == Some(Connection::Kept);
    if head.method == Method::GET && answered.as_ref().is_err_and(|failed| is_gone(failed)) {
        answered = attempt().await;
    }
    // Whatever comes of it says nothing about how the endpoint answers requests.
    match answered.or_else(|failed| failed.answer.ok_or(failed.class)) {
        Ok(mut answer) => {
            let own = |status| error::unread(Call::Kept.interface(), status, request_id);
            refusal::hide_secrets(&mut answer, upstream, limit, own).await;
            Ok(Committed::alone(answer))
        }
        Err(class) => {
            let model = model.to_owned();
            Err(match class {
                Failure::Timeout => ProxyError::Timeout { model },
                _ => ProxyError::Unreachable { model },
            })
        }
    }
}

/// An endpoint of the account that keeps a response, and the logical model before it.
fn keeper<'l>(known: &Kept, id: &str, live: &'l Live) -> Option<(&'l str, &'l Upstream)> {
    let Plan { models, pools, .. } = live.plan();
    let pools = pools.iter().flat_map(|(id, pool)| {
        let members = pool.endpoints.iter();
        members.map(move |endpoint| (id, endpoint))
    });
    let mut able = models
        .iter()
        .chain(pools)
        .filter(|(_, endpoint)| endpoint.enabled)
        .map(|(model, endpoint)| (model.as_str(), live.upstream(endpoint)))
        .filter(|(_, upstream)| upstream.speaks.interface() == Call::Kept.interface())
        .filter(|(_, upstream)| address::sibling(&upstream.uri, "/responses").is_some());
    match known.account(id) {
        Some(account) => able.find(|(_, upstream)| upstream.account == account),
        None => {
            let (model, first) = able.next()?;
            able.all(|(_, upstream)| upstream.account == first.account)
                .then_some((model, first))
        }
    }
}
