//! Which headers go on to the upstream and back to the client, and the address
//! a request goes to. What is not named here passes as it came.

use ctr_compiler::plan::Interface;
use foldhash::HashSet;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    SET_COOKIE,
};
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use super::account::Account;
use super::attempt::Answer;
use crate::activate::{Live, Upstream};
use crate::http1::{Headers, Name};
use crate::protocol::ask::AskError;
use crate::protocol::error::{ProxyError, REQUEST_ID, shown};
use crate::protocol::neutral::Dropped;

/// Header with the first digits of the plan's hash.
pub const PLAN: HeaderName = HeaderName::from_static("x-ctr-plan");
/// Header with the id of the endpoint that answered.
pub const ENDPOINT: HeaderName = HeaderName::from_static("x-ctr-endpoint");

/// Header that names what could not be carried.
pub const DROPPED: HeaderName = HeaderName::from_static("x-ctr-dropped");
/// Header that names what in an answer is estimated.
pub const ESTIMATE: HeaderName = HeaderName::from_static("x-ctr-estimate");
/// Header with the model that is asked about images the answering one does not see.
pub const IMAGE_AGENT: HeaderName = HeaderName::from_static("x-ctr-image-agent");
/// Header that names the protocols an answer was translated between.
pub const TRANSLATED: HeaderName = HeaderName::from_static("x-ctr-translated");

/// Beginning of headers that are the proxy's own.
const OURS: &str = "x-ctr-";

/// OpenAI's name for a request at the upstream.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Anthropic's.
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// The version every reference client of the API began with; a client that knows a later one says so.
const FIRST_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Beginnings of what clients tell their own vendor.
const VENDORS: [&str; 5] = [
    "anthropic-",
    "openai-",
    "x-claude-",
    "x-codex-",
    "x-stainless-",
];

/// More of the same.
const SESSIONS: [&str; 4] = ["x-app", "originator", "session-id", "thread-id"];

/// Bytes of path and query that any server built on the same HTTP library can still read.
const TARGET_LIMIT: usize = 65_534;

/// Fields of one connection (RFC 9110 §7.6.1), besides those `Connection` names and `proxy-*`.
const HOP_BY_HOP: [&str; 6] = [
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "connection",
];

/// What `Connection` says most often, which names no field that needs to be looked for.
const USUAL: [&[u8]; 2] = [b"keep-alive", b"close"];

/// What belongs to the client's connection with the proxy: its target, its
/// framing, and whatever proves who the client is.
const OWN: [&str; 7] = [
    "host",
    "content-length",
    "expect",
    "authorization",
    "cookie",
    "x-api-key",
    "api-key",
];

