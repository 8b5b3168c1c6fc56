//! `Models`, and what older configs have in their place: `Providers`, whose
//! models are named `provider,model`, which stays their id.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Tally;
use super::super::ccr::transformer::{Meaning, all, meaning};
use super::super::endpoint::Desk;
use super::super::field::{Map, items, says_nothing, text};
use super::super::kind;
use super::super::secret::{Key, variable_name};
use super::{copy, word};
use crate::check::wrong_url;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Entry, Item};
use crate::plan::Interface;
use crate::registration::{inferred_interface, shown_url};
use crate::source::Span;
use crate::tree::Node;

/// The models, as 1.7 sees them: `Providers` count only where there are no
/// `Models`.
pub(super) fn read(root: Map<'_, '_>, desk: &mut Desk<'_>, tally: &mut Tally) -> Option<Item> {
    count_pools(root, tally);
    let models = root.items("Models");
    tally.models += models.len();
    tally.names += models.len();
    let providers = root
        .entry("Providers")
        .filter(|entry| !items(&entry.value).is_empty());
    if models.is_empty() {
        return providers.map(|entry| of_providers(items(&entry.value), desk, tally));
    }
    if let Some(entry) = providers {
        desk.losses.say(
            Code::ImportNotCarried,
            "`Providers` are not carried, since there are `Models`",
            entry.key.span,
            "1.7 leaves them aside too",
            "add what is missing to `Models`",
        );
    }
    Some(Item::list(models.iter().map(|item| model(item, desk))))
}

fn count_pools(root: Map<'_, '_>, tally: &mut Tally) {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    let registration = root.map("Registration");
    for item in registration.map_or(&[][..], |registration| registration.items("models")) {
        tally.models += 1;
        if let Some(id) = Map::of(item).and_then(|map| word(map, "id")) {
            *sizes.entry(id).or_default() += 1;
        }
    }
    tally.names += sizes.len();
    tally.pools = sizes.values().filter(|size| **size > 1).count();
}

/// An entry with its interface written out, which older ones leave to be guessed.
fn model(node: &Node<'_>, desk: &mut Desk<'_>) -> Item {
    let item = copy(node, "Models", "Models", desk);
    let (Item::Map(mut entries), Some(map)) = (item.clone(), Map::of(node)) else {
        return item;
    };
    let api = word(map, "api").or_else(|| word(map, "api_base_url"));
    if let (false, Some(api)) = (map.has_any(&["interface", "protocol"]), api) {
        let interface = inferred_interface(api, word(map, "model").unwrap_or_default());
        let at = entries.iter().position(|entry| entry.key == "model");
        let at = at.unwrap_or(entries.len());
        entries.insert(at, Entry::new("interface", Item::text(interface.word())));
    }
    Item::Map(entries)
}

fn of_providers(providers: &[Node<'_>], desk: &mut Desk<'_>, tally: &mut Tally) -> Item {
    let mut entries = Vec::new();
    let mut known = BTreeSet::new();
    for node in providers.iter().filter(|node| !says_nothing(node)) {
        let Some(provider) = Provider::read(node, desk) else {
            continue;
        };
        for item in provider.map.items("models") {
            let Some(model) = text(item) else { continue };
            tally.models += 1;
            desk.readable(model, item.span);
            let id = format!("{},{model}", provider.name);
            let Some(id) = desk.name(&id, item.span) else {
                continue;
            };
            if known.insert(id.clone()) {
                entries.push(provider.entry(&id, model, desk));
            } else {
                desk.losses.say(
                    Code::ImportNotCarried,
                    &format!("`{id}` is listed twice, and carried once"),
                    item.span,
                    "listed again here",
                    "remove one of them",
                );
            }
        }
        transformers(provider.map, desk);
    }
    tally.names += entries.len();
    Item::list(entries)
}

/// An item of `Providers`.
struct Provider<'t, 's> {
    map: Map<'t, 's>,
    name: &'t str,
    base: (&'t str, Span),
    /// Whether a transformer says that it speaks Anthropic's protocol.
    is_anthropic: bool,
}

impl<'t, 's> Provider<'t, 's> {
    fn read(node: &'t Node<'s>, desk: &mut Desk<'_>) -> Option<Self> {
        let read = Map::of(node).and_then(|map| {
            let base = map.get("api_base_url")?;
            Some(Self {
                map,
                name: word(map, "name")?,
                base: (text(base)?, base.span),
                is_anthropic: all(map)
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("anthropic")),
            })
        });
        let Some(provider) = read else {
            desk.problems.push(
                Diagnostic::new(Code::ImportInvalid, "a provider is not whole")
                    .at(node.head(), "`name` and `api_base_url` are required")
                    .help("write what is missing"),
            );
            return None;
        };
        desk.name(provider.name, node.head())?;
        let (base, span) = provider.base;
        desk.readable(base, span);
        if let Some(wrong) = wrong_url(base).filter(|_| !base.contains("${")) {
            desk.problems.push(
                Diagnostic::new(Code::ImportInvalid, "a provider has a URL nobody can call")
                    .at(span, wrong)
                    .help("write a full URL, for example `https://api.openai.com/v1`"),
            );
        }
        Some(provider)
    }

    fn entry(&self, id: &str, model: &str, desk: &mut Desk<'_>) -> Item {
        let (base, span) = self.base;
        let interface = match self.is_anthropic {
            true => Interface::Anthropic,
            false => inferred_interface(base, model),
        };
        let api = match shown_url(base).1 {
            true => {
                let wish = variable_name(self.name, "URL");
                desk.keys.key(base, &wish, span).text
            }
            false => base.to_owned(),
        };
        let wish = variable_name(self.name, "API_KEY");
        let key = self.map.get("api_key");
        let key = match key.and_then(|node| Some((text(node)?, node.span))) {
            Some((key, span)) => {
                desk.readable(key, span);
                desk.keys.key(key, &wish, span)
            }
            None => Key::optional(&wish),
        };
        Item::map([
            ("id", Item::text(id)),
            ("api", Item::Text(api)),
            ("key", Item::Text(key.text)),
            ("interface", Item::text(interface.word())),
            ("model", Item::text(model)),
        ])
    }
}

/// Names the transformers that change something; the others are the interface.
fn transformers(provider: Map<'_, '_>, desk: &mut Desk<'_>) {
    for (name, span) in all(provider) {
        if matches!(meaning(name), Meaning::Changes) {
            desk.losses.key(&kind::TRANSFORMERS, name, span);
        }
    }
}
