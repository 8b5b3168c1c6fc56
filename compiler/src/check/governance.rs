//! Governance: what warns must not lie above what is critical.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::AnomalyThresholds;
use crate::registration::{Gaps, Registration};
use crate::source::{Span, Spanned};

/// Where they stand.
const PATH: &str = "Governance.observability.anomaly_thresholds";

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let Some(governance) = &registration.governance else {
        return;
    };
    let written = &governance.thresholds;
    let default = AnomalyThresholds::default();
    let pair = Pairs(&registration.gaps);
    let pairs = [
        pair.told(
            ["cascade_warn_rate", "cascade_critical_rate"],
            [&written.cascade_warn_rate, &written.cascade_critical_rate],
            [default.cascade_warn_rate, default.cascade_critical_rate],
        ),
        pair.told(
            ["shadow_warn_rate", "shadow_critical_rate"],
            [&written.shadow_warn_rate, &written.shadow_critical_rate],
            [default.shadow_warn_rate, default.shadow_critical_rate],
        ),
        pair.told(
            ["latency_warn_ms", "latency_critical_ms"],
            [&written.latency_warn_ms, &written.latency_critical_ms],
            [
                i64::try_from(default.latency_warn_ms).unwrap_or(i64::MAX),
                i64::try_from(default.latency_critical_ms).unwrap_or(i64::MAX),
            ],
        ),
    ];
    for diagnostic in pairs.into_iter().flatten() {
        problems.push(diagnostic);
    }
}

/// Thresholds that warn, each beside the one that is critical.
struct Pairs<'r>(&'r Gaps);

impl Pairs<'_> {
    fn told<T: PartialOrd + Copy + ToString>(
        &self,
        names: [&str; 2],
        written: [&Option<Spanned<T>>; 2],
        default: [T; 2],
    ) -> Option<Diagnostic> {
        let value = |at: usize| {
            let written = written[at].as_ref();
            written.map_or(default[at], |written| written.value)
        };
        let has_gap = |name| self.0.has(&format!("{PATH}.{name}"));
        let (warn, critical) = (value(0), value(1));
        if warn <= critical || names.into_iter().any(has_gap) {
            return None;
        }
        let places = written.map(|written| written.as_ref().map(|written| written.span));
        let place: Span = places[0].or(places[1])?;
        let mut diagnostic = Diagnostic::new(
            Code::DocumentOutOfRange,
            format!(
                "`{}` cannot be above `{}` ({})",
                names[0],
                names[1],
                critical.to_string()
            ),
        )
        .at(place, format!("`{}` is {}", names[0], warn.to_string()));
        if let (Some(_), Some(other)) = (places[0], places[1]) {
            diagnostic = diagnostic.at(other, "the critical value");
        }
        Some(diagnostic.help(format!("lower `{}`, or raise `{}`", names[0], names[1])))
    }
}
