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
    /// A `thought_signature` of Gemini's for the call that follows, in Chat Completions.
    Call(Text<'a>),
}

// No maker's own begins like these.
const ENCRYPTED: &str = "ctr:encrypted:";
const CONTENT: &str = "ctr:content";
const LISTED: &str = "ctr:listed";
const CALL: &str = "ctr:call:";
const SIGNATURE: &str = "ctr:signature:";
const REDACTED: &str = "ctr:redacted:";

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
            Self::Call(signature) => Text::joined(&[CALL.into(), signature.clone()], ""),
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
        } else if let Some(signature) = signature.after(CALL) {
            Self::Call(signature)
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
            Self::Call(signature) => Text::joined(&[CALL.into(), signature.clone()], ""),
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
        } else if let Some(signature) = content.after(CALL) {
            Self::Call(signature)
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
            Self::Call(signature) => Seal::Call(signature.into_owned()),
        }
    }
}
