//! What is compiled, shown and compared, and that the proxy does not do yet.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::Registration;
use crate::source::Span;

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let governance = registration.governance.as_ref();
    let acts = governance
        .filter(|governance| governance.cascade_on().is_some() || governance.shadow_on().is_some());
    let remote = registration.runtime.as_ref();
    let remote = remote.and_then(|runtime| runtime.remote.as_ref());
    let remote = remote.filter(|remote| remote.is_on());
    let keys = registration.managed_keys.first();
    let found: [(Option<Span>, &str, &str); 3] = [
        (
            acts.map(|governance| governance.head),
            "governance is",
            "answers are served as they come",
        ),
        (
            remote.map(|remote| remote.head),
            "forwarding to a remote service is",
            "requests are served here",
        ),
        (
            keys.map(|key| key.head),
            "managed keys are",
            "only `APIKEY` is asked for",
        ),
    ];
    for (place, what, consequence) in found {
        let Some(place) = place else { continue };
        problems.push(
            Diagnostic::new(
                Code::DocumentNotSupportedYet,
                format!("{what} compiled and not applied yet"),
            )
            .at(place, consequence)
            .help("keep it: reviews show it, and a later version applies it"),
        );
    }
}
