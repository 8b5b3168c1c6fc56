//! The top level: which sections exist, and which are left aside.

use super::gaps::Gaps;
use super::key::{Key, Meaning, Takes, key};
use super::read::{Fields, Reader};
use super::{
    Registration, auth, governance, lint, model, pool, provider, route_test, router, runtime,
    smart, trigger,
};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::LogLevel;
use crate::source::Spanned;
use crate::tree::{Root, Value};

/// Every key of a registration, with all that may stand below it.
pub const VOCABULARY: &[Key] = &[
    key(
        "HOST",
        Takes::Text(Meaning::Value),
        "the address the proxy listens on; a public one needs a key",
    )
    .or("127.0.0.1"),
    key(
        "PORT",
        Takes::Integer(1, 65_535),
        "the TCP port the proxy listens on",
    )
    .or("5678"),
    key(
        "APIKEY",
        Takes::Text(Meaning::Secret),
        "the bootstrap key; asked of callers when it is set",
    ),
    key(
        "API_TIMEOUT_MS",
        Takes::Integer(i64::MIN, i64::MAX),
        "the longest wait for an upstream in milliseconds; zero and below mean no limit",
    )
    .or("600000"),
    key(
        "LOG_LEVEL",
        Takes::Word(LogLevel::NAMES),
        "the least severe log line that is written",
    )
    .or("debug"),
    key(
        "LOG",
        Takes::Anything,
        "read and left aside: logs go to standard error",
    ),
    key(
        "PROXY_URL",
        Takes::Anything,
        "an outbound HTTP proxy; left aside: upstreams are called directly",
    ),
    key(
        "NON_INTERACTIVE_MODE",
        Takes::Anything,
        "read and left aside: it never had an effect",
    ),
    key(
        "CUSTOM_ROUTER_PATH",
        Takes::Anything,
        "a script that routes; left aside: no script is run",
    ),
    key(
        "forceUseImageAgent",
        Takes::Boolean,
        "whether no image goes to the model that answers; it asks the image agent, which asks `Router.image`",
    )
    .or("false"),
    key(
        "Models",
        Takes::List(&Takes::Map(model::MODEL)),
        "logical models with one endpoint each",
    ),
    key(
        "Providers",
        Takes::List(&Takes::Map(provider::PROVIDER)),
        "upstreams of older files; counts only where there are no `Models`",
    )
    .legacy(),
    key(
        "Router",
        Takes::Map(router::ROUTER),
        "scenario slots: which model takes which requests",
    ),
    key(
        "SmartRouter",
        Takes::Map(smart::SMART_ROUTER),
        "what is asked before the slots: rules, likeness, candidates, sessions",
    ),
    key(
        "TriggerRouter",
        Takes::Map(trigger::TRIGGER_ROUTER),
        "the smart router of older files",
    )
    .legacy(),
    key(
        "Registration",
        Takes::Map(pool::REGISTRATION),
        "pools: several endpoints behind one logical model",
    ),
    key(
        "Runtime",
        Takes::Map(runtime::RUNTIME),
        "the deployment role and what goes with it",
    ),
    key("Auth", Takes::Map(auth::AUTH), "keys that were handed out"),
    key(
        "Governance",
        Takes::Map(governance::GOVERNANCE),
        "what is done about answers, beside serving them",
    ),
    key(
        "Lint",
        lint::LINT,
        "how grave each kind of finding is, by code, and what is waived; no part of the plan",
    ),
    key(
        "Tests",
        Takes::List(&Takes::Map(route_test::TEST)),
        "requests and where they must go, for `ctr test`; no part of the plan",
    ),
];

/// Keys that are read by name only, and what happens instead.
const INERT: &[(&str, &str)] = &[
    ("PROXY_URL", "upstreams are called directly"),
    ("LOG", "logs go to standard error"),
    ("NON_INTERACTIVE_MODE", "it never had an effect"),
    ("CUSTOM_ROUTER_PATH", "no script is run"),
];

pub(super) fn read(root: &Root<'_>, problems: &mut Problems) -> Registration {
    let mut reader = Reader {
        problems,
        complete: root.complete,
        whole: root.complete,
        gaps: Gaps::default(),
    };
    reader.gaps.everywhere = !root.complete;
    let mut registration = Registration::default();
    let Some(fields) = reader.fields(&root.node, VOCABULARY, "") else {
        return registration;
    };
    registration.head = Some(fields.head);
    registration.host = reader.text(&fields, "HOST", "");
    registration.port = reader.integer(&fields, "PORT", "").as_ref().and_then(port);
    registration.api_key = reader.text(&fields, "APIKEY", "");
    registration.timeout_ms = reader.integer(&fields, "API_TIMEOUT_MS", "");
    registration.log_level = reader.word(&fields, "LOG_LEVEL", "", LogLevel::WORDS);
    registration.models = model::read_list(&mut reader, &fields, "Models", "");
    registration.providers = provider::read(&mut reader, &fields);
    registration.providers_head = fields
        .get("Providers")
        .and(fields.entry("Providers"))
        .map(|entry| entry.key.span);
    registration.router = router::read(&mut reader, &fields);
    registration.smart = smart::read(&mut reader, &fields);
    registration.trigger = trigger::read(&mut reader, &fields);
    registration.pools = pool::read(&mut reader, &fields);
    registration.runtime = runtime::read(&mut reader, &fields);
    registration.managed_keys = auth::read(&mut reader, &fields);
    registration.governance = governance::read(&mut reader, &fields);
    registration.lint = lint::read(&mut reader, &fields);
    registration.force_image_agent = reader.boolean(&fields, "forceUseImageAgent", "");
    for (name, consequence) in INERT {
        inert(&mut reader, &fields, name, consequence);
    }
    let before = reader.problems.len();
    registration.tests = route_test::read(&mut reader, &fields);
    registration.test_problems = before..reader.problems.len();
    registration.whole = reader.whole;
    registration.gaps = reader.gaps;
    registration
}

fn port(number: &Spanned<i64>) -> Option<Spanned<u16>> {
    u16::try_from(number.value)
        .ok()
        .map(|value| Spanned::new(value, number.span))
}

/// Reports a key that is known and has no effect.
fn inert(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, name: &str, consequence: &str) {
    let Some(entry) = fields.entry(name) else {
        return;
    };
    if matches!(entry.value.value, Value::Null) {
        return;
    }
    reader.problems.push(
        Diagnostic::new(
            Code::DocumentNotSupportedYet,
            format!("`{name}` is not supported yet"),
        )
        .at(
            entry.key.span,
            format!("read and left aside; {consequence}"),
        )
        .help(format!(
            "keep `{name}` if another reader of this file needs it; it changes nothing here"
        )),
    );
}
