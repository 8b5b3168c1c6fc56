//! What a fact means: its path, its weight, and a sentence on what traffic will notice.

use super::facts::is_bound;
use super::{Change, Subject, Weight};
use crate::plan::{Slot, Strategy};

/// Values of an endpoint that no request notices.
const SILENT: &[&str] = &[
    "label",
    "vendor_hint",
    "provider",
    "upstream_service",
    "cost",
    "rate_limit_rpm",
    "rate_limit_tpm",
    "priority",
];

/// How the first choice of a pool begins that prefers none of its endpoints.
pub(super) const SPREAD: &str = "none, ";

impl Change {
    /// The path in the plan, for machines.
    pub fn path(&self) -> String {
        match &self.subject {
            Subject::Setting(path) | Subject::Section(path) => path.clone(),
            Subject::Slot(slot) => format!("router.slots.{slot}"),
            Subject::Rule(name) => format!("smart_router.rules.{name}"),
            Subject::RuleField(name, field) => format!("smart_router.rules.{name}.{field}"),
            Subject::RuleOrder => "smart_router.rules".to_owned(),
            Subject::Candidate(model) => format!("smart_router.candidates.{model}"),
            Subject::CandidateOrder => "smart_router.candidates".to_owned(),
            Subject::Key(id) => format!("managed_keys.{id}"),
            Subject::KeyField(id, field) => format!("managed_keys.{id}.{field}"),
            Subject::Model(id) => format!("models.{id}"),
            Subject::ModelField(id, field) => format!("models.{id}.{field}"),
            Subject::Pool(id) => format!("pools.{id}"),
            Subject::PoolField(id, field) => format!("pools.{id}.{field}"),
            Subject::FirstChoice(id) => format!("pools.{id}.first_choice"),
            Subject::EnforcedLimit(pool, id, field) => {
                format!("pools.{pool}.endpoints.{id}.{field}")
            }
            Subject::Endpoint(pool, id) => format!("pools.{pool}.endpoints.{id}"),
            Subject::EndpointField(pool, id, field) => {
                format!("pools.{pool}.endpoints.{id}.{field}")
            }
            Subject::Service(id) => format!("upstream_services.{id}"),
            Subject::ServiceField(id, field) => format!("upstream_services.{id}.{field}"),
        }
    }

    /// What changed, for people.
    pub fn title(&self) -> String {
        match &self.subject {
            Subject::Setting(path) | Subject::Section(path) => path.clone(),
            Subject::Slot(slot) => format!("slot `{slot}`"),
            Subject::Rule(name) => format!("rule `{name}`"),
            Subject::RuleField(name, field) => format!("rule `{name}` {field}"),
            Subject::RuleOrder => "order of rules of one priority".to_owned(),
            Subject::Candidate(model) => format!("candidate `{model}`"),
            Subject::CandidateOrder => "order of candidates".to_owned(),
            Subject::Key(id) => format!("managed key `{id}`"),
            Subject::KeyField(id, field) => format!("managed key `{id}` {field}"),
            Subject::Model(id) => format!("model `{id}`"),
            Subject::ModelField(id, field) => format!("model `{id}` {field}"),
            Subject::Pool(id) => format!("pool `{id}`"),
            Subject::PoolField(id, field) => format!("pool `{id}` {field}"),
            Subject::FirstChoice(id) => format!("pool `{id}` first choice"),
            Subject::Endpoint(pool, id) => format!("pool `{pool}` endpoint `{id}`"),
            Subject::EnforcedLimit(pool, id, field) | Subject::EndpointField(pool, id, field) => {
                format!("pool `{pool}` endpoint `{id}` {field}")
            }
            Subject::Service(id) => format!("upstream service `{id}`"),
            Subject::ServiceField(id, field) => format!("upstream service `{id}` {field}"),
        }
    }

    /// How much a reviewer should care.
    pub fn weight(&self) -> Weight {
        let gone = self.after.is_none();
        match &self.subject {
            Subject::Setting(path) => self.setting_weight(path),
            Subject::Section(path) if path == "runtime.remote_service" => Weight::Breaking,
            Subject::Section(path) if path == "runtime.corpus" && gone => Weight::Quiet,
            Subject::Slot(Slot::Default)
            | Subject::Model(_)
            | Subject::Pool(_)
            | Subject::FirstChoice(_)
            | Subject::Key(_)
                if gone =>
            {
                Weight::Breaking
            }
            Subject::Slot(Slot::Default)
            | Subject::Model(_)
            | Subject::Pool(_)
            | Subject::FirstChoice(_) => Weight::Notable,
            Subject::Service(_)
            | Subject::ServiceField(..)
            | Subject::Key(_)
            | Subject::RuleField(_, "description") => Weight::Quiet,
            Subject::Slot(_)
            | Subject::Section(_)
            | Subject::Rule(_)
            | Subject::RuleField(..)
            | Subject::RuleOrder
            | Subject::Candidate(_)
            | Subject::CandidateOrder
            | Subject::EnforcedLimit(..)
            | Subject::Endpoint(..) => Weight::Notable,
            Subject::PoolField(_, field) => self.pool_weight(field),
            Subject::KeyField(_, field) => self.key_weight(field),
            Subject::ModelField(_, field) | Subject::EndpointField(_, _, field) => {
                self.endpoint_weight(field)
            }
        }
    }

