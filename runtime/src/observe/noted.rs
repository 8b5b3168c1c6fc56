//! One request on its way through: what came, what the thread made of it, and
//! what came of it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ctr_compiler::corpus::{Answers, Decided, Outcome, Paid, Request, SessionShape, Usage, redact};
use ctr_compiler::plan::{Interface, Plan, Tokenizer};
use ctr_compiler::route::{Decision, NoRoute, reasons};

use super::candidate::Candidate;
use super::looks::{Looks, Shape};
use super::queue::Observer;
use crate::activate::Live;
use crate::protocol::Protocol;
use crate::protocol::features::{self, Features, UserText};
use crate::protocol::json::Json;
use crate::protocol::tokens;
use crate::trace::Trace;

/// Characters of a name that a client sent.
const NAME: usize = 1_000;

/// What came, as it was let in.
pub(crate) struct Began {
    pub(crate) at_ms: u64,
    pub(crate) live: Arc<Live>,
    pub(crate) protocol: Protocol,
    pub(crate) body: Bytes,
    pub(crate) asked: Option<String>,
    pub(crate) only: Option<Interface>,
    pub(crate) session: Session,
    pub(crate) answers: Answers,
    /// Whether it is recorded, or only decided about.
    pub(crate) is_recorded: bool,
    line: Arc<OnceLock<Noted>>,
}

/// What is remembered of its session.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) id: Option<String>,
    pub(crate) last_input_tokens: Option<u64>,
    pub(crate) last_model: Option<String>,
    pub(crate) last_text: Option<String>,
}

/// What is kept of it until its end.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) request: Request,
    pub(super) live: Arc<Live>,
    pub(super) is_recorded: bool,
    /// What the candidate found in it, and which candidate that was.
    pub(super) candidate: Option<(Arc<Candidate>, Shape)>,
}

/// How a side looks at requests.
pub(super) struct Eyes<'e> {
    pub(super) looks: &'e Looks,
    /// The candidate, where it decides about the request as well.
    pub(super) candidate: Option<&'e Arc<Candidate>>,
    /// Whether the text is kept.
    pub(super) keeps_text: bool,
    /// What session ids are hashed with.
    pub(super) salt: &'e [u8; 32],
}

impl Began {
    pub(crate) fn new(live: &Arc<Live>, protocol: Protocol, body: Bytes) -> Self {
        Self {
            at_ms: live.clock().now_ms(),
            live: Arc::clone(live),
            protocol,
            body,
            asked: None,
            only: None,
            session: Session::default(),
            answers: Answers::default(),
            is_recorded: false,
            line: Arc::default(),
        }
    }

    /// Reads it, and keeps no more than is needed.
    pub(super) fn note(self, eyes: &Eyes<'_>) {
        let interface = self.protocol.interface();
        let features = Features::read(&self.body, interface, eyes.looks.scope);
        let text = features.text.as_ref().map(UserText::plain);
        let last = self.session.last_text.as_deref();
        let mut shape = eyes.looks.shape(text, last);
        let candidate = eyes.candidate.map(|candidate| {
            let looks = &candidate.looks;
            let seen = match looks.is_as(eyes.looks) {
                true => shape.clone(),
                false if looks.scope == eyes.looks.scope => looks.shape(text, last),
                false => {
                    let other = Features::read(&self.body, interface, looks.scope);
                    looks.shape(other.text.as_ref().map(UserText::plain), last)
                }
            };
            (Arc::clone(candidate), seen)
        });
        if let (Some(shape), Some(text)) = (&mut shape.text, text)
            && self.is_recorded
            && eyes.keeps_text
        {
            shape.kept = Some(redact(text).into_owned());
        }
        let tokenizer = vocabulary(self.live.plan());
        let body = Json::look_at(&self.body, tokens::AS_WRITTEN, None).unwrap_or(Json::NULL);
        let tokens = tokens::count_in(&body, tokenizer, None);
        let request = Request {
            at_ms: self.at_ms,
            protocol: Some(word(self.protocol).to_owned()),
            asked: self.asked.as_deref().map(short),
            only: self.only,
            bytes: self.body.len() as u64,
            tokens: Some(tokens),
            messages: features.messages,
            tools: features::tools(&body),
            web_search: features.web_search,
            tool_result: features.is_tool_result,
            thinking: features.thinking,
            thinking_budget: features.thinking_budget,
            image_in_last: features.image_in_last,
            image_anywhere: features.image_anywhere,
            max_tokens: features.max_tokens,
            subagent: features.subagent.as_deref().map(short),
            session: self.session.shape(shape.same_task, eyes.salt),
            text: shape.text,
            answers: self.answers,
            ..Request::default()
        };
        // Only this thread sets it, once.
        let _ = self.line.set(Noted {
            request,
            live: self.live,
            is_recorded: self.is_recorded,
            candidate,
        });
    }
}

