//! The closed table of codes. Each has a page in docs/diagnostics, a refused
//! fixture and an accepted near miss under fixtures/diagnostics; a test holds
//! the three together.

use std::fmt;

/// How bad a diagnostic is. Errors refuse the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is accepted; somebody should look.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $severity:ident, $title:literal;)+) => {
        /// What kind a diagnostic is; shown as `area/what-is-wrong`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)+ }

        impl Code {
            /// All codes in table order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The code as people say it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// The severity it has unless something raises it.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)+ }
            }

            /// One line on what it is about.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    SourceEmpty = "source/empty", Error, "A document set says nothing at all.";
    SourceNotUtf8 = "source/not-utf8", Error, "A file is not UTF-8 text.";
    SourceTooLarge = "source/too-large", Error, "A file is larger than the compiler reads.";
    SourceTooManyProblems = "source/too-many-problems", Error, "More is wrong than the compiler tells.";
    SyntaxInvalidYaml = "syntax/invalid-yaml", Error, "The text is not YAML.";
    SyntaxInvalidKdl = "syntax/invalid-kdl", Error, "The text is not KDL.";
    SyntaxTooDeep = "syntax/too-deep", Error, "Maps and lists are nested deeper than the compiler follows.";
    SyntaxAliasCycle = "syntax/alias-cycle", Error, "An alias refers to the node that contains it.";
    SyntaxAliasLimit = "syntax/alias-limit", Error, "Aliases expand to more than the compiler follows.";
    SyntaxDuplicateKey = "syntax/duplicate-key", Error, "A map has the same key twice.";
    SyntaxMultipleDocuments = "syntax/multiple-documents", Error, "One file holds several YAML documents.";
    SyntaxUnsupportedTag = "syntax/unsupported-tag", Error, "A tag or annotation asks for a type that does not exist here.";
    DocumentWrongType = "document/wrong-type", Error, "A value has another type than its key takes.";
    DocumentMissingKey = "document/missing-key", Error, "A key that is required is not there.";
    DocumentMisspeltKey = "document/misspelt-key", Error, "A key is almost one that exists.";
    DocumentUnknownKey = "document/unknown-key", Warning, "A key means nothing here.";
    DocumentUnknownValue = "document/unknown-value", Error, "A value is not one of the allowed words.";
    DocumentOutOfRange = "document/out-of-range", Error, "A number is outside what its key takes.";
    DocumentImplausibleNumber = "document/implausible-number", Warning, "A number looks as if it were in another unit.";
    DocumentInvalidUrl = "document/invalid-url", Error, "A URL is not one the proxy can call.";
    DocumentNotSupportedYet = "document/not-supported-yet", Warning, "A section or value is known but has no effect yet.";
    DocumentClustering = "document/clustering", Error, "Nodes and clusters are not part of a registration.";
    DocumentConflict = "document/conflict", Error, "Two files of a set give one key different values.";
    DocumentOldSpelling = "document/old-spelling", Note, "A key or a section is written in its old spelling.";
    DocumentBothSpellings = "document/both-spellings", Warning, "A key or a section is given in its old and its current form.";
    ModelNone = "model/none", Error, "No model can be asked for.";
    ModelDuplicateId = "model/duplicate-id", Error, "Two models have the same id.";
    PoolShadowedByModel = "pool/shadowed-by-model", Warning, "A model of the same id hides a pool.";
    PoolDisabledRegistration = "pool/disabled-registration", Warning, "Pools are written down but not switched on.";
    PoolNothingEnabled = "pool/nothing-enabled", Warning, "Every endpoint of a pool is disabled.";
    PoolUnknownUpstreamService = "pool/unknown-upstream-service", Warning, "An endpoint names an upstream service that does not exist.";
    PoolDuplicateUpstreamService = "pool/duplicate-upstream-service", Error, "Two upstream services have the same id.";
    PoolEndpointRenamed = "pool/endpoint-renamed", Warning, "Two endpoints claim the same id, so one was renamed.";
    PoolSharedUpstream = "pool/shared-upstream", Warning, "All endpoints of a pool share one service, host or key.";
    PoolUnreached = "pool/unreached", Note, "Neither a slot nor a rule names a pool.";
    PoolPositionalEndpointId = "pool/positional-endpoint-id", Note, "An endpoint is named by its position.";
    PoolMixedInterfaces = "pool/mixed-interfaces", Warning, "Endpoints of one pool speak different interfaces.";
    PoolSmallerFallback = "pool/smaller-fallback", Warning, "A fallback can do less than the endpoint before it.";
    PoolMixedCurrencies = "pool/mixed-currencies", Warning, "Costs that are compared are in different currencies.";
    PoolMissingCost = "pool/missing-cost", Warning, "Endpoints are chosen by cost and one declares none.";
    PoolLowerRateLimit = "pool/lower-rate-limit", Warning, "What is left when an endpoint fails allows less than it bore.";
    PoolUnknownPool = "pool/unknown-pool", Error, "Settings are given for a pool that does not exist.";
    PoolDuplicateSettings = "pool/duplicate-settings", Error, "Settings of one pool are given twice.";
    PoolMissingWeight = "pool/missing-weight", Error, "A pool is weighted and an endpoint has no weight.";
    PoolWeightWithoutEffect = "pool/weight-without-effect", Warning, "A weight is declared where nothing looks at it.";
    RouterUnknownModel = "router/unknown-model", Error, "A slot or a rule names a model that does not exist.";
    RouterNoDefault = "router/no-default", Warning, "Requests for unknown models have nowhere to go.";
    RouterDisabledTarget = "router/disabled-target", Error, "A slot or a rule names only disabled endpoints.";
    RouterUnfitModel = "router/unfit-model", Warning, "A slot names a model that cannot do what the slot is for.";
    RouterNoImageModel = "router/no-image-model", Warning, "The image agent is switched on and has no model to ask.";
    RouterNothingToAsk = "router/nothing-to-ask", Warning, "The smart router is on and has nothing to ask.";
    RouterUnusedCandidates = "router/unused-candidates", Warning, "Candidates are listed and no model is asked to choose.";
    RouterDuplicateCandidate = "router/duplicate-candidate", Warning, "A model is a candidate twice.";
    RouterUnknownRule = "router/unknown-rule", Warning, "A prototype is for a rule that does not exist.";
    RouterTooFewCandidates = "router/too-few-candidates", Error, "A model is asked to choose among fewer than two candidates.";
    RuleDuplicateName = "rule/duplicate-name", Warning, "Two rules have the same name.";
    RuleNoPattern = "rule/no-pattern", Error, "A rule says nothing that a request could match.";
    RuleNeverMatches = "rule/never-matches", Warning, "Nothing is left for a rule to match.";
    RuleDeadPattern = "rule/dead-pattern", Warning, "A pattern of a rule never decides.";
    RuleInvalidRegex = "rule/invalid-regex", Error, "A regular expression cannot be read, or is too large.";
    RuleNotLinearRegex = "rule/not-linear-regex", Error, "A regular expression needs to go back in the text.";
    RuleMatchesEverything = "rule/matches-everything", Warning, "A regular expression matches every message.";
    RuleSlashedRegex = "rule/slashed-regex", Warning, "A regular expression is written between slashes.";
    GovernanceSmallerCascade = "governance/smaller-cascade", Warning, "A cascade goes to a model that can do less.";
    TestUnknownName = "test/unknown-name", Warning, "A route test names something that does not exist.";
    EnvMalformed = "env/malformed", Error, "A `${` is not a variable reference.";
    EnvNotHere = "env/not-here", Error, "A variable stands where names are compared.";
    EnvUnset = "env/unset", Warning, "A variable has neither a value nor a default.";
    SecretLiteral = "secret/literal", Warning, "A secret stands in the document itself.";
    SecretInUrl = "secret/in-url", Warning, "A URL carries a credential.";
    AuthKeyWithoutScope = "auth/key-without-scope", Warning, "A managed key may do nothing.";
    AuthDuplicateKey = "auth/duplicate-key", Error, "Two managed keys have the same id or the same hash.";
    AuthInvalidKeyHash = "auth/invalid-key-hash", Error, "The hash of a managed key is no SHA-256 hash.";
    ListenInvalidHost = "listen/invalid-host", Error, "`HOST` is neither the name of a host nor an address.";
    ListenPublicWithoutKey = "listen/public-without-key", Warning, "A public listener asks for no key.";
    ImportWrongFormat = "import/wrong-format", Error, "A file is not of the format it is imported as.";
    ImportInvalid = "import/invalid", Error, "A part of a foreign file is not what its format asks for.";
    ImportNoModels = "import/no-models", Error, "A foreign file declares no model.";
    ImportLooseJson = "import/loose-json", Warning, "A JSON file is read although a strict reader would stop in it.";
    ImportNotCarried = "import/not-carried", Warning, "A part of a foreign file has no counterpart in a registration.";
    ImportApproximated = "import/approximated", Warning, "A part of a foreign file is carried as the nearest thing there is.";
    ImportDisabledEndpoint = "import/disabled-endpoint", Warning, "An endpoint is imported and switched off, because it cannot be called from here.";
    ImportDanglingReference = "import/dangling-reference", Warning, "A foreign file refers to something that it does not declare.";
    ImportLiteralSecret = "import/literal-secret", Warning, "A secret of a foreign file is not copied.";
    NetPlainHttp = "net/plain-http", Warning, "Prompts and keys go unencrypted to a public host.";
    NetExactPath = "net/exact-path", Warning, "Requests go to exactly the path of a URL, which looks like a base.";
    LintUnknownCode = "lint/unknown-code", Error, "`Lint` names a code that does not exist.";
    LintNotAdjustable = "lint/not-adjustable", Error, "`Lint` would lower or waive what is always an error.";
    LintUnknownPlace = "lint/unknown-place", Error, "A waiver is for a place that does not exist.";
    LintExpiredWaiver = "lint/expired-waiver", Error, "The last day of a waiver has passed.";
    LintUnusedWaiver = "lint/unused-waiver", Note, "A waiver hides nothing.";
}

impl Code {
    /// The code of a name such as `pool/shadowed-by-model`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
