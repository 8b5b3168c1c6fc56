//! Whether a request fits into the window of an endpoint's model.

use std::fmt;

use super::RequestFeatures;
use crate::plan::{Endpoint, ThinkingMode, Tokenizer};

/// Which limit a request is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `safe_input_tokens`: of the input alone.
    SafeInput,
    /// `context_window_tokens`: of the input, the answer and the thinking.
    Window,
}

impl Limit {
    /// The code that clients of claude-trigger-router 1.7.0 know.
    pub fn code(self) -> &'static str {
        match self {
            Self::SafeInput => "safe_input_exceeded",
            Self::Window => "context_window_exceeded",
        }
    }
}

/// How a request is too long. Tokens throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which limit it is over.
    pub limit: Limit,
    /// The limit.
    pub limit_tokens: u64,
    /// What the answer and the thinking may take beside the input.
    pub beside_input: u64,
    /// How the model counts.
    pub tokenizer: Tokenizer,
}

impl fmt::Display for Exceeded {
    /// What there is room for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, beside) = (self.limit_tokens, self.beside_input);
        match self.limit {
            Limit::SafeInput => write!(f, "takes {limit} tokens of input"),
            Limit::Window => write!(
                f,
                "its window has {limit} tokens, of which the answer may take {beside}"
            ),
        }
    }
}

/// Why a request does not fit; none where it does, or nothing is declared. Input
/// is counted no further than the limits need.
pub(super) fn exceeded(endpoint: &Endpoint, features: &RequestFeatures<'_>) -> Option<Exceeded> {
    let capabilities = &endpoint.capabilities;
    let beside_input = features
        .max_tokens
        .unwrap_or(0)
        .saturating_add(budget(endpoint, features));
    let tokenizer = capabilities.tokenizer.unwrap_or(Tokenizer::Cl100k);
    let limits = [
        (Limit::SafeInput, capabilities.safe_input_tokens, 0),
        (
            Limit::Window,
            capabilities.context_window_tokens,
            beside_input,
        ),
    ];
    let over = limits.into_iter().find_map(|(limit, tokens, beside)| {
        let limit_tokens = tokens?;
        let is_over = match limit_tokens.checked_sub(beside) {
            Some(room) => features.tokens.exceed(tokenizer, room),
            None => true,
        };
        is_over.then_some((limit, limit_tokens))
    });
    over.map(|(limit, limit_tokens)| Exceeded {
        limit,
        limit_tokens,
        beside_input,
        tokenizer,
    })
}

/// Tokens of thinking: the model's own budget, else the request's.
fn budget(endpoint: &Endpoint, features: &RequestFeatures<'_>) -> u64 {
    let own = own_budget(endpoint);
    own.or(features.thinking_budget).unwrap_or(0)
}

/// Tokens of thinking that a model takes whatever a request says; 0 where it does not think.
pub(crate) fn own_budget(endpoint: &Endpoint) -> Option<u64> {
    let thinking = endpoint.thinking.as_ref()?;
    match thinking.mode {
        Some(ThinkingMode::Off) => Some(0),
        _ => thinking.budget_tokens,
    }
}
