//! Request bodies: taken whole, so that another endpoint can be sent the same
//! bytes, and sent on with only the model replaced.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use crate::protocol::ask::Ask;
use crate::protocol::error::ProxyError;

/// Most bytes of a request body: what Anthropic's API takes.
pub const BODY_LIMIT: usize = 32 << 20;

/// Longest silence of a client in the middle of its body.
const IDLE: Duration = Duration::from_secs(60);

/// Longest time for a whole body, however it drips: the largest one needs no more
/// than 55 KB a second.
const WHOLE: Duration = Duration::from_secs(600);

/// How long, and for how many bytes, the body of a refused request is read on.
const DISCARD: Duration = Duration::from_secs(5);
const DISCARD_LIMIT: usize = 2 * BODY_LIMIT;

/// Reads a body to its end.
///
/// # Errors
/// When it is compressed, too large (a `Content-Length` is believed), stalls, or breaks off.
pub(super) async fn collect(headers: &HeaderMap, body: &mut Body) -> Result<Bytes, ProxyError> {
    let too_large = ProxyError::TooLarge { limit: BODY_LIMIT };
    let encoding = headers
        .get(CONTENT_ENCODING)
        .map(|value| value.as_bytes().trim_ascii());
    if encoding
        .is_some_and(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity"))
    {
        return Err(ProxyError::Compressed);
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_LIMIT as u64) {
        return Err(too_large);
    }
    let mut whole = Whole::default();
    let began = Instant::now();
    while let Some(frame) = timeout(
        IDLE.min(WHOLE.saturating_sub(began.elapsed())),
        body.frame(),
    )
    .await
    .map_err(|_| ProxyError::Stalled)?
    {
        // Trailers belong to the connection they came on.
        let chunk = frame
            .map_err(|_| ProxyError::Interrupted)?
            .into_data()
            .unwrap_or_default();
        if whole.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large);
        }
        whole.push(chunk, body.size_hint().exact());
    }
    Ok(whole.into_bytes())
}

/// Reads on, within bounds, what a refused client is still sending. A
/// connection that closes on unread bytes is reset, and many clients then report
/// the reset in place of the answer. A client that waits to be asked for its
/// body is not asked.
pub(super) async fn discard(headers: &HeaderMap, body: &mut Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DISCARD_LIMIT {
                break;
            }
        }
    };
    // The answer goes out whether or not all was read.
    let _ = timeout(DISCARD, reading).await;
}

/// The chunks of a body. A single one is not copied; of several only their
/// bytes are kept, since a list of them could outgrow the body many times.
#[derive(Default)]
struct Whole {
    first: Bytes,
    joined: BytesMut,
}

impl Whole {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    /// Takes a chunk after which `left` bytes are to come, if that is known.
    fn push(&mut self, chunk: Bytes, left: Option<u64>) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        let first = std::mem::take(&mut self.first);
        if !first.is_empty() {
            let left = left.and_then(|left| usize::try_from(left).ok());
            let left = left.unwrap_or_default().min(BODY_LIMIT);
            self.joined.reserve(first.len() + chunk.len() + left);
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&chunk);
    }

    fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
        }
    }
}

/// A body in up to three pieces of known length. Cloning copies no bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Spliced {
    pieces: [Bytes; 3],
    next: usize,
}

impl Spliced {
    /// `body` with `model` as its model: untouched if it says so already, with
    /// only that string replaced if it names another, and with one more member
    /// at its beginning if it names none.
    pub(super) fn new(body: &Bytes, ask: &Ask, model: &str) -> Self {
        let quoted =
            || serde_json::to_string(model).expect("a string can always be written as JSON");
        let (before, new, after) = match &ask.model {
            Some(asked) if asked.name == model => (body.len(), String::new(), body.len()),
            Some(asked) => (asked.range.start, quoted(), asked.range.end),
            None => {
                let comma = if ask.is_empty { "" } else { "," };
                (
                    ask.inside,
                    format!("\"model\":{}{comma}", quoted()),
                    ask.inside,
                )
            }
        };
        Self {
            pieces: [body.slice(..before), new.into(), body.slice(after..)],
            next: 0,
        }
    }
}

impl Spliced {
    /// A body that is as it is.
    pub(super) fn whole(body: Bytes) -> Self {
        Self {
            pieces: [body, Bytes::new(), Bytes::new()],
            next: 0,
        }
    }
}

impl http_body::Body for Spliced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.next < self.pieces.len() {
            let at = self.next;
            self.next += 1;
            let piece = std::mem::take(&mut self.pieces[at]);
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn splice(body: &str, model: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let spliced = Spliced::new(&body, &Ask::read(&body).expect("an object"), model);
        let exact = spliced.size_hint().exact();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let sent = runtime
            .block_on(spliced.collect())
            .expect("never fails")
            .to_bytes();
        assert_eq!(exact, Some(sent.len() as u64));
        String::from_utf8(sent.to_vec()).expect("text")
    }

    #[test]
    fn only_the_model_changes() {
        let body = " { \"z\":1e400 ,\t\"model\" : \"a\\u0062\",\"model2\":\"ab\",  \"x\":{\"model\":\"ab\"} }\n";
        assert_eq!(
            splice(body, "c\"d"),
            body.replacen("\"a\\u0062\"", "\"c\\\"d\"", 1)
        );
        assert_eq!(splice(body, "ab"), body);
        assert_eq!(splice("{\"model\":\"a\"}", "bb"), "{\"model\":\"bb\"}");
    }

    #[test]
    fn a_missing_model_is_put_first() {
        assert_eq!(splice("{ }", "m"), "{\"model\":\"m\" }");
        assert_eq!(splice("{ \"x\":1}", "m"), "{\"model\":\"m\", \"x\":1}");
    }

    async fn collected(chunks: &[&'static str]) -> Bytes {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let mut body = Body::from_stream(futures_util::stream::iter(chunks));
        collect(&HeaderMap::new(), &mut body)
            .await
            .expect("a whole body")
    }

    #[tokio::test]
    async fn chunks_are_joined_in_order() {
        assert_eq!(collected(&[]).await, "");
        assert_eq!(collected(&["one"]).await, "one");
        assert_eq!(
            collected(&["", "one", "", "two", "three"]).await,
            "onetwothree"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        let silent = futures_util::stream::pending();
        let mut body = Body::from_stream(futures_util::StreamExt::chain(first, silent));
        let stalled = collect(&HeaderMap::new(), &mut body).await;
        assert_eq!(stalled, Err(ProxyError::Stalled));
        // Reading on ends as well, or this test would not.
        discard(&HeaderMap::new(), &mut body).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let drip = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(IDLE / 2).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        });
        let began = Instant::now();
        let given_up = collect(&HeaderMap::new(), &mut Body::from_stream(drip)).await;
        assert_eq!(given_up, Err(ProxyError::Stalled));
        assert_eq!(began.elapsed().as_secs(), WHOLE.as_secs());
    }

    proptest! {
        #[test]
        fn any_name_is_written_as_json(name in any::<String>()) {
            let sent: serde_json::Value = serde_json::from_str(&splice("{\"model\":\"a\",\"x\":[1]}", &name)).expect("JSON");
            prop_assert_eq!(sent, serde_json::json!({ "model": name, "x": [1] }));
        }
    }
}
