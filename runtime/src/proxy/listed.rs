//! What upstreams tell of their models: names for people, dates, limits.
//!
//! A registration says none of it, and clients show it. It is asked for when a
//! client asks, of a few accounts at once and for a moment only; whoever does not
//! answer leaves the list as the plan knows it.

use std::collections::HashMap;
use std::time::Duration;

use bytes::BytesMut;
use ctr_compiler::plan::{Endpoint, Interface, Target};
use futures_util::future::join_all;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method};
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::body::Spliced;
use super::{Proxy, address, headers};
use crate::activate::{Live, Upstream};
use crate::http1::{Headers, Request};

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
    pub(crate) headers: &'r Headers,
}

impl Proxy {
    /// What is told of the models behind these ids, by id.
    pub(crate) async fn told_of(
        &self,
        live: &Live,
        ids: &[&str],
        listing: Listing<'_>,
    ) -> HashMap<String, Value> {
        let accounts = accounts(live, ids, listing.interface);
        let asked = accounts.iter().map(async |account| {
            let list = self.ask_of(account[0].1, "/models", listing).await?;
            Some(list.get("data")?.as_array()?.clone())
        });
        let lists = tokio::time::timeout(PATIENCE, join_all(asked))
            .await
            .unwrap_or_default();
        let mut told = HashMap::new();
        for (account, list) in accounts.iter().zip(lists) {
            for model in list.into_iter().flatten() {
                let same = account
                    .iter()
                    .filter(|(_, upstream)| model["id"] == upstream.model.as_str());
                for (id, _) in same {
                    told.entry((*id).to_owned())
                        .or_insert_with(|| model.clone());
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
        let asked = async {
            for upstream in able(live, id, listing.interface).take(ACCOUNTS) {
                let name = utf8_percent_encode(&upstream.model, RESERVED);
                let tail = format!("/models/{name}");
                let told = self.ask_of(upstream, &tail, listing);
                let told = told
                    .await
                    .filter(|told| told["id"] == upstream.model.as_str());
                if told.is_some() {
                    return told;
                }
            }
            None
        };
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    }

    async fn ask_of(&self, upstream: &Upstream, tail: &str, listing: Listing<'_>) -> Option<Value> {
        let uri = address::sibling(&upstream.uri, tail)?;
        let mut cleaned = listing.headers.clone();
        headers::clean_request(&mut cleaned, listing.interface);
        cleaned.remove(CONTENT_TYPE);
        cleaned.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers::with_key(&mut cleaned, upstream);
        let request = Request {
            method: Method::GET,
            uri: headers::target(uri, listing.query)?,
            headers: cleaned,
            body: Spliced::default(),
        };
        let mut response = self.client.request(request).await.ok()?;
        if !response.status.is_success() {
            return None;
        }
        let mut body = BytesMut::new();
        while let Some(frame) = response.body.frame().await {
            body.extend_from_slice(frame.ok()?.data_ref()?);
            if body.len() > LIST_LIMIT {
                return None;
            }
        }
        serde_json::from_slice(&body).ok()
    }
}

/// Which accounts are asked for a list: those of the first endpoints of all ids
/// before those of the second ones, and so on. Each with the ids it may tell of.
fn accounts<'l, 'i>(
    live: &'l Live,
    ids: &[&'i str],
    interface: Interface,
) -> Vec<Vec<(&'i str, &'l Upstream)>> {
    let mut all: Vec<(usize, &str, &Upstream)> = Vec::new();
    for id in ids {
        let upstreams = able(live, id, interface).enumerate();
        all.extend(upstreams.map(|(at, upstream)| (at, *id, upstream)));
    }
    all.sort_by_key(|(at, ..)| *at);
    let mut places: HashMap<[u8; 32], usize> = HashMap::new();
    let mut accounts: Vec<Vec<(&str, &Upstream)>> = Vec::new();
    for (_, id, upstream) in all {
        let next = accounts.len();
        let place = *places.entry(upstream.account).or_insert(next);
        if place == next && next < ACCOUNTS {
            accounts.push(Vec::new());
        }
        if let Some(account) = accounts.get_mut(place) {
            account.push((id, upstream));
        }
    }
    accounts
}

/// Endpoints behind an id that speak the client's protocol, in the order of the plan.
fn able<'l>(
    live: &'l Live,
    id: &str,
    interface: Interface,
) -> impl Iterator<Item = &'l Upstream> + use<'l> {
    let endpoints: &'l [Endpoint] = match live.plan().resolve(id) {
        Some(Target::Model(_, endpoint) | Target::Endpoint(endpoint)) => {
            std::slice::from_ref(endpoint)
        }
        Some(Target::Pool(_, pool)) => &pool.endpoints,
        None => &[],
    };
    endpoints
        .iter()
        .filter(move |endpoint| endpoint.enabled && endpoint.interface == interface)
        .map(|endpoint| live.upstream(endpoint))
}
