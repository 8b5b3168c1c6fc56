//! From one protocol to another, through the neutral form.
//!
//! [`request`] turns a client's request into one for an endpoint and remembers
//! what the way back depends on; [`Back`] turns what the endpoint answers into
//! what the client reads. Nothing here waits, reads or sends: bytes go in and
//! bytes come out, in chunks of any size.

mod calls;
mod joined;
mod stream;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::forms::Forms;
use super::json::{Json, Object, Text};
use super::names::Names;
use super::neutral::{Answer, Dropped, Part, Request, events};
use super::responses::Echo;
use super::{Protocol, anthropic, chat, estimate, failure, responses};
use calls::CallIds;

pub use super::chat::Dialect;
pub use joined::{Joined, Turn};
pub use stream::{Broken, Stream};

/// Why a request cannot be told to an endpoint of another protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub Cow<'static, str>);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

/// What is known of a call when it is translated.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// What the client speaks.
    pub client: Protocol,
    /// What the endpoint speaks.
    pub endpoint: Protocol,
    /// The endpoint's name for its model.
    pub model: &'c str,
    /// Whether that model is asked for `adaptive` thinking, where its endpoint speaks
    /// Messages; else for a budget.
    pub adaptive: bool,
    /// What its server takes, where it speaks Chat Completions.
    pub dialect: Dialect,
    /// The proxy's name for the call.
    pub request_id: &'c str,
    /// Seconds since the Unix epoch.
    pub now: u64,
}

/// A request in another protocol.
#[derive(Debug)]
pub struct Translated {
    /// As the endpoint is to get it.
    pub body: String,
    /// For its answer.
    pub back: Back,
    /// What the request had and the endpoint does not get.
    pub dropped: Dropped,
}

/// The way back of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    client: Protocol,
    endpoint: Protocol,
    /// Names of tools that the endpoint knows by shorter ones.
    names: Names,
    stream: bool,
    stream_usage: bool,
    /// Whether the client wants to see thinking.
    thinks: bool,
    /// About how many tokens the request has, for a client to whom a stream says that at its
    /// beginning, where endpoints of other protocols do not know it; else 0.
    input_tokens: u64,
    request_id: String,
    /// Ids of the request's calls.
    call_ids: Arc<HashSet<String>>,
    echo: Echo,
}

/// Names under which a reader of this protocol looks into nothing.
pub fn opaque(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Messages => anthropic::OPAQUE,
        Protocol::Chat => chat::OPAQUE,
        Protocol::Responses => responses::OPAQUE,
    }
}

/// Translates a request that was parsed with [`opaque`] names.
///
/// # Errors
/// When it cannot be told in the endpoint's protocol at all.
pub fn request(body: &Json<'_>, call: &Call<'_>) -> Result<Translated, Unreadable> {
    let mut dropped = Dropped::default();
    let (mut request, forms) = read(body, call.client, &mut dropped)?;
    if request.lose_choice() {
        dropped.note("tool_choice");
    }
    let limit = match call.endpoint {
        Protocol::Messages => usize::MAX,
        Protocol::Chat => chat::NAME_LIMIT,
        Protocol::Responses => responses::NAME_LIMIT,
    };
    let mut back = Back::of(body, &request, forms, call);
    back.names = Names::new(limit);
    if call.client == Protocol::Messages && back.stream {
        back.input_tokens = estimate::input_tokens(body);
    }
    let body = match call.endpoint {
        Protocol::Messages => {
            anthropic::write_request(request, call.model, call.adaptive, &mut dropped)
        }
        Protocol::Chat => {
            let names = &mut back.names;
            chat::write_request(request, call.model, call.dialect, names, &mut dropped)
        }
        Protocol::Responses => {
            responses::write_request(request, call.model, &mut back.names, &mut dropped)
        }
    };
    Ok(Translated {
        body,
        back,
        dropped,
    })
}

fn read<'a>(
    body: &Json<'a>,
    client: Protocol,
    dropped: &mut Dropped,
) -> Result<(Request<'a>, Forms), Unreadable> {
    match client {
        Protocol::Messages => {
            let request = anthropic::read_request(body, dropped)?;
            Ok((request, Forms::default()))
        }
        Protocol::Chat => chat::read_request(body, dropped),
        Protocol::Responses => responses::read_request(body, dropped),
    }
}

/// Reads an answer, whose calls have the ids that `ids` gives them.
fn read_answer<'a>(
    json: &Json<'a>,
    endpoint: Protocol,
    mut ids: CallIds,
    dropped: &mut Dropped,
) -> Option<Answer<'a>> {
    let mut answer = match endpoint {
        Protocol::Messages => anthropic::read_answer(json, dropped),
        Protocol::Chat => chat::read_answer(json, dropped),
        Protocol::Responses => responses::read_answer(json, dropped),
    }?;
    ids.begin(&answer.id);
    for part in &mut answer.parts {
        if let Part::ToolCall(call) = part {
            call.id = ids.next(std::mem::take(&mut call.id));
        }
    }
    Some(answer)
}

/// An answer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// It is no answer of the endpoint's protocol.
    Unreadable,
    /// It says that the endpoint failed.
    Failed {
        /// The endpoint's word for it.
        kind: String,
        /// For people.
        message: String,
    },
}

impl Back {
    /// The way back of a request to an endpoint that speaks its client's protocol,
    /// for answers that are to be read all the same.
    ///
    /// # Errors
    /// When the request cannot be read.
    pub fn within(body: &Json<'_>, call: &Call<'_>) -> Result<Self, Unreadable> {
        let (request, forms) = read(body, call.client, &mut Dropped::default())?;
        Ok(Self::of(body, &request, forms, call))
    }

