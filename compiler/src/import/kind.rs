//! Kinds of settings that other gateways have and a registration has not.

/// One kind, as a diagnostic speaks of it.
pub(super) struct Kind {
    /// Subject and verb of the headline, which `not carried` follows.
    pub(super) what: &'static str,
    /// What holds here instead, as a label.
    pub(super) here: &'static str,
    /// What to do, starting with a verb.
    pub(super) help: &'static str,
}

pub(super) const CACHING: Kind = Kind {
    what: "caching of answers is",
    here: "every request goes to an upstream",
    help: "cache answers in the client where they may be cached",
};

pub(super) const CALLBACKS: Kind = Kind {
    what: "callbacks and logging are",
    here: "nothing is called or written because of this",
    help: "read the proxy's own log instead, or keep the callback in the client",
};

pub(super) const BUDGETS: Kind = Kind {
    what: "budgets, users and limits on callers are",
    here: "no caller is limited by this",
    help: "limit spending at the provider until the proxy does",
};

pub(super) const STORAGE: Kind = Kind {
    what: "databases and what is kept in them are",
    here: "nothing is read from it or written to it",
    help: "carry models and keys that are kept in a database by hand",
};

pub(super) const RETRIES: Kind = Kind {
    what: "retries, cooldowns and health checks are",
    here: "the proxy's own rules hold",
    help: "see the rules that hold with `ctr compile --preview`",
};

pub(super) const TIMEOUTS: Kind = Kind {
    what: "timeouts of single deployments or steps are",
    here: "`API_TIMEOUT_MS` holds for every call",
    help: "set `API_TIMEOUT_MS` to the longest time a call may take",
};

pub(super) const PARAMETERS: Kind = Kind {
    what: "changes to request parameters are",
    here: "requests pass as the client sent them",
    help: "set the parameter in the client",
};

pub(super) const HEADERS: Kind = Kind {
    what: "headers and fields added to requests are",
    here: "the upstream will not see this",
    help: "check that the upstream answers without it",
};

pub(super) const ACCOUNTS: Kind = Kind {
    what: "accounts and regions of clouds are",
    here: "an endpoint has one URL and one key",
    help: "name an endpoint of that account by its URL and key, if it has one",
};

pub(super) const TAGS: Kind = Kind {
    what: "tags, weights and regions that steer routing are",
    here: "this does not steer requests here",
    help: "use strategy `weighted` with `pool_weight`, or `pool_priority`, or names of their own",
};

pub(super) const OTHER_APIS: Kind = Kind {
    what: "other APIs and services are",
    here: "only Messages and Chat Completions are served",
    help: "call it directly, without the proxy",
};

pub(super) const GUARDS: Kind = Kind {
    what: "guardrails and plug-ins are",
    here: "requests and answers are not inspected",
    help: "keep the guard in front of the proxy or behind it",
};

pub(super) const TRANSFORMERS: Kind = Kind {
    what: "what these transformers do to requests and answers is",
    here: "requests pass as the client sent them",
    help: "check that the model answers well without it",
};

pub(super) const COSTS: Kind = Kind {
    what: "costs other than those of tokens are",
    here: "costs are told for 1M input and output tokens",
    help: "leave it out, or estimate it per token",
};

pub(super) const DESCRIPTIONS: Kind = Kind {
    what: "descriptions are",
    here: "nothing depends on it",
    help: "write it as a comment if readers need it",
};

pub(super) const PROCESS: Kind = Kind {
    what: "settings of the gateway's own process are",
    here: "this process has no such setting",
    help: "see `ctr start --help` for what can be set",
};

pub(super) const ENVIRONMENT: Kind = Kind {
    what: "environment variables are",
    here: "the proxy reads its environment and does not set it",
    help: "set it where the proxy runs, if something there needs it",
};

pub(super) const UNKNOWN: Kind = Kind {
    what: "keys that this importer does not know are",
    here: "not known here",
    help: "check how it is spelt, and carry by hand what it is for",
};