/// Leaves in a client's headers what may go to any upstream of its protocol.
pub(super) fn clean_request(headers: &mut Headers, interface: Interface) {
    remove_named(headers);
    headers.retain(|name| !(is_hop_by_hop(name) || name.is_one_of(&OWN) || name.begins_with(OURS)));
    if interface == Interface::Anthropic {
        headers.or_insert(ANTHROPIC_VERSION, FIRST_VERSION);
    }
    headers.or_insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// Leaves in a cleaned client's headers what may go to an upstream of the other
/// protocol: what a client tells its own vendor is nobody else's business.
/// Whether nothing is lost with it.
pub(super) fn for_other(headers: &mut Headers, interface: Interface) -> bool {
    let had_betas = headers.contains(ANTHROPIC_BETA);
    headers.retain(|name| {
        let is_of = |vendor: &&str| name.begins_with(vendor);
        !(name.is_one_of(&SESSIONS) || VENDORS.iter().any(is_of))
    });
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if interface == Interface::Anthropic {
        headers.insert(ANTHROPIC_VERSION, FIRST_VERSION);
    }
    !had_betas
}

/// Takes out of `anthropic-beta` every name that holds this word.
pub(super) fn without_betas(headers: &mut Headers, word: &str) {
    let kept: Vec<HeaderValue> = headers
        .get_all(ANTHROPIC_BETA)
        .filter_map(|value| {
            let names = std::str::from_utf8(value)
                .ok()
                .filter(|names| names.is_ascii())?;
            let names = names.split(',').map(str::trim);
            let names: Vec<&str> = names.filter(|name| !name.contains(word)).collect();
            HeaderValue::from_str(&names.join(",")).ok()
        })
        .filter(|value| !value.is_empty())
        .collect();
    headers.remove(ANTHROPIC_BETA);
    for value in kept {
        headers.append(&ANTHROPIC_BETA, value);
    }
}

/// Whether a body can be read as it is.
pub(super) fn is_plain(headers: &Headers) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING);
    encodings.all(|value| value.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Why a body is no request: some say it themselves, being no JSON.
pub(super) fn not_json(headers: &Headers, error: AskError) -> ProxyError {
    let kind = headers.text(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    match kind {
        Some(kind) if !kind.to_ascii_lowercase().ends_with("json") => {
            ProxyError::NotJson(shown(kind))
        }
        _ => ProxyError::Body(error),
    }
}

/// Adds the key of an upstream to cleaned headers.
pub(super) fn with_key(headers: &mut Headers, upstream: &Upstream) {
    if let Some(value) = &upstream.auth_value {
        headers.insert(&upstream.auth_name, value);
    }
}

/// Leaves in an upstream's headers what may go to the client, and says whose answer it is.
pub(super) fn finish_response(answer: &mut Answer, live: &Live, account: &Account) {
    let headers = &mut answer.head.headers;
    remove_named(headers);
    headers.retain(|name| !(is_hop_by_hop(name) || name.is(SET_COOKIE) || name.begins_with(OURS)));
    if answer.is_events {
        // An error event may follow what the upstream promised.
        headers.remove(CONTENT_LENGTH);
    }
    if let Some((client, _)) = account.told {
        name_upstreams_request(headers, client.interface());
    }
    name(headers, live, &account.request_id);
    headers.insert(ENDPOINT, &answer.endpoint);
    if answer.is_estimate {
        headers.insert(ESTIMATE, HeaderValue::from_static("input_tokens"));
    }
    name_dropped(headers, &account.dropped);
    let translated = account.translated();
    if let Some(value) = translated.and_then(|words| HeaderValue::from_str(&words).ok()) {
        headers.insert(TRANSLATED, value);
    }
}

/// Says what could not be carried, if anything.
pub(super) fn name_dropped(headers: &mut Headers, dropped: &Dropped) {
    if dropped.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&dropped.words()) {
        headers.insert(DROPPED, value);
    }
}

/// Gives the upstream's name for a request under the header that the client looks at.
fn name_upstreams_request(headers: &mut Headers, client: Interface) {
    let (theirs, ours) = match client {
        Interface::Anthropic => (X_REQUEST_ID, UPSTREAM_REQUEST_ID),
        Interface::Openai => (UPSTREAM_REQUEST_ID, X_REQUEST_ID),
    };
    let id = headers
        .get(theirs)
        .and_then(|id| HeaderValue::from_bytes(id).ok());
    if let Some(id) = id {
        headers.or_insert(ours, id);
    }
}

/// Says which request and which plan an answer belongs to.
pub(super) fn name(headers: &mut Headers, live: &Live, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(PLAN, &live.hash_header);
}

/// The endpoint's address with the client's query after its own; none when that is too long.
pub(super) fn target(endpoint: Uri, query: Option<&str>) -> Option<Uri> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Some(endpoint);
    };
    let own = endpoint.path_and_query().map_or("/", PathAndQuery::as_str);
    let joint = match own.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    if own.len() + query.len() >= TARGET_LIMIT {
        return None;
    }
    let joined = PathAndQuery::try_from(format!("{own}{joint}{query}")).ok()?;
    let mut parts = endpoint.into_parts();
    parts.path_and_query = Some(joined);
    Uri::from_parts(parts).ok()
}

/// Whether a field belongs to one connection, by its name alone.
fn is_hop_by_hop(name: Name<'_>) -> bool {
    name.is_one_of(&HOP_BY_HOP) || name.begins_with("proxy-")
}

