//! Everything a request can name, found in a time that does not grow with the plan.

use std::borrow::Cow;

use hashbrown::HashTable;

use super::{Plan, Target};

/// Where something stands: positions in the plan's tables.
#[derive(Clone, Copy)]
enum Place {
    /// A model, by its id.
    Model(u32),
    /// A pool, by its id.
    Pool(u32),
    /// A model's endpoint, by its `provider,model` reference.
    OfModel(u32),
    /// A member of a pool, by its `provider,model` reference.
    OfPool(u32, u32),
}

/// Places by the hash of what names them. The hash is not seeded by chance, which
/// this crate does not know; names of a plan are its author's own, so nobody can
/// make them collide to anybody's harm but theirs.
pub(super) struct Index(HashTable<Place>);

impl Index {
    /// Of two things of one name, the first that is put in is found: a model goes
    /// before a pool, and ids before references.
    pub(super) fn of(plan: &Plan) -> Self {
        let names = plan.models.len() + plan.pools.len() + plan.endpoints().count();
        let mut index = Self(HashTable::with_capacity(names));
        for (id, at) in plan.models.keys().zip(0..) {
            index.put(plan, id, Place::Model(at));
        }
        for (id, at) in plan.pools.keys().zip(0..) {
            index.put(plan, id, Place::Pool(at));
        }
        for (endpoint, at) in plan.models.values().zip(0..) {
            index.put(plan, &endpoint.legacy_ref(), Place::OfModel(at));
        }
        for (pool, at) in plan.pools.values().zip(0..) {
            for (endpoint, member) in pool.endpoints.iter().zip(0..) {
                index.put(plan, &endpoint.legacy_ref(), Place::OfPool(at, member));
            }
        }
        index
    }

    fn put(&mut self, plan: &Plan, name: &str, place: Place) {
        let hash_of = |place: &Place| {
            place
                .target(plan)
                .map_or(0, |target| hash(&name_of(&target)))
        };
        if self.find(plan, name).is_none() {
            self.0.insert_unique(hash(name), place, hash_of);
        }
    }

    /// What `name` stands for in `plan`, which the index was made of.
    pub(super) fn find<'p>(&self, plan: &'p Plan, name: &str) -> Option<Target<'p>> {
        let is_named = |place: &Place| {
            let target = place.target(plan);
            target.is_some_and(|target| is_named(&target, name))
        };
        self.0.find(hash(name), is_named)?.target(plan)
    }
}

impl Place {
    fn target(self, plan: &Plan) -> Option<Target<'_>> {
        Some(match self {
            Self::Model(at) => {
                let (id, endpoint) = plan.models.at(at as usize)?;
                Target::Model(id, endpoint)
            }
            Self::Pool(at) => {
                let (id, pool) = plan.pools.at(at as usize)?;
                Target::Pool(id, pool)
            }
            Self::OfModel(at) => Target::Endpoint(plan.models.at(at as usize)?.1),
            Self::OfPool(at, member) => {
                let (_, pool) = plan.pools.at(at as usize)?;
                Target::Endpoint(pool.endpoints.get(member as usize)?)
            }
        })
    }
}

fn name_of<'p>(target: &Target<'p>) -> Cow<'p, str> {
    match target {
        Target::Model(id, _) | Target::Pool(id, _) => Cow::Borrowed(id),
        Target::Endpoint(endpoint) => Cow::Owned(endpoint.legacy_ref()),
    }
}

/// Whether `name` names `target`, without writing a reference down.
fn is_named(target: &Target<'_>, name: &str) -> bool {
    match target {
        Target::Model(id, _) | Target::Pool(id, _) => *id == name,
        Target::Endpoint(endpoint) => name.split_once(',').is_some_and(|(provider, model)| {
            endpoint.provider == provider && endpoint.model == model
        }),
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
