//! `${NAME}` in values: which variables the plan will need, and references
//! that are malformed or stand where no value is read.

use super::called::{self, Called};
use super::references;
use crate::VariableUse;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{ModelEntry, Registration};
use crate::source::{Sources, Spanned};
use crate::variable::{self, has_reference};

pub(super) fn check(
    registration: &Registration,
    sources: &Sources,
    problems: &mut Problems,
) -> Vec<VariableUse> {
    let mut found = Found {
        sources,
        uses: Vec::new(),
        problems,
    };
    found.read(registration.host.as_ref(), || "HOST".to_owned());
    found.secret(registration.api_key.as_ref(), || "APIKEY".to_owned());
    for called in called::all(registration) {
        match called {
            Called::Entry(entry) if entry.list == "Models" || registration.has_pools() => {
                found.entry(entry);
            }
            Called::Service(service) if registration.has_pools() => {
                found.refuse(service.id.as_ref());
            }
            Called::Provider(provider) => {
                found.refuse(provider.name.as_ref());
                for model in &provider.models {
                    found.refuse(Some(model));
                }
            }
            Called::Remote(remote) if remote.is_on() => {}
            // What is switched off is no part of the plan and needs no variables.
            Called::Entry(_) | Called::Service(_) | Called::Remote(_) => continue,
        }
        found.read(called.api(), || called.path("api"));
        found.secret(called.key(), || called.path("key"));
    }
    for reference in references::all(registration) {
        found.refuse(Some(reference.name));
    }
    found.uses
}

struct Found<'p> {
    sources: &'p Sources,
    uses: Vec<VariableUse>,
    problems: &'p mut Problems,
}

impl Found<'_> {
    fn entry(&mut self, entry: &ModelEntry) {
        self.refuse(entry.id.as_ref());
        self.refuse(entry.metadata.pool_endpoint_id.as_ref());
        self.refuse(entry.metadata.upstream_service_id.as_ref());
        self.read(entry.model.as_ref(), || format!("{}.model", entry.path()));
    }

    /// A value that is no secret.
    fn read(&mut self, text: Option<&Spanned<String>>, path: impl Fn() -> String) {
        self.value(text, false, path);
    }

    fn secret(&mut self, text: Option<&Spanned<String>>, path: impl Fn() -> String) {
        self.value(text, true, path);
    }

    fn value(
        &mut self,
        text: Option<&Spanned<String>>,
        is_secret: bool,
        path: impl Fn() -> String,
    ) {
        let Some(text) = text.filter(|text| has_reference(&text.value)) else {
            return;
        };
        match variable::variables(&text.value) {
            Ok(variables) => {
                self.uses
                    .extend(variables.iter().map(|variable| VariableUse {
                        name: variable.name.to_owned(),
                        has_default: variable.default.is_some(),
                        is_secret,
                        span: text.span,
                        path: path(),
                    }));
            }
            Err(malformed) => {
                let what = malformed.what;
                self.problems.push(
                    Diagnostic::new(
                        Code::EnvMalformed,
                        format!("`{}` has a malformed variable reference", path()),
                    )
                    .at(self.sources.within(text, malformed.range), what)
                    .help(
                        "write `${NAME}` or `${NAME:-default}`; a name has letters, digits and `_`",
                    ),
                );
            }
        }
    }

    fn refuse(&mut self, text: Option<&Spanned<String>>) {
        let Some(text) = text.filter(|text| has_reference(&text.value)) else {
            return;
        };
        self.problems.push(
            Diagnostic::new(Code::EnvNotHere, "a name cannot come from the environment")
                .at(text.span, "this is compared when the registration is compiled")
                .help("write the name itself; variables are read in `api`, `key`, `model`, `HOST`, `APIKEY`, `base_url` and `auth_token`"),
        );
    }
}
