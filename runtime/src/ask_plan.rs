//! Asks a running proxy which plan it serves.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::Limits;
use ctr_compiler::plan::{Plan, ReadPlanError};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use tokio::time::timeout;

use crate::client::{Client, cause};

/// Path of the plan below the address of a proxy.
pub(crate) const PATH: &str = "/api/plan";

/// Longest wait for the whole answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no plan to speak of. Holds no key.
#[derive(Debug)]
pub enum AskError {
    /// The address cannot be asked.
    Address(&'static str),
    /// The key has characters no header can carry.
    Key,
    /// Nobody answers, or not to the end.
    Unreachable(String),
    /// The proxy takes another key, or any key at all.
    Denied,
    /// The proxy takes nothing from who calls it so.
    Forbidden,
    /// Something else answers there.
    Status(StatusCode),
    /// What answered is no plan that this version reads.
    Plan(ReadPlanError),
}

impl AskError {
    /// What to do about it, starting with a verb.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Address(_) => "write it whole, for example `http://127.0.0.1:5678`",
            Self::Key => "check the variable that holds the key",
            Self::Unreachable(_) => "check the address, and that the proxy runs",
            Self::Denied => "set the variable `CTR_API_KEY`, or name another with `--api-key-env`",
            Self::Forbidden => "call it as `localhost` or by its IP address, or set its `APIKEY`",
            Self::Status(_) => "name the address of a `ctr start` of this version",
            Self::Plan(_) => "use the version of ctr that serves there",
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) => f.write_str(why),
            Self::Key => f.write_str("the key has characters no header can carry"),
            Self::Unreachable(why) => f.write_str(why),
            Self::Denied => f.write_str("the proxy asks for another key"),
            Self::Forbidden => f.write_str("the proxy takes no calls by this name"),
            Self::Status(status) => write!(f, "`{PATH}` is answered with {status}"),
            Self::Plan(error) => error.fmt(f),
        }
    }
}

impl Error for AskError {}

/// The plan that the proxy at `address` (`http://host:port`) serves right now.
/// `key` is sent as `x-api-key`; redirects are not followed.
///
/// # Errors
/// [`AskError`], after half a minute at most.
pub async fn ask_plan(address: &str, key: Option<&str>) -> Result<Plan, AskError> {
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = plan_uri(address)?;
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(key).map_err(|_| AskError::Key)?;
        value.set_sensitive(true);
        request.headers_mut().insert("x-api-key", value);
    }
    let text = timeout(PATIENCE, answer(request)).await;
    let text = text.unwrap_or_else(|_| Err(AskError::Unreachable("no answer in time".into())))?;
    Plan::from_json(&String::from_utf8_lossy(&text)).map_err(AskError::Plan)
}

async fn answer(request: Request<Empty<Bytes>>) -> Result<Bytes, AskError> {
    let answer = Client::new().request(request).await;
    let answer = answer.map_err(|error| AskError::Unreachable(cause(&error)))?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(AskError::Denied),
        StatusCode::FORBIDDEN => return Err(AskError::Forbidden),
        other => return Err(AskError::Status(other)),
    }
    let body = Limited::new(answer.body, Limits::default().source_bytes);
    let body = body.collect().await;
    let body = body.map_err(|error| AskError::Unreachable(cause(&*error)))?;
    Ok(body.to_bytes())
}

fn plan_uri(address: &str) -> Result<Uri, AskError> {
    let no_url = || AskError::Address("it is not an http or https address");
    let uri: Uri = address.trim().parse().map_err(|_| no_url())?;
    let mut parts = uri.into_parts();
    let scheme = parts.scheme.as_ref().map(http::uri::Scheme::as_str);
    if !matches!(scheme, Some("http" | "https")) {
        return Err(no_url());
    }
    let authority = parts.authority.as_ref().map_or("", |name| name.as_str());
    if authority.contains('@') {
        return Err(AskError::Address("it holds a user name or a password"));
    }
    let asked = parts.path_and_query.take();
    if asked.as_ref().is_some_and(|asked| asked.query().is_some()) {
        return Err(AskError::Address("it has a query"));
    }
    let path = asked.as_ref().map_or("", PathAndQuery::path);
    let path = format!("{}{PATH}", path.trim_end_matches('/'));
    parts.path_and_query = Some(path.parse().map_err(|_| no_url())?);
    Uri::from_parts(parts).map_err(|_| no_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        for (address, wanted) in [
            ("http://127.0.0.1:5678", "http://127.0.0.1:5678/api/plan"),
            ("https://ctr.test/", "https://ctr.test/api/plan"),
            ("https://ctr.test/below/", "https://ctr.test/below/api/plan"),
            ("http://[::1]:1", "http://[::1]:1/api/plan"),
        ] {
            let uri = plan_uri(address).ok().map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), Some(wanted));
        }
        for address in [
            "",
            "ctr.test",
            "127.0.0.1:5678",
            "ftp://ctr.test",
            "http://u:p@ctr.test",
            "http://ctr.test/?a=b",
        ] {
            assert!(plan_uri(address).is_err(), "{address}");
        }
    }
}
