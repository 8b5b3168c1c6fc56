//! Request bodies: kept, so that another endpoint can be sent the same bytes, and
//! sent on with only the model replaced.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::arriving::{Arriving, Lost};
use crate::http1::Headers;
use crate::patience::Patience;
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

/// A body as far as it has to be read.
pub(super) enum Taken {
    Whole(Bytes),
    /// Its beginning, in which the model stands, and the body itself.
    Begun(Bytes, Ask, Arriving),
}

/// Reads a body to its end, or up to its model where more of it is to come and `may_go`
/// says of a request for that model that it may go on as it comes.
///
/// # Errors
/// When it is compressed, too large (a `Content-Length` is believed), stalls, or breaks off.
pub(super) async fn take(
    headers: &Headers,
    body: &mut Body,
    may_go: impl Fn(&Ask) -> bool,
) -> Result<Taken, ProxyError> {
    let length = promised(headers)?;
    let mut whole = Whole::default();
    let mut waits = Waits::default();
    while let Some(chunk) = poll_fn(|cx| waits.poll_piece(cx, body)).await? {
        let is_beginning = whole.len() == 0;
        if let Some(length) = length.filter(|length| is_beginning && chunk.len() < *length)
            && let Some((ask, behind)) = Ask::peek(&chunk)
            && may_go(&ask)
        {
            let arriving = Arriving::new(chunk.clone(), behind, length, std::mem::take(body));
            return Ok(Taken::Begun(chunk, ask, arriving));
        }
        if whole.len() + chunk.len() > BODY_LIMIT {
            return Err(ProxyError::TooLarge { limit: BODY_LIMIT });
        }
        whole.push(chunk, body.size_hint().exact());
    }
    Ok(Taken::Whole(whole.into_bytes()))
}

/// How long a body says it is, where it does.
fn promised(headers: &Headers) -> Result<Option<usize>, ProxyError> {
    let encoding = headers.get(CONTENT_ENCODING).map(<[u8]>::trim_ascii);
    if encoding
        .is_some_and(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity"))
    {
        return Err(ProxyError::Compressed);
    }
    let length = headers.text(CONTENT_LENGTH);
    let length = length.and_then(|length| length.parse::<u64>().ok());
    match length.map(usize::try_from) {
        None => Ok(None),
        Some(Ok(length)) if length <= BODY_LIMIT => Ok(Some(length)),
        Some(_) => Err(ProxyError::TooLarge { limit: BODY_LIMIT }),
    }
}

/// How long a client is waited for.
#[derive(Default)]
pub(crate) struct Waits {
    /// When it was first waited for.
    began: Option<Instant>,
    patience: Patience,
}

impl Waits {
    /// The next piece of a body; none at its end.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut Body,
    ) -> Poll<Result<Option<Bytes>, ProxyError>> {
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            let began = &mut self.began;
            let due = |now: Instant| Some((now + IDLE).min(*began.get_or_insert(now) + WHOLE));
            let waited = self.patience.poll_until(cx, due);
            return waited.map(|()| Err(ProxyError::Stalled));
        };
        self.patience.reset();
        Poll::Ready(match frame {
            None => Ok(None),
            // Trailers belong to the connection they came on.
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Err(_)) => Err(ProxyError::Interrupted),
        })
    }
}

/// Reads on, within bounds, what a refused client is still sending. A
/// connection that closes on unread bytes is reset, and many clients then report
/// the reset in place of the answer. A client that waits to be asked for its
/// body is not asked.
pub(super) async fn discard(headers: &Headers, body: &mut Body) {
    if headers.contains(EXPECT) {
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
pub(crate) struct Whole {
    first: Bytes,
    joined: BytesMut,
}

impl Whole {
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    /// Takes a chunk after which `left` bytes are to come, if that is known.
    pub(crate) fn push(&mut self, chunk: Bytes, left: Option<u64>) {
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

    pub(crate) fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
        }
    }
}

/// A body in up to three pieces of known length, and what is still to come behind
/// them. Cloning copies no bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Spliced {
    pieces: [Bytes; 3],
    next: usize,
    /// The body that goes on behind the pieces, and the offset in it.
    rest: Option<(Arriving, usize)>,
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
            ..Self::default()
        }
    }

    /// The same where `body` is the beginning of one that is to come.
    pub(super) fn begun(body: &Bytes, ask: &Ask, model: &str, arriving: &Arriving) -> Self {
        Self {
            rest: Some((arriving.clone(), body.len())),
            ..Self::new(body, ask, model)
        }
    }

    /// A body that is as it is.
    pub(super) fn whole(body: Bytes) -> Self {
        Self {
            pieces: [body, Bytes::new(), Bytes::new()],
            ..Self::default()
        }
    }

    /// Bytes that are to come behind the pieces.
    fn coming(&self) -> usize {
        let coming = |(arriving, at): &(Arriving, usize)| arriving.length() - at;
        self.rest.as_ref().map_or(0, coming)
    }
}

impl http_body::Body for Spliced {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        while self.next < self.pieces.len() {
            let at = self.next;
            self.next += 1;
            let piece = std::mem::take(&mut self.pieces[at]);
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        let Some((arriving, at)) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let piece = ready!(arriving.poll_piece(cx, *at)).transpose();
        Poll::Ready(piece.map(|piece| {
            let piece = piece?;
            *at += piece.len();
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty) && self.coming() == 0
    }

    fn size_hint(&self) -> SizeHint {
        let pieces: usize = self.pieces.iter().map(Bytes::len).sum();
        SizeHint::with_exact((pieces + self.coming()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

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

    async fn collect(body: &mut Body) -> Result<Bytes, ProxyError> {
        match take(&Headers::default(), body, |_| true).await? {
            Taken::Whole(body) => Ok(body),
            Taken::Begun(..) => panic!("nobody knows how much is to come"),
        }
    }

    async fn collected(chunks: &[&'static str]) -> Bytes {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let mut body = Body::from_stream(futures_util::stream::iter(chunks));
        collect(&mut body).await.expect("a whole body")
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
        let stalled = collect(&mut body).await;
        assert_eq!(stalled, Err(ProxyError::Stalled));
        // Reading on ends as well, or this test would not.
        discard(&Headers::default(), &mut body).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let drip = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(IDLE / 2).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        });
        let began = Instant::now();
        let given_up = collect(&mut Body::from_stream(drip)).await;
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
