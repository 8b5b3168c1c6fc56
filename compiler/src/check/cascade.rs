//! A cascade asks another model after an answer that is not good enough. That
//! model should be able to do what the first can.

use super::ability::Best;
use super::rates;
use super::targets::Targets;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{LevelEntry, Registration};

pub(super) fn check(registration: &Registration, targets: &Targets<'_>, problems: &mut Problems) {
    let governance = registration.governance.as_ref();
    let cascade = governance.and_then(|governance| governance.cascade_on());
    for level in cascade.iter().flat_map(|cascade| &cascade.levels) {
        for diagnostic in [smaller(level, targets), slower(level, targets)] {
            diagnostic
                .into_iter()
                .for_each(|found| problems.push(found));
        }
    }
}

fn smaller(level: &LevelEntry, targets: &Targets<'_>) -> Option<Diagnostic> {
    let (from, to) = (level.from.as_ref()?, level.to.as_ref()?);
    let (first, second) = (targets.first(&from.value)?, targets.first(&to.value)?);
    let lack = Best::of(first).lack(second, "asked before")?;
    Some(
        Diagnostic::new(
            Code::GovernanceSmallerCascade,
            format!(
                "a cascade goes from `{}` to `{}`, which can do less",
                from.value, to.value
            ),
        )
        .at(to.span, format!("asked again here, after `{}`", from.value))
        .at(lack.here.0, lack.here.1)
        .at(lack.there.0, lack.there.1)
        .help("name a model that can do at least as much, or correct what is said of it"),
    )
}

fn slower(level: &LevelEntry, targets: &Targets<'_>) -> Option<Diagnostic> {
    let (from, to) = (level.from.as_ref()?, level.to.as_ref()?);
    let (first, second) = (targets.all(&from.value), targets.all(&to.value));
    let lower = rates::lower(&second, &first)?;
    Some(
        Diagnostic::new(
            Code::PoolLowerRateLimit,
            format!(
                "a cascade goes from `{}` to `{}`, which allows fewer {} a minute",
                from.value, to.value, lower.unit
            ),
        )
        .at(to.span, format!("asked again here, after `{}`", from.value))
        .at(lower.here.0, format!("{} a minute here", lower.here.1))
        .at(lower.there.0, format!("{} a minute there", lower.there.1))
        .help("raise the limit of the second, or count on its refusals"),
    )
}
