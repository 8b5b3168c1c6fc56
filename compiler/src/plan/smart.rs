//! The smart router in a plan: rules by keyword and pattern, semantic match,
//! choice among candidates, and what stays with a session.

use serde::{Deserialize, Serialize};

use super::words::words;

/// What is asked before the slots are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmartRouter {
    /// Which messages are looked at.
    pub analysis_scope: AnalysisScope,
    /// How long a choice of `router_model` is remembered.
    pub cache_ttl_ms: u64,
    /// What `router_model` may choose among, in the order it is told.
    pub candidates: Vec<Candidate>,
    /// Where a request goes that nothing here takes.
    pub fallback: NoMatch,
    /// Tokens `router_model` may answer with.
    pub max_tokens: u64,
    /// What `router_model` is told beside the text.
    pub router_hint: RouterHint,
    /// The model that chooses among the candidates; absent means nobody is asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub router_model: Option<String>,
    /// Highest priority first, then as written; the first that matches wins.
    pub rules: Vec<Rule>,
    /// Matching by likeness to a rule's prototype.
    pub semantic: Semantic,
    /// What a session keeps.
    pub sticky: Sticky,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For people, and for `router_model`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Whether it is asked; a disabled rule stays listed.
    pub enabled: bool,
    /// Where its requests go.
    pub model: String,
    /// The name that route reasons give.
    pub name: String,
    /// What it matches; any one is enough.
    pub patterns: Vec<Pattern>,
    /// Higher is asked first.
    pub priority: i64,
    /// What its requests are like; absent where it takes no part in semantic matching.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prototype: Option<Prototype>,
}

/// What the requests of a rule are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prototype {
    /// A text that is like them.
    pub text: String,
    /// The least likeness that counts, 0 to 1.
    pub threshold: f64,
}

/// One pattern of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Pattern {
    /// Texts that occur in the message.
    Exact {
        /// Whether capitals make a difference.
        case_sensitive: bool,
        /// The texts; any one is enough. Sorted, each once.
        keywords: Vec<String>,
    },
    /// A regular expression that matches somewhere, line by line.
    Regex {
        /// Whether capitals make a difference.
        case_sensitive: bool,
        /// The expression.
        pattern: String,
    },
}

/// A model that `router_model` may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// What it is good at, as `router_model` is told.
    pub description: String,
    /// The model.
    pub model: String,
}

/// What `router_model` is told beside the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterHint {
    /// The beginning of the task.
    pub include_task_summary: bool,
    /// The descriptions of the first rules.
    pub include_top_route_candidates: bool,
}

/// Matching by likeness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Semantic {
    /// The model that classifies; only in mode `classifier`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub classifier_model: Option<String>,
    /// Whether it is asked.
    pub enabled: bool,
    /// How likeness is found.
    pub mode: SemanticMode,
    /// The least likeness that counts where a rule names none, 0 to 1.
    pub threshold: f64,
}

/// What a session keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sticky {
    /// Telling the next model what the last one did.
    pub alignment: Alignment,
    /// Whether a request for a named model ends it.
    pub break_on_explicit_route: bool,
    /// Whether anything is kept.
    pub enabled: bool,
    /// The least likeness of two tasks that counts as the same, 0 to 1.
    pub fingerprint_similarity_threshold: f64,
    /// How long it is kept.
    pub session_ttl_ms: u64,
}

/// Telling the next model of a session what the last one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alignment {
    /// Whether it is done.
    pub enabled: bool,
    /// Tokens a summary may have.
    pub max_summary_tokens: u64,
    /// The model that writes the summary; absent unless it is enabled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub summarizer_model: Option<String>,
}

words! {
    /// Which messages of a request are looked at.
    AnalysisScope {
        /// The last message of the user.
        LastMessage = "last_message",
        /// All messages of the user.
        FullConversation = "full_conversation",
    }
}
words! {
    /// How a rule's pattern is read.
    PatternKind {
        /// Keywords.
        Exact = "exact",
        /// A regular expression.
        Regex = "regex",
    }
}
words! {
    /// How likeness is found.
    SemanticMode {
        /// By the words that texts share.
        Embedding = "embedding",
        /// By asking a model.
        Classifier = "classifier",
    }
}
words! {
    /// Where a request goes that the smart router does not take.
    NoMatch {
        /// On to the slots.
        Default = "default",
        /// On to the slots as well; kept for older files.
        Skip = "skip",
    }
}
