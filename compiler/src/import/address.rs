//! From a base URL, as SDKs take it, to the URL that is called. The rule of a
//! registration completes a bare origin and `/v1`; where an SDK would call
//! something else, the whole path is written.

use super::provider::Shape;

/// The URL of a base that is not empty. `model` and `version` are asked only
/// where they are part of it.
pub(super) fn url(shape: Shape, base: &str, model: &str, version: &str) -> String {
    let (base, query) = parts(base);
    let base = base.trim_end_matches('/');
    // The slash at the end of a default would stand in the middle.
    let trimmed = base.strip_suffix("/}").map(|base| format!("{base}}}"));
    let base = trimmed.as_deref().unwrap_or(base);
    let called = match shape {
        Shape::Anthropic if base.ends_with("/v1") || is_origin(base) => base.to_owned(),
        Shape::Anthropic => with_tail(base, "/v1/messages"),
        Shape::Rooted if base.ends_with("/v1") => base.to_owned(),
        Shape::Rooted => format!("{}/v1", base.trim_end_matches("/api")),
        Shape::Azure => azure(base, model),
        Shape::Responses => with_tail(base, "/responses"),
        Shape::Openai | Shape::Uncallable(_) => openai(base),
    };
    // Version 1 of Azure's API knows no versions in the query.
    let version = match query {
        None if shape == Shape::Azure && !base.ends_with("/openai/v1") => {
            format!("?api-version={version}")
        }
        _ => String::new(),
    };
    called + query.unwrap_or(&version)
}

/// A base and its query, with the `?`; what stands in a default divides nothing.
fn parts(base: &str) -> (&str, Option<&str>) {
    let from = base.rfind('}').unwrap_or(0);
    match base[from..].find('?') {
        Some(at) => (&base[..from + at], Some(&base[from + at..])),
        None => (base, None),
    }
}

fn openai(base: &str) -> String {
    match base.ends_with("/v1") && !base.contains("${") {
        true => base.to_owned(),
        false => with_tail(base, "/chat/completions"),
    }
}

fn azure(base: &str, model: &str) -> String {
    // Version 1 of the API takes the model from the body.
    if base.ends_with("/openai/v1") {
        return openai(base);
    }
    let path = if base.contains("/openai/deployments/") {
        base.to_owned()
    } else if base.contains("gateway.ai.cloudflare.com") {
        // This gateway's base names the resource, and the deployment follows.
        format!("{base}/{}", in_path(model))
    } else {
        format!("{base}/openai/deployments/{}", in_path(model))
    };
    with_tail(&path, "/chat/completions")
}

fn with_tail(base: &str, tail: &str) -> String {
    match base.ends_with(tail) {
        true => base.to_owned(),
        false => format!("{base}{tail}"),
    }
}

/// A name as one segment of a path; a reference stays one.
fn in_path(name: &str) -> String {
    if crate::plan::is_lone_variable(name) {
        return name.to_owned();
    }
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => segment.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => segment.push(char::from(byte)),
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

/// Whether a URL has no path and depends on nothing.
fn is_origin(url: &str) -> bool {
    url.split_once("://")
        .is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']) && !url.contains("${"))
}

/// A URL that names its owner and leads nowhere, for an endpoint that cannot
/// be called. No public name ends in `.invalid` (RFC 2606).
pub(super) fn nowhere(owner: &str) -> String {
    let host: String = owner
        .chars()
        .take(32)
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    match host.trim_matches('-') {
        "" => "https://disabled.invalid".to_owned(),
        host => format!("https://{host}.invalid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Interface;
    use crate::registration::normal_url;

    #[test]
    fn the_url_that_is_called_is_the_one_an_sdk_calls() {
        for (shape, base, called) in [
            (
                Shape::Openai,
                "https://a.example/v1",
                "https://a.example/v1/chat/completions",
            ),
            (
                Shape::Openai,
                "https://a.example/",
                "https://a.example/chat/completions",
            ),
            (
                Shape::Openai,
                "https://a.example/x/v3",
                "https://a.example/x/v3/chat/completions",
            ),
            (
                Shape::Openai,
                "https://a.example/v1/chat/completions",
                "https://a.example/v1/chat/completions",
            ),
            (Shape::Openai, "${BASE}", "${BASE}/chat/completions"),
            (
                Shape::Openai,
                "${BASE:-https://a.example/}",
                "${BASE:-https://a.example}/chat/completions",
            ),
            (Shape::Openai, "${BASE}/v1", "${BASE}/v1/chat/completions"),
            (
                Shape::Anthropic,
                "https://a.example",
                "https://a.example/v1/messages",
            ),
            (
                Shape::Anthropic,
                "https://a.example/anthropic",
                "https://a.example/anthropic/v1/messages",
            ),
            (
                Shape::Anthropic,
                "https://a.example/v1",
                "https://a.example/v1/messages",
            ),
            (Shape::Anthropic, "${BASE}", "${BASE}/v1/messages"),
            (
                Shape::Rooted,
                "http://o:11434",
                "http://o:11434/v1/chat/completions",
            ),
            (
                Shape::Rooted,
                "http://o:11434/api/",
                "http://o:11434/v1/chat/completions",
            ),
            (
                Shape::Rooted,
                "http://o:11434/v1",
                "http://o:11434/v1/chat/completions",
            ),
            (
                Shape::Azure,
                "https://r.openai.azure.com/",
                "https://r.openai.azure.com/openai/deployments/g%204/chat/completions?api-version=1",
            ),
            (
                Shape::Azure,
                "https://r.example/openai/deployments/d",
                "https://r.example/openai/deployments/d/chat/completions?api-version=1",
            ),
            (
                Shape::Azure,
                "https://r.example/openai/deployments/d/chat/completions?api-version=2024-01-01",
                "https://r.example/openai/deployments/d/chat/completions?api-version=2024-01-01",
            ),
            (
                Shape::Openai,
                "https://a.example/v1/?a=b",
                "https://a.example/v1/chat/completions?a=b",
            ),
            (
                Shape::Openai,
                "https://a.example/v1/chat/completions?a=b",
                "https://a.example/v1/chat/completions?a=b",
            ),
            (
                Shape::Openai,
                "${BASE:-https://a.example?a=b}",
                "${BASE:-https://a.example?a=b}/chat/completions",
            ),
            (
                Shape::Responses,
                "https://a.example/v1",
                "https://a.example/v1/responses",
            ),
            (
                Shape::Responses,
                "https://a.example/v1/responses",
                "https://a.example/v1/responses",
            ),
            (
                Shape::Azure,
                "https://r.example/openai/v1",
                "https://r.example/openai/v1/chat/completions",
            ),
            (
                Shape::Azure,
                "https://gateway.ai.cloudflare.com/v1/a/azure-openai/r",
                "https://gateway.ai.cloudflare.com/v1/a/azure-openai/r/g%204/chat/completions?api-version=1",
            ),
        ] {
            let interface = match shape {
                Shape::Anthropic => Interface::Anthropic,
                _ => Interface::Openai,
            };
            let written = url(shape, base, "g 4", "1");
            assert_eq!(normal_url(&written, interface), called, "{base}");
        }
    }

    #[test]
    fn nowhere_is_a_host() {
        assert_eq!(nowhere("vertex_ai"), "https://vertex-ai.invalid");
        assert_eq!(nowhere("__"), "https://disabled.invalid");
        assert_eq!(nowhere("日本"), "https://disabled.invalid");
    }
}
