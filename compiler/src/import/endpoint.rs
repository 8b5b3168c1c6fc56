//! What a foreign file says of a deployment → an endpoint. Whatever cannot be
//! called becomes an endpoint that is switched off, so that nothing vanishes.

use super::address;
use super::draft::Endpoint;
use super::losses::Losses;
use super::provider::{Provider, Shape};
use super::secret::{Key, Keys, variable_name};
use crate::check::{is_public_host, wrong_url};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::document::Words;
use crate::plan::{Interface, KeyHeader};
use crate::registration::{literal_host, shown_url};
use crate::source::Span;
use crate::variable::variables;

/// Characters of a URL that are repeated.
const SHOWN: usize = 40;

/// What every importer has at hand.
pub(super) struct Desk<'p> {
    pub(super) problems: &'p mut Problems,
    pub(super) losses: Losses,
    pub(super) keys: Keys,
    /// Unquoted words of a registration that are no texts.
    pub(super) words: Words,
}

/// A deployment as a foreign file describes it, references already as `${NAME}`.
pub(super) struct Asked<'a> {
    /// The name it is asked by; variables are named after it.
    pub(super) owner: &'a str,
    /// Who serves it, as messages name it.
    pub(super) provider: &'a str,
    /// How it is called.
    pub(super) shape: Shape,
    /// Where, if the file says so, and the place.
    pub(super) base: Option<(String, Span)>,
    /// Where, if the file says nothing; empty where nobody knows.
    pub(super) usual_base: String,
    /// The model as the upstream knows it.
    pub(super) model: (String, Span),
    /// The version in an Azure URL.
    pub(super) version: String,
    /// The key, if the file has one, and the place.
    pub(super) key: Option<(&'a str, Span)>,
    /// The variable the upstream's key is usually in; empty for none.
    pub(super) usual_key: &'a str,
    /// Whether the upstream usually asks for no key.
    pub(super) is_keyless: bool,
    /// Why it cannot be called, if that is known already.
    pub(super) off: Option<Off>,
    /// A short place that stands for it.
    pub(super) head: Span,
}

/// Why an endpoint is switched off, and what to do about it.
#[derive(Clone)]
pub(super) struct Off {
    /// What is the matter, as the headline ends.
    pub(super) what: String,
    /// Why that is a matter, as a label; empty where it is plain.
    pub(super) because: &'static str,
    /// What to do, starting with a verb.
    pub(super) help: &'static str,
}

impl Off {
    /// Another URL, key or model would make it serve.
    pub(super) fn until_replaced(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            because: "",
            help: "replace its `api`, `key` and `model`, then remove `pool_enabled: false`",
        }
    }

    /// It serves something else than chat.
    pub(super) fn for_chat(what: impl Into<String>) -> Self {
        Self {
            help: "call it without the proxy, and leave it out here",
            ..Self::until_replaced(what)
        }
    }

    /// It would serve as it is.
    pub(super) fn on_purpose(what: &str) -> Self {
        Self {
            help: "remove `pool_enabled: false` to let it serve",
            ..Self::until_replaced(what)
        }
    }

    /// With the reason.
    pub(super) fn because(self, because: &'static str) -> Self {
        Self { because, ..self }
    }

    fn comment(&self) -> String {
        match self.because {
            "" => self.what.clone(),
            because => format!("{}; {because}", self.what),
        }
    }
}

impl<'a> Asked<'a> {
    /// Whether it is surely in a private network, where keys are often not asked for.
    fn is_private(&self) -> bool {
        let base = self.base.as_ref();
        let host = base.and_then(|(base, _)| literal_host(base));
        host.is_some_and(|host| !is_public_host(host))
    }

    /// Takes what the table knows of a provider, which the file calls `name`.
    pub(super) fn of(&mut self, provider: &'static Provider, name: &'a str) {
        self.provider = name;
        self.shape = provider.shape;
        self.usual_key = provider.key;
        self.is_keyless = provider.is_keyless;
        self.usual_base = match provider.base_variable {
            "" => provider.base.to_owned(),
            variable => format!("${{{variable}}}"),
        };
        if let Shape::Uncallable(why) = provider.shape {
            let off = Off::until_replaced(format!("provider `{name}`"));
            self.off = Some(off.because(why));
        }
    }
}

