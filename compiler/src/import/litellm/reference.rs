//! Values that a LiteLLM config takes from elsewhere: `os.environ/NAME`, the
//! variables it sets itself, and credentials that deployments share.

use std::collections::{HashMap, HashSet};

use super::super::endpoint::Desk;
use super::super::field::{Map, items, says_nothing, scalars, text};
use super::super::kind;
use super::super::secret::{is_variable_name, variable_name};
use super::keys;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::tree::Node;

/// How a value names a variable.
const PREFIX: &str = "os.environ/";

/// What `environment_variables` sets.
pub(super) struct Environment<'t> {
    values: HashMap<&'t str, &'t str>,
    used: HashSet<&'t str>,
}

impl<'t> Environment<'t> {
    pub(super) fn read(root: Map<'t, '_>) -> Self {
        let section = root.map("environment_variables");
        let entries = section.map_or(&[][..], |section| section.entries);
        let values = entries
            .iter()
            .filter_map(|entry| Some((entry.key.value.as_ref(), text(&entry.value)?)));
        Self {
            values: values.collect(),
            used: HashSet::new(),
        }
    }

    /// Every variable a document speaks of.
    pub(super) fn names(root: &Node<'_>) -> HashSet<String> {
        let mut names = HashSet::new();
        scalars(root, &mut |text| {
            names.extend(text.strip_prefix(PREFIX).map(str::to_owned));
        });
        names
    }

    /// Whether a value is read from the environment.
    pub(super) fn is_reference(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The value as a registration writes it. What the file itself sets becomes
    /// a default, unless it is a secret.
    pub(super) fn value(
        &mut self,
        text: &'t str,
        span: Span,
        is_secret: bool,
        desk: &mut Desk<'_>,
    ) -> String {
        let Some(name) = text.strip_prefix(PREFIX) else {
            return text.to_owned();
        };
        let set = self.values.get(name).copied();
        if let Some(other) = set.and_then(|set| set.strip_prefix(PREFIX)) {
            self.used.insert(name);
            return reference(other, span, desk);
        }
        match set.filter(|set| !is_secret && !set.contains(['}', '$'])) {
            Some(set) if is_variable_name(name) => {
                self.used.insert(name);
                format!("${{{name}:-{set}}}")
            }
            _ => reference(name, span, desk),
        }
    }

    /// Reports the variables that nothing was made of.
    pub(super) fn finish(&self, root: Map<'_, '_>, desk: &mut Desk<'_>) {
        let section = root.map("environment_variables");
        for entry in section.map_or(&[][..], |section| section.entries) {
            let name = entry.key.value.as_ref();
            if !says_nothing(&entry.value) && !self.used.contains(name) {
                desk.losses.key(&kind::ENVIRONMENT, name, entry.key.span);
            }
        }
    }
}

fn reference(name: &str, span: Span, desk: &mut Desk<'_>) -> String {
    if is_variable_name(name) {
        return format!("${{{name}}}");
    }
    let spelt = variable_name(name, "VALUE");
    desk.losses.say(
        Code::ImportApproximated,
        "a variable gets a name that shells know",
        span,
        &format!("read from `{spelt}` here"),
        "set the variable under its new name",
    );
    format!("${{{spelt}}}")
}

/// `credential_list` by name.
pub(super) struct Credentials<'t, 's> {
    by_name: HashMap<&'t str, Map<'t, 's>>,
    used: HashSet<&'t str>,
}

impl<'t, 's> Credentials<'t, 's> {
    /// The first of a name counts, as in LiteLLM.
    pub(super) fn read(root: Map<'t, 's>, desk: &mut Desk<'_>) -> Self {
        let mut by_name = HashMap::new();
        for item in root.items("credential_list") {
            let Some(entry) = Map::of(item) else { continue };
            let Some(name) = entry.text("credential_name") else {
                continue;
            };
            let Some(values) = entry.map("credential_values") else {
                continue;
            };
            if by_name.contains_key(name) {
                desk.losses.say(
                    Code::ImportNotCarried,
                    &format!("credential `{name}` is given twice"),
                    entry.head,
                    "the first of this name is used",
                    "rename or remove one of them",
                );
            } else {
                by_name.insert(name, values);
            }
        }
        Self {
            by_name,
            used: HashSet::new(),
        }
    }

    /// The credential that a deployment names.
    pub(super) fn of(&mut self, params: Map<'t, 's>, desk: &mut Desk<'_>) -> Option<Map<'t, 's>> {
        let node = params.get("litellm_credential_name")?;
        let name = text(node)?;
        if let Some((known, values)) = self.by_name.get_key_value(name) {
            if self.used.insert(known) {
                keys::leftovers(*values, keys::PARAMS, &mut desk.losses);
            }
            return Some(*values);
        }
        desk.losses.say(
            Code::ImportDanglingReference,
            &format!("credential `{name}` does not exist"),
            node.span,
            "the usual variable of the provider is used",
            "declare it in `credential_list`, or set that variable",
        );
        None
    }

    /// Reports the credentials that no deployment names.
    pub(super) fn finish(&self, root: Map<'_, '_>, desk: &mut Desk<'_>) {
        for item in root.get("credential_list").map_or(&[][..], items) {
            let name = Map::of(item).and_then(|entry| entry.get("credential_name"));
            let unused =
                name.filter(|name| text(name).is_some_and(|name| !self.used.contains(name)));
            if let Some(name) = unused {
                desk.losses.say(
                    Code::ImportNotCarried,
                    "a credential that no deployment names is not carried",
                    name.span,
                    "nothing uses it",
                    "leave it out, or name it in a deployment",
                );
            }
        }
    }
}