/// Takes out what `Connection` names.
fn remove_named(headers: &mut Headers) {
    if headers
        .get_all(CONNECTION)
        .all(|value| USUAL.contains(&value))
    {
        return;
    }
    // A head has room for many thousands of names.
    let named: HashSet<Vec<u8>> = headers
        .get_all(CONNECTION)
        .flat_map(|names| names.split(|byte| *byte == b','))
        .map(|name| name.trim_ascii().to_ascii_lowercase())
        .collect();
    headers.retain(|name| !named.contains(&name.in_small_letters()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x-api-key` as `X-Api-Key`.
    fn titled(name: &str) -> String {
        let titled = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        let words: Vec<String> = name.split('-').map(titled).collect();
        words.join("-")
    }

    #[test]
    fn only_the_clients_own_business_stays_behind() {
        let kept = [
            ("anthropic-beta", "a,b"),
            ("anthropic-beta", "c"),
            ("anthropic-version", "2026-10-21"),
            ("x-stainless-lang", "js"),
            ("x-app", "cli"),
            ("x-claude-code-session-id", "1"),
            ("session-id", "2"),
            ("originator", "codex"),
            ("accept-encoding", "gzip, zstd"),
            ("user-agent", "x"),
            ("content-type", "application/json; charset=utf-8"),
        ];
        let dropped = [
            ("host", "h"),
            ("content-length", "1"),
            ("expect", "100-continue"),
            ("authorization", "Bearer caller"),
            ("x-api-key", "caller"),
            ("api-key", "caller"),
            ("cookie", "c"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "caller"),
            ("proxy-connection", "x"),
            ("x-ctr-role", "admin"),
        ];
        for spelt in [str::to_owned, str::to_ascii_uppercase, titled] {
            let dropped = dropped.map(|(name, value)| (spelt(name), value));
            let dropped = dropped.iter().map(|(name, value)| (name.as_str(), *value));
            let lines: Vec<_> = kept.into_iter().chain(dropped).collect();
            let mut cleaned = Headers::of(&lines);
            clean_request(&mut cleaned, Interface::Anthropic);
            assert_eq!(cleaned.written(), Headers::of(&kept).written());
        }
    }

    #[test]
    fn what_a_client_leaves_out_is_added() {
        let mut cleaned = Headers::default();
        clean_request(&mut cleaned, Interface::Anthropic);
        let added = [
            ("anthropic-version", "2023-06-01"),
            ("content-type", "application/json"),
        ];
        assert_eq!(cleaned.written(), Headers::of(&added).written());
        let mut cleaned = Headers::default();
        clean_request(&mut cleaned, Interface::Openai);
        assert_eq!(cleaned.written(), Headers::of(&added[1..]).written());
    }

    #[test]
    fn another_vendor_learns_nothing_of_the_client() {
        let mut headers = Headers::of(&[
            ("Anthropic-Beta", "a"),
            ("anthropic-version", "2023-06-01"),
            ("X-Stainless-Lang", "js"),
            ("X-App", "cli"),
            ("SESSION-ID", "1"),
            ("Accept-Encoding", "gzip"),
            ("User-Agent", "x"),
        ]);
        assert!(!for_other(&mut headers, Interface::Openai));
        let kept = [("User-Agent", "x"), ("accept-encoding", "identity")];
        assert_eq!(headers.written(), Headers::of(&kept).written());
    }

    #[test]
    fn a_beta_is_taken_out_by_its_word() {
        let mut headers = Headers::of(&[
            ("Anthropic-Beta", "thinking-1, a,b"),
            ("anthropic-beta", "interleaved-thinking-2"),
            ("x", "thinking"),
        ]);
        without_betas(&mut headers, "thinking");
        let kept = [("x", "thinking"), ("anthropic-beta", "a,b")];
        assert_eq!(headers.written(), Headers::of(&kept).written());
    }

    #[test]
    fn queries_are_joined() {
        let joined = |endpoint: &'static str, query| {
            target(Uri::from_static(endpoint), query).map(|uri| uri.to_string())
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(joined("http://h/a", None), is("http://h/a"));
        assert_eq!(joined("http://h/a", Some("")), is("http://h/a"));
        assert_eq!(
            joined("http://h/a", Some("beta=true")),
            is("http://h/a?beta=true")
        );
        assert_eq!(
            joined("http://h/a?v=1", Some("beta=true")),
            is("http://h/a?v=1&beta=true")
        );
        assert_eq!(joined("http://h/a?", Some("b")), is("http://h/a?b"));
        assert_eq!(joined("http://h", Some("b")), is("http://h/?b"));
        assert!(joined("http://h/a", Some(&"x".repeat(TARGET_LIMIT))).is_none());
    }
}
