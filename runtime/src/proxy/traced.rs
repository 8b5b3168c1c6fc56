//! What a request gathers of itself on its way, and hands over at its end.
//!
//! The model's name, ids, reasons and numbers; the messages are not looked at.

use std::sync::{Arc, Mutex, PoisonError};

use ctr_compiler::plan::{Endpoint, Plan};
use ctr_compiler::route::{
    Answers, Chosen, Classified, Decision, NoRoute, RequestFeatures, Source, choose, confidence,
    reasons,
};
use tokio::time::Instant;

use super::account::millis_since;
use super::call::{CHAT_COMPLETIONS, COMPACT, Call, EMBEDDINGS, MESSAGES, RESPONSES};
use crate::activate::Live;
use crate::http1::Headers;
use crate::observe::Seen;
use crate::protocol::Protocol;
use crate::protocol::error::shown;
use crate::protocol::neutral::Dropped;
use crate::protocol::usage::Tokens;
use crate::trace::{Attempt, Consulted, Prices, RouteDecision, Trace, Traces};

/// The word of an attempt whose answer is passed on.
const ANSWERED: &str = "answered";

/// Header in which Claude Code names its session.
const SESSION: &str = "x-claude-code-session-id";

/// A trace in the making.
pub(super) struct Traced {
    trace: Box<Trace>,
    to: To,
    /// When the running attempt began.
    sent: Instant,
    /// Of the endpoint that was tried last.
    prices: Option<Prices>,
    /// Who else is told of it, if anybody.
    pub(super) observed: Option<Seen>,
    /// Later answers that the client's is made of.
    later: Vec<Trace>,
}

/// Where a finished record goes.
enum To {
    Traces(Traces),
    /// To whoever made the request on behalf of another.
    Asker(Told),
}

/// The record of a request of the proxy's own, once it is over.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Option<Box<Trace>>>>);

impl Told {
    /// None while the request runs.
    pub(super) fn take(&self) -> Option<Box<Trace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, trace: Box<Trace>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace);
    }
}

impl Traced {
    /// None for calls that are no request to a model, and where there is no room
    /// for it and nobody observes.
    pub(super) fn begin(
        to: &Traces,
        request_id: &str,
        call: Call,
        live: &Live,
        is_observed: bool,
    ) -> Option<Box<Self>> {
        let path = match call {
            Call::Answer(Protocol::Messages) => MESSAGES,
            Call::Answer(Protocol::Chat) => CHAT_COMPLETIONS,
            Call::Answer(Protocol::Responses) => RESPONSES,
            Call::Compact => COMPACT,
            Call::Embeddings => EMBEDDINGS,
            Call::CountTokens | Call::InputTokens | Call::Kept => return None,
        };
        if !is_observed && !to.has_room() {
            return None;
        }
        let trace = Trace {
            request_id: request_id.to_owned(),
            path: path.to_owned(),
            plan_hash: live.hash.as_str().to_owned(),
            started_at: live.clock().now_ms(),
            route_reason: vec![reasons::RECEIVED.to_owned()],
            ..Trace::default()
        };
        Some(Box::new(Self::new(trace, To::Traces(to.clone()))))
    }

    /// Of a request of the proxy's own: whoever makes it is told.
    pub(super) fn own(told: &Told) -> Self {
        Self::new(Trace::default(), To::Asker(told.clone()))
    }

    fn new(trace: Trace, to: To) -> Self {
        Self {
            trace: Box::new(trace),
            to,
            sent: Instant::now(),
            prices: None,
            observed: None,
            later: Vec::new(),
        }
    }

    /// The model and the session that the request names.
    pub(super) fn asks(
        &mut self,
        model: Option<&str>,
        session: Option<&str>,
        headers: &Headers,
        plan: &Plan,
    ) {
        let header = headers.text(SESSION);
        self.trace.session_key = session.or(header).map(shown);
        self.trace.initial_model = model.map(shown);
        let resolved = model.and_then(|model| plan.resolve(model));
        self.trace.resolved_model = resolved.map(|target| target.name().to_owned());
    }

    /// The session it belongs to.
    pub(super) fn session(&self) -> Option<&str> {
        self.trace.session_key.as_deref()
    }

    /// One more reason.
    pub(super) fn reason(&mut self, reason: impl Into<String>) {
        self.trace.route_reason.push(reason.into());
    }

    /// Models were asked on behalf of the request.
    pub(super) fn consulted(&mut self, asked: impl IntoIterator<Item = Consulted>) {
        self.trace.consulted.extend(asked);
    }

