//! Governance: cascade and shadow supervision where they are on, and thresholds.

use super::Lowering;
use crate::plan::{
    AnomalyThresholds, Cascade, CascadeLevel, CascadeTriggers, Governance, Shadow, ShadowChecks,
    ShadowMode, Source,
};
use crate::registration::{CascadeBlock, Registration, ShadowBlock, Thresholds};
use crate::source::Spanned;

const MAX_ATTEMPTS: i64 = 2;
const SAMPLE_RATE: f64 = 0.2;
const PLACEHOLDERS: [&str; 3] = ["TODO", "...rest of code", "placeholder"];

impl Lowering {
    /// What the document says of governance.
    pub(super) fn governance(&mut self, registration: &Registration) -> Governance {
        let Some(section) = &registration.governance else {
            return Governance::default();
        };
        Governance {
            anomaly_thresholds: self.thresholds(&section.thresholds),
            cascade: section.cascade_on().map(|block| self.cascade(block)),
            shadow: section.shadow_on().map(|block| self.shadow(block)),
        }
    }

    fn of_governance<T: Clone + ToString>(
        &mut self,
        name: &str,
        written: Option<&Spanned<T>>,
        default: T,
    ) -> T {
        self.traced(
            format!("governance.{name}"),
            format!("Governance.{name}"),
            written,
            default,
        )
    }

    fn cascade(&mut self, block: &CascadeBlock) -> Cascade {
        let attempts = self.of_governance(
            "cascade.max_attempts",
            block.max_attempts.as_ref(),
            MAX_ATTEMPTS,
        );
        let stream_guard =
            self.of_governance("cascade.stream_guard", block.stream_guard.as_ref(), false);
        let triggers = CascadeTriggers {
            compile_failure: self.of_governance(
                "cascade.triggers.compile_failure",
                block.compile_failure.as_ref(),
                true,
            ),
            placeholder_patterns: self.placeholders(block),
            test_failure: self.of_governance(
                "cascade.triggers.test_failure",
                block.test_failure.as_ref(),
                true,
            ),
        };
        let mut levels = Vec::new();
        for entry in &block.levels {
            let (Some(from), Some(to)) = (&entry.from, &entry.to) else {
                continue;
            };
            let path = format!("governance.cascade.levels[{}]", levels.len());
            for (name, value) in [("from", from), ("to", to)] {
                let key = format!("{}.{name}", entry.path);
                self.note(format!("{path}.{name}"), key, Source::Written(value.span));
            }
            levels.push(CascadeLevel {
                from: from.value.clone(),
                reasoning: self.traced_if(
                    format!("{path}.reasoning"),
                    format!("{}.reasoning", entry.path),
                    entry.reasoning.as_ref(),
                ),
                to: to.value.clone(),
            });
        }
        Cascade {
            levels,
            max_attempts: attempts.unsigned_abs(),
            stream_guard,
            triggers,
        }
    }

    fn placeholders(&mut self, block: &CascadeBlock) -> Vec<String> {
        const PATH: &str = "governance.cascade.triggers.placeholder_patterns";
        const KEY: &str = "Governance.cascade.triggers.placeholder_patterns";
        let mut texts = match &block.placeholder_patterns {
            Some(written) => {
                self.note(PATH, KEY, Source::Written(written.span));
                written.value.clone()
            }
            None => {
                let value = PLACEHOLDERS.join(", ");
                self.note(PATH, KEY, Source::Filled(value, super::DEFAULT));
                PLACEHOLDERS.map(str::to_owned).to_vec()
            }
        };
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    fn shadow(&mut self, block: &ShadowBlock) -> Shadow {
        let mut check = |name: &str, written: &Option<Spanned<bool>>| {
            self.of_governance(&format!("shadow.checks.{name}"), written.as_ref(), true)
        };
        let checks = ShadowChecks {
            length_anomaly: check("length_anomaly", &block.length_anomaly),
            missing_code_block: check("missing_code_block", &block.missing_code_block),
            placeholder_patterns: check("placeholder_patterns", &block.placeholder_patterns),
        };
        Shadow {
            checks,
            mode: self.of_governance("shadow.mode", block.mode.as_ref(), ShadowMode::AsyncAudit),
            sample_rate: self.of_governance(
                "shadow.sample_rate",
                block.sample_rate.as_ref(),
                SAMPLE_RATE,
            ),
            verifier_model: self.traced_if(
                "governance.shadow.verifier_model",
                "Governance.shadow.verifier_model",
                block.verifier_model.as_ref(),
            ),
        }
    }

    fn thresholds(&mut self, written: &Thresholds) -> AnomalyThresholds {
        let default = AnomalyThresholds::default();
        AnomalyThresholds {
            cascade_critical_rate: self.threshold(
                "cascade_critical_rate",
                &written.cascade_critical_rate,
                default.cascade_critical_rate,
            ),
            cascade_warn_rate: self.threshold(
                "cascade_warn_rate",
                &written.cascade_warn_rate,
                default.cascade_warn_rate,
            ),
            latency_critical_ms: self.count(
                "latency_critical_ms",
                written.latency_critical_ms.as_ref(),
                default.latency_critical_ms,
            ),
            latency_warn_ms: self.count(
                "latency_warn_ms",
                written.latency_warn_ms.as_ref(),
                default.latency_warn_ms,
            ),
            min_sample_size: self.count(
                "min_sample_size",
                written.min_sample_size.as_ref(),
                default.min_sample_size,
            ),
            shadow_critical_rate: self.threshold(
                "shadow_critical_rate",
                &written.shadow_critical_rate,
                default.shadow_critical_rate,
            ),
            shadow_warn_rate: self.threshold(
                "shadow_warn_rate",
                &written.shadow_warn_rate,
                default.shadow_warn_rate,
            ),
            spike_delta_rate: self.threshold(
                "spike_delta_rate",
                &written.spike_delta_rate,
                default.spike_delta_rate,
            ),
            spike_warn_rate: self.threshold(
                "spike_warn_rate",
                &written.spike_warn_rate,
                default.spike_warn_rate,
            ),
        }
    }

    fn threshold<T: Clone + ToString>(
        &mut self,
        name: &str,
        written: &Option<Spanned<T>>,
        default: T,
    ) -> T {
        self.traced(
            format!("governance.anomaly_thresholds.{name}"),
            format!("Governance.observability.anomaly_thresholds.{name}"),
            written.as_ref(),
            default,
        )
    }

    fn count(&mut self, name: &str, written: Option<&Spanned<i64>>, default: u64) -> u64 {
        let written =
            written.map(|written| Spanned::new(written.value.unsigned_abs(), written.span));
        self.threshold(name, &written, default)
    }
}
