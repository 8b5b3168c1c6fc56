//! A model that does not see a request's images asks about them, and its client
//! knows nothing of it.
//!
//! The images are taken out of the request and a tool is put in. An answer that
//! calls the tool and nothing else is not the last: the model of slot `image` is
//! asked, what it says is given back, and the answer goes on with the next one. A
//! call beside calls of the client's own tools is kept back and comes to nothing;
//! the client answers its own, and the model may ask again.
//!
//! Everything belongs to the client's request: dropping its answer drops whatever
//! is being asked.

mod ask;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use ctr_compiler::route;
use futures_util::stream;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;

use super::account::{Account, Outcome};
use super::call::Call;
use super::relay::Relay;
use super::request_id::request_id;
use super::traced::{Told, Traced};
use super::walk::{self, Committed};
use super::{Asked, Proxy, attempt, headers, refused, relayed};
use crate::activate::Live;
use crate::cut::STOPPED;
use crate::http1::Response;
use crate::protocol::error::ProxyError;
use crate::protocol::images::{self, Image};
use crate::protocol::json::{Json, Text};
use crate::protocol::neutral::{Answer, Part, ToolCall, ToolResult};
use crate::protocol::translate::{self, Back, Broken, Joined, Turn, opaque};

pub(super) use ask::ANALYSES;

/// Answers of which the calls are looked after; the calls of one more are told that
/// this was all, and the one after that is the last.
const ROUNDS: u32 = 5;

/// Bytes of a whole answer that are read.
const ANSWER: usize = 32 << 20;

/// What a model is told that asks on and on.
const ENOUGH: &str = "no more can be asked about images; answer with what is known";

/// What a client is told in its stream, of the first answer and of later ones.
const BROKE_OFF: &str = "the upstream broke off in the middle of its answer";
const LOST: &str = "the model did not go on after an image was looked at";

/// The images of a request, and what is done about them.
pub(super) struct Images {
    /// Who is asked about them.
    model: String,
    list: Vec<Image>,
    tool: &'static str,
    /// The way back to the client.
    back: Back,
    /// Whether the answer was to be kept where it is made.
    is_not_kept: bool,
}

/// A request whose images the model that answers does not see.
pub(super) struct Agent {
    pub(super) asked: Box<Asked>,
    pub(super) images: Box<Images>,
}

/// Takes the images out of a request where the plan says so; none where it does
/// not, or there are none that could be shown to another model.
pub(super) fn take(asked: &mut Asked, live: &Live, request_id: &str) -> Option<Box<Images>> {
    let Call::Answer(client) = asked.call else {
        return None;
    };
    if !asked.shows_images() {
        return None;
    }
    let (plan, now_ms) = (live.plan(), live.clock().now_ms());
    let model = asked.with_features(plan, now_ms, |features| {
        let choice = route::choose(plan, features)?;
        route::image_agent(plan, features, &choice)
    })?;
    let taken = images::take(&asked.body, client)?;
    let call = translate::Call {
        client,
        endpoint: client,
        model: "",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id,
        now: now_ms / 1000,
    };
    let json = Json::parse(&taken.body, opaque(client)).ok()?;
    let back = Back::within(&json, &call).ok()?;
    if !asked.go_on_with(taken.body.into(), live) {
        return None;
    }
    asked.may_be_kept = false;
    // The answer is read on its way.
    let plain = HeaderValue::from_static("identity");
    asked.headers.insert(ACCEPT_ENCODING, plain);
    Some(Box::new(Images {
        model: model.to_owned(),
        list: taken.images,
        tool: taken.tool,
        back,
        is_not_kept: taken.is_not_kept,
    }))
}

/// One client's answer in the making.
pub(super) struct Work {
    proxy: Proxy,
    agent: Box<Agent>,
    live: Arc<Live>,
    joined: Joined,
    /// Of the client's request, while no relay has it.
    account: Option<Account>,
    state: State,
    /// Answers that were gone on from.
    rounds: u32,
    lost: Option<Lost>,
}

enum State {
    /// An answer is read.
    Reading(Box<Reading>),
    /// An answer calls the tool, and what it gives is found out.
    Asking(Answer<'static>, Vec<ToolCall<'static>>),
    /// Nothing comes any more.
    Over,
}

/// An answer that is read.
struct Reading {
    relay: Relay,
    is_events: bool,
    /// What was read of one that comes whole.
    whole: Vec<u8>,
    /// Of every answer but the first, whose account is the client's.
    told: Option<Told>,
}

/// Why an answer did not come to its end.
enum Lost {
    /// The upstream broke off, or said what cannot be read.
    Broke,
    /// What came first is no answer of its protocol; it goes out as it is.
    Unread(Vec<u8>),
    /// It cannot go on.
    Refused(ProxyError),
    /// It went on with something else.
    Said(Box<Committed>),
}

