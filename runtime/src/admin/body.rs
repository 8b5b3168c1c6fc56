//! The whole body of a request, waited for as long as that of a model call.

use std::future::poll_fn;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::Body as _;

use super::answer;
use crate::protocol::error::ProxyError;
use crate::proxy::{Waits, Whole};

/// Reads a body of at most `limit` bytes, which a refusal calls `what`.
///
/// # Errors
/// The answer to one that is larger, or says that it will be (413), that stalls or takes
/// too long (408), or that breaks off (400).
pub(super) async fn whole(mut body: Body, what: &str, limit: usize) -> Result<Bytes, Response> {
    let read = read(&mut body, limit).await;
    read.map_err(|error| {
        let message = match error {
            ProxyError::TooLarge { .. } => format!("the {what} is larger than {}", size(limit)),
            ProxyError::Stalled => format!("the rest of the {what} did not arrive in time"),
            _ => format!("the {what} did not arrive whole"),
        };
        answer::refused(error.status(), &message)
    })
}

async fn read(body: &mut Body, limit: usize) -> Result<Bytes, ProxyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(ProxyError::TooLarge { limit });
    }
    let (mut whole, mut waits) = (Whole::default(), Waits::default());
    while let Some(chunk) = poll_fn(|cx| waits.poll_piece(cx, body)).await? {
        if whole.len() + chunk.len() > limit {
            return Err(ProxyError::TooLarge { limit });
        }
        whole.push(chunk, body.size_hint().exact());
    }
    Ok(whole.into_bytes())
}

fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib => format!("{mib} MiB"),
    }
}
