//! Documents for laws: good ones, any ones, ways to write the same one, and
//! ways to damage one.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Ids that documents use and requests ask for; some are near each other.
pub(crate) const IDS: &[&str] = &["a", "b", "sonnet", "Sonnet", "team/x", "fünf", "4", "a@b"];

/// Pieces that matter to YAML or to us.
pub(crate) const MARKS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "\r",
    ": ",
    ":",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "# ",
    "'",
    "\"",
    "|\n",
    ">-\n ",
    "---\n",
    "...\n",
    "${",
    "${A}",
    "$",
    "%YAML",
    "@",
    "`",
    "\\",
    "\u{feff}",
    "\0",
    "ü",
    "\u{1b}",
    "Models",
    "Router",
    "default",
    "key",
    "id",
    "sk-0123456789",
    "PORT",
    "://",
    "u:p@",
    "?key=",
    "null",
    "~",
    "010",
    "true",
];

type Entry = Map<String, Value>;

fn maybe(strategy: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop::option::weighted(0.3, strategy).boxed()
}

fn object(fields: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> BoxedStrategy<Entry> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            names
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some(((*name).to_owned(), value?)))
                .collect()
        })
        .boxed()
}

fn one_of(values: Vec<Value>) -> BoxedStrategy<Value> {
    select(values).boxed()
}

fn words(words: &[&str]) -> BoxedStrategy<Value> {
    one_of(words.iter().map(|word| json!(word)).collect())
}

fn always(strategy: BoxedStrategy<Value>) -> BoxedStrategy<Option<Value>> {
    strategy.prop_map(Some).boxed()
}

fn switch() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn tokens() -> BoxedStrategy<Value> {
    (1_000u64..9_000).prop_map(Value::from).boxed()
}

fn price() -> BoxedStrategy<Value> {
    one_of(vec![
        json!(0),
        json!(0.1),
        json!(3),
        json!(15.5),
        json!(1e-7),
        json!(1e21),
    ])
}

fn metadata() -> BoxedStrategy<Value> {
    object(vec![
        (
            "label",
            maybe(words(&["x", "4.1", "yes", "ü # no comment", "two\nlines"])),
        ),
        ("vendor_hint", maybe(words(&["anthropic", "~"]))),
        ("supports_reasoning", maybe(switch())),
        ("supports_images", maybe(switch())),
        (
            "context_window_tokens",
            maybe((9_000u64..20_000).prop_map(Value::from)),
        ),
        ("safe_input_tokens", maybe(tokens())),
        (
            "pool_endpoint_id",
            maybe(words(&["e1", "e2", "e1-2", "a@b", "ü", "_"])),
        ),
        ("pool_priority", maybe((-3i64..4).prop_map(Value::from))),
        ("pool_enabled", maybe(switch())),
        ("pool_weight", maybe((1u64..9).prop_map(Value::from))),
        ("upstream_service_id", maybe(words(&["dc-a", "dc-b"]))),
        ("cost_per_1m_input_tokens", maybe(price())),
        ("cost_per_1m_output_tokens", maybe(price())),
        ("cost_currency", maybe(words(&["USD", "EUR"]))),
        ("rate_limit_rpm", maybe(tokens())),
    ])
    .prop_map(Value::Object)
    .boxed()
}

fn thinking() -> BoxedStrategy<Value> {
    one_of(vec![
        json!("off"),
        json!("on"),
        json!("auto"),
        json!("high"),
        json!(true),
        json!({}),
        json!({"mode": "on", "effort": "low"}),
        json!({"budget_tokens": 2048}),
    ])
}

/// A model entry without its id.
fn entry() -> BoxedStrategy<Entry> {
    object(vec![
        (
            "api",
            always(words(&[
                "https://a.example",
                "https://api.anthropic.com/v1",
                "http://u:p@h.example/x?key=v",
                "https://h.example/?token=${T}&a=b",
                "${BASE:-https://b.example}/v1",
            ])),
        ),
        (
            "key",
            always(words(&[
                "${K}",
                "${K:-}",
                "sk-0123456789",
                "${K:-x}",
                "Bearer ${K}",
            ])),
        ),
        ("interface", maybe(words(&["anthropic", "openai"]))),
        (
            "key_header",
            maybe(words(&["authorization", "x-api-key", "api-key"])),
        ),
        (
            "model",
            always(words(&["claude-sonnet-4-5", "gpt-5", "4.1", "on", "m,n"])),
        ),
        ("thinking", maybe(thinking())),
        ("metadata", maybe(metadata())),
    ])
}