impl Session {
    fn shape(&self, same_task: Option<f64>, salt: &[u8; 32]) -> Option<SessionShape> {
        let id = self.id.as_deref()?;
        Some(SessionShape {
            key: blake3::keyed_hash(salt, id.as_bytes()).to_hex()[..16].to_owned(),
            last_input_tokens: self.last_input_tokens,
            // Without the texts of both tasks nothing depends on it.
            last_model: self.last_model.clone().filter(|_| same_task.is_some()),
            same_task,
        })
    }
}

/// How the tokens of a request are counted: as all models of the plan count, else
/// as slot `longContext` does.
fn vocabulary(plan: &Plan) -> Tokenizer {
    let mut all = plan.endpoints().map(|it| it.capabilities.tokenizer);
    let first = all.next().flatten();
    match first.filter(|first| all.all(|other| other == Some(*first))) {
        Some(tokenizer) => tokenizer,
        None => Tokenizer::Cl100k,
    }
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Messages => "messages",
        Protocol::Chat => "chat-completions",
        Protocol::Responses => "responses",
    }
}

fn short(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// What the request carries with it until its end.
pub(crate) struct Seen {
    to: Observer,
    line: Arc<OnceLock<Noted>>,
    decided: Option<Decided>,
    /// Whether the plan sends it nowhere.
    is_refused: bool,
}

/// What came of it.
pub(super) struct Ended {
    pub(super) line: Arc<OnceLock<Noted>>,
    pub(super) decided: Decided,
    pub(super) outcome: Outcome,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<Paid>,
}

impl Seen {
    pub(super) fn new(to: &Observer, began: &Began) -> Self {
        Self {
            to: to.clone(),
            line: Arc::clone(&began.line),
            decided: None,
            is_refused: false,
        }
    }

    /// What was decided. A later decision replaces an earlier one.
    pub(crate) fn decided(&mut self, live: &Live, decided: Result<&Decision<'_>, &NoRoute>) {
        let mut kept = Decided {
            plan: Some(live.hash.as_str().to_owned()),
            ..Decided::default()
        };
        self.is_refused = false;
        match decided {
            Ok(decision) => {
                let first = decision.candidates.first();
                kept.model = Some(decision.model.to_owned());
                kept.endpoint = first.map(|first| first.endpoint.id.clone());
                kept.reason = Some(reasons::of_source(decision.source));
            }
            // The plan has a model for it, which has nothing free at the moment.
            Err(NoRoute::AllOut { model, .. } | NoRoute::AllLimited { model, .. }) => {
                kept.model = Some(model.clone());
            }
            Err(_) => self.is_refused = true,
        }
        self.decided = Some(kept);
    }

    /// Hands over how it ended; nothing of a request that ended undecided.
    pub(crate) fn ends(self, trace: &Trace) {
        let Some(mut decided) = self.decided else {
            return;
        };
        decided.refused = self.is_refused.then_some(trace.status);
        let cost = trace.estimated_cost.zip(trace.currency.clone());
        self.to.ends(Ended {
            line: self.line,
            decided,
            outcome: Outcome {
                status: trace.status,
                end: Some(trace.outcome.clone()),
                endpoint: trace.endpoint.clone(),
                attempts: trace.attempts.len() as u64,
                latency_ms: trace.latency_ms,
            },
            usage: trace.tokens.map(|tokens| Usage {
                input: tokens.input,
                output: tokens.output,
                cache_read: tokens.cache_read,
                cache_write: tokens.cache_write,
            }),
            cost: cost.map(|(amount, currency)| Paid { amount, currency }),
        });
    }
}
