//! Addresses beside the one a plan has for an endpoint: one server serves
//! several of a protocol's paths under one base.

use http::Uri;
use http::uri::PathAndQuery;

/// Ends of paths that have siblings.
const TAILS: [&str; 4] = [
    "/chat/completions",
    "/responses",
    "/embeddings",
    "/messages",
];

/// The address with another end in place of its own; none where it ends in
/// none that is known. The query stays.
pub(super) fn sibling(address: &Uri, tail: &str) -> Option<Uri> {
    let path = address.path().trim_end_matches('/');
    let base = TAILS.iter().find_map(|known| path.strip_suffix(known))?;
    with_path(address, &format!("{base}{tail}"))
}

/// The address of something under it; none unless it ends in `tail`.
pub(super) fn under(address: &Uri, tail: &str, more: &str) -> Option<Uri> {
    let path = address.path().trim_end_matches('/');
    let base = path.strip_suffix(tail)?;
    with_path(address, &format!("{base}{tail}{more}"))
}

fn with_path(address: &Uri, path: &str) -> Option<Uri> {
    let mut parts = address.clone().into_parts();
    let target = match address.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_share_a_base() {
        let at = |address: &'static str| {
            sibling(&Uri::from_static(address), "/responses").map(|uri| uri.to_string())
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(
            at("https://a.example/v1/chat/completions"),
            is("https://a.example/v1/responses")
        );
        assert_eq!(
            at("https://a.example/v1/responses/"),
            is("https://a.example/v1/responses")
        );
        assert_eq!(
            at("https://a.example/deployments/x/embeddings?api-version=1"),
            is("https://a.example/deployments/x/responses?api-version=1")
        );
        assert_eq!(at("https://a.example/custom"), None);
        let under = |address: &'static str| {
            under(&Uri::from_static(address), "/messages", "/count_tokens")
                .map(|uri| uri.to_string())
        };
        assert_eq!(
            under("https://a.example/v1/messages"),
            is("https://a.example/v1/messages/count_tokens")
        );
        assert_eq!(under("https://a.example/custom"), None);
    }
}