fn with_id(id: &str, mut entry: Entry) -> Value {
    entry.insert("id".to_owned(), json!(id));
    Value::Object(entry)
}

/// Entries whose ids are all different.
fn models() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::btree_map(select(IDS), entry(), 1..4).prop_map(|models| {
        models
            .into_iter()
            .map(|(id, entry)| with_id(id, entry))
            .collect()
    })
}

/// All but `weighted`, which needs a weight on every endpoint.
const STRATEGIES: &[&str] = &[
    "priority",
    "least-latency",
    "round-robin",
    "health-aware",
    "cost-aware",
    "p2c-ewma",
];

/// What may be said of all pools, and of one.
fn pool_settings() -> BoxedStrategy<Entry> {
    let health = one_of(vec![
        json!({"cooldown_ms": 0}),
        json!({"open_ms": 1000, "half_open_trials": 3}),
        json!({"latency_window": 5, "latency_max_age_ms": 60000}),
    ]);
    let budget = one_of(vec![
        json!({"percent": 0, "min_per_second": 0}),
        json!({"window_seconds": 60}),
    ]);
    object(vec![
        ("strategy", maybe(words(STRATEGIES))),
        ("on_all_open", maybe(words(&["fail_open", "reject"]))),
        ("max_retries", maybe((0u64..4).prop_map(Value::from))),
        ("enforce_rate_limits", maybe(switch())),
        ("health", maybe(health)),
        ("retry_budget", maybe(budget)),
    ])
}

fn pools() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec((select(IDS), entry()), 0..5);
    let services = prop::collection::btree_map(
        select(&["dc-a", "dc-b", "dc-c"][..]),
        object(vec![
            (
                "base_url",
                always(words(&["https://s.example/", "https://u@s.example"])),
            ),
            ("auth_token", maybe(words(&["${T}", "t0ken"]))),
        ]),
        0..3,
    );
    let own = (any::<Index>(), pool_settings(), any::<bool>());
    let said = pool_settings();
    (members, services, said, own, any::<bool>()).prop_map(
        |(members, services, said, (at, mut own, has_own), enabled)| {
            let models: Vec<Value> = members
                .into_iter()
                .map(|(id, entry)| with_id(id, entry))
                .collect();
            let services: Vec<Value> = services
                .into_iter()
                .map(|(id, entry)| with_id(id, entry))
                .collect();
            let mut section = Value::Object(said);
            section["enabled"] = json!(enabled);
            if has_own && !models.is_empty() {
                own.insert("id".to_owned(), at.get(&models)["id"].clone());
                section["pools"] = json!([own]);
            }
            section["models"] = json!(models);
            if !services.is_empty() {
                section["upstream_services"] = json!(services);
            }
            section
        },
    )
}

/// Rules that match something, each with a name of its own. `models` are positions of names.
fn rules() -> impl Strategy<Value = Vec<(Entry, Index)>> {
    let pattern = one_of(vec![
        json!({"type": "exact", "keywords": ["architecture", "yes", "4.1"]}),
        json!({"type": "exact", "keywords": ["Poem"], "caseSensitive": true}),
        json!({"type": "regex", "pattern": "fix .* test$"}),
        json!({"type": "regex", "pattern": "^\\d+ \\$\\{x\\}", "caseSensitive": false}),
    ]);
    let profile = one_of(vec![
        json!({"prototype": "write a poem", "threshold": 0.5}),
        json!({"enabled": false}),
    ]);
    let rule = object(vec![
        ("priority", maybe((-2i64..3).prop_map(Value::from))),
        ("enabled", maybe(switch())),
        ("description", maybe(words(&["for poems", "4.1", "on"]))),
        ("semantic_profile", maybe(profile)),
        (
            "patterns",
            always(
                prop::collection::vec(pattern, 1..3)
                    .prop_map(Value::from)
                    .boxed(),
            ),
        ),
    ]);
    let names = select(&["fast", "deep", "poems", "ü"][..]);
    // An empty list cannot be written in KDL.
    prop::collection::btree_map(names, (rule, any::<Index>()), 1..4).prop_map(|rules| {
        let named = |(name, (mut rule, at)): (&str, (Entry, Index))| {
            rule.insert("name".to_owned(), json!(name));
            (rule, at)
        };
        rules.into_iter().map(named).collect()
    })
}

