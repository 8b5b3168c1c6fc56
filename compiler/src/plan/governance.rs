//! Governance in a plan: when an answer is asked for again, when it is looked
//! over, and which rates are alarming.

use serde::{Deserialize, Serialize};

use super::words::words;

/// What is done about answers, beside serving them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// From which values on a metric is reported.
    pub anomaly_thresholds: AnomalyThresholds,
    /// Asking a stronger model again; absent unless it is enabled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cascade: Option<Cascade>,
    /// Looking over answers; absent unless it is enabled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shadow: Option<Shadow>,
}

/// When a stronger model is asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cascade {
    /// Which model follows which; the first that begins with the current one counts.
    pub levels: Vec<CascadeLevel>,
    /// Attempts in all.
    pub max_attempts: u64,
    /// Whether streams are held back and looked at too.
    pub stream_guard: bool,
    /// What counts as a failure.
    pub triggers: CascadeTriggers,
}

/// One step of a cascade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeLevel {
    /// The model that failed.
    pub from: String,
    /// Thinking for the next one, as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reasoning: Option<String>,
    /// The model that is asked next.
    pub to: String,
}

/// What counts as a failed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeTriggers {
    /// Words of a compiler's failure.
    pub compile_failure: bool,
    /// Texts that stand for work left undone.
    pub placeholder_patterns: Vec<String>,
    /// Words of a failed test run.
    pub test_failure: bool,
}

/// How answers are looked over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// What is looked for.
    pub checks: ShadowChecks,
    /// Whether the answer waits for it.
    pub mode: ShadowMode,
    /// Share of answers, 0 to 1.
    pub sample_rate: f64,
    /// The model that judges; absent means that only the checks do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verifier_model: Option<String>,
}

/// What shadow supervision looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowChecks {
    /// Answers of a suspicious length.
    pub length_anomaly: bool,
    /// Talk of code without any.
    pub missing_code_block: bool,
    /// Texts that stand for work left undone.
    pub placeholder_patterns: bool,
}

/// From which values on a metric is reported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnomalyThresholds {
    /// Rate of cascades, 0 to 1.
    pub cascade_critical_rate: f64,
    /// Rate of cascades, 0 to 1.
    pub cascade_warn_rate: f64,
    /// Mean latency in milliseconds.
    pub latency_critical_ms: u64,
    /// Mean latency in milliseconds.
    pub latency_warn_ms: u64,
    /// Traces below which nothing is reported.
    pub min_sample_size: u64,
    /// Rate of answers that were looked over, 0 to 1.
    pub shadow_critical_rate: f64,
    /// Rate of answers that were looked over, 0 to 1.
    pub shadow_warn_rate: f64,
    /// How far a bucket lies above those before it, 0 to 1.
    pub spike_delta_rate: f64,
    /// Rate of a bucket that can be a spike, 0 to 1.
    pub spike_warn_rate: f64,
}

impl Default for AnomalyThresholds {
    /// The values of claude-trigger-router 1.7.0.
    fn default() -> Self {
        Self {
            cascade_critical_rate: 0.6,
            cascade_warn_rate: 0.4,
            latency_critical_ms: 3_000,
            latency_warn_ms: 1_500,
            min_sample_size: 3,
            shadow_critical_rate: 0.7,
            shadow_warn_rate: 0.5,
            spike_delta_rate: 0.3,
            spike_warn_rate: 0.5,
        }
    }
}

words! {
    /// Whether an answer waits until it was looked over.
    ShadowMode {
        /// It does not.
        AsyncAudit = "async_audit",
        /// It does, and may be asked for again.
        SyncGuard = "sync_guard",
    }
}
