//! How a request is told to one endpoint: as it came, with what the endpoint's
//! model cannot do taken out, or in another protocol.

use std::borrow::Cow;
use std::mem;

use bytes::Bytes;
use ctr_compiler::plan::{Endpoint, Thinking, ThinkingMode};
use ctr_compiler::route::{by_model, looks_beyond_model};
use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Uri};

use super::address;
use super::body::Spliced;
use super::call::Call;
use super::{Asked, headers};
use crate::activate::{Live, Upstream};
use crate::http1::Request;
use crate::protocol::Protocol;
use crate::protocol::adapt::{self, Lacks};
use crate::protocol::ask::Ask;
use crate::protocol::error::ProxyError;
use crate::protocol::json::{Json, Malformed};
use crate::protocol::neutral::Dropped;
use crate::protocol::translate::{self, Back};

/// A request, ready to be sent to one endpoint.
pub(super) struct Telling {
    pub(super) request: Request<Spliced>,
    /// The way back of a request in another protocol.
    pub(super) back: Option<Box<Back>>,
    /// What the endpoint is not told.
    pub(super) dropped: Dropped,
    /// What the endpoint speaks at this address.
    pub(super) speaks: Protocol,
    /// Whether the address was inferred and may not be served.
    pub(super) is_guess: bool,
}

/// Where and in which protocol an endpoint is asked.
struct Way {
    uri: Uri,
    speaks: Protocol,
    is_guess: bool,
}

/// What an endpoint wants changed in a request.
#[derive(Clone, Copy)]
struct Changes<'p> {
    lacks: Option<Lacks>,
    thinking: Option<&'p Thinking>,
    /// What the model is told of a conversation that it takes over.
    context: Option<&'p str>,
}

/// Whether no endpoint that may answer a request for this model needs more of it than
/// its model.
pub(super) fn goes_as_it_came(call: Call, ask: &Ask, live: &Live) -> bool {
    let Call::Answer(client @ (Protocol::Messages | Protocol::Chat)) = call else {
        return false;
    };
    let (plan, asked) = (live.plan(), ask.name());
    if live.is_mixed || looks_beyond_model(plan, asked) {
        return false;
    }
    let as_it_came = |endpoint: &Endpoint| {
        let changes = Changes::of(None, endpoint);
        changes.is_none() && live.upstream(endpoint).speaks == client
    };
    by_model(plan, asked).is_some_and(|target| target.endpoints().iter().all(as_it_came))
}

impl<'p> Changes<'p> {
    fn of(context: Option<&'p str>, endpoint: &'p Endpoint) -> Self {
        Self {
            lacks: Lacks::of(&endpoint.capabilities),
            // A model that cannot think is asked for no thinking, whatever the plan wants.
            thinking: endpoint
                .thinking
                .as_ref()
                .filter(|_| endpoint.capabilities.reasoning),
            context,
        }
    }

    /// Whether the model is asked for thinking without a budget.
    fn is_adaptive(self) -> bool {
        self.thinking
            .is_some_and(|thinking| thinking.mode == Some(ThinkingMode::Adaptive))
    }

    fn is_none(self) -> bool {
        self.lacks.is_none() && self.thinking.is_none() && self.context.is_none()
    }

    /// For an endpoint that `speaks` this. Whether anything was changed.
    fn make(
        self,
        body: &mut Json<'_>,
        client: Protocol,
        speaks: Protocol,
        dropped: &mut Dropped,
    ) -> bool {
        let lacks = self.lacks;
        let lacked = lacks.is_some_and(|lacks| adapt::adapt(body, client, lacks, dropped));
        let thinking = self.thinking;
        let thinks =
            thinking.is_some_and(|thinking| adapt::think(body, client, speaks, thinking, dropped));
        if let Some(context) = self.context {
            adapt::prepend(body, client, context);
        }
        lacked || thinks || self.context.is_some()
    }
}

