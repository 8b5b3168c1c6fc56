//! What an upstream's refusal says beside its status.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use ctr_compiler::health::Failure;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use memchr::memmem;

use super::attempt::{Answer, failing};
use super::headers::is_plain;
use crate::activate::Upstream;
use crate::client::Answering;
use crate::http1::Headers;

/// Bytes of a refusal that are looked at.
const REFUSAL: usize = 64 << 10;

/// Bytes from which a secret is no word that stands in a refusal by chance.
const SECRET: usize = 8;

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

/// Leaves out of what is not a good answer the secrets that its endpoint was asked with, where
/// it repeats them: the client has no business with them. A header that holds one is left out.
/// Where the endpoint refuses its key in a coding that cannot be read, `own` takes the place of
/// its words; what else is so coded, stalls, or is longer than anything an endpoint says of a
/// key passes as it came.
pub(super) async fn hide_secrets(
    answer: &mut Answer,
    upstream: &Upstream,
    limit: Option<Duration>,
    own: impl FnOnce(StatusCode) -> String,
) {
    let status = answer.head.status;
    if status.is_success() && answer.error.is_none() {
        return;
    }
    let mut secrets = upstream.secrets();
    secrets.retain(|secret| secret.len() >= SECRET);
    if secrets.is_empty() {
        return;
    }
    let headers = &mut answer.head.headers;
    secrets
        .iter()
        .for_each(|secret| headers.remove_holding(secret));
    let coding = Coding::of(headers);
    // Of a stream, what was read is the event that says so.
    let is_read = answer.is_events && answer.error.is_some();
    if !is_read && !read(answer, limit).await {
        return;
    }
    let Some(body) = coding.and_then(|coding| coding.decoded(&answer.seen)) else {
        if failing(status) == Some(Failure::Credential) {
            say(answer, own(status).into());
            answer
                .head
                .headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        return;
    };
    let is_told = |secret: &Vec<u8>| memmem::find(&body, secret).is_some();
    if secrets.iter().any(is_told) {
        let hidden = secrets
            .iter()
            .fold(body.into_owned(), |body, secret| without(&body, secret));
        say(answer, hidden);
    }
}

/// Gives an answer this body in place of its own.
fn say(answer: &mut Answer, body: Vec<u8>) {
    answer.head.headers.remove(CONTENT_LENGTH);
    answer.head.headers.remove(CONTENT_ENCODING);
    answer.seen = body.into();
}

fn without(body: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = 0;
    for at in memmem::find_iter(body, secret) {
        out.extend_from_slice(&body[rest..at]);
        out.extend_from_slice("…".as_bytes());
        rest = at + secret.len();
    }
    out.extend_from_slice(&body[rest..]);
    out
}

/// A coding of bodies that can be read here.
#[derive(Clone, Copy)]
enum Coding {
    Plain,
    Gzip,
    Deflate,
}

impl Coding {
    /// The coding of a body with these headers; none where it is another, or several.
    fn of(headers: &Headers) -> Option<Self> {
        if is_plain(headers) {
            return Some(Self::Plain);
        }
        let mut names = headers.get_all(CONTENT_ENCODING);
        let (name, None) = (names.next()?.trim_ascii(), names.next()) else {
            return None;
        };
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") => Some(Self::Deflate),
            () => None,
        }
    }

    /// A body as it was before it was coded, if it is not longer than [`REFUSAL`].
    fn decoded(self, body: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut out = Vec::new();
        let most = REFUSAL as u64 + 1;
        match self {
            Self::Plain => return Some(Cow::Borrowed(body)),
            Self::Gzip => MultiGzDecoder::new(body).take(most).read_to_end(&mut out),
            Self::Deflate => ZlibDecoder::new(body).take(most).read_to_end(&mut out),
        }
        .ok()?;
        (out.len() <= REFUSAL).then_some(Cow::Owned(out))
    }
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