/// A smart router, whose models are put in once their names are known.
fn smart_router() -> impl Strategy<Value = (Entry, Vec<(Entry, Index)>)> {
    let scope = words(&["last_message", "full_conversation"]);
    let section = object(vec![
        ("enabled", maybe(switch())),
        ("analysis_scope", maybe(scope)),
        (
            "semantic",
            maybe(one_of(vec![
                json!({"threshold": 0.4}),
                json!({"enabled": true, "prototypes": {"fast": "quick answers", "ü": "on"}}),
                json!({"enabled": false}),
            ])),
        ),
        (
            "sticky",
            maybe(one_of(vec![
                json!({"session_ttl_ms": 1000}),
                json!({"enabled": true, "alignment": {"enabled": true}}),
            ])),
        ),
        ("cache_ttl", maybe(tokens())),
        (
            "router_hint",
            maybe(one_of(vec![json!({"include_task_summary": true})])),
        ),
    ]);
    (section, rules())
}

fn governance() -> BoxedStrategy<Value> {
    one_of(vec![
        json!({"enabled": true, "cascade": {"enabled": true, "max_attempts": 3}}),
        json!({"enabled": true, "shadow": {"enabled": true, "sample_rate": 0.5}}),
        json!({"observability": {"anomaly_thresholds": {"latency_warn_ms": 10}}}),
    ])
}

fn auth() -> BoxedStrategy<Value> {
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    one_of(vec![
        json!({"managed_keys": [{"id": "key_1", "key_hash": hash, "scopes": ["client"]}]}),
        json!({"managed_keys": [
            {
                "id": "key_1",
                "key_hash": hash,
                "scopes": ["operator", "admin"],
                "revoked_at": "2026-01-31",
            },
            {
                "id": "key_2",
                "key_hash": hash.replace('9', "8"),
                "scopes": ["read-only"],
                "quota": {"request_limit": 5},
            },
        ]}),
    ])
}

/// Nothing that refuses a document, whatever is found in it.
fn lint() -> BoxedStrategy<Value> {
    let waiver = |code: &str, at: &str| json!({"code": code, "at": at, "reason": "agreed: so", "until": "2999-01-01"});
    let [first, second] = [
        waiver("pool/shared-upstream", "Router"),
        waiver("document/implausible-number", "Router"),
    ];
    one_of(vec![
        json!({}),
        json!({"pool/unreached": "allow", "document/old-spelling": "warn"}),
        json!({"secret/literal": "note", "waivers": [first]}),
        json!({"waivers": [first.clone(), waiver("pool/unreached", "Router")], "net/plain-http": "allow"}),
        json!({"lint/unused-waiver": "allow", "waivers": [second]}),
    ])
}

/// Documents that compile without errors.
pub(crate) fn good_document() -> BoxedStrategy<Value> {
    let top = object(vec![
        (
            "HOST",
            maybe(words(&["0.0.0.0", "127.0.0.1", "${HOST:-::1}"])),
        ),
        ("PORT", maybe((1u64..65_536).prop_map(Value::from))),
        ("APIKEY", maybe(words(&["${CTR_API_KEY}", "secret-text"]))),
        (
            "API_TIMEOUT_MS",
            maybe((-1i64..100_000).prop_map(Value::from)),
        ),
        ("LOG_LEVEL", maybe(words(&["debug", "info"]))),
        (
            "Runtime",
            maybe(one_of(vec![
                json!({"mode": "server"}),
                json!({}),
                json!(null),
            ])),
        ),
        ("Governance", maybe(governance())),
        ("Auth", maybe(auth())),
        ("Lint", maybe(lint())),
        ("forceUseImageAgent", maybe(switch())),
        (
            "LOG",
            maybe(one_of(vec![json!(true), json!({"a": [1, null]})])),
        ),
    ]);
    let slots = [
        "default",
        "think",
        "longContext",
        "background",
        "webSearch",
        "image",
    ];
    let slots = prop::collection::btree_map(select(slots.to_vec()), any::<Index>(), 0..5);
    let section = prop::option::of(pools());
    let smart = prop::option::of(smart_router());
    let kind = select(&["SmartRouter", "TriggerRouter"][..]);
    (top, models(), section, slots, maybe(tokens()), smart, kind)
        .prop_map(
            |(mut top, models, section, slots, threshold, smart, kind)| {
                let names = names(&models, section.as_ref());
                if let Some((mut section, rules)) = smart {
                    let with_model = |(mut rule, at): (Entry, Index)| {
                        rule.insert("model".to_owned(), json!(at.get(&names)));
                        Value::Object(rule)
                    };
                    let rules: Vec<Value> = rules.into_iter().map(with_model).collect();
                    section.insert("rules".to_owned(), json!(rules));
                    if kind == "TriggerRouter" {
                        let keys = ["enabled", "analysis_scope", "rules"];
                        section.retain(|key, _| keys.contains(&key.as_str()));
                    }
                    top.insert(kind.to_owned(), Value::Object(section));
                }
                let mut router: Entry = slots
                    .into_iter()
                    .map(|(slot, at)| (slot.to_owned(), json!(at.get(&names))))
                    .collect();
                router.extend(threshold.map(|tokens| ("longContextThreshold".to_owned(), tokens)));
                top.insert("Router".to_owned(), Value::Object(router));
                top.insert("Models".to_owned(), json!(models));
                top.extend(section.map(|section| ("Registration".to_owned(), section)));
                Value::Object(top)
            },
        )
        .boxed()
}

