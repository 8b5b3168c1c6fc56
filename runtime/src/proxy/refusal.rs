//! What an upstream's refusal says beside its status.

use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use memchr::memmem;

use super::attempt::Answer;
use super::headers::is_plain;
use crate::activate::Upstream;
use crate::client::Answering;

/// Bytes of a refusal that are looked at.
const REFUSAL: usize = 64 << 10;

/// Bytes from which a key is no word that stands in a refusal by chance.
const KEY: usize = 8;

/// Whether an answer says that nothing is served at its address; a model that
/// is not known there is another matter. What is read of it, for `limit` at most, stays
/// in it; one that stalls says nothing else.
pub(super) async fn is_not_served(answer: &mut Answer, limit: Option<Duration>) -> bool {
    match answer.head.status {
        StatusCode::METHOD_NOT_ALLOWED => return true,
        StatusCode::NOT_FOUND => {}
        _ => return false,
    }
    let is_whole = read(answer, limit).await;
    !is_whole || memmem::find(&answer.seen, b"model_not_found").is_none()
}

/// Leaves the key out that an endpoint was asked with, where it refuses it and says so in
/// full: the client has no business with it. A header that holds it is left out. The body of
/// a refusal that is compressed, stalls, or is longer than anything an endpoint says of a key
/// passes as it came.
pub(super) async fn hide_key(answer: &mut Answer, upstream: &Upstream, limit: Option<Duration>) {
    let is_about_key = matches!(
        answer.head.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    let Some(key) = upstream.key().filter(|key| key.len() >= KEY) else {
        return;
    };
    if !is_about_key {
        return;
    }
    answer.head.headers.remove_holding(key);
    if !is_plain(&answer.head.headers) || !read(answer, limit).await {
        return;
    }
    let found: Vec<usize> = memmem::find_iter(&answer.seen, key).collect();
    if found.is_empty() {
        return;
    }
    let mut hidden = Vec::with_capacity(answer.seen.len());
    let mut rest = 0;
    for at in found {
        hidden.extend_from_slice(&answer.seen[rest..at]);
        hidden.extend_from_slice("…".as_bytes());
        rest = at + key.len();
    }
    hidden.extend_from_slice(&answer.seen[rest..]);
    answer.head.headers.remove(CONTENT_LENGTH);
    answer.seen = hidden.into();
}

/// Reads what is not too long, for `limit` at most; whether that is all of it. Of one that
/// breaks off nothing is left.
async fn read(answer: &mut Answer, limit: Option<Duration>) -> bool {
    let mut body = answer.seen.to_vec();
    let reading = read_from(&mut answer.rest, &mut body);
    let came = match limit {
        Some(limit) => tokio::time::timeout(limit, reading).await.unwrap_or(false),
        None => reading.await,
    };
    answer.seen = body.into();
    came
}

async fn read_from(from: &mut Option<Answering>, body: &mut Vec<u8>) -> bool {
    while let Some(rest) = from {
        if body.len() >= REFUSAL {
            return false;
        }
        match rest.frame().await {
            Some(Ok(frame)) => {
                body.extend_from_slice(frame.data_ref().map_or(&[][..], |chunk| chunk));
            }
            Some(Err(_)) => {
                // Half of it would look like all of it.
                body.clear();
                *from = None;
                return false;
            }
            None => *from = None,
        }
    }
    true
}
