//! Models that a decision depends on are asked before it is made: which rule a
//! text is like, and which of the candidates is to answer.
//!
//! They are asked through the plan itself, by the name it has for them, so that a
//! pool behind them does all it does for clients. What they say is an input to
//! the decision; a model that says nothing usable in time leaves it to the steps
//! that follow.

mod words;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ctr_compiler::corpus;
use ctr_compiler::plan::{Plan, SmartRouter};
use ctr_compiler::route::{self, Answers, Chosen, Classified, Source, Step, Text};

use super::own::Own;
use super::{Asked, Proxy, remembered};
use crate::activate::Live;
use crate::protocol::transcript::transcript;
use crate::trace::Consulted;

pub(super) use words::{Choice, said};

/// Longest wait for a model that is asked where a request is to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tokens a classifier may answer with (claude-trigger-router 1.7.0).
const CLASSIFIER_TOKENS: u64 = 128;

/// Choices that are remembered (claude-trigger-router 1.7.0).
pub(super) const CHOICES: NonZeroUsize = NonZeroUsize::new(500).expect("above zero");

/// Characters of a conversation that are summed up; its end says the most.
const CONVERSATION: usize = 16_000;

/// What models said, to be kept with the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    classified: Option<Option<(String, f64)>>,
    chosen: Option<Option<Choice>>,
    context: Option<String>,
    /// What there is to remember of those that were asked, in order.
    consulted: Vec<Consulted>,
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
                said: said.as_ref().map(|choice| choice.model.clone()),
                confidence: None,
            }),
        }
    }

    /// How sure the model is that chose, where it says so.
    pub(super) fn sure(&self) -> Option<f64> {
        self.chosen.as_ref()?.as_ref()?.sure
    }

    /// Hands over what there is to remember of the models that were asked.
    pub(super) fn consulted(&mut self) -> Vec<Consulted> {
        std::mem::take(&mut self.consulted)
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
                Some(Some(choice)) => Chosen::Model(&choice.model),
            },
        }
    }
}

/// Whether any model may be asked on behalf of a request.
pub(super) fn asks_models(smart: &SmartRouter) -> bool {
    route::asks_models(smart) || summarizer(smart).is_some()
}

/// Who sums a conversation up that goes to another model, where anybody does.
fn summarizer(smart: &SmartRouter) -> Option<&str> {
    let alignment = &smart.sticky.alignment;
    let is_aligned = alignment.enabled && smart.sticky.enabled;
    alignment.summarizer_model.as_deref().filter(|_| is_aligned)
}

impl Proxy {
    /// Asks what the decision about a request depends on, and keeps it there.
    pub(super) async fn consult(&self, smart: &SmartRouter, asked: &mut Asked, live: &Arc<Live>) {
        let plan = live.plan();
        // Each model is asked once at most.
        while let Some((step, model)) = needed(asked, plan, live.clock().now_ms()) {
            let text = asked.text().map(Text::plain).unwrap_or_default().to_owned();
            match step {
                Step::Semantic => {
                    let words = Words {
                        role: "classifier",
                        model: &model,
                        tokens: CLASSIFIER_TOKENS,
                        prompt: &words::classify(smart, &text),
                    };
                    let said = &mut asked.said;
                    let classified = self.ask(said, live, words, words::classified).await;
                    said.classified = Some(classified);
                }
                _ => {
                    let said = &mut asked.said;
                    let chosen = self.choose(smart, said, live, &model, &text).await;
                    said.chosen = Some(chosen);
                }
            }
        }
        self.align(smart, asked, live).await;
    }

    /// Has the conversation summed up where the smart router hands it to another
    /// model than the one that answered last.
    async fn align(&self, smart: &SmartRouter, asked: &mut Asked, live: &Arc<Live>) {
        let alignment = &smart.sticky.alignment;
        let Some(summarizer) = summarizer(smart) else {
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
        let Some((from, to)) = handed else {
            return;
        };
        let prompt = words::summarize(&transcript(&asked.body, CONVERSATION));
        let words = Words {
            role: "summarizer",
            model: summarizer,
            tokens: alignment.max_summary_tokens,
            prompt: &prompt,
        };
        let read = |summary: &str| Some(summary.to_owned());
        let summary = self.ask(&mut asked.said, live, words, read).await;
        asked.said.context = summary.map(|summary| words::context(&from, &to, &summary));
    }

    /// The candidate that a model chooses, or has chosen lately for the same text.
    async fn choose(
        &self,
        smart: &SmartRouter,
        said: &mut Said,
        live: &Arc<Live>,
        model: &str,
        text: &str,
    ) -> Option<Choice> {
        let prompt = words::choose(smart, text);
        // The prompt holds the text, the candidates and what else may change the answer.
        let key = remembered::key([model.as_bytes(), prompt.as_bytes()]);
        let now_ms = live.clock().now_ms();
        if let Some(known) = self.choices.get(&key, now_ms, smart.cache_ttl_ms) {
            return Some(known);
        }
        let words = Words {
            role: "router_model",
            model,
            tokens: smart.max_tokens,
            prompt: &prompt,
        };
        let read = |said: &str| {
            let chosen = words::chosen(said)?;
            let mut candidates = smart.candidates.iter();
            let known = candidates.any(|candidate| candidate.model == chosen.model);
            known.then_some(chosen)
        };
        let chosen = self.ask(said, live, words, read).await?;
        self.choices.put(key, chosen.clone(), now_ms);
        Some(chosen)
    }

    /// What `read` makes of what a model of the plan says, noted with the request;
    /// none where it says nothing in time.
    async fn ask<T>(
        &self,
        said: &mut Said,
        live: &Arc<Live>,
        words: Words<'_>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let body = serde_json::json!({
            "max_tokens": words.tokens,
            "messages": [{ "role": "user", "content": words.prompt }],
        });
        let own = Own {
            role: words.role,
            model: words.model,
            body,
            patience: PATIENCE,
        };
        let read = |answer: &[u8]| read(&words::said(answer)?);
        let (answer, consulted) = self.ask_own(live, own, read).await;
        said.consulted.push(consulted);
        answer
    }
}

/// What a model is asked in words.
struct Words<'w> {
    /// What for.
    role: &'static str,
    model: &'w str,
    /// It may answer with so many.
    tokens: u64,
    prompt: &'w str,
}

/// The next model to be asked, and for which step.
fn needed(asked: &Asked, plan: &Plan, now_ms: u64) -> Option<(Step, String)> {
    asked.with_features(plan, now_ms, |features| {
        let (step, model) = route::needs(plan, features)?;
        Some((step, model.to_owned()))
    })
}
