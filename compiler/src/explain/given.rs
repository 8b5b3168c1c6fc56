//! What is given beside a request: how endpoints stand, what is remembered of the
//! session, and what models said that were asked before.
//!
//! Read from JSON in two forms: that of `model-pool-health.json`, and a small one
//! in which an endpoint has one word.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::diagnostic::did_you_mean;
use crate::health::{Observed, Saved, Seen, Standing, Terms};
use crate::plan::{Endpoint, HealthPolicy, Plan, words};
use crate::route::{Answers, Chosen, Classified, Session};

words! {
    /// How an endpoint stands, in one word.
    Standings {
        /// May be tried.
        Healthy = "healthy",
        /// Rests after a failure.
        Cooldown = "cooldown",
        /// Failed too often.
        Open = "open",
        /// Was open long enough.
        HalfOpen = "half_open",
    }
}

impl Standings {
    /// As it is when it has just begun.
    pub fn begun(self, policy: &HealthPolicy, now: u64) -> Standing {
        match self {
            Self::Healthy => Standing::Healthy,
            Self::HalfOpen => Standing::HalfOpen {
                trials: policy.half_open_trials,
            },
            Self::Cooldown => Standing::Cooldown {
                until_ms: now.saturating_add(policy.cooldown_ms),
            },
            Self::Open => Standing::Open {
                until_ms: now.saturating_add(policy.open_ms),
            },
        }
    }
}

/// What is given beside a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// How endpoints stand, by id. Others are healthy.
    pub endpoints: BTreeMap<String, Standings>,
    /// As a process left them.
    pub saved: Vec<Saved>,
    /// What is remembered of the session.
    pub session: Remembered,
    /// What models said.
    pub answers: Said,
}

/// What is remembered of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// The model that answered last.
    #[serde(default)]
    pub last_model: Option<String>,
    /// Input tokens of its last answer.
    #[serde(default)]
    pub last_input_tokens: Option<u64>,
    /// The text of its last task.
    #[serde(default)]
    pub last_text: Option<String>,
}

/// What models said that were asked before.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The rule that the classifier named.
    #[serde(default)]
    pub classified: Option<String>,
    /// How sure it was, 0 to 1; 1 where nothing is said.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// The candidate that `router_model` named.
    #[serde(default)]
    pub chosen: Option<String>,
}

impl Given {
    /// Reads a JSON value: `{"endpoints", "session", "answers"}`, in which
    /// `endpoints` is a map of words or the list of a health file, or that map alone.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn read(value: &Value, plan: &Plan) -> Result<Self, (String, String)> {
        let Value::Object(members) = value else {
            return Err((
                "a state is a JSON object".to_owned(),
                "write `{\"endpoint-id\": \"open\"}`, or give a saved model-pool-health.json"
                    .to_owned(),
            ));
        };
        const SECTIONS: [&str; 3] = ["endpoints", "session", "answers"];
        let is_whole = SECTIONS
            .iter()
            .any(|section| members.contains_key(*section));
        let mut given = Self::default();
        if !is_whole {
            given.endpoints = standings(members, plan)?;
            return Ok(given);
        }
        for (name, value) in members {
            match (name.as_str(), value) {
                ("endpoints", Value::Object(members)) => {
                    given.endpoints = standings(members, plan)?;
                }
                ("endpoints", Value::Array(records)) => {
                    let read = |record: &Value| Saved::deserialize(record).ok();
                    given.saved = records.iter().filter_map(read).collect();
                }
                ("session", value) => given.session = section("session", value)?,
                ("answers", value) => given.answers = section("answers", value)?,
                ("updatedAt", _) => {}
                (name, _) => {
                    return Err((
                        format!("a state has no `{name}` of this form"),
                        did_you_mean(name, &SECTIONS, "sections"),
                    ));
                }
            }
        }
        Ok(given)
    }

    /// How an endpoint stands, or what `otherwise` knows of it.
    pub fn seen(
        &self,
        plan: &Plan,
        endpoint: &Endpoint,
        now: u64,
        otherwise: &dyn Fn(&Endpoint) -> Seen,
    ) -> Seen {
        let pool = plan
            .pools
            .values()
            .find(|pool| pool.endpoints.iter().any(|member| member.id == endpoint.id));
        let Some(pool) = pool else {
            return otherwise(endpoint);
        };
        if let Some(word) = self.endpoints.get(&endpoint.id) {
            return Seen {
                standing: word.begun(&pool.health, now),
                ..otherwise(endpoint)
            };
        }
        let saved = self
            .saved
            .iter()
            .find(|saved| saved.endpoint_id == endpoint.id);
        match saved {
            Some(saved) => {
                let terms = Terms::in_pool(pool, endpoint.rate_limit.as_ref());
                Observed::restored(saved, &pool.health, now).seen(&terms, now, 0)
            }
            None => otherwise(endpoint),
        }
    }

    /// Whether anything is said of endpoints.
    pub fn is_of_endpoints(&self) -> bool {
        !self.endpoints.is_empty() || !self.saved.is_empty()
    }
}

impl Remembered {
    /// As a decision looks at it.
    pub fn session(&self) -> Session<'_> {
        Session {
            last_input_tokens: self.last_input_tokens,
            last_model: self.last_model.as_deref(),
            last_text: self.last_text.as_deref(),
        }
    }
}

impl Said {
    /// As a decision looks at it.
    pub fn answers(&self) -> Answers<'_> {
        let confidence = self.confidence.unwrap_or(1.0);
        Answers {
            classified: match &self.classified {
                Some(rule) => Classified::Rule(rule, confidence),
                None => Classified::NotAsked,
            },
            chosen: match &self.chosen {
                Some(model) => Chosen::Model(model),
                None => Chosen::NotAsked,
            },
        }
    }
}

fn section<T: for<'de> Deserialize<'de>>(name: &str, value: &Value) -> Result<T, (String, String)> {
    T::deserialize(value).map_err(|error| {
        (
            format!("`{name}` of the state cannot be read: {error}"),
            "see docs/explain.md for what it may hold".to_owned(),
        )
    })
}

fn standings(
    members: &serde_json::Map<String, Value>,
    plan: &Plan,
) -> Result<BTreeMap<String, Standings>, (String, String)> {
    let mut endpoints = BTreeMap::new();
    for (id, value) in members {
        if !endpoint_ids(plan).any(|known| known == id) {
            let known: Vec<&str> = endpoint_ids(plan).collect();
            return Err((
                format!("no pool has an endpoint `{id}`"),
                did_you_mean(id, &known, "endpoints"),
            ));
        }
        let word = value.as_str().unwrap_or_default().replace('-', "_");
        let known = Standings::WORDS.iter().find(|(known, _)| *known == word);
        let Some((_, standing)) = known else {
            return Err((
                format!("endpoint `{id}` cannot be {value}"),
                did_you_mean(&word, Standings::NAMES, "states"),
            ));
        };
        endpoints.insert(id.clone(), *standing);
    }
    Ok(endpoints)
}

/// Ids of the endpoints of pools.
pub(crate) fn endpoint_ids(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.pools
        .values()
        .flat_map(|pool| pool.endpoints.iter().map(|endpoint| endpoint.id.as_str()))
}
