//! Where responses are kept: which account made the one of an id.
//!
//! A client goes on with a response by its id, and only the account that made
//! it knows it. This is remembered for the latest ones, across reloads and not
//! across restarts; nothing else of a response is.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem;

use crate::activate::Account;
use crate::protocol::json::{Json, Text};

/// Responses that are remembered; some 2 MB.
const REMEMBERED: usize = 10_000;

/// Longest id that is remembered.
const ID_LIMIT: usize = 128;

/// Bytes of an answer in which its id stands.
const HEAD: usize = 16 << 10;

/// Cheap to clone; clones share what they know.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    accounts: HashMap<Arc<str>, (Account, u64)>,
    /// Ids by when they were last used.
    order: BTreeMap<u64, Arc<str>>,
    uses: u64,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Kept {
    /// Remembers who made a response, in place of the one that was used least lately.
    pub(super) fn learn(&self, id: &str, account: Account) {
        if id.is_empty() || id.len() > ID_LIMIT {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.note(Arc::from(id), account);
        if known.order.len() > REMEMBERED
            && let Some((_, oldest)) = known.order.pop_first()
        {
            known.accounts.remove(&oldest);
        }
    }

    /// Who made a response, if that is remembered.
    pub(super) fn account(&self, id: &str) -> Option<Account> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, (account, _)) = known.accounts.get_key_value(id)?;
        let (id, account) = (Arc::clone(id), *account);
        known.note(id, account);
        Some(account)
    }
}

impl Known {
    fn note(&mut self, id: Arc<str>, account: Account) {
        self.uses += 1;
        let used = self.uses;
        if let Some((_, before)) = self.accounts.insert(Arc::clone(&id), (account, used)) {
            self.order.remove(&before);
        }
        self.order.insert(used, id);
    }
}

/// Listens to an answer of a Responses endpoint for its id.
pub(super) struct Listen {
    kept: Kept,
    account: Account,
    head: Vec<u8>,
}

impl Listen {
    pub(super) fn new(kept: &Kept, account: Account) -> Self {
        Self {
            kept: kept.clone(),
            account,
            head: Vec::new(),
        }
    }

    /// Hears the next piece; whether it needs to hear more.
    pub(super) fn hear(&mut self, chunk: &[u8]) -> bool {
        let missing = HEAD.saturating_sub(self.head.len());
        self.head
            .extend_from_slice(&chunk[..missing.min(chunk.len())]);
        match response_id(&self.head) {
            Some(id) => {
                self.kept.learn(id, self.account);
                false
            }
            None => self.head.len() < HEAD,
        }
    }
}

/// The first id that is one of a response.
fn response_id(text: &[u8]) -> Option<&str> {
    memmem::find_iter(text, "\"id\"").find_map(|at| {
        let rest = text[at + 4..].trim_ascii_start().strip_prefix(b":")?;
        let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
        let id = &rest[..memchr::memchr(b'"', rest)?];
        let id = std::str::from_utf8(id).ok()?;
        id.starts_with("resp").then_some(id)
    })
}

/// The type of an item that stands for one that is kept.
pub(super) const ITEM_REFERENCE: &str = "item_reference";

/// What a Responses request builds on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Builds {
    /// An earlier response.
    pub(super) on: Option<String>,
    /// What only an endpoint of this protocol keeps, by the name that it has in the request.
    pub(super) on_kept: Option<&'static str>,
    /// Whether its own response will be kept.
    pub(super) will_be_kept: bool,
}

impl Builds {
    /// Reads a request body; most are only searched for names.
    pub(super) fn read(body: &[u8]) -> Self {
        const FIELDS: [&str; 4] = [
            "previous_response_id",
            "conversation",
            "prompt",
            "background",
        ];
        let opaque = ["input", "tools", "instructions", "text", "metadata"];
        let has = |name: &str| memmem::find(body, name.as_bytes()).is_some();
        let may_build = has("store") || FIELDS.iter().any(|name| has(name));
        let json = match may_build.then(|| Json::read(body, &opaque)) {
            Some(Ok(json)) => json,
            _ => Json::NULL,
        };
        let said = |name| json.get(name).is_some_and(|value| !value.is_nothing());
        let on = json
            .text_at("previous_response_id")
            .filter(|id| !id.is_empty());
        Self {
            on_kept: FIELDS.into_iter().find(|name| said(name)).or_else(|| {
                // Within a text the marks around it would be escaped.
                has("\"item_reference\"").then_some(ITEM_REFERENCE)
            }),
            on: on
                .as_ref()
                .map(Text::plain)
                .map(std::borrow::Cow::into_owned),
            will_be_kept: json.get("store").and_then(Json::flag) != Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let kept = Kept::default();
        for number in 0..REMEMBERED {
            kept.learn(&format!("resp_{number}"), [1; 32]);
        }
        assert_eq!(kept.account("resp_0"), Some([1; 32]));
        kept.learn("resp_new", [2; 32]);
        kept.learn("resp_new", [3; 32]);
        assert_eq!(kept.account("resp_new"), Some([3; 32]));
        // The first was used again, so the second was the oldest.
        assert_eq!(kept.account("resp_0"), Some([1; 32]));
        assert_eq!(kept.account("resp_1"), None);
        kept.learn(&"x".repeat(ID_LIMIT + 1), [1; 32]);
        kept.learn("", [1; 32]);
        let known = kept.0.lock().expect("no panic");
        assert_eq!(
            (known.accounts.len(), known.order.len()),
            (REMEMBERED, REMEMBERED)
        );
    }

    #[test]
    fn an_id_is_heard_in_pieces() {
        for answer in [
            "{\"id\": \"resp_1\",\"object\":\"response\"}",
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"metadata\":{\"id\":\"x\"},\"id\":\"resp_1\"}}\n\n",
        ] {
            for size in [1, 5, 1000] {
                let kept = Kept::default();
                let mut listen = Listen::new(&kept, [1; 32]);
                let mut pieces = answer.as_bytes().chunks(size);
                assert!(pieces.any(|piece| !listen.hear(piece)), "{answer}");
                assert_eq!(kept.account("resp_1"), Some([1; 32]));
            }
        }
        let mut listen = Listen::new(&Kept::default(), [1; 32]);
        assert!(listen.hear(&[b'x'; HEAD - 1]));
        assert!(!listen.hear(b"xx"));
    }

    #[test]
    fn what_a_request_builds_on() {
        let builds = |body: &str| Builds::read(body.as_bytes());
        let will_be_kept = |will_be_kept| Builds {
            will_be_kept,
            ..Builds::default()
        };
        assert_eq!(builds("{\"input\":\"x\"}"), will_be_kept(true));
        assert_eq!(
            builds("{\"input\":\"store\",\"store\":false}"),
            will_be_kept(false)
        );
        assert_eq!(
            builds("{\"input\":[{\"previous_response_id\":\"resp_1\"}],\"prompt\":null}"),
            will_be_kept(true)
        );
        assert_eq!(builds("not JSON: store"), will_be_kept(true));
        let on = builds("{\"previous_response_id\":\"resp_1\",\"store\":true}");
        assert_eq!(on.on.as_deref(), Some("resp_1"));
        assert_eq!(on.on_kept, Some("previous_response_id"));
        for (body, name) in [
            ("{\"background\":true}", Some("background")),
            (
                "{\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"}]}",
                Some(ITEM_REFERENCE),
            ),
            ("{\"input\":\"what is an \\\"item_reference\\\"?\"}", None),
        ] {
            assert_eq!(builds(body).on_kept, name, "{body}");
        }
    }
}
