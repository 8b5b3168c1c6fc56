//! Models that a decision depends on are asked before it is made: which rule a
//! text is like, and which of the candidates is to answer.
//!
//! They are asked through the plan itself, by the name it has for them, so that a
//! pool behind them does all it does for clients. What they say is an input to
//! the decision; a model that says nothing usable in time leaves it to the steps
//! that follow.

mod cache;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use ctr_compiler::corpus;
use ctr_compiler::plan::{Plan, SmartRouter};
use ctr_compiler::route::{self, Answers, Chosen, Classified, Source, Step};
use tokio::time::timeout;

use super::account::Account;
use super::relay::Relay;
use super::request_id::request_id;
use super::walk::{self, Committed};
use super::{Asked, Proxy};
use crate::activate::Live;
use crate::protocol::Protocol;
use crate::protocol::transcript::transcript;

pub(super) use cache::Choices;

/// Longest wait for a model that is asked where a request is to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tokens a classifier may answer with (claude-trigger-router 1.7.0).
const CLASSIFIER_TOKENS: u64 = 128;

/// Characters of a conversation that are summed up; its end says the most.
const CONVERSATION: usize = 16_000;

/// Bytes of an answer that are read.
const ANSWER: usize = 1 << 20;

/// What models said, to be kept with the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    classified: Option<Option<(String, f64)>>,
    chosen: Option<Option<String>>,
    context: Option<String>,
}

impl Said {
    /// What a model that takes the conversation over is told of it.
    pub(super) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// As a corpus keeps it: who was asked, and what they said.
    pub(super) fn recorded(&self, smart: &SmartRouter) -> corpus::Answers {
        let by = |model: &Option<String>| model.clone().unwrap_or_default();
        corpus::Answers {
            classifier: self.classified.as_ref().map(|said| corpus::Answered {
                by: by(&smart.semantic.classifier_model),
                said: said.as_ref().map(|(rule, _)| rule.clone()),
                confidence: said.as_ref().map(|(_, confidence)| *confidence),
            }),
            router: self.chosen.as_ref().map(|said| corpus::Answered {
                by: by(&smart.router_model),
                said: said.clone(),
                confidence: None,
            }),
        }
    }

    /// As a decision looks at it.
    pub(super) fn answers(&self) -> Answers<'_> {
        Answers {
            classified: match &self.classified {
                None => Classified::NotAsked,
                Some(None) => Classified::Failed,
                Some(Some((rule, confidence))) => Classified::Rule(rule, *confidence),
            },
            chosen: match &self.chosen {
                None => Chosen::NotAsked,
                Some(None) => Chosen::Failed,
                Some(Some(model)) => Chosen::Model(model),
            },
        }
    }
}

impl Proxy {
    /// Asks what the decision about a request depends on, and keeps it there.
    pub(super) async fn consult(&self, asked: &mut Asked, live: &Arc<Live>) {
        let plan = live.plan();
        let Some(smart) = &plan.smart_router else {
            return;
        };
        // Each model is asked once at most.
        while let Some((step, model)) = needed(asked, plan, live.clock().now_ms()) {
            let text = asked.text().unwrap_or_default().to_owned();
            match step {
                Step::Semantic => {
                    let prompt = words::classify(smart, &text);
                    let said = self.ask(live, &model, CLASSIFIER_TOKENS, &prompt).await;
                    let said = said.and_then(|said| words::classified(&said));
                    asked.said.classified = Some(said);
                }
                _ => asked.said.chosen = Some(self.choose(smart, live, &model, &text).await),
            }
        }
        self.align(smart, asked, live).await;
    }

    /// Has the conversation summed up where the smart router hands it to another
    /// model than the one that answered last.
    async fn align(&self, smart: &SmartRouter, asked: &mut Asked, live: &Arc<Live>) {
        let alignment = &smart.sticky.alignment;
        let Some(summarizer) = alignment.summarizer_model.as_deref() else {
            return;
        };
        let handed = asked.with_features(live.plan(), live.clock().now_ms(), |features| {
            let choice = route::choose(live.plan(), features)?;
            let last = features.session.last_model?;
            let hands_over = matches!(
                choice.source,
                Source::Rule(_) | Source::Semantic(_) | Source::Candidates | Source::Sticky
            );
            (hands_over && last != choice.name).then(|| (last.to_owned(), choice.name.to_owned()))
        });
        let Some((from, to)) = handed.filter(|_| alignment.enabled && smart.sticky.enabled) else {
            return;
        };
        let prompt = words::summarize(&transcript(&asked.body, CONVERSATION));
        let tokens = alignment.max_summary_tokens;
        let summary = self.ask(live, summarizer, tokens, &prompt).await;
        asked.said.context = summary.map(|summary| words::context(&from, &to, &summary));
    }

    /// The candidate that a model chooses, or has chosen lately for the same text.
    async fn choose(
        &self,
        smart: &SmartRouter,
        live: &Arc<Live>,
        model: &str,
        text: &str,
    ) -> Option<String> {
        let prompt = words::choose(smart, text);
        let key = cache::key(model, &prompt);
        let now_ms = live.clock().now_ms();
        if let Some(known) = self.choices.get(&key, now_ms, smart.cache_ttl_ms) {
            return Some(known);
        }
        let said = self.ask(live, model, smart.max_tokens, &prompt).await?;
        let chosen = words::chosen(&said)?;
        let mut candidates = smart.candidates.iter();
        let known = candidates.any(|candidate| candidate.model == chosen);
        if known {
            self.choices.put(key, chosen.clone(), now_ms);
        }
        known.then_some(chosen)
    }

    /// What a model of the plan says; none where it says nothing in time.
    async fn ask(
        &self,
        live: &Arc<Live>,
        model: &str,
        max_tokens: u64,
        prompt: &str,
    ) -> Option<String> {
        let body = serde_json::json!({
            "model": model,
            "max_tokens": max_tokens,
            "messages": [{ "role": "user", "content": prompt }],
        });
        let asked = Asked::own(body.to_string().into())?;
        timeout(PATIENCE, self.answered(&asked, live, model))
            .await
            .ok()?
    }

    async fn answered(&self, asked: &Asked, live: &Arc<Live>, model: &str) -> Option<String> {
        let mut account = Account::open(request_id());
        account.asks(model);
        let walked = walk::walk(&self.client, &self.kept, asked, live, &mut account).await;
        let Committed {
            mut answer, mark, ..
        } = match walked {
            Ok(committed) => committed,
            Err(error) => {
                account.refused(&error);
                return None;
            }
        };
        account.answered(&mut answer);
        let is_success = answer.head.status.is_success();
        let relay = Relay::new(answer, Protocol::Messages, account, mark, Arc::clone(live));
        let body = axum::body::to_bytes(Body::new(relay), ANSWER).await.ok()?;
        is_success.then(|| words::said(&body))?
    }
}

/// The next model to be asked, and for which step.
fn needed(asked: &Asked, plan: &Plan, now_ms: u64) -> Option<(Step, String)> {
    asked.with_features(plan, now_ms, |features| {
        let (step, model) = route::needs(plan, features)?;
        Some((step, model.to_owned()))
    })
}