/// What slots may name: models, and pools with an endpoint that is not switched off.
fn names(models: &[Value], section: Option<&Value>) -> Vec<String> {
    let pooled = section
        .filter(|section| section["enabled"] == json!(true))
        .and_then(|section| section["models"].as_array());
    let enabled = |entry: &&Value| entry["metadata"]["pool_enabled"] != json!(false);
    models
        .iter()
        .chain(pooled.into_iter().flatten().filter(enabled))
        .filter_map(|entry| entry["id"].as_str().map(str::to_owned))
        .collect()
}

/// Documents in which one value, somewhere, is likely to be wrong.
pub(crate) fn any_document() -> BoxedStrategy<Value> {
    let wrong = one_of(vec![
        json!(null),
        json!([]),
        json!({}),
        json!(""),
        json!("nobody"),
        json!("${"),
        json!("${X}"),
        json!(-1),
        json!(1e300),
        json!(70_000),
        json!(true),
        json!([null, {"id": "a"}, 5]),
        json!({"id": "a", "metdata": {"cluster": 1}, "api_key": "${K}", "key": "${K}"}),
    ]);
    let rename = select(
        &[
            "",
            "Modles",
            "router",
            "api_base_url",
            "nodes",
            "wholly unknown",
        ][..],
    );
    (
        good_document(),
        prop::collection::vec((any::<Index>(), wrong, rename), 0..3),
    )
        .prop_map(|(mut document, mistakes)| {
            for (at, wrong, name) in mistakes {
                let count = count(&document);
                put(&mut document, &mut at.index(count), &wrong, name);
            }
            document
        })
        .boxed()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value that `left` counts down to, or renames its key.
fn put(value: &mut Value, left: &mut usize, wrong: &Value, name: &str) -> bool {
    if *left == 0 {
        *value = wrong.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| put(item, left, wrong, name)),
        Value::Object(entries) => {
            let keys: Vec<String> = entries.keys().cloned().collect();
            keys.into_iter().any(|key| {
                if *left == 0 && !name.is_empty() {
                    let moved = entries.remove(&key).unwrap_or_default();
                    entries.insert(name.to_owned(), moved);
                    return true;
                }
                entries
                    .get_mut(&key)
                    .is_some_and(|below| put(below, left, wrong, name))
            })
        }
        _ => false,
    }
}

/// `one`, with some sections of `other`.
pub(crate) fn mixed(one: &Value, other: &Value, keep: [bool; 8]) -> Value {
    let mut mixed = one.clone();
    for (at, (key, value)) in other.as_object().into_iter().flatten().enumerate() {
        if !keep[at % keep.len()] {
            mixed[key] = value.clone();
        }
    }
    mixed
}

/// The document with an id and a priority of its own for every pool member, so
/// that none depends on where it stands.
pub(crate) fn named(document: &Value) -> Value {
    let mut named = document.clone();
    let members = named.pointer_mut("/Registration/models");
    let members = members.and_then(Value::as_array_mut);
    for (at, member) in members.into_iter().flatten().enumerate() {
        member["metadata"]["pool_endpoint_id"] = json!(format!("e{at}"));
        let priority = &mut member["metadata"]["pool_priority"];
        if priority.is_null() {
            *priority = json!(at % 3);
        }
    }
    named
}

/// The document in as many files as it has independent parts, one after another.
pub(crate) fn parts(document: &Value) -> Vec<Value> {
    let mut parts = Vec::new();
    for (section, value) in document.as_object().into_iter().flatten() {
        match (section.as_str(), value) {
            ("Models", Value::Array(items)) => {
                parts.extend(items.iter().map(|item| json!({ "Models": [item] })));
            }
            ("Registration", Value::Object(entries)) => {
                for (key, value) in entries {
                    let items = value.as_array().filter(|items| !items.is_empty());
                    match items {
                        Some(items) => parts
                            .extend(items.iter().map(|item| json!({ section: { key: [item] } }))),
                        None => parts.push(json!({ section: { key: value } })),
                    }
                }
            }
            _ => parts.push(json!({ section: value })),
        }
    }
    parts
}