    fn setting_weight(&self, path: &str) -> Weight {
        match path {
            "listen.host" | "listen.port" => Weight::Restart,
            "listen.api_key" if self.after.is_none() => Weight::Notable,
            "listen.api_key" | "runtime.remote_service.base_url" => Weight::Breaking,
            "log_level"
            | "upstream_timeout_ms"
            | "router.background_models"
            | "router.long_context_threshold"
            | "router.force_image_agent"
            | "runtime.remote_service.auth_token"
            | "runtime.corpus.text" => Weight::Notable,
            _ if path.starts_with("smart_router.")
                || path.starts_with("governance.cascade")
                || path.starts_with("governance.shadow") =>
            {
                Weight::Notable
            }
            _ => Weight::Quiet,
        }
    }

    /// Refusals are breaking; everything else changes who answers, or when.
    fn pool_weight(&self, field: &str) -> Weight {
        match (field, self.after.as_deref()) {
            ("on_all_open", Some("reject")) | ("enforce_rate_limits", Some("true")) => {
                Weight::Breaking
            }
            _ => self.bound_weight(field),
        }
    }

    fn key_weight(&self, field: &str) -> Weight {
        let new = self.before.is_none();
        match field {
            "key_hash" | "scopes" => Weight::Breaking,
            // A key that begins to end, or may do less than it did.
            "revoked_at" | "expires_at" | "quota" if new => Weight::Breaking,
            "revoked_at" | "expires_at" | "quota" => Weight::Notable,
            _ => Weight::Quiet,
        }
    }

    fn endpoint_weight(&self, field: &str) -> Weight {
        match field {
            field if SILENT.contains(&field) => Weight::Quiet,
            _ => self.bound_weight(field),
        }
    }

    fn bound_weight(&self, field: &str) -> Weight {
        match is_bound(field) && self.is_less() {
            true => Weight::Breaking,
            false => Weight::Notable,
        }
    }

    /// Whether a number is smaller than it was, or stands where there was none.
    fn is_less(&self) -> bool {
        let number = |text: &Option<String>| text.as_ref()?.parse::<u64>().ok();
        match (number(&self.before), number(&self.after)) {
            (Some(before), Some(after)) => after < before,
            (before, after) => before.is_none() && after.is_some(),
        }
    }

