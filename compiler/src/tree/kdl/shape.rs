//! Which nodes stand for which keys: one table that the reader and the writer
//! of KDL share. A node that is not named here is a key of its own name.

/// What a node of one name stands for.
pub(crate) struct Shape {
    /// The node's name.
    pub(crate) node: &'static str,
    /// What it is.
    pub(crate) form: Form,
    /// What the nodes inside stand for.
    pub(crate) inside: &'static [Shape],
}

/// How a node becomes part of a map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A key of another name.
    Key(&'static str),
    /// An item of a list of maps; its argument is the value of `argument`.
    Item {
        /// The key of the list.
        list: &'static str,
        /// The key that the argument stands for.
        argument: &'static str,
    },
    /// A pattern of a rule: `exact "a" "b"` or `regex "a+"`.
    Pattern {
        /// The word of `type`.
        kind: &'static str,
        /// The key that the arguments stand for.
        arguments: &'static str,
    },
}

const fn key(node: &'static str, key: &'static str, inside: &'static [Shape]) -> Shape {
    Shape {
        node,
        form: Form::Key(key),
        inside,
    }
}

const fn item(
    node: &'static str,
    list: &'static str,
    argument: &'static str,
    inside: &'static [Shape],
) -> Shape {
    Shape {
        node,
        form: Form::Item { list, argument },
        inside,
    }
}

/// The top of a document.
pub(crate) const DOCUMENT: &[Shape] = &[
    item("model", "Models", "id", &[]),
    item("provider", "Providers", "name", &[]),
    key("router", "Router", ROUTER),
    key("smart_router", "SmartRouter", SMART_ROUTER),
    key("trigger_router", "TriggerRouter", SMART_ROUTER),
    key("registration", "Registration", REGISTRATION),
    key("runtime", "Runtime", &[]),
    key("auth", "Auth", AUTH),
    key("governance", "Governance", GOVERNANCE),
    key("lint", "Lint", LINT),
];

const REGISTRATION: &[Shape] = &[
    item("endpoint", "models", "id", &[]),
    item("pool", "pools", "id", &[]),
    item("upstream_service", "upstream_services", "id", &[]),
];

const ROUTER: &[Shape] = &[
    item("route", "routes", "name", &[]),
    key("decision", "decision", CANDIDATES),
];

const SMART_ROUTER: &[Shape] = &[
    item("rule", "rules", "name", RULE),
    item("candidate", "candidates", "model", &[]),
];

const CANDIDATES: &[Shape] = &[item("candidate", "candidates", "model", &[])];

const RULE: &[Shape] = &[
    Shape {
        node: "exact",
        form: Form::Pattern {
            kind: "exact",
            arguments: "keywords",
        },
        inside: &[],
    },
    Shape {
        node: "regex",
        form: Form::Pattern {
            kind: "regex",
            arguments: "pattern",
        },
        inside: &[],
    },
];

const AUTH: &[Shape] = &[item("managed_key", "managed_keys", "id", &[])];

const GOVERNANCE: &[Shape] = &[key("cascade", "cascade", CASCADE)];

const CASCADE: &[Shape] = &[item("level", "levels", "from", &[])];

const LINT: &[Shape] = &[item("waiver", "waivers", "code", &[])];

/// The shape of a node among `shapes`. A section may be written by its key too.
pub(crate) fn of(shapes: &'static [Shape], node: &str) -> Option<&'static Shape> {
    shapes.iter().find(|shape| match shape.form {
        Form::Key(key) => shape.node == node || key == node,
        Form::Item { .. } | Form::Pattern { .. } => shape.node == node,
    })
}
