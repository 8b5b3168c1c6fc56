//! One record, in claude-trigger-router's form, and what is told beside it.

use serde::{Deserialize, Serialize};

use crate::protocol::usage::Tokens;

/// What is remembered of one request. Times are epoch milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trace {
    /// The id the response carried.
    pub request_id: String,
    /// The client's session, where it tells one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The path that was called.
    pub path: String,
    /// The model asked for, as it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_model: Option<String>,
    /// What the plan knows under that name; absent where it knows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_model: Option<String>,
    /// The logical model that was decided upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_model: Option<String>,
    /// The endpoint whose answer the client got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Why, in the order it came about.
    pub route_reason: Vec<String>,
    /// The step of the chain that chose the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_decision: Option<RouteDecision>,
    /// Where the registration says so: `file:line:column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// Hash of the plan that decided.
    pub plan_hash: String,
    /// Whether the session kept its model.
    pub sticky_hit: bool,
    /// Whether the request was aligned to its session.
    pub alignment_used: bool,
    /// The task that was recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantic_intent: Option<String>,
    /// Whether the answer made a second model be asked.
    pub cascade_triggered: bool,
    /// Whether the answer was checked by another model.
    pub shadow_checked: bool,
    /// Whether another endpoint of the pool was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_pool_fallback_triggered: Option<bool>,
    /// The endpoint that failed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_pool_fallback_from_endpoint: Option<String>,
    /// The endpoint that was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_pool_fallback_next_endpoint: Option<String>,
    /// The class of the failure that led there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_pool_fallback_evidence: Option<String>,
    /// Every endpoint that was tried, in order.
    pub attempts: Vec<Attempt>,
    /// Models that were asked on its behalf, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consulted: Vec<Consulted>,
    /// The protocols it was translated between, as `messages-to-chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<String>,
    /// What could not be carried, by the names of the fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Status of the response.
    pub status: u16,
    /// `complete`, `broken`, `refused` or `client_left`.
    pub outcome: String,
    /// Until a stream's first event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    /// Until the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// What the answer told of its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// By the prices of the plan, with what the models asked on its behalf cost in
    /// the same currency; absent where it has none, or no tokens were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<f64>,
    /// The currency of the cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What of the cost was for reading from the endpoint's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_cost: Option<f64>,
    /// What of the cost was for writing to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_cost: Option<f64>,
    /// What of the cost was for models asked on its behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consulted_cost: Option<f64>,
    /// When the request came.
    pub started_at: u64,
    /// When its answer ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<u64>,
}

/// One endpoint that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attempt {
    /// Its id.
    pub endpoint: String,
    /// `answered`, or the class of the failure.
    pub outcome: String,
    /// Until its answer could be judged: the head, and of a stream the first event.
    pub ms: u64,
}

/// How the model was chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteDecision {
    /// The step: `smart_rule`, `semantic_match`, `sticky_correction`, `smart_router`,
    /// `explicit_model`, `subagent_model`, or `basic_router` for a slot.
    pub source: String,
    /// The rule, where one decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<String>,
    /// From 0 to 1, where the step tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The model it chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why an earlier step did not decide that should have, or why the model does
    /// not answer after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<String>,
}

/// A model that was asked on behalf of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Consulted {
    /// What for: `classifier`, `router_model`, `summarizer` or `image`.
    pub role: String,
    /// The logical model.
    pub model: String,
    /// The endpoint that answered, or was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `answered`, `unusable` where the answer was of no use, `failed` or `timeout`.
    pub outcome: String,
    /// Until its answer was complete.
    pub ms: u64,
    /// What its answer told of its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// By the prices of its endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_cost: Option<f64>,
    /// The currency of the cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}