/// Choices in writing a document; used up from the front, then from the start again.
#[derive(Clone, Debug)]
pub(crate) struct Style(Vec<u8>);

impl Arbitrary for Style {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        prop::collection::vec(any::<u8>(), 1..24)
            .prop_map(Style)
            .boxed()
    }
}

/// The same document, in another order of keys, with comments, in block and flow style.
pub(crate) fn written(document: &Value, style: &Style) -> String {
    let mut writer = Writer {
        choices: style.0.iter().copied().cycle().take(100_000).collect(),
        out: String::new(),
    };
    writer.block(document, 0);
    writer.out
}

struct Writer {
    choices: Vec<u8>,
    out: String,
}

impl Writer {
    fn choose(&mut self, of: usize) -> usize {
        usize::from(self.choices.pop().unwrap_or(0)) % of.max(1)
    }

    fn ordered<'v>(&mut self, entries: &'v Entry) -> Vec<(&'v String, &'v Value)> {
        let mut ordered: Vec<_> = entries.iter().collect();
        for at in 1..ordered.len() {
            let other = self.choose(at + 1);
            ordered.swap(at, other);
        }
        ordered
    }

    /// On lines of its own, each indented by `indent`.
    fn block(&mut self, value: &Value, indent: usize) {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                for (key, value) in self.ordered(entries) {
                    self.remark(indent);
                    self.out.push_str(&pad);
                    self.key(key);
                    self.out.push(':');
                    self.below(value, indent + 2);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.remark(indent);
                    self.out.push_str(&pad);
                    self.out.push('-');
                    self.below(item, indent + 2);
                }
            }
            _ => {
                self.out.push_str(&pad);
                self.flow(value);
                self.out.push('\n');
            }
        }
    }

    fn below(&mut self, value: &Value, indent: usize) {
        let empty = match value {
            Value::Object(entries) => entries.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => true,
        };
        if empty || self.choose(3) == 0 {
            self.out.push(' ');
            self.flow(value);
            if self.choose(4) == 0 {
                self.out.push_str(" # said beside it: [");
            }
            self.out.push('\n');
        } else {
            self.out.push('\n');
            self.block(value, indent);
        }
    }

    fn flow(&mut self, value: &Value) {
        match value {
            Value::Object(entries) => {
                self.out.push('{');
                for (at, (key, value)) in self.ordered(entries).into_iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.key(key);
                    self.out.push_str(": ");
                    self.flow(value);
                }
                self.out.push('}');
            }
            Value::Array(items) => {
                self.out.push('[');
                for item in items {
                    self.flow(item);
                    self.out.push_str(", ");
                }
                self.out.push(']');
            }
            Value::String(text) if !text.contains(['\n', '\'']) && self.choose(3) == 0 => {
                self.out.push('\'');
                self.out.push_str(text);
                self.out.push('\'');
            }
            _ => self.out.push_str(&value.to_string()),
        }
    }

    fn key(&mut self, key: &str) {
        if self.choose(4) == 0 {
            self.out.push_str(&json!(key).to_string());
        } else {
            self.out.push_str(key);
        }
    }

    fn remark(&mut self, indent: usize) {
        match self.choose(6) {
            0 => self.out.push_str("# \"said {above: it\n"),
            1 => self
                .out
                .push_str(&format!("{}# ${{X\n\n", " ".repeat(indent))),
            _ => {}
        }
    }
}

/// One way to damage a text.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    at: Index,
    length: usize,
    kind: u8,
    mark: Index,
}

impl Arbitrary for Edit {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (any::<Index>(), 1usize..30, 0u8..5, any::<Index>())
            .prop_map(|(at, length, kind, mark)| Edit {
                at,
                length,
                kind,
                mark,
            })
            .boxed()
    }
}

impl Edit {
    pub(crate) fn apply(&self, mut text: Vec<u8>) -> Vec<u8> {
        let start = self.at.index(text.len() + 1);
        let end = (start + self.length).min(text.len());
        match self.kind {
            0 => drop(text.drain(start..end)),
            1 => text.truncate(start),
            2 => {
                let again = text[start..end].to_vec();
                let to = self.mark.index(text.len() + 1);
                drop(text.splice(to..to, again));
            }
            3 => {
                if let Some(byte) = text.get_mut(start) {
                    *byte ^= 1 << (self.length % 8);
                }
            }
            _ => {
                let mark = self.mark.get(MARKS).bytes();
                drop(text.splice(start..start, mark));
            }
        }
        text
    }
}