    /// The answer went on with another of the same model.
    pub(super) fn goes_on(&mut self, answer: Trace) {
        self.later.push(answer);
    }

    /// The model that takes over is told what was said before.
    pub(super) fn aligned(&mut self) {
        self.trace.alignment_used = true;
    }

    /// What was decided, and how sure the model is that chose, where one did. A
    /// later decision replaces an earlier one.
    pub(super) fn decided(
        &mut self,
        live: &Live,
        features: &RequestFeatures<'_>,
        decided: Result<&Decision<'_>, &NoRoute>,
        sure: Option<f64>,
    ) {
        if let Some(observed) = &mut self.observed {
            observed.decided(live, decided);
        }
        self.trace.route_reason.truncate(1);
        for reason in reasons(live.plan(), features, decided) {
            self.reason(reason);
        }
        if self.trace.alignment_used {
            // Behind what the smart router said, which made it so.
            let said = &mut self.trace.route_reason;
            said.insert(said.len().min(2), reasons::ALIGNED.to_owned());
        }
        self.trace.route_decision = step(live.plan(), features, decided, sure);
        let Ok(decision) = decided else {
            return;
        };
        self.trace.final_model = Some(decision.model.to_owned());
        self.trace.sticky_hit = decision.source == Source::Sticky;
        if let Source::Semantic(name) = decision.source {
            self.trace.semantic_intent = Some(name.to_owned());
        }
        self.trace.provenance = live.places.of(decision.source).map(str::to_owned);
    }

    /// An endpoint is tried.
    pub(super) fn tries(&mut self, decision: &Decision<'_>, endpoint: &Endpoint) {
        self.sent = Instant::now();
        let trace = &mut self.trace;
        if let (Some(_), Some(failed)) = (decision.pool, trace.attempts.last()) {
            trace.model_pool_fallback_triggered = Some(true);
            trace.model_pool_fallback_evidence = Some(failed.outcome.clone());
            let first = &trace.attempts[0].endpoint;
            trace.model_pool_fallback_from_endpoint = Some(first.clone());
            trace.model_pool_fallback_next_endpoint = Some(endpoint.id.clone());
            let reason = reasons::fallback(decision.model, &endpoint.id);
            trace.route_reason.push(reason);
        }
        trace.attempts.push(Attempt {
            endpoint: endpoint.id.clone(),
            ..Attempt::default()
        });
        let cost = endpoint.cost.as_ref();
        self.prices = cost.map(|cost| Prices::new(cost, endpoint.interface));
    }

    /// What came of it: the class of a failure, or an answer to pass on.
    pub(super) fn judged(&mut self, failure: Option<&str>) {
        if let Some(attempt) = self.trace.attempts.last_mut() {
            attempt.outcome = failure.unwrap_or(ANSWERED).to_owned();
            attempt.ms = millis_since(self.sent);
        }
        if failure.is_none() && self.is_fallback() {
            self.reason(reasons::FALLBACK_EXECUTED);
        }
    }

    /// An answer that began well broke off.
    pub(super) fn broke(&mut self, failure: &str) {
        if let Some(attempt) = self.trace.attempts.last_mut() {
            failure.clone_into(&mut attempt.outcome);
        }
    }

    /// The first event of a stream is here.
    pub(super) fn first_event(&mut self, started: Instant) {
        self.trace.ttft_ms = Some(millis_since(started));
    }

    /// Hands the record over. Times go on from when the request came, so that
    /// none of them runs backwards when the clock is set.
    pub(super) fn end(mut self, end: End<'_>) {
        if let Some(attempt) = self.trace.attempts.last_mut()
            && attempt.outcome.is_empty()
        {
            // Nobody judged it: it ended as the request did.
            end.outcome.clone_into(&mut attempt.outcome);
            attempt.ms = millis_since(self.sent);
        }
        let is_answered = |attempt: &Attempt| attempt.outcome == ANSWERED;
        if self.is_fallback() && !self.trace.attempts.last().is_some_and(is_answered) {
            self.reason(reasons::FALLBACK_FAILED);
        }
        let trace = &mut self.trace;
        trace.endpoint = end.endpoint.map(str::to_owned);
        trace.status = end.status;
        end.outcome.clone_into(&mut trace.outcome);
        trace.latency_ms = Some(end.latency_ms);
        trace.completed_at = Some(trace.started_at.saturating_add(end.latency_ms));
        trace.tokens = end.tokens;
        trace.translated = end.translated;
        trace.dropped = end.dropped.names().map(str::to_owned).collect();
        if let (Some(tokens), Some(prices)) = (&trace.tokens, &self.prices) {
            let priced = prices.of(tokens);
            trace.estimated_cost = Some(priced.total);
            trace.cache_read_cost = Some(priced.cache_read).filter(|cost| *cost > 0.0);
            trace.cache_write_cost = Some(priced.cache_write).filter(|cost| *cost > 0.0);
            trace.currency = Some(prices.currency().to_owned());
        }
        for answer in self.later {
            add_answer(trace, answer);
        }
        add_consulted(trace);
        if let Some(observed) = self.observed.take() {
            observed.ends(&self.trace);
        }
        match self.to {
            To::Traces(traces) => traces.record(self.trace),
            To::Asker(told) => told.put(self.trace),
        }
    }