impl Work {
    /// For a request on its way.
    pub(super) fn new(proxy: &Proxy, agent: Box<Agent>, live: Arc<Live>) -> Self {
        let joined = Joined::new(agent.images.back.clone(), agent.images.tool, false);
        Self {
            proxy: proxy.clone(),
            agent,
            live,
            joined,
            account: None,
            state: State::Over,
            rounds: 0,
            lost: None,
        }
    }

    /// The response to the client, once the first answer is there.
    pub(super) async fn begin(
        mut self,
        committed: Committed,
        mut account: Account,
    ) -> Response<Body> {
        let head = &committed.answer.head;
        if !head.status.is_success() || !headers::is_plain(&head.headers) {
            return relayed(committed, self.agent.asked.call, account, self.live);
        }
        let Committed {
            mut answer, mark, ..
        } = committed;
        account.answered(&mut answer, mark.as_ref());
        let images = &self.agent.images;
        if images.is_not_kept {
            account.dropped.note("store");
        }
        headers::finish_response(&mut answer, &self.live, &account);
        let mut response = Response::new(answer.head.status, Body::empty());
        response.headers = answer.head.headers.clone();
        response.headers.remove(CONTENT_LENGTH);
        if let Ok(model) = HeaderValue::from_str(&images.model) {
            response.headers.insert(headers::IMAGE_AGENT, model);
        }
        let is_events = attempt::is_events(&answer.head.headers);
        self.joined = Joined::new(images.back.clone(), images.tool, !is_events);
        let client = self.agent.asked.protocol();
        self.state = State::Reading(Box::new(Reading {
            relay: Relay::new(answer, client, account, mark, Arc::clone(&self.live)),
            is_events,
            whole: Vec::new(),
            told: None,
        }));
        if is_events {
            response.body = Body::from_stream(stream::unfold(self, Self::next));
            return response;
        }
        self.whole(response).await
    }

