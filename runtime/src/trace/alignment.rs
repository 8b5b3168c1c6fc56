//! What traces say beside evaluations: how models do at the same kind of task, and
//! which requests speak for or against the way they went. The fields are
//! claude-trigger-router 1.7's.
//!
//! A kind of task is what the smart router recognised. What a trace does not tell
//! (an answer that another model checked) is not counted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Trace;

/// Kinds of tasks, and samples, that are told.
const COMPARED: usize = 5;
const SAMPLED: usize = 8;

/// How the models that did the same kind of task compare: by the share of failures,
/// then by latency. A kind with one model, or one trace, says nothing.
pub fn task_comparison(traces: &[Trace]) -> Value {
    let mut kinds: BTreeMap<&str, BTreeMap<&str, Model>> = BTreeMap::new();
    for trace in traces {
        if let (Some(kind), Some(model)) = (&trace.semantic_intent, &trace.final_model) {
            let models = kinds.entry(kind).or_default();
            models.entry(model).or_default().add(trace);
        }
    }
    let mut compared: Vec<Compared<'_>> = kinds
        .into_iter()
        .filter_map(|(kind, models)| Compared::of(kind, models))
        .collect();
    compared.sort_by_key(|compared| std::cmp::Reverse(compared.traces));
    let least = |of: fn(&Compared<'_>) -> f64| {
        let better = compared.iter().filter(|compared| of(compared) < 0.0);
        let best = better.min_by(|a, b| of(a).total_cmp(&of(b)));
        best.map(|compared| compared.kind)
    };
    let mut told = json!({
        "totalComparedTasks": compared.len(),
        "totalComparedTraces": compared.iter().map(|it| it.traces).sum::<usize>(),
        "comparisons": compared.iter().take(COMPARED).map(Compared::json).collect::<Vec<_>>(),
    });
    if let Some(kind) = least(|compared| compared.failure_delta) {
        told["bestQualityLiftTask"] = json!(kind);
    }
    if let Some(kind) = least(|compared| compared.latency_delta) {
        told["bestSpeedLiftTask"] = json!(kind);
    }
    told
}

/// One model at one kind of task.
#[derive(Default)]
struct Model {
    traces: usize,
    failures: usize,
    latencies: Vec<u64>,
}

impl Model {
    fn add(&mut self, trace: &Trace) {
        self.traces += 1;
        self.failures += usize::from(has_failed(trace));
        self.latencies.extend(trace.latency_ms);
    }

    fn failure_rate(&self) -> f64 {
        rounded(self.failures as f64 / self.traces.max(1) as f64, 10_000.0)
    }

    fn latency(&self) -> Option<f64> {
        let sum: u64 = self.latencies.iter().sum();
        let count = self.latencies.len();
        (count > 0).then(|| rounded(sum as f64 / count as f64, 100.0))
    }

    /// For comparing: who was never measured is slowest.
    fn slowness(&self) -> f64 {
        self.latency().unwrap_or(f64::INFINITY)
    }
}

fn rounded(number: f64, parts: f64) -> f64 {
    // Adding zero turns −0 into 0.
    (number * parts).round() / parts + 0.0
}

struct Compared<'t> {
    kind: &'t str,
    traces: usize,
    /// The one with the most traces.
    baseline: &'t str,
    best: &'t str,
    fastest: &'t str,
    failure_delta: f64,
    latency_delta: f64,
    models: BTreeMap<&'t str, Model>,
}

impl<'t> Compared<'t> {
    fn of(kind: &'t str, models: BTreeMap<&'t str, Model>) -> Option<Self> {
        let traces = models.values().map(|model| model.traces).sum();
        if models.len() < 2 || traces < 2 {
            return None;
        }
        let all = || models.iter();
        // The first by name of those that are equal.
        let baseline = all().min_by_key(|(_, model)| std::cmp::Reverse(model.traces))?;
        let best = all().min_by(|(_, a), (_, b)| {
            let failures = a.failure_rate().total_cmp(&b.failure_rate());
            failures.then(a.slowness().total_cmp(&b.slowness()))
        })?;
        let fastest = all().min_by(|(_, a), (_, b)| a.slowness().total_cmp(&b.slowness()))?;
        let latencies = fastest.1.latency().zip(baseline.1.latency());
        let latency_delta = latencies.map_or(0.0, |(fast, usual)| fast - usual);
        Some(Self {
            kind,
            traces,
            baseline: baseline.0,
            best: best.0,
            fastest: fastest.0,
            failure_delta: rounded(best.1.failure_rate() - baseline.1.failure_rate(), 10_000.0),
            latency_delta: rounded(latency_delta, 100.0),
            models,
        })
    }

    fn json(&self) -> Value {
        let model = |(name, model): (&&str, &Model)| {
            json!({
                "model": name,
                "totalTraces": model.traces,
                "failureCount": model.failures,
                "failureRate": model.failure_rate(),
                "averageLatencyMs": model.latency().unwrap_or_default(),
            })
        };
        json!({
            "taskKey": self.kind,
            "totalTraces": self.traces,
            "modelCount": self.models.len(),
            "baselineModel": self.baseline,
            "bestModel": self.best,
            "fastestModel": self.fastest,
            "failureRateDelta": self.failure_delta,
            "latencyDeltaMs": self.latency_delta,
            "models": self.models.iter().map(model).collect::<Vec<_>>(),
        })
    }
}

/// Whether what was asked first did not do.
fn has_failed(trace: &Trace) -> bool {
    trace.cascade_triggered
        || trace.model_pool_fallback_triggered == Some(true)
        || has_reason(trace, "context_window_exceeded")
}

fn has_reason(trace: &Trace, start: &str) -> bool {
    let mut reasons = trace.route_reason.iter();
    reasons.any(|reason| reason.starts_with(start))
}