    /// What traffic will notice.
    pub fn sentence(&self) -> String {
        let (before, after) = (
            self.before.as_deref().unwrap_or("nothing"),
            self.after.as_deref().unwrap_or("nothing"),
        );
        let (new, gone) = (self.before.is_none(), self.after.is_none());
        match &self.subject {
            Subject::Setting(path) => self.setting_sentence(path),
            Subject::Section(path) => section_sentence(path, gone).to_owned(),
            Subject::Rule(name) if new => {
                format!("requests that match `{name}` leave their slots")
            }
            Subject::Rule(name) => {
                format!("requests that matched `{name}` go on to other rules and the slots")
            }
            Subject::RuleField(_, "model") => {
                format!("requests that match go to `{after}`, instead of `{before}`")
            }
            Subject::RuleField(_, "enabled") if after == "true" => {
                "requests that match leave their slots".to_owned()
            }
            Subject::RuleField(_, "enabled") => "it takes no requests".to_owned(),
            Subject::RuleField(_, "priority") => {
                "it is asked at another time; where two rules match, another may win".to_owned()
            }
            Subject::RuleField(_, "patterns" | "prototype" | "threshold") => {
                "other requests match".to_owned()
            }
            Subject::RuleOrder => "where two of these rules match, another wins".to_owned(),
            Subject::Candidate(model) if new => format!("`{model}` may be chosen"),
            Subject::Candidate(model) if gone => format!("`{model}` is not chosen any more"),
            Subject::Candidate(_) | Subject::CandidateOrder => {
                "the choosing model is told another text, and may choose another candidate"
                    .to_owned()
            }
            Subject::Key(_) if gone => "callers with this key are refused".to_owned(),
            Subject::Key(_) => "callers with this key are let in".to_owned(),
            Subject::KeyField(_, "key_hash") => "callers must send another key".to_owned(),
            Subject::KeyField(_, "scopes") => "its owner may do other things".to_owned(),
            Subject::KeyField(_, "revoked_at") if new => {
                "callers with this key are refused".to_owned()
            }
            Subject::KeyField(_, "revoked_at") => {
                "callers with this key are let in again".to_owned()
            }
            Subject::KeyField(_, "expires_at") => "it ends at another time".to_owned(),
            Subject::KeyField(_, "quota") => "its owner may ask for another amount".to_owned(),
            Subject::RuleField(..)
            | Subject::KeyField(..)
            | Subject::Service(_)
            | Subject::ServiceField(..) => "no request goes elsewhere".to_owned(),
            Subject::Slot(Slot::Default) if gone => {
                "requests for unknown models are answered with 404".to_owned()
            }
            Subject::Slot(Slot::Default) => format!("requests for unknown models go to `{after}`"),
            Subject::Slot(slot) if gone => {
                format!("{} go on to the other slots", requests_of(*slot))
            }
            Subject::Slot(slot) => format!("{} go to `{after}`", requests_of(*slot)),
            Subject::Model(id) | Subject::Pool(id) if new => format!("clients can ask for `{id}`"),
            Subject::Model(id) | Subject::Pool(id) => {
                format!(
                    "requests for `{id}` find it no more and go to the default slot, if there is one"
                )
            }
            Subject::FirstChoice(id) if gone => {
                format!("no endpoint of `{id}` is enabled any more")
            }
            Subject::FirstChoice(id) if after.starts_with(SPREAD) => {
                format!("requests for `{id}` are spread over its endpoints")
            }
            Subject::FirstChoice(id) if before.starts_with(SPREAD) => {
                format!("requests for `{id}` go to `{after}` first, instead of to each in turn")
            }
            Subject::FirstChoice(id) => {
                format!("requests for `{id}` go to `{after}` first, instead of `{before}`")
            }
            Subject::Endpoint(pool, _) if new => format!("`{pool}` has one more endpoint to use"),
            Subject::Endpoint(pool, _) => format!("`{pool}` has one endpoint less to fall back on"),
            Subject::ModelField(id, field) | Subject::PoolField(id, field) if is_bound(field) => {
                self.bound_sentence(id, field)
            }
            Subject::PoolField(pool, field) => pool_sentence(pool, field, after),
            Subject::EnforcedLimit(..) => {
                "it is skipped from another number of requests or tokens a minute on".to_owned()
            }
            Subject::ModelField(_, field) | Subject::EndpointField(_, _, field) => {
                endpoint_sentence(field, after).to_owned()
            }
        }
    }
}

impl Change {
    fn bound_sentence(&self, id: &str, field: &str) -> String {
        let (more, status) = match field {
            "longest_request" => ("longer requests", 413),
            "longest_input" => ("requests with a longer input", 413),
            "requests_per_minute" => ("more requests a minute", 429),
            _ => ("requests of more tokens a minute", 429),
        };
        match self.is_less() {
            true => format!("{more} for `{id}` are answered with {status}"),
            false => format!("{more} for `{id}` are served"),
        }
    }

    fn setting_sentence(&self, path: &str) -> String {
        let (new, gone) = (self.before.is_none(), self.after.is_none());
        let sentence = match path {
            "listen.host" | "listen.port" => {
                "a running proxy keeps its address until it is started again"
            }
            "log_level" => "a running proxy keeps its level until it is started again",
            "listen.api_key" if new => "callers must send a key from now on",
            "listen.api_key" if gone => "callers need no key any more",
            "listen.api_key" => "callers must send the new key",
            "upstream_timeout_ms" => "slow upstreams are given up at another time",
            "router.long_context_threshold" => {
                "requests of another length go to slot `longContext`"
            }
            "router.background_models" => "other requests go to slot `background`",
            "router.force_image_agent" if self.after.as_deref() == Some("true") => {
                "no image goes to the model that answers; the image agent is asked about it"
            }
            "router.force_image_agent" => "an image in the last message goes to slot `image`",
            "runtime.remote_service.base_url" => "requests are forwarded to another service",
            "runtime.remote_service.auth_token" => "requests are forwarded with another key",
            "runtime.corpus.text" if self.after.as_deref() == Some("true") => {
                "what is said in requests is recorded, redacted"
            }
            _ if path.starts_with("runtime.corpus.") => "requests are recorded in another way",
            _ if path.starts_with("smart_router.semantic") => {
                "other requests are taken by likeness"
            }
            _ if path.starts_with("smart_router.sticky") => {
                "sessions keep their model in another way"
            }
            _ if path.starts_with("smart_router.") => "other requests may leave their slots",
            _ if path.starts_with("governance.cascade") => {
                "failed answers are asked for again in another way"
            }
            _ if path.starts_with("governance.shadow") => "answers are looked over in another way",
            _ if path.starts_with("governance.") => "alarms are raised at other values",
            _ => "no request goes elsewhere",
        };
        sentence.to_owned()
    }
}

