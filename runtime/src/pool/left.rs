//! What an earlier process left of the records: by identity, so that a pool may have
//! another name now, and by name where a record tells no more.

use ctr_compiler::health::Saved;
use foldhash::HashMap;

use super::Identity;

/// Saved records. Of several of one endpoint the last one counts.
#[derive(Debug, Default)]
pub(super) struct Left {
    known: HashMap<Identity, Saved>,
    /// By pool and endpoint id: claude-trigger-router says neither address nor model.
    named: HashMap<(String, String), Saved>,
}

impl Left {
    /// The record of an endpoint of `pool`, where one was left.
    pub(super) fn of(&self, pool: &str, identity: &Identity) -> Option<&Saved> {
        self.known.get(identity).or_else(|| {
            let saved = self.named.get(&(pool.to_owned(), identity.id.clone()))?;
            let same = |written: &Option<String>, known: &str| {
                written.as_deref().is_none_or(|written| written == known)
            };
            let is_it = same(&saved.api, &identity.api) && same(&saved.model, &identity.model);
            is_it.then_some(saved)
        })
    }
}

impl FromIterator<Saved> for Left {
    fn from_iter<I: IntoIterator<Item = Saved>>(all: I) -> Self {
        let mut left = Self::default();
        for saved in all {
            let id = saved.endpoint_id.clone();
            match (&saved.api, &saved.model) {
                (Some(api), Some(model)) => {
                    let (api, model) = (api.clone(), model.clone());
                    left.known.insert(Identity { id, api, model }, saved);
                }
                _ => {
                    left.named.insert((saved.model_id.clone(), id), saved);
                }
            }
        }
        left
    }
}