    fn of(body: &Json<'_>, request: &Request<'_>, forms: Forms, call: &Call<'_>) -> Self {
        Self {
            client: call.client,
            endpoint: call.endpoint,
            names: Names::new(usize::MAX),
            stream: request.stream,
            stream_usage: request.stream_usage,
            thinks: request.thinks(),
            input_tokens: 0,
            request_id: call.request_id.to_owned(),
            call_ids: Arc::new(request.call_ids().into_iter().collect()),
            echo: Echo {
                created: call.now,
                parallel_tools: request.parallel_tools.unwrap_or(true),
                metadata: match call.client {
                    Protocol::Responses => body.get("metadata").map(Json::to_string),
                    _ => None,
                },
                forms,
            },
        }
    }

    /// For the calls of one answer.
    fn ids(&self) -> CallIds {
        CallIds::new(&self.request_id, Arc::clone(&self.call_ids))
    }

    /// Whether the client reads events.
    pub fn wants_stream(&self) -> bool {
        self.stream
    }

    /// Translates a whole answer, to events where the client wants them.
    ///
    /// # Errors
    /// When it is none.
    pub fn answer(&self, body: &[u8], dropped: &mut Dropped) -> Result<String, BadAnswer> {
        let json = Json::read(body, opaque(self.endpoint)).map_err(|_| BadAnswer::Unreadable)?;
        let answer = read_answer(&json, self.endpoint, self.ids(), dropped);
        let failed = || responses::failed(&json).or_else(|| chat::failed(&json));
        match answer.ok_or_else(failed) {
            Ok(answer) => Ok(self.write(answer, dropped)),
            Err(Some((kind, message))) => Err(BadAnswer::Failed {
                kind: kind.plain().into_owned(),
                message: message.plain().into_owned(),
            }),
            Err(None) => Err(BadAnswer::Unreadable),
        }
    }

    fn write(&self, mut answer: Answer<'_>, dropped: &mut Dropped) -> String {
        for part in &mut answer.parts {
            if let Part::ToolCall(call) = part {
                call.name = self.names.restore(std::mem::take(&mut call.name));
            }
        }
        if self.stream {
            let mut writer = stream::Writer::new(self);
            let mut out = String::new();
            for event in events(answer) {
                writer.write(event, &mut out);
            }
            dropped.extend(&writer.dropped());
            return out;
        }
        match self.client {
            Protocol::Messages => anthropic::write_answer(answer, self.thinks, dropped),
            Protocol::Chat => chat::write_answer(answer, self.echo.created, &self.echo.forms),
            Protocol::Responses => responses::write_answer(answer, &self.echo),
        }
    }

    /// Translates events as they come.
    pub fn stream(&self) -> Stream {
        Stream::new(self, false)
    }

    /// Translates events into one whole answer.
    pub fn collected(&self) -> Stream {
        Stream::new(self, true)
    }

    /// The body of an error of this status, as the client reads it. The
    /// endpoint's message is kept, whatever it was written in, and so are its
    /// words where the client's protocol has the same.
    pub fn error(&self, status: u16, body: &[u8]) -> String {
        let json = Json::read(body, &[]).unwrap_or(Json::NULL);
        // Gemini's server puts it into a list.
        let said = json.items().first().unwrap_or(&json);
        let error = said.get("error").unwrap_or(said);
        let in_choice = || chat::failed(&json).map(|(_, message)| message);
        let message = message_in(error).or_else(in_choice);
        let message = message.unwrap_or_else(|| match std::str::from_utf8(body) {
            // Not the page of some server in between.
            Ok(text) if json.is_null() && !text.trim().is_empty() && !text.contains('<') => {
                beginning(text.trim())
            }
            _ => Text::from_string(format!("the upstream answered with status {status}")),
        });
        let is_openai = |protocol| protocol != Protocol::Messages;
        let same = (is_openai(self.client) && is_openai(self.endpoint))
            .then(|| failure::openai_same(error, message.clone()))
            .flatten();
        match same {
            Some(error) => Object::new().with("error", error).to_string(),
            None => self.failure(status, failure::word_of(error).as_ref(), message),
        }
    }

    fn failure(&self, status: u16, word: Option<&Text<'_>>, message: Text<'_>) -> String {
        let word = word.map(Text::plain);
        match self.client {
            Protocol::Messages => {
                let word = word.unwrap_or(failure::anthropic_type_of(status).into());
                Object::of_type("error")
                    .with("error", failure::anthropic_error(&word, message))
                    .with("request_id", self.request_id.as_str())
                    .to_string()
            }
            Protocol::Chat | Protocol::Responses => {
                let (kind, code) = word.map_or_else(
                    || failure::openai_words_of(status),
                    |word| failure::openai_words(&word),
                );
                let error = failure::error_object(kind, code, message);
                Object::new().with("error", error).to_string()
            }
        }
    }
}

/// What an error says: in words, else in whatever stands in their place.
fn message_in<'a>(error: &Json<'a>) -> Option<Text<'a>> {
    const NAMES: [&str; 3] = ["message", "detail", "error"];
    let says = |text: &Text<'_>| !text.is_blank();
    let in_words = || {
        let mut texts = NAMES.iter().filter_map(|name| error.text_at(name));
        texts.find(says)
    };
    let of_what = || {
        let written = NAMES.iter().filter_map(|name| error.get(name));
        let mut written = written
            .filter(|value| !value.is_nothing())
            .map(Json::written);
        Some(beginning(&written.next()?))
    };
    let itself = error.text().filter(|text| says(text)).cloned();
    itself.or_else(in_words).or_else(of_what)
}

/// As much of a text as an error message holds.
fn beginning(text: &str) -> Text<'static> {
    const LENGTH: usize = 500;
    Text::from_string(text.chars().take(LENGTH).collect())
}
