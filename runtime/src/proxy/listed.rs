//! What upstreams tell of their models: names for people, dates, limits.
//!
//! A registration says none of it, and clients show it. It is asked for when a
//! client asks, of a few accounts at once and for a moment only; whoever does not
//! answer leaves the list as the plan knows it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::BytesMut;
use ctr_compiler::plan::{Endpoint, Interface, Target};
use futures_util::future::join_all;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::body::Spliced;
use super::{Proxy, address, headers};
use crate::activate::{Live, Upstream};

/// Accounts that are asked for one list.
const ACCOUNTS: usize = 4;
/// Longest wait for all of them.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a list that are read.
const LIST_LIMIT: usize = 1 << 20;

/// What a path segment cannot hold as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A client's request for models.
#[derive(Clone, Copy)]
pub(crate) struct Listing<'r> {
    /// Whose shape the client reads.
    pub(crate) interface: Interface,
    pub(crate) query: Option<&'r str>,
    pub(crate) headers: &'r HeaderMap,
}

impl Proxy {
    /// What is told of the models behind these ids, by id.
    pub(crate) async fn told_of(
        &self,
        live: &Live,
        ids: &[&str],
        listing: Listing<'_>,
    ) -> HashMap<String, Value> {
        let mut accounts: BTreeMap<[u8; 32], (&Upstream, Vec<&str>)> = BTreeMap::new();
        for id in ids {
            if let Some(upstream) = first(live, id, listing.interface) {
                let (_, ids) = accounts
                    .entry(upstream.account)
                    .or_insert((upstream, Vec::new()));
                ids.push(id);
            }
        }
        let asked = accounts.values().take(ACCOUNTS).map(async |(upstream, _)| {
            let list = self.ask_of(upstream, "/models", listing).await?;
            Some(list.get("data")?.as_array()?.clone())
        });
        let lists = tokio::time::timeout(PATIENCE, join_all(asked))
            .await
            .unwrap_or_default();
        let mut told = HashMap::new();
        for ((_, ids), list) in accounts.values().zip(lists) {
            for model in list.into_iter().flatten() {
                let is_it = |id: &&&str| {
                    let upstream = first(live, id, listing.interface);
                    upstream.is_some_and(|upstream| model["id"] == upstream.model.as_str())
                };
                for id in ids.iter().filter(is_it) {
                    told.insert((*id).to_owned(), model.clone());
                }
            }
        }
        told
    }

    /// What is told of one model.
    pub(crate) async fn told_of_one(
        &self,
        live: &Live,
        id: &str,
        listing: Listing<'_>,
    ) -> Option<Value> {
        let upstream = first(live, id, listing.interface)?;
        let name = utf8_percent_encode(&upstream.model, RESERVED);
        let tail = format!("/models/{name}");
        let asked = self.ask_of(upstream, &tail, listing);
        let told = tokio::time::timeout(PATIENCE, asked).await.ok()??;
        (told["id"] == upstream.model.as_str()).then_some(told)
    }

    async fn ask_of(&self, upstream: &Upstream, tail: &str, listing: Listing<'_>) -> Option<Value> {
        let uri = address::sibling(&upstream.uri, tail)?;
        let mut cleaned = listing.headers.clone();
        headers::clean_request(&mut cleaned, listing.interface);
        cleaned.remove(CONTENT_TYPE);
        cleaned.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut request = Request::new(Spliced::default());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = headers::target(&uri, listing.query)?;
        *request.headers_mut() = headers::with_key(cleaned, upstream);
        let mut response = self.client.request(request).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let mut body = BytesMut::new();
        while let Some(frame) = response.body_mut().frame().await {
            body.extend_from_slice(frame.ok()?.data_ref()?);
            if body.len() > LIST_LIMIT {
                return None;
            }
        }
        serde_json::from_slice(&body).ok()
    }
}

/// The first endpoint behind an id that speaks the client's protocol.
fn first<'l>(live: &'l Live, id: &str, interface: Interface) -> Option<&'l Upstream> {
    let endpoints: &[Endpoint] = match live.plan().resolve(id)? {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => std::slice::from_ref(endpoint),
        Target::Pool(_, pool) => &pool.endpoints,
    };
    let mut able = endpoints.iter();
    able.find(|endpoint| endpoint.enabled && endpoint.interface == interface)
        .map(|endpoint| live.upstream(endpoint))
}
