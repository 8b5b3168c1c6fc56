//! A request that was read and let in, and what a decision about it looks at.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use ctr_compiler::plan::{AnalysisScope, Interface, Plan, Slot, Tokenizer};
use ctr_compiler::route::{RequestFeatures, Text, Tokens, looks_beyond_model};
use http::Method;
use tokio::time::Instant;

use super::arriving::Arriving;
use super::call::Call;
use super::consult::Said;
use super::headers;
use super::kept::{Builds, Kept};
use super::sessions::{Known, Sessions};
use super::walk::Committed;
use crate::activate::{self, Live};
use crate::http1::{Headers, Request};
use crate::observe::Session;
use crate::protocol::Protocol;
use crate::protocol::adapt;
use crate::protocol::ask::{Ask, AskError};
use crate::protocol::error::ProxyError;
use crate::protocol::features::{Features, UserText};
use crate::protocol::tokens;

/// How long a session is remembered where no smart router says so.
const SESSION_MS: u64 = 60 * 60 * 1_000;

/// A request that was read and let in.
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) method: Method,
    pub(super) query: Option<String>,
    pub(super) headers: Headers,
    /// The whole body, or the beginning of one that is arriving.
    pub(super) body: Bytes,
    /// The body, where it was not all there when it was read.
    pub(super) arriving: Option<Arriving>,
    pub(super) ask: Ask,
    /// The only interface that will do.
    pub(super) only: Option<Interface>,
    /// What of it only an endpoint that speaks Responses keeps, by its name.
    pub(super) on_kept: Option<&'static str>,
    /// Who keeps what the request goes on with.
    pub(super) kept_by: Option<activate::Account>,
    /// The name of what it goes on with.
    builds_on: Option<String>,
    /// Whether the answer may be kept where it is made.
    pub(super) may_be_kept: bool,
    /// Whether it may hold thinking of a maker that speaks another protocol.
    pub(super) may_hold_foreign: bool,
    /// What the decision looks at beside the model; absent where it is that alone.
    features: Option<Features>,
    /// Whether others than this decision look at it.
    is_read_in_full: bool,
    counted: Counted,
    session: Known,
    /// What models said that were asked where it is to go.
    pub(super) said: Said,
}

impl Asked {
    /// Reads a request as far as the plan needs; `in_full` where others look at it
    /// as well.
    ///
    /// # Errors
    /// When the body is no request.
    pub(super) fn read(
        call: Call,
        head: Request<()>,
        body: Bytes,
        live: &Live,
        in_full: bool,
    ) -> Result<Box<Self>, ProxyError> {
        let mut headers = head.headers;
        let looked = look(call, &body, live.plan(), in_full);
        let (ask, features) = looked.map_err(|error| headers::not_json(&headers, error))?;
        headers::clean_request(&mut headers, call.interface());
        let builds = match call.is_of_response() {
            true => Builds::read(&body),
            false => Builds::default(),
        };
        let is_bound = builds.on_kept.is_some() || call.tail().is_some();
        let may_hold_foreign = may_hold_foreign(&body, call, live);
        let most_tokens = features.as_ref().map_or(0, |features| features.most_tokens);
        Ok(Box::new(Self {
            method: head.method,
            query: head.uri.query().map(str::to_owned),
            only: is_bound.then_some(Interface::Openai),
            on_kept: builds.on_kept,
            builds_on: builds.on,
            may_be_kept: builds.will_be_kept && call.tail().is_none(),
            may_hold_foreign,
            features,
            is_read_in_full: in_full,
            counted: Counted::at_most(most_tokens),
            ..Self::new(call, headers, body, ask)
        }))
    }

    /// A request whose body has begun, of which no more is looked at than the model.
    pub(super) fn begun(
        call: Call,
        head: Request<()>,
        beginning: Bytes,
        ask: Ask,
        arriving: Arriving,
    ) -> Box<Self> {
        let mut headers = head.headers;
        headers::clean_request(&mut headers, call.interface());
        Box::new(Self {
            method: head.method,
            query: head.uri.query().map(str::to_owned),
            arriving: Some(arriving),
            ..Self::new(call, headers, beginning, ask)
        })
    }