impl Desk<'_> {
    /// A name that routing may use; one that holds a reference is refused.
    pub(super) fn name(&mut self, text: &str, span: Span) -> Option<String> {
        if !text.contains("${") {
            return Some(text.to_owned());
        }
        self.problems.push(
            Diagnostic::new(Code::ImportInvalid, "a name cannot hold `${`")
                .at(span, "variables are not read in names")
                .help("rename it in the foreign file"),
        );
        None
    }

    /// Refuses a text that a registration would read as a broken reference.
    pub(super) fn readable(&mut self, text: &str, span: Span) {
        if let Err(malformed) = variables(text) {
            self.problems.push(
                Diagnostic::new(
                    Code::ImportInvalid,
                    "a registration would read `${` here as a variable",
                )
                .at(span, malformed.what)
                .help("write it without `${`, or as the name of a variable"),
            );
        }
    }

    /// Makes the endpoint.
    pub(super) fn endpoint(&mut self, asked: &Asked<'_>) -> Endpoint {
        let (model, model_span) = &asked.model;
        self.readable(model, *model_span);
        let key = self.key(asked);
        let mut off = asked.off.clone();
        let api = self.api(asked, &mut off);
        if let Some(off) = &off {
            self.losses.say(
                Code::ImportDisabledEndpoint,
                &format!("an endpoint is imported disabled: {}", off.what),
                asked.head,
                match off.because {
                    "" => "carried, and switched off",
                    because => because,
                },
                off.help,
            );
        }
        let is_off = off.is_some();
        Endpoint {
            id: None,
            api: match is_off {
                true => without_demands(&api, &address::nowhere(asked.provider)),
                false => api,
            },
            key: match is_off {
                true => Key {
                    text: without_demands(&key.text, ""),
                    comment: key.comment,
                },
                false => key,
            },
            key_header: (asked.shape == Shape::Azure).then_some(KeyHeader::ApiKey),
            interface: match asked.shape {
                Shape::Anthropic => Interface::Anthropic,
                _ => Interface::Openai,
            },
            model: match is_off {
                true => without_demands(model, ""),
                false => model.clone(),
            },
            thinking: None,
            metadata: Vec::new(),
            off: off.map(|off| off.comment()),
            tier: 0,
            comments: Vec::new(),
            is_own: true,
        }
    }

    fn key(&mut self, asked: &Asked<'_>) -> Key {
        let usual = match asked.usual_key {
            "" if asked.off.is_some() => variable_name(asked.provider, "API_KEY"),
            "" => variable_name(asked.owner, "API_KEY"),
            usual => usual.to_owned(),
        };
        // A provider's key is not for somebody else's server.
        let own = match asked.base {
            Some(_) => variable_name(asked.owner, "API_KEY"),
            None => usual,
        };
        match asked.key {
            Some((text, span)) => {
                self.readable(text, span);
                self.keys.key(text, &own, span)
            }
            None if asked.is_keyless || asked.is_private() => Key::optional(&own),
            None => Key::variable(&own),
        }
    }

    fn api(&mut self, asked: &Asked<'_>, off: &mut Option<Off>) -> String {
        let (base, span) = match &asked.base {
            Some((base, span)) => (base.clone(), *span),
            None => (asked.usual_base.clone(), asked.head),
        };
        if base.is_empty() {
            off.get_or_insert_with(|| Off::until_replaced("the file names no URL for it"));
            return address::nowhere(asked.provider);
        }
        self.readable(&base, span);
        if asked.shape == Shape::Azure {
            self.readable(&asked.version, asked.head);
        }
        if shown_url(&base).1 {
            let name = variable_name(asked.owner, "API_BASE");
            let base = self.keys.key(&base, &name, span).text;
            return address::url(asked.shape, &base, &asked.model.0, &asked.version);
        }
        let url = address::url(asked.shape, &base, &asked.model.0, &asked.version);
        if !url.contains("${") && wrong_url(&url).is_some() {
            let shown: String = shown_url(&base).0.chars().take(SHOWN).collect();
            off.get_or_insert_with(|| {
                Off::until_replaced(format!("its URL `{shown}` cannot be called"))
            });
            return address::nowhere(asked.provider);
        }
        url
    }
}

/// The text with a default for every variable, so that an endpoint that is
/// switched off keeps nobody from starting the proxy.
fn without_demands(text: &str, first: &str) -> String {
    let Ok(found) = variables(text) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for variable in found {
        out.push_str(&text[at..variable.range.start]);
        at = variable.range.end;
        let default = match (variable.default, variable.range.start) {
            (Some(default), _) => default,
            (None, 0) => first,
            (None, _) => "",
        };
        out.push_str(&format!("${{{}:-{default}}}", variable.name));
    }
    out.push_str(&text[at..]);
    out
}
