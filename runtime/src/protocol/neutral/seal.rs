//! What a maker of thinking wants to see again, unchanged, with the next request.
//!
//! A client keeps it in the one opaque string its protocol has for that. There
//! a seal of another protocol is marked as such, so that it finds its way back
//! to its maker and never to anybody else.

use crate::protocol::json::Text;

/// Whose thinking it is, and the proof of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seal<'a> {
    /// Signature of an Anthropic `thinking` block.
    Signature(Text<'a>),
    /// Data of an Anthropic `redacted_thinking` block.
    Redacted(Text<'a>),
    /// A reasoning item of Responses: its id and its encrypted content.
    Encrypted(Text<'a>, Text<'a>),
    /// `reasoning_content` of a Chat Completions message: the text itself is all there is.
    Content,
    /// Thinking in the list that is the `content` of such a message. Its maker goes on without
    /// it and refuses `reasoning_content`; other servers refuse such a list.
    Listed,
    /// A `thought_signature` of Gemini's for a call, in Chat Completions.
    Call(Signed, Text<'a>),
}

/// Which call has such a signature, and whose word it stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The word.
    pub by: Signer,
    /// Whether the call came before it; else it is the one that follows.
    pub is_late: bool,
}

/// Where a `thought_signature` stands beside a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// Under `google`.
    Google,
    /// Under `vertex`.
    Vertex,
}

// No maker's own begins like these.
const ENCRYPTED: &str = "ctr:encrypted:";
const CONTENT: &str = "ctr:content";
const LISTED: &str = "ctr:listed";
const SIGNATURE: &str = "ctr:signature:";
const REDACTED: &str = "ctr:redacted:";

impl Signer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Google, Self::Vertex];

    /// The word in `extra_content`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Vertex => "vertex",
        }
    }
}

impl Signed {
    fn mark(self) -> &'static str {
        match (self.by, self.is_late) {
            (Signer::Google, false) => "ctr:call:",
            (Signer::Google, true) => "ctr:call-before:",
            (Signer::Vertex, false) => "ctr:vertex:",
            (Signer::Vertex, true) => "ctr:vertex-before:",
        }
    }

    fn marked<'a>(self, signature: &Text<'a>) -> Text<'a> {
        Text::joined(&[self.mark().into(), signature.clone()], "")
    }

    /// What a text that has one of the marks says.
    fn seal<'a>(text: &Text<'a>) -> Option<Seal<'a>> {
        Signer::ALL.into_iter().find_map(|by| {
            [false, true].into_iter().find_map(|is_late| {
                let signed = Self { by, is_late };
                Some(Seal::Call(signed, text.after(signed.mark())?))
            })
        })
    }
}

impl<'a> Seal<'a> {
    /// As the signature of a `thinking` block.
    pub fn to_signature(&self) -> Text<'a> {
        match self {
            Self::Signature(signature) => signature.clone(),
            Self::Redacted(data) => Text::joined(&[REDACTED.into(), data.clone()], ""),
            Self::Encrypted(id, content) => Text::joined(
                &[ENCRYPTED.into(), id.clone(), ":".into(), content.clone()],
                "",
            ),
            Self::Content => CONTENT.into(),
            Self::Listed => LISTED.into(),
            Self::Call(signed, signature) => signed.marked(signature),
        }
    }

    /// From the signature of a `thinking` block.
    pub fn from_signature(signature: Text<'a>) -> Option<Self> {
        if signature.is_empty() {
            return None;
        }
        if let Some(rest) = signature.after(ENCRYPTED) {
            let (id, content) = rest.split_once(':')?;
            return Some(Self::Encrypted(id, content));
        }
        Some(if signature.is(CONTENT) {
            Self::Content
        } else if signature.is(LISTED) {
            Self::Listed
        } else if let Some(seal) = Signed::seal(&signature) {
            seal
        } else if let Some(data) = signature.after(REDACTED) {
            Self::Redacted(data)
        } else {
            Self::Signature(signature)
        })
    }

    /// As the encrypted content of a reasoning item.
    pub fn to_encrypted(&self) -> Text<'a> {
        match self {
            Self::Signature(signature) => Text::joined(&[SIGNATURE.into(), signature.clone()], ""),
            Self::Redacted(data) => Text::joined(&[REDACTED.into(), data.clone()], ""),
            Self::Encrypted(_, content) => content.clone(),
            Self::Content => CONTENT.into(),
            Self::Listed => LISTED.into(),
            Self::Call(signed, signature) => signed.marked(signature),
        }
    }

    /// From the id and the encrypted content of a reasoning item.
    pub fn from_encrypted(id: Text<'a>, content: Text<'a>) -> Self {
        if let Some(signature) = content.after(SIGNATURE) {
            Self::Signature(signature)
        } else if let Some(data) = content.after(REDACTED) {
            Self::Redacted(data)
        } else if content.is(CONTENT) {
            Self::Content
        } else if content.is(LISTED) {
            Self::Listed
        } else if let Some(seal) = Signed::seal(&content) {
            seal
        } else {
            Self::Encrypted(id, content)
        }
    }

    /// The same without anything borrowed.
    pub fn into_owned(self) -> Seal<'static> {
        match self {
            Self::Signature(signature) => Seal::Signature(signature.into_owned()),
            Self::Redacted(data) => Seal::Redacted(data.into_owned()),
            Self::Encrypted(id, content) => Seal::Encrypted(id.into_owned(), content.into_owned()),
            Self::Content => Seal::Content,
            Self::Listed => Seal::Listed,
            Self::Call(signed, signature) => Seal::Call(signed, signature.into_owned()),
        }
    }
}
