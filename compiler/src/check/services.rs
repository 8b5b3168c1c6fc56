//! Upstream services: unique ids, and endpoints that name one which does not exist.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Problems, one_of};
use crate::registration::Registration;
use crate::source::Span;

pub(super) fn check(registration: &Registration, complete: bool, problems: &mut Problems) {
    let Some(pools) = &registration.pools else {
        return;
    };
    let mut known: HashMap<&str, Span> = HashMap::new();
    for id in pools
        .services
        .iter()
        .filter_map(|service| service.id.as_ref())
    {
        if let Some(first) = known.get(id.value.as_str()) {
            problems.push(
                Diagnostic::new(
                    Code::PoolDuplicateUpstreamService,
                    format!("two upstream services have the id `{}`", id.value),
                )
                .at(id.span, "given again here")
                .at(*first, "first given here")
                .help("rename or remove one of them"),
            );
        } else {
            known.insert(&id.value, id.span);
        }
    }
    let mut names: Vec<&str> = known.keys().copied().collect();
    names.sort_unstable();
    let links = pools
        .models
        .iter()
        .filter_map(|entry| entry.metadata.upstream_service_id.as_ref());
    for link in links.filter(|link| complete && !known.contains_key(link.value.as_str())) {
        let diagnostic = Diagnostic::new(
            Code::PoolUnknownUpstreamService,
            format!("upstream service `{}` does not exist", link.value),
        )
        .at(link.span, "no service has this id");
        let diagnostic = match problems.guess(&link.value, &names) {
            Some(near) => diagnostic
                .help(format!("did you mean `{near}`?"))
                .fix(link.span, near),
            None => diagnostic.help(one_of(&names, "upstream services")),
        };
        problems.push(diagnostic);
    }
}
