//! One request to a model, and the words for why there is no answer.

use std::fmt;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::client::{Client, cause};
use crate::proxy::MESSAGES;

/// Bytes that an answer may have.
const LARGEST: usize = 16 << 20;

/// Why an address cannot be asked. It holds no key and quotes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It is no address of a proxy.
    Url(&'static str),
    /// The key has characters no header can carry.
    Key,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => f.write_str(why),
            Self::Key => f.write_str("the key has characters no header can carry"),
        }
    }
}

impl std::error::Error for AddressError {}

/// An answer and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) latency_ms: f64,
}

/// Why there is none: `http_<status>`, `timeout`, `invalid_response`, or what the
/// network said.
pub(super) struct Failed {
    pub(super) why: String,
    /// How long it took to fail, where somebody answered.
    pub(super) latency_ms: Option<f64>,
}

impl Failed {
    fn by(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            latency_ms: None,
        }
    }
}

/// Calls one address.
pub(super) struct Caller {
    client: Client,
    uri: Uri,
    key: Option<HeaderValue>,
    timeout: Duration,
}

impl Caller {
    pub(super) fn new(
        base_url: &str,
        key: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, AddressError> {
        let key = key.map(HeaderValue::from_str).transpose();
        let mut key = key.map_err(|_| AddressError::Key)?;
        if let Some(key) = &mut key {
            key.set_sensitive(true);
        }
        Ok(Self {
            client: Client::new(),
            uri: uri(base_url)?,
            key,
            timeout,
        })
    }

    /// Sends a request body and takes the words of the answer.
    pub(super) async fn ask(&self, body: &Value) -> Result<Said, Failed> {
        match timeout(self.timeout, self.exchange(body)).await {
            Ok(answered) => answered,
            Err(_) => Err(Failed::by("timeout")),
        }
    }

    async fn exchange(&self, body: &Value) -> Result<Said, Failed> {
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("anthropic-version", "2023-06-01")
            .body(Full::from(body.to_string()))
            .map_err(|error| Failed::by(error.to_string()))?;
        if let Some(key) = &self.key {
            request.headers_mut().insert("x-api-key", key.clone());
        }
        let began = Instant::now();
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| Failed::by(cause(&error)))?;
        let status = answer.status;
        let body = Limited::new(answer.body, LARGEST).collect().await;
        let latency_ms = (began.elapsed().as_secs_f64() * 1_000.0).round();
        let failed = |why: String| Failed {
            why,
            latency_ms: Some(latency_ms),
        };
        if !status.is_success() {
            return Err(failed(format!("http_{}", status.as_u16())));
        }
        let body = body.map_err(|error| failed(cause(&*error)))?.to_bytes();
        let text = words(&body).ok_or_else(|| failed("invalid_response".to_owned()))?;
        Ok(Said { text, latency_ms })
    }
}

/// The texts of a message, one after the other. None of what is no message.
fn words(body: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(body).ok()?;
    let blocks = message.get("content")?.as_array()?;
    let texts = blocks
        .iter()
        .filter_map(|block| block.get("text")?.as_str());
    Some(texts.collect::<Vec<_>>().join("\n"))
}

fn uri(base_url: &str) -> Result<Uri, AddressError> {
    const NO_URL: AddressError = AddressError::Url("it is not an http or https address");
    let uri: Uri = base_url.trim().parse().map_err(|_| NO_URL)?;
    let mut parts = uri.into_parts();
    let scheme = parts.scheme.as_ref().map(http::uri::Scheme::as_str);
    if !matches!(scheme, Some("http" | "https")) {
        return Err(NO_URL);
    }
    let authority = parts.authority.as_ref().map_or("", |name| name.as_str());
    if authority.contains('@') {
        return Err(AddressError::Url("it holds a user name or a password"));
    }
    let asked = parts.path_and_query.take();
    if asked.as_ref().is_some_and(|asked| asked.query().is_some()) {
        return Err(AddressError::Url("it has a query"));
    }
    let path = asked.as_ref().map_or("", PathAndQuery::path);
    let path = format!("{}{MESSAGES}", path.trim_end_matches('/'));
    parts.path_and_query = Some(path.parse().map_err(|_| NO_URL)?);
    Uri::from_parts(parts).map_err(|_| NO_URL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_or_refused() {
        for (base, wanted) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:1/v1/messages"),
            (
                "https://ctr.test/below/",
                "https://ctr.test/below/v1/messages",
            ),
        ] {
            let found = uri(base).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), Ok(wanted));
        }
        for base in [
            "",
            "ctr.test",
            "ftp://a.test",
            "http://u:p@a.test",
            "http://a.test/?k=v",
        ] {
            assert!(uri(base).is_err(), "{base}");
        }
    }

    #[test]
    fn the_words_of_a_message_are_its_texts() {
        let told = |body: &str| words(body.as_bytes());
        let body = r#"{"content":[{"type":"thinking","thinking":"x"},{"text":"a"},{"text":"b"}]}"#;
        assert_eq!(told(body).as_deref(), Some("a\nb"));
        assert_eq!(told(r#"{"content":[]}"#).as_deref(), Some(""));
        for none in ["", "[]", "{}", r#"{"content":"a"}"#] {
            assert_eq!(told(none), None, "{none}");
        }
    }
}
