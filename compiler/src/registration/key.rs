//! What keys a registration may have: their names, what each takes, its default
//! and what it does. One table serves the reader, the JSON schema, completion and
//! hover, so that none of them can know a key that another does not.

/// One key a map may have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Current spelling.
    pub name: &'static str,
    /// Old spelling.
    pub old: Option<&'static str>,
    /// What it takes.
    pub takes: Takes,
    /// What it does, as one sentence.
    pub about: &'static str,
    /// The value that counts where the key is absent, as a document would write it.
    pub default: Option<&'static str>,
    /// Whether a map without it is refused.
    pub required: bool,
    /// Whether the key still has a place in what is written today.
    pub standing: Standing,
}

/// Whether a key still has a place in what is written today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The way to write it.
    Current,
    /// Read for the sake of older files; another key says the same today.
    Legacy,
    /// Known in order to be refused; nobody is sent to it.
    Refused,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Any text.
    Text(Meaning),
    /// `true` or `false`.
    Boolean,
    /// A whole number of this range, both ends included.
    Integer(i64, i64),
    /// A finite number of at least zero.
    Amount,
    /// A number from 0 to 1.
    Ratio,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A map of these keys.
    Map(&'static [Key]),
    /// A map whose names are the user's, and what these names stand for.
    Named(Meaning, &'static Takes),
    /// A map whose names are diagnostic codes, beside keys of its own.
    Codes(&'static Takes, &'static [Key]),
    /// A list. Where its items are no maps, one alone is a list of one.
    List(&'static Takes),
    /// Either of two forms.
    Either(&'static Takes, &'static Takes),
    /// Not looked into.
    Anything,
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Itself.
    Plain,
    /// A value that may hold `${NAME}`.
    Value,
    /// A URL; may hold `${NAME}`.
    Url,
    /// A secret; should be `${NAME}`.
    Secret,
    /// The id of a logical model, given here.
    ModelId,
    /// A logical model, a pool, or a `provider,model` reference.
    ModelRef,
    /// The id of a pool.
    PoolRef,
    /// The id of an upstream service, given here.
    ServiceId,
    /// An upstream service.
    ServiceRef,
    /// The name of a rule, given here.
    RuleName,
    /// A rule.
    RuleRef,
    /// The id of an endpoint, given here.
    EndpointId,
    /// First half of a `provider,model` reference, given here.
    ProviderName,
    /// Second half of one.
    ProviderModel,
    /// A regular expression.
    Pattern,
    /// A point in time: RFC 3339, or a date.
    Time,
    /// A day, for example `2027-01-31`.
    Day,
    /// A diagnostic code.
    Code,
    /// A place in the document, for example `Registration.models.sonnet`.
    Place,
}

/// A text that stands for itself.
pub(super) const TEXT: Takes = Takes::Text(Meaning::Plain);

/// A list of texts; one text alone is a list of one.
pub(super) const TEXTS: Takes = Takes::List(&TEXT);

/// A whole number of at least one.
pub(super) const POSITIVE: Takes = Takes::Integer(1, i64::MAX);

/// A logical model, a pool, or a `provider,model` reference.
pub(super) const MODEL_REF: Takes = Takes::Text(Meaning::ModelRef);

/// A key.
pub(super) const fn key(name: &'static str, takes: Takes, about: &'static str) -> Key {
    Key {
        name,
        old: None,
        takes,
        about,
        default: None,
        required: false,
        standing: Standing::Current,
    }
}

/// A key that is known in order to be refused.
pub(super) const fn refused(name: &'static str) -> Key {
    let mut key = key(
        name,
        Takes::Anything,
        "not supported: a registration knows endpoints, not nodes or clusters",
    );
    key.standing = Standing::Refused;
    key
}

/// The keys of both in their order; `N` is how many that are.
pub(super) const fn both<const A: usize, const B: usize, const N: usize>(
    first: [Key; A],
    then: [Key; B],
) -> [Key; N] {
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < A { first[at] } else { then[at - A] };
        at += 1;
    }
    all
}

impl Key {
    /// Had another name.
    pub(super) const fn was(mut self, old: &'static str) -> Self {
        self.old = Some(old);
        self
    }

    /// Has a value where it is absent.
    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Must be there.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Is read for the sake of older files.
    pub(super) const fn legacy(mut self) -> Self {
        self.standing = Standing::Legacy;
        self
    }

    /// Whether this is its current or its old spelling.
    pub fn is_spelt(&self, name: &str) -> bool {
        self.name == name || self.old == Some(name)
    }
}