    /// A Messages request of the proxy's own; none where `body` is none.
    pub(super) fn own(body: Bytes) -> Option<Self> {
        let ask = Ask::read(&body).ok()?;
        let call = Call::Answer(Protocol::Messages);
        let mut headers = Headers::default();
        headers::clean_request(&mut headers, call.interface());
        Some(Self::new(call, headers, body, ask))
    }

    fn new(call: Call, headers: Headers, body: Bytes, ask: Ask) -> Self {
        Self {
            call,
            method: Method::POST,
            query: None,
            headers,
            body,
            arriving: None,
            ask,
            only: None,
            on_kept: None,
            kept_by: None,
            builds_on: None,
            may_be_kept: false,
            may_hold_foreign: false,
            features: None,
            is_read_in_full: false,
            counted: Counted::default(),
            session: Known::default(),
            said: Said::default(),
        }
    }

    /// Adds what was learnt from earlier requests.
    pub(super) fn remember(&mut self, kept: &Kept, sessions: &Sessions) {
        self.kept_by = self.builds_on.as_deref().and_then(|id| kept.account(id));
        if let Some(id) = self.session_id() {
            self.session = sessions.known(id);
        }
    }

    /// Notes which model answers the session, and lets the length of the answer
    /// be noted where a later decision depends on it.
    pub(super) fn answered(&self, committed: &mut Committed, sessions: &Sessions, live: &Live) {
        let is_success = committed.answer.head.status.is_success();
        let (Some(id), Some(model), true) = (self.session_id(), &committed.model, is_success)
        else {
            return;
        };
        let task = self.text().map(Text::task);
        sessions.answered(id, model, task, live.clock().now_ms());
        let slots = &live.plan().router.slots;
        if let Some(mark) = &mut committed.mark
            && (slots.contains_key(&Slot::LongContext) || self.is_read_in_full)
        {
            mark.listens(sessions.open(id, live.clock()));
        }
    }

    /// What is remembered of its session, as the decision looks at it; `id` is the
    /// session's.
    pub(super) fn remembered(&self, id: Option<&str>, live: &Live) -> Session {
        let known = self
            .session
            .at(live.clock().now_ms(), lifetime(live.plan()));
        Session {
            id: id.map(str::to_owned),
            last_input_tokens: known.last_input_tokens,
            last_model: known.last_model.map(str::to_owned),
            last_text: known.last_text.map(str::to_owned),
        }
    }

    /// Goes on with another body, of which a decision sees no more than its length.
    /// False where it is none, and nothing changed.
    pub(super) fn go_on_with(&mut self, body: Bytes, live: &Live) -> bool {
        let Ok(ask) = Ask::read(&body) else {
            return false;
        };
        self.may_hold_foreign = may_hold_foreign(&body, self.call, live);
        self.counted = Counted::at_most(body.len() as u64);
        if let Some(text) = self.features.as_mut().and_then(|it| it.text.as_mut()) {
            text.leave_body();
        }
        (self.body, self.ask) = (body, ask);
        true
    }

    /// Bytes of the body.
    pub(super) fn length(&self) -> usize {
        let arriving = self.arriving.as_ref();
        arriving.map_or(self.body.len(), Arriving::length)
    }

    /// Waits until the body is there.
    ///
    /// # Errors
    /// When it does not come, or is no request after all.
    pub(super) async fn arrive(&self) -> Result<(), ProxyError> {
        match &self.arriving {
            None => Ok(()),
            Some(arriving) => arriving.arrive().await,
        }
    }

    /// Whether it does more than to have a model answer: what an endpoint keeps grows by it,
    /// or a job begins.
    pub(super) fn acts(&self) -> bool {
        self.on_kept.is_some()
    }

    /// Whether more of the body is to come.
    pub(super) fn is_coming(&self) -> bool {
        let arriving = self.arriving.as_ref();
        arriving.is_some_and(|arriving| arriving.ended().is_none())
    }

    /// When the end of a body came that began to go on before; this moment, if it did not.
    pub(super) fn came_whole(&self) -> Option<Instant> {
        let arriving = self.arriving.as_ref()?;
        Some(arriving.ended().unwrap_or_else(Instant::now))
    }

    /// What is wrong with the body, as far as it came.
    pub(super) fn fault(&self) -> Option<ProxyError> {
        self.arriving.as_ref()?.fault()
    }

    /// Whether more of it was read than the model.
    pub(super) fn is_looked_at(&self) -> bool {
        self.features.is_some()
    }