    fn is_fallback(&self) -> bool {
        self.trace.model_pool_fallback_triggered == Some(true)
    }
}

/// The step that chose, as claude-trigger-router tells it.
fn step(
    plan: &Plan,
    features: &RequestFeatures<'_>,
    decided: Result<&Decision<'_>, &NoRoute>,
    sure: Option<f64>,
) -> Option<RouteDecision> {
    let (chosen, model) = match decided {
        Ok(decision) if decision.instead_of.is_none() => (decision.source, decision.model),
        // What was chosen first is in no decision that came instead.
        Ok(_) | Err(_) => choose(plan, features).map(|choice| (choice.source, choice.name))?,
    };
    let (source, rule) = match chosen {
        Source::Rule(name) => ("smart_rule", Some(name)),
        Source::Semantic(name) => ("semantic_match", Some(name)),
        Source::Sticky => ("sticky_correction", None),
        Source::Candidates => ("smart_router", None),
        Source::ExplicitModel => ("explicit_model", None),
        Source::Subagent => ("subagent_model", None),
        Source::Slot(_) => ("basic_router", None),
    };
    let confidence = match chosen {
        Source::Candidates => sure,
        source => confidence(plan, features, source),
    };
    let window = match decided {
        Ok(decision) => decision.instead_of.map(|_| "context_window_fallback"),
        Err(NoRoute::Window { .. }) => Some("context_window_exceeded"),
        Err(_) => None,
    };
    let failed = match features.answers {
        Answers {
            classified: Classified::Failed,
            ..
        } => Some("classifier_failed"),
        Answers {
            chosen: Chosen::Failed,
            ..
        } => Some("router_model_failed"),
        _ => None,
    };
    Some(RouteDecision {
        source: source.to_owned(),
        rule_name: rule.map(str::to_owned),
        confidence,
        model: Some(model.to_owned()),
        fallback_reason: window.or(failed).map(str::to_owned),
    })
}

/// Adds an answer that the client's goes on with; what it cost in another currency
/// is left out.
fn add_answer(trace: &mut Trace, answer: Trace) {
    trace.attempts.extend(answer.attempts);
    if let Some(more) = answer.tokens {
        let tokens = trace.tokens.get_or_insert_default();
        *tokens = tokens.and(&more);
    }
    if trace.currency.is_none() {
        trace.currency.clone_from(&answer.currency);
    }
    if trace.currency != answer.currency {
        return;
    }
    for (known, more) in [
        (&mut trace.estimated_cost, answer.estimated_cost),
        (&mut trace.cache_read_cost, answer.cache_read_cost),
        (&mut trace.cache_write_cost, answer.cache_write_cost),
    ] {
        if let Some(more) = more {
            *known.get_or_insert(0.0) += more;
        }
    }
}

/// Adds what the models cost that were asked on behalf of a request; what was
/// paid in another currency than its own stays with them.
fn add_consulted(trace: &mut Trace) {
    for asked in &trace.consulted {
        let (Some(cost), Some(currency)) = (asked.estimated_cost, &asked.currency) else {
            continue;
        };
        if trace.currency.get_or_insert_with(|| currency.clone()) == currency {
            *trace.estimated_cost.get_or_insert(0.0) += cost;
            *trace.consulted_cost.get_or_insert(0.0) += cost;
        }
    }
}

/// How a request ended.
pub(super) struct End<'e> {
    pub(super) endpoint: Option<&'e str>,
    pub(super) status: u16,
    pub(super) outcome: &'static str,
    pub(super) latency_ms: u64,
    pub(super) tokens: Option<Tokens>,
    pub(super) translated: Option<String>,
    pub(super) dropped: &'e Dropped,
}