/// What a request is evidence of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Against,
    For,
    OfSlowness,
}

type IsOne = fn(&Trace, u64) -> bool;

/// The kinds of evidence, worst first.
const KINDS: [(&str, Speaks, &str, &str, IsOne); 5] = [
    (
        "cascade_failure",
        Speaks::Against,
        "critical",
        "the answer made a second model be asked",
        |trace, _| trace.cascade_triggered,
    ),
    (
        "model_pool_fallback",
        Speaks::Against,
        "warn",
        "an endpoint failed, and another one of its pool was tried",
        |trace, _| trace.model_pool_fallback_triggered == Some(true),
    ),
    (
        "context_window_guard",
        Speaks::Against,
        "warn",
        "the request did not fit the model that was chosen",
        |trace, _| has_reason(trace, "context_window_"),
    ),
    (
        "slow_request",
        Speaks::OfSlowness,
        "warn",
        "the answer took long",
        |trace, slow_ms| trace.latency_ms.is_some_and(|latency| latency >= slow_ms),
    ),
    (
        "alignment_continuity",
        Speaks::For,
        "info",
        "the model that took over was told what was said before",
        |trace, _| trace.alignment_used,
    ),
];

/// Which requests speak for or against how they went; from `slow_ms` on one is slow.
/// One request may be evidence of several things.
pub fn quality_evidence(traces: &[Trace], slow_ms: u64) -> Value {
    let mut by_type = serde_json::Map::new();
    let mut samples = Vec::new();
    let count = |speaks: Speaks| {
        let kinds = KINDS.iter().filter(|(_, of, ..)| *of == speaks);
        let of_kind = |is: IsOne| traces.iter().filter(|trace| is(trace, slow_ms)).count();
        kinds.map(|(.., is)| of_kind(*is)).sum::<usize>()
    };
    for (name, _, severity, message, is) in KINDS {
        let found: Vec<&Trace> = traces.iter().filter(|trace| is(trace, slow_ms)).collect();
        if found.is_empty() {
            continue;
        }
        by_type.insert(name.to_owned(), json!(found.len()));
        let room = SAMPLED - samples.len();
        samples.extend(found.into_iter().take(room).map(|trace| {
            json!({
                "type": name,
                "severity": severity,
                "message": message,
                "requestId": trace.request_id,
                "finalModel": trace.final_model,
                "semanticIntent": trace.semantic_intent,
                "latencyMs": trace.latency_ms,
                "startedAt": trace.started_at,
            })
        }));
    }
    let counts = [Speaks::Against, Speaks::For, Speaks::OfSlowness].map(count);
    json!({
        "totalSamples": counts.iter().sum::<usize>(),
        "failureSamples": counts[0],
        "improvementSamples": counts[1],
        "speedRiskSamples": counts[2],
        "byType": by_type,
        "samples": samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(kind: &str, model: &str, latency_ms: u64) -> Trace {
        Trace {
            request_id: format!("{kind}-{model}-{latency_ms}"),
            semantic_intent: Some(kind.to_owned()),
            final_model: Some(model.to_owned()),
            latency_ms: Some(latency_ms),
            ..Trace::default()
        }
    }

    fn failed(mut trace: Trace) -> Trace {
        trace.model_pool_fallback_triggered = Some(true);
        trace
    }

    #[test]
    fn models_are_compared_at_the_same_kind_of_task() {
        let traces = [
            failed(trace("poem", "large", 900)),
            trace("poem", "large", 1_000),
            trace("poem", "small", 400),
            trace("alone", "large", 5),
            trace("alone", "large", 5),
            Trace::default(),
        ];
        let told = task_comparison(&traces);
        assert_eq!(
            (&told["totalComparedTasks"], &told["totalComparedTraces"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(told["bestQualityLiftTask"], "poem");
        assert_eq!(told["bestSpeedLiftTask"], "poem");
        let poem = &told["comparisons"][0];
        assert_eq!(
            (&poem["baselineModel"], &poem["bestModel"]),
            (&json!("large"), &json!("small"))
        );
        assert_eq!(poem["fastestModel"], "small");
        assert_eq!(poem["failureRateDelta"], -0.5);
        assert_eq!(poem["latencyDeltaMs"], -550.0);
        assert_eq!(poem["models"][0]["averageLatencyMs"], 950.0);
        let nothing = task_comparison(&[]);
        assert_eq!(nothing["comparisons"], json!([]));
        assert_eq!(nothing["bestSpeedLiftTask"], Value::Null);
    }

    #[test]
    fn the_worst_evidence_comes_first_and_is_bounded() {
        let mut traces: Vec<Trace> = (0..9).map(|at| trace("t", "m", 2_000 + at)).collect();
        traces[3] = failed(traces[3].clone());
        traces[4].cascade_triggered = true;
        traces[5].alignment_used = true;
        traces[6].route_reason = vec!["context_window_fallback:a->b".to_owned()];
        let told = quality_evidence(&traces, 2_001);
        assert_eq!(told["totalSamples"], 12);
        assert_eq!(
            (&told["failureSamples"], &told["speedRiskSamples"]),
            (&json!(3), &json!(8))
        );
        assert_eq!(told["improvementSamples"], 1);
        assert_eq!(told["byType"]["slow_request"], 8);
        let samples = told["samples"].as_array().expect("samples");
        let kinds: Vec<&str> = samples
            .iter()
            .filter_map(|it| it["type"].as_str())
            .collect();
        assert_eq!(
            kinds[..4],
            [
                "cascade_failure",
                "model_pool_fallback",
                "context_window_guard",
                "slow_request"
            ]
        );
        assert_eq!(kinds.len(), 8);
    }
}
