//! One request, top to bottom: who → body → features → route → attempts → relay.
//!
//! Nothing here decides where a request goes; the plan and the compiler's
//! [`route`](ctr_compiler::route::route) do. Until an answer is committed the
//! candidates of the decision are walked in their order; from the first byte on
//! the client has one answer, and only its end can still change. Everything
//! belongs to the request's own task: when the client goes away, dropping the
//! future or the body drops the upstream request with it.
//!
//! A request's future is copied into its connection and lies there between two
//! polls, so that it is to be small: what few requests come by is boxed.

mod account;
mod address;
mod arriving;
mod asked;
mod asking;
mod attempt;
mod body;
mod call;
mod consult;
mod count;
mod headers;
mod image_agent;
mod keeper;
mod kept;
mod listed;
mod observed;
mod own;
mod passing;
mod refusal;
mod relay;
mod remembered;
mod request_id;
mod sessions;
mod telling;
mod told;
mod traced;
mod walk;

use std::fmt;
use std::hint::cold_path;
use std::pin::pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;

use account::Account;
use asked::Asked;
use body::Taken;
use image_agent::{Agent, Work};
use kept::Kept;
use relay::Relay;
use remembered::Remembered;
use sessions::Sessions;
use telling::goes_as_it_came;
use traced::Traced;
use walk::Committed;

use crate::access;
use crate::activate::Live;
use crate::client::Client;
use crate::cut::Cut;
use crate::http1::{Request, Response};
use crate::observe::Observer;
use crate::protocol::error::ProxyError;
use crate::trace::Traces;

pub(crate) use body::{Waits, Whole};
pub(crate) use listed::Listing;

pub use body::BODY_LIMIT;
pub use call::{
    CHAT_COMPLETIONS, COMPACT, COUNT_TOKENS, Call, EMBEDDINGS, INPUT_TOKENS, MESSAGES, RESPONSES,
};
pub use headers::{DROPPED, ENDPOINT, ESTIMATE, IMAGE_AGENT, PLAN, TRANSLATED};
pub use request_id::request_id;

