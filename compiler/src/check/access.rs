//! Who may call, and secrets that stand in the document.

use super::called;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::is_lone_variable;
use crate::registration::{Registration, is_public_host, not_a_host, shown_url};
use crate::source::Spanned;
use crate::variable::{has_reference, variables};

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let host = registration.host.as_ref();
    if let Some(host) = host {
        invalid_host(host, problems);
    }
    let has_key = registration.api_key.is_some() || registration.gaps.has("APIKEY");
    if let Some(host) = host.filter(|host| is_public_host(&host.value) && !has_key) {
        let mut diagnostic = Diagnostic::new(
            Code::ListenPublicWithoutKey,
            format!("`HOST` `{}` is public and there is no `APIKEY`", host.value),
        )
        .at(host.span, "the proxy will listen on 127.0.0.1 instead");
        if let Some(key) = registration.managed_keys.first() {
            diagnostic = diagnostic.at(key.head, "managed keys are not asked for yet");
        }
        problems
            .push(diagnostic.help("set `APIKEY: \"${CTR_API_KEY}\"`, or write `HOST: 127.0.0.1`"));
    }
    secret(
        registration.api_key.as_ref(),
        || "APIKEY".to_owned(),
        problems,
    );
    for called in called::all(registration) {
        secret(called.key(), || called.path("key"), problems);
        url(called.api(), || called.path("api"), problems);
    }
}

fn invalid_host(host: &Spanned<String>, problems: &mut Problems) {
    let literal = Some(host.value.as_str()).filter(|host| !has_reference(host));
    let Some(what) = literal.and_then(not_a_host) else {
        return;
    };
    problems.push(
        Diagnostic::new(Code::ListenInvalidHost, "nothing can listen on this `HOST`")
            .at(host.span, what)
            .help(
                "write a name or an address alone, as `127.0.0.1`; the port is written as `PORT`",
            ),
    );
}

fn secret(text: Option<&Spanned<String>>, path: impl Fn() -> String, problems: &mut Problems) {
    // A reference with a slip in it was meant to hold no secret, and is reported as malformed.
    let literal =
        |text: &&Spanned<String>| !is_lone_variable(&text.value) && variables(&text.value).is_ok();
    let Some(text) = text.filter(literal) else {
        return;
    };
    problems.push(
        Diagnostic::new(Code::SecretLiteral, format!("`{}` holds a secret", path()))
            .at(text.span, "everyone who can read this file can use it")
            .help("write `${NAME}` and set the variable where the proxy runs"),
    );
}

fn url(text: Option<&Spanned<String>>, path: impl Fn() -> String, problems: &mut Problems) {
    let Some(text) = text.filter(|text| shown_url(&text.value).1) else {
        return;
    };
    problems.push(
        Diagnostic::new(
            Code::SecretInUrl,
            format!("`{}` carries a credential", path()),
        )
        .at(
            text.span,
            "user-info, a parameter or a word of this URL is a secret",
        )
        .help("move it to `key`, or write its value as `${NAME}`"),
    );
}
