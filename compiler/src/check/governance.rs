//! Governance: what warns must not lie above what is critical.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::AnomalyThresholds;
use crate::registration::Registration;
use crate::source::{Span, Spanned};

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let Some(governance) = &registration.governance else {
        return;
    };
    let written = &governance.thresholds;
    let default = AnomalyThresholds::default();
    let pairs = [
        Pair::of(
            ["cascade_warn_rate", "cascade_critical_rate"],
            [&written.cascade_warn_rate, &written.cascade_critical_rate],
            [default.cascade_warn_rate, default.cascade_critical_rate],
        ),
        Pair::of(
            ["shadow_warn_rate", "shadow_critical_rate"],
            [&written.shadow_warn_rate, &written.shadow_critical_rate],
            [default.shadow_warn_rate, default.shadow_critical_rate],
        ),
        Pair::of(
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

/// A threshold that warns and the one that is critical.
struct Pair;

impl Pair {
    fn of<T: PartialOrd + Copy + ToString>(
        names: [&str; 2],
        written: [&Option<Spanned<T>>; 2],
        default: [T; 2],
    ) -> Option<Diagnostic> {
        let value = |at: usize| {
            let written = written[at].as_ref();
            written.map_or(default[at], |written| written.value)
        };
        let (warn, critical) = (value(0), value(1));
        if warn <= critical {
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