/// Serves requests by the plan of the moment. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    live: Arc<ArcSwap<Live>>,
    client: Client,
    kept: Kept,
    sessions: Sessions,
    choices: Remembered<consult::Choice>,
    analyses: Remembered<String>,
    traces: Option<Traces>,
    observer: Option<Observer>,
    cut: Cut,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("live", &self.live.load())
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy that asks `live` for the plan of each request. It keeps its own
    /// pool of upstream connections, which clones share.
    pub fn new(live: Arc<ArcSwap<Live>>) -> Self {
        Self {
            live,
            client: Client::new(),
            kept: Kept::default(),
            sessions: Sessions::default(),
            choices: Remembered::new(consult::CHOICES),
            analyses: Remembered::new(image_agent::ANALYSES),
            traces: None,
            observer: None,
            cut: Cut::default(),
        }
    }

    /// The same, remembering each request.
    #[must_use]
    pub fn with_traces(self, traces: Traces) -> Self {
        Self {
            traces: Some(traces),
            ..self
        }
    }

    /// The same, handing over requests that are remembered to be looked at.
    #[must_use]
    pub fn with_observer(self, observer: Observer) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// What ends the running requests of this proxy and its clones, each with an error in
    /// its client's protocol.
    pub fn cut(&self) -> Cut {
        self.cut.clone()
    }

    /// Answers a call. The path is looked at only where the call says so, the
    /// query is passed on. The request keeps the plan it began with until the
    /// last byte of its answer.
    pub async fn serve(&self, call: Call, request: Box<Request<Body>>) -> Response<Body> {
        let live = self.live.load_full();
        let mut account = Account::open(request_id(), &self.cut);
        let answered = {
            let answering = pin!(self.answer(call, request, &live, &mut account));
            self.cut.before(answering).await
        };
        match answered.unwrap_or(Err(ProxyError::Stopped)) {
            Ok((committed, None)) => relayed(committed, call, account, live),
            Ok((committed, Some(agent))) => {
                cold_path();
                Box::pin(Work::new(self, agent, live).begin(committed, account)).await
            }
            Err(error) => {
                cold_path();
                refused(&error, call, account, &live)
            }
        }
    }

    async fn answer(
        &self,
        call: Call,
        request: Box<Request<Body>>,
        live: &Arc<Live>,
        account: &mut Account,
    ) -> Result<(Committed, Option<Box<Agent>>), ProxyError> {
        let (head, mut body) = request.split();
        let mut observed = None;
        let taken = match access::check(live.api_key.as_deref(), &head.headers) {
            Ok(()) => {
                // Whoever has no key leaves no trace, and takes no place of others'.
                let id = &account.request_id;
                observed = self.observed(call, live, id);
                let begin = |to| Traced::begin(to, id, call, live, observed.is_some());
                account.traced = self.traces.as_ref().and_then(begin);
                let may_go = |ask: &_| observed.is_none() && goes_as_it_came(call, ask, live);
                body::take(&head.headers, &mut body, may_go).await
            }
            Err(denied) => {
                cold_path();
                Err(ProxyError::Denied(denied))
            }
        };
        if taken.as_ref().is_err_and(ProxyError::leaves_body) {
            cold_path();
            Box::pin(body::discard(&head.headers, &mut body)).await;
        }
        let mut asked = match taken? {
            Taken::Whole(body) if call == Call::Kept => {
                cold_path();
                let id = &account.request_id;
                let kept = Box::pin(keeper::ask(&self.client, &self.kept, head, body, live, id));
                return Ok((kept.await?, None));
            }
            Taken::Whole(body) => Asked::read(call, head, body, live, observed.is_some())?,
            Taken::Begun(beginning, ask, rest) => Asked::begun(call, head, beginning, ask, rest),
        };
        account.asks(asked.ask.name().unwrap_or_default());
        if let Some(traced) = &mut account.traced {
            let (model, session) = (asked.ask.name(), asked.session_id());
            traced.asks(model, session, &asked.headers, live.plan());
        }
        asked.remember(&self.kept, &self.sessions);
        if let Some(smart) = &live.plan().smart_router
            && consult::asks_models(smart)
        {
            cold_path();
            Box::pin(self.consult(smart, &mut asked, live)).await;
        }
        if let Some(traced) = &mut account.traced {
            traced.consulted(asked.said.consulted());
            if asked.said.context().is_some() {
                traced.aligned();
            }
        }
        if let (Some(traced), Some(observed)) = (&mut account.traced, observed) {
            traced.observed = observed.begins(&asked, traced.session(), live);
        }
        if call == Call::CountTokens {
            cold_path();
            let counted = Box::pin(count::count(&self.client, &asked, live));
            return Ok((counted.await?, None));
        }
        let images = image_agent::take(&mut asked, live, &account.request_id);
        let walked = walk::walk(&self.client, &self.kept, &asked, live, account).await;
        asked.arrive().await?;
        let mut committed = walked?;
        asked.answered(&mut committed, &self.sessions, live);
        let agent = images.map(|images| Box::new(Agent { asked, images }));
        Ok((committed, agent))
    }
}

/// An answer on its way to the client.
fn relayed(
    committed: Committed,
    call: Call,
    mut account: Account,
    live: Arc<Live>,
) -> Response<Body> {
    let Committed {
        mut answer, mark, ..
    } = committed;
    account.answered(&mut answer, mark.as_ref());
    headers::finish_response(&mut answer, &live, &account);
    Response {
        status: answer.head.status,
        headers: std::mem::take(&mut answer.head.headers),
        body: Body::new(Relay::new(answer, call.protocol(), account, mark, live)),
    }
}

/// The proxy's own answer.
fn refused(error: &ProxyError, call: Call, mut account: Account, live: &Live) -> Response<Body> {
    account.refused(error);
    let mut response = error.respond(call.interface(), &account.request_id);
    headers::name(&mut response.headers, live, &account.request_id);
    response
}