    /// What goes out next of a stream.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut out = String::new();
        while out.is_empty() {
            if matches!(self.state, State::Over) {
                return None;
            }
            self.step(&mut out).await;
        }
        Some((Ok(out.into()), self))
    }

    /// The whole answer, or why there is none.
    async fn whole(mut self, mut response: Response<Body>) -> Response<Body> {
        let mut out = String::new();
        while !matches!(self.state, State::Over) {
            self.step(&mut out).await;
        }
        let call = self.agent.asked.call;
        let account = self.account.take();
        let account = account.unwrap_or_else(|| Account::open(request_id(), &self.proxy.cut));
        let error = match self.lost.take() {
            None => {
                headers::name_dropped(&mut response.headers, &account.dropped);
                response.body = Body::from(out);
                return response;
            }
            Some(Lost::Unread(bytes)) => {
                response.body = Body::from(bytes);
                return response;
            }
            Some(Lost::Said(committed)) => {
                return relayed(*committed, call, account, self.live);
            }
            Some(Lost::Refused(error)) => error,
            Some(Lost::Broke) if self.proxy.cut.is_made() => ProxyError::Stopped,
            Some(Lost::Broke) => ProxyError::Unreachable {
                model: self.agent.asked.ask.name().unwrap_or_default().to_owned(),
            },
        };
        refused(&error, call, account, &self.live)
    }

    /// Goes on, until there is something for the client or nothing left to do.
    async fn step(&mut self, out: &mut String) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Reading(mut reading) => match reading.relay.frame().await {
                Some(Ok(frame)) => {
                    let chunk = frame.into_data().unwrap_or_default();
                    match self.take(&mut reading, &chunk, out) {
                        Ok(()) => self.state = State::Reading(reading),
                        Err(_) => {
                            self.close(reading.relay, reading.told);
                            self.lose(Lost::Broke, out);
                        }
                    }
                }
                Some(Err(_)) => {
                    self.close(reading.relay, reading.told);
                    self.lose(Lost::Broke, out);
                }
                None => self.answered(*reading, out),
            },
            State::Asking(answer, calls) => {
                let cut = self.proxy.cut.clone();
                let gone_on = cut.before(pin!(self.go_on(answer, calls, out))).await;
                if gone_on.is_none() {
                    self.lose(Lost::Refused(ProxyError::Stopped), out);
                }
            }
            State::Over => {}
        }
    }

    fn take(
        &mut self,
        reading: &mut Reading,
        chunk: &[u8],
        out: &mut String,
    ) -> Result<(), Broken> {
        if reading.is_events {
            return self.joined.push(chunk, out);
        }
        if reading.whole.len() + chunk.len() > ANSWER {
            return Err(Broken::Garbled);
        }
        reading.whole.extend_from_slice(chunk);
        Ok(())
    }

    /// An answer is there to its last byte.
    fn answered(&mut self, reading: Reading, out: &mut String) {
        let is_first = reading.told.is_none();
        self.close(reading.relay, reading.told);
        if !reading.is_events && self.joined.push_whole(&reading.whole, out).is_err() {
            let lost = match is_first {
                true => Lost::Unread(reading.whole),
                false => Lost::Broke,
            };
            self.lose(lost, out);
            return;
        }
        match self.joined.turn(out) {
            Ok(Turn::Asks { answer, calls }) if self.rounds <= ROUNDS => {
                self.ends(Outcome::ClientLeft);
                self.joined.ping(out);
                self.state = State::Asking(answer, calls);
            }
            Ok(Turn::Over | Turn::Asks { .. }) => {
                self.joined.end(out);
                self.ends(Outcome::Complete);
            }
            Err(_) => self.lose(Lost::Broke, out),
        }
    }

    /// Lets go of an answer; what there is to remember of it goes with the client's
    /// request.
    fn close(&mut self, relay: Relay, told: Option<Told>) {
        let account = relay.into_account();
        let Some(told) = told else {
            self.account = Some(account);
            return;
        };
        drop(account);
        self.remember(&told);
    }

    fn remember(&mut self, told: &Told) {
        let account = self.account.as_mut();
        let traced = account.and_then(|account| account.traced.as_mut());
        if let (Some(traced), Some(answer)) = (traced, told.take()) {
            traced.goes_on(*answer);
        }
    }

    fn lose(&mut self, lost: Lost, out: &mut String) {
        let outcome = match lost {
            Lost::Unread(_) => Outcome::Complete,
            _ => Outcome::Broken,
        };
        self.ends(outcome);
        self.lost = Some(lost);
        let message = match self.rounds {
            _ if self.proxy.cut.is_made() => STOPPED,
            0 => BROKE_OFF,
            _ => LOST,
        };
        self.joined.fail(message, out);
    }

    /// How the client's request would end now.
    fn ends(&mut self, outcome: Outcome) {
        if let Some(account) = &mut self.account {
            account.outcome = outcome;
            account.dropped.extend(self.joined.dropped());
        }
    }

    /// Finds out what the tool gives, and has the model go on with it.
    async fn go_on(
        &mut self,
        answer: Answer<'static>,
        calls: Vec<ToolCall<'static>>,
        out: &mut String,
    ) {
        self.rounds += 1;
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            results.push(self.result(call).await);
        }
        let asked = &mut self.agent.asked;
        let client = asked.protocol();
        let body = std::str::from_utf8(&asked.body).ok();
        let body = body.and_then(|body| images::add_turn(body, client, answer, results));
        if !body.is_some_and(|body| asked.go_on_with(body.into(), &self.live)) {
            self.lose(Lost::Broke, out);
            return;
        }
        let told = Told::default();
        let mut account = Account::open(request_id(), &self.proxy.cut);
        account.asks(asked.ask.name().unwrap_or_default());
        account.traced = Some(Box::new(Traced::own(&told)));
        let Proxy { client, kept, .. } = &self.proxy;
        let walked = walk::walk(client, kept, &self.agent.asked, &self.live, &mut account).await;
        match walked {
            Ok(committed) => self.follow(committed, account, told, out),
            Err(error) => {
                account.refused(&error);
                drop(account);
                self.remember(&told);
                self.lose(Lost::Refused(error), out);
            }
        }
    }

    /// Reads on in the next answer.
    fn follow(&mut self, committed: Committed, mut account: Account, told: Told, out: &mut String) {
        let head = &committed.answer.head;
        if !head.status.is_success() || !headers::is_plain(&head.headers) {
            drop(account);
            self.remember(&told);
            self.lose(Lost::Said(Box::new(committed)), out);
            return;
        }
        let Committed {
            mut answer, mark, ..
        } = committed;
        account.answered(&mut answer, mark.as_ref());
        let is_events = attempt::is_events(&answer.head.headers);
        let client = self.agent.asked.protocol();
        self.state = State::Reading(Box::new(Reading {
            relay: Relay::new(answer, client, account, mark, Arc::clone(&self.live)),
            is_events,
            whole: Vec::new(),
            told: Some(told),
        }));
    }

    /// What a call of the tool gives.
    async fn result(&mut self, call: ToolCall<'static>) -> ToolResult<'static> {
        let said = match self.rounds > ROUNDS {
            true => Err(ENOUGH.to_owned()),
            false => self.look(&call.arguments.plain()).await,
        };
        let is_error = said.is_err();
        let (Ok(text) | Err(text)) = said;
        ToolResult {
            id: call.id,
            parts: vec![Part::prose(Text::from_string(text))],
            is_error,
        }
    }
}