impl Telling {
    /// # Errors
    /// When the endpoint cannot be told at all.
    pub(super) fn new(
        asked: &Asked,
        upstream: &Upstream,
        endpoint: &Endpoint,
        request_id: &str,
        now_ms: u64,
    ) -> Result<Box<Self>, ProxyError> {
        let Way {
            uri,
            speaks,
            is_guess,
        } = way(asked, upstream, now_ms)?;
        let mut telling = Box::new(Self {
            request: Request {
                method: asked.method.clone(),
                uri,
                headers: asked.headers.clone(),
                body: Spliced::default(),
            },
            back: None,
            dropped: Dropped::default(),
            speaks,
            is_guess,
        });
        let client = asked.protocol();
        let changes = Changes::of(asked.said.context(), endpoint);
        telling.request.body = if client == speaks {
            let body = match changes.is_none() && !asked.may_hold_foreign {
                true => None,
                false => telling.adapted(asked, upstream, client, changes)?,
            };
            let as_it_came = || match &asked.arriving {
                None => Spliced::new(&asked.body, &asked.ask, &upstream.model),
                Some(rest) => Spliced::begun(&asked.body, &asked.ask, &upstream.model, rest),
            };
            let request = &mut telling.request;
            let uri = mem::take(&mut request.uri);
            request.uri =
                headers::target(uri, asked.query.as_deref()).ok_or(ProxyError::LongQuery)?;
            if asked.may_be_kept {
                // The name of what is kept must be readable.
                let plain = HeaderValue::from_static("identity");
                request.headers.insert(ACCEPT_ENCODING, plain);
            }
            body.unwrap_or_else(as_it_came)
        } else {
            let call = translate::Call {
                client,
                endpoint: speaks,
                model: &upstream.model,
                adaptive: changes.is_adaptive(),
                dialect: upstream.dialect,
                request_id,
                now: now_ms / 1000,
            };
            if !headers::for_other(&mut telling.request.headers, speaks.interface()) {
                telling.dropped.note("anthropic-beta");
            }
            telling.translated(asked, &call, changes)?
        };
        let headers = &mut telling.request.headers;
        if telling.dropped.has("thinking_ignored") {
            // Betas of thinking mean nothing to a model that does not think.
            headers::without_betas(headers, "thinking");
        }
        headers::with_key(headers, upstream);
        Ok(telling)
    }

    /// The request without what is lacking, or no business of the endpoint's, and with
    /// the thinking that the plan wants; none where nothing was changed.
    fn adapted(
        &mut self,
        asked: &Asked,
        upstream: &Upstream,
        client: Protocol,
        changes: Changes<'_>,
    ) -> Result<Option<Spliced>, ProxyError> {
        let mut json = parsed(asked, client)?;
        let dropped = &mut self.dropped;
        let mut changed = changes.make(&mut json, client, client, dropped);
        if asked.may_hold_foreign {
            changed |= adapt::without_foreign(&mut json, client, dropped);
        }
        if !changed {
            return Ok(None);
        }
        if let Some(body) = json.object_mut() {
            body.set("model", upstream.model.as_str());
        }
        Ok(Some(Spliced::whole(json.written().into())))
    }

    fn translated(
        &mut self,
        asked: &Asked,
        call: &translate::Call<'_>,
        changes: Changes<'_>,
    ) -> Result<Spliced, ProxyError> {
        let mut json = parsed(asked, call.client)?;
        changes.make(&mut json, call.client, call.endpoint, &mut self.dropped);
        let told = translate::request(&json, call);
        let told = told.map_err(|unreadable| ProxyError::Untold(unreadable.0))?;
        self.dropped.extend(&told.dropped);
        self.back = Some(Box::new(told.back));
        Ok(Spliced::whole(Bytes::from(told.body)))
    }
}

/// An OpenAI endpoint is asked for a response beside its chat completions, as
/// long as it is not known to serve none.
fn way(asked: &Asked, upstream: &Upstream, now_ms: u64) -> Result<Way, ProxyError> {
    let sibling = |tail| address::sibling(&upstream.uri, tail);
    let as_planned = || Way {
        uri: upstream.uri.clone(),
        speaks: upstream.speaks,
        is_guess: false,
    };
    if let Some(tail) = asked.call.tail() {
        return match sibling(tail) {
            Some(uri) => Ok(Way {
                uri,
                speaks: asked.protocol(),
                is_guess: false,
            }),
            None => Err(ProxyError::Untold(Cow::Borrowed(match asked.call {
                Call::Embeddings => "no endpoint of this model has an address for embeddings",
                _ => "no endpoint of this model has an address for responses",
            }))),
        };
    }
    match asked.call {
        Call::CountTokens => {
            let counts = address::under(&upstream.uri, "/messages", "/count_tokens");
            let why = Cow::Borrowed("its endpoint does not count");
            let uri = counts.ok_or(ProxyError::Untold(why))?;
            Ok(Way {
                uri,
                ..as_planned()
            })
        }
        Call::Answer(Protocol::Responses) if upstream.speaks == Protocol::Chat => {
            let known = upstream.may_serve_responses(now_ms);
            Ok(match sibling("/responses").filter(|_| known) {
                Some(uri) => Way {
                    uri,
                    speaks: Protocol::Responses,
                    is_guess: true,
                },
                None => as_planned(),
            })
        }
        _ => Ok(as_planned()),
    }
}

fn parsed(asked: &Asked, client: Protocol) -> Result<Json<'_>, ProxyError> {
    Json::read(&asked.body, translate::opaque(client))
        .map_err(|Malformed(at)| ProxyError::Body(crate::protocol::ask::AskError::Malformed(at)))
}