    /// What the client speaks.
    pub(super) fn protocol(&self) -> Protocol {
        self.call.protocol()
    }

    /// The session it belongs to, where that is looked at.
    pub(super) fn session_id(&self) -> Option<&str> {
        self.features.as_ref()?.session.as_deref()
    }

    /// Whether a user shows an image anywhere, where that is looked at.
    pub(super) fn shows_images(&self) -> bool {
        self.features.as_ref().is_some_and(|it| it.image_anywhere)
    }

    /// The text that rules look at.
    pub(super) fn text(&self) -> Option<Text<'_>> {
        self.features
            .as_ref()?
            .text
            .as_ref()
            .map(UserText::looked_at)
    }

    /// Hands over what a decision looks at. Tokens are counted when it asks.
    pub(super) fn with_features<T>(
        &self,
        plan: &Plan,
        now_ms: u64,
        look: impl FnOnce(&RequestFeatures<'_>) -> T,
    ) -> T {
        let model = self.ask.name();
        let Some(features) = &self.features else {
            return look(&RequestFeatures::plain(self.only, model));
        };
        let count = |tokenizer, limit| self.counted.up_to(&self.body, tokenizer, limit);
        look(&RequestFeatures {
            tokens: Tokens::Lazy {
                most: self.counted.most,
                count: &count,
            },
            session: self.session.at(now_ms, lifetime(plan)),
            answers: self.said.answers(),
            ..features.request(self.only, model)
        })
    }
}

/// Whether a body may hold thinking that only another maker takes back. Of endpoints for
/// OpenAI's clients some serve no responses, and are asked in Chat Completions.
fn may_hold_foreign(body: &[u8], call: Call, live: &Live) -> bool {
    let protocol = call.protocol();
    let is_mixed = live.is_mixed || protocol == Protocol::Responses;
    is_mixed && adapt::may_hold_foreign(body, protocol)
}

/// How long a session is remembered.
fn lifetime(plan: &Plan) -> u64 {
    let smart = plan.smart_router.as_ref();
    smart.map_or(SESSION_MS, |smart| smart.sticky.session_ttl_ms)
}

/// What a body asks for, and what a decision looks at beside that; none where it is the
/// model alone and nobody else wants to know.
fn look(
    call: Call,
    body: &Bytes,
    plan: &Plan,
    in_full: bool,
) -> Result<(Ask, Option<Features>), AskError> {
    let is_needed = |model: Option<&str>| {
        call != Call::Embeddings && (in_full || looks_beyond_model(plan, model))
    };
    let mut known = None;
    let ask = Ask::read_unless(body, |model| *known.insert(is_needed(Some(model))))?;
    if !known.unwrap_or_else(|| is_needed(ask.name())) {
        return Ok((ask, None));
    }
    let smart = plan.smart_router.as_ref();
    let scope = smart.map_or(AnalysisScope::LastMessage, |smart| smart.analysis_scope);
    let features = Features::read(body, call.interface(), scope);
    let ask = match features.models {
        0 | 1 if features.models == usize::from(ask.model.is_some()) => ask,
        // It is no JSON, or nested too deep for the features.
        0 | 1 => Ask::read(body)?,
        _ => return Err(AskError::DuplicateModel),
    };
    Ok((ask, Some(features)))
}

/// What is known of the number of tokens, so that none is counted twice.
#[derive(Default)]
struct Counted {
    /// There are no more.
    most: u64,
    /// The bounds between which it is, by vocabulary.
    known: Mutex<[Option<RangeInclusive<u64>>; 2]>,
}

impl Counted {
    fn at_most(most: u64) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// The number, or with a limit any on the same side of it.
    fn up_to(&self, body: &[u8], tokenizer: Tokenizer, limit: Option<u64>) -> u64 {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match tokenizer {
            Tokenizer::Cl100k => &mut known[0],
            Tokenizer::O200k => &mut known[1],
        };
        let (least, most) = known.clone().unwrap_or(0..=self.most).into_inner();
        match limit {
            _ if least == most => return least,
            Some(limit) if limit < least => return least,
            Some(limit) if limit >= most => return most,
            _ => {}
        }
        let count = tokens::count(body, tokenizer, limit);
        *known = Some(match limit {
            None => count..=count,
            Some(limit) if count > limit => limit.saturating_add(1)..=most,
            Some(limit) => least..=limit,
        });
        count
    }
}