fn section_sentence(path: &str, gone: bool) -> &'static str {
    match (path, gone) {
        ("smart_router", false) => "rules, likeness and candidates are asked before the slots",
        ("smart_router", true) => "every request goes straight to the slots",
        ("runtime.remote_service", false) => "requests are forwarded, and no model here answers",
        ("runtime.remote_service", true) => "requests are answered here",
        ("runtime.corpus", false) => "requests are recorded in a file",
        ("runtime.corpus", true) => "requests are not recorded any more",
        ("governance.cascade", false) => "failed answers are asked for again from another model",
        ("governance.cascade", true) => "failed answers are served as they come",
        ("governance.shadow", false) => "answers are looked over",
        ("governance.shadow", true) => "answers are not looked over any more",
        _ => "no request goes elsewhere",
    }
}

fn pool_sentence(pool: &str, field: &str, after: &str) -> String {
    match (field, after) {
        ("strategy", _) => {
            let how = match Strategy::WORDS.iter().find(|(word, _)| *word == after) {
                Some((_, strategy)) => order(*strategy),
                None => "in another way",
            };
            format!("`{pool}` orders its endpoints {how}")
        }
        ("on_all_open", "reject") => {
            format!("while no endpoint of `{pool}` is healthy, requests are answered with 503")
        }
        ("on_all_open", _) => {
            format!("while no endpoint of `{pool}` is healthy, they are tried all the same")
        }
        ("enforce_rate_limits", "true") => {
            format!(
                "endpoints of `{pool}` at their limit are skipped; with all of them there, requests are answered with 429"
            )
        }
        ("enforce_rate_limits", _) => {
            format!("endpoints of `{pool}` are used beyond their declared limits")
        }
        ("max_retries", "0") => format!("a failed request for `{pool}` is not tried again"),
        ("max_retries", _) => {
            format!("a failed request for `{pool}` is tried again another number of times")
        }
        _ if field.starts_with("retry_budget.") => {
            format!("another part of the requests for `{pool}` may be tried again")
        }
        ("health.half_open_trials", _) => {
            format!("an endpoint of `{pool}` that comes back gets another number of trials")
        }
        _ if field.starts_with("health.latency_") || field == "health.ewma_decay_ms" => {
            format!("endpoints of `{pool}` are compared by other latencies")
        }
        _ => format!("endpoints of `{pool}` rest for another time after failures"),
    }
}

/// How a strategy orders, to follow "orders its endpoints".
fn order(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Priority => "by `pool_priority`",
        Strategy::LeastLatency => "by their average latency",
        Strategy::RoundRobin => "by turns, the least recently used first",
        Strategy::HealthAware => "by status, then failures, then average latency",
        Strategy::CostAware => "by declared cost, the cheapest first",
        Strategy::P2cEwma => "by load: of two that chance picks, the less loaded first",
        Strategy::Weighted => "by chance, in proportion to `pool_weight`",
    }
}

/// Which requests a slot takes, to follow nothing and to be followed by what they do.
fn requests_of(slot: Slot) -> &'static str {
    match slot {
        Slot::Default => "requests for unknown models",
        Slot::Think => "requests that ask for thinking",
        Slot::LongContext => "long requests",
        Slot::Background => "a client's small background requests",
        Slot::WebSearch => "requests with a web search",
        Slot::Image => "requests with an image",
    }
}

fn endpoint_sentence(field: &str, after: &str) -> &'static str {
    match field {
        "enabled" if after == "true" => "it may serve again",
        "enabled" => "it serves no requests",
        "priority" => "its place in the order may change",
        "weight" => "its part of the requests changes, where the pool is weighted",
        "interface" => {
            "it is asked in another protocol; clients are served all the same, translated where needed"
        }
        "api" => "requests go to another address",
        "key" => "requests are sent with another key",
        "key_header" => "the key is sent in another header",
        "model" => "another upstream model answers",
        "context_window_tokens" | "safe_input_tokens" | "tokenizer" => {
            "requests up to another length fit"
        }
        "thinking" => "thinking is asked for in another way",
        "supports_tools" if after == "true" => "tools and calls go to it as they are",
        "supports_tools" => "it is sent no tools, and calls and results as text",
        "supports_images" if after == "true" => "images go to it as they are",
        "supports_images" => "a text stands in place of images that go to it",
        "supports_reasoning" if after == "true" => {
            "thinking is asked of it where a request asks for it"
        }
        "supports_reasoning" => {
            "no thinking is asked of it, and thinking of earlier answers is left out"
        }
        _ => "no request goes elsewhere",
    }
}
