//! The plan that was reviewed, and whether a document still compiles to it.

use ctr_compiler::plan::{Hash, Plan};
use ctr_runtime::reload::{self, Input};

use crate::exit::{Exit, Stopped};

/// What `--locked` names.
pub(super) struct Locked {
    name: String,
    hash: String,
    /// Whether the plan itself is there, for `ctr diff`.
    is_plan: bool,
}

impl Locked {
    /// Reads a compiled plan, or a text whose first word is the hash of one.
    pub(super) fn read(written: &str) -> Result<Self, Stopped> {
        let sources = reload::read(&[Input::parse(written)])?;
        let only = sources.iter().next().filter(|_| sources.len() == 1);
        let text = only.map_or("", |(_, source)| source.text());
        let name = written.to_owned();
        let word = text.split_whitespace().next().unwrap_or_default();
        if word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self {
                name,
                hash: word.to_ascii_lowercase(),
                is_plan: false,
            });
        }
        if !Plan::is_plan(text) {
            let why = format!("`{name}` is neither a compiled plan nor the hash of one");
            return Err(Stopped::could_not(why)
                .help("write one with `ctr compile -o plan.json` when it is reviewed"));
        }
        let plan = Plan::from_json(text).map_err(|error| {
            Stopped::could_not(format!("`{name}`: {error}"))
                .help("compile the reviewed registration again with this ctr")
        })?;
        Ok(Self {
            name,
            hash: plan.hash().to_string(),
            is_plan: true,
        })
    }

    /// All digits.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// Why a document that compiles to `compiled` is refused; none when it is
    /// the reviewed one.
    pub(super) fn refusal(&self, compiled: &Hash, inputs: &[String]) -> Option<Stopped> {
        if compiled.as_str() == self.hash {
            return None;
        }
        let reviewed = self
            .hash
            .get(..compiled.short().len())
            .unwrap_or(&self.hash);
        Some(Stopped {
            exit: Exit::Problems,
            message: format!(
                "this is plan {}, and the reviewed one in `{}` is {reviewed}",
                compiled.short(),
                self.name
            ),
            help: Some(self.comparison(inputs)),
        })
    }

    /// The command that says what changed.
    fn comparison(&self, inputs: &[String]) -> String {
        match inputs {
            _ if !self.is_plan => {
                "see what changed with `ctr diff`, given the registration or plan that was reviewed"
                    .to_owned()
            }
            [only] if only != "-" => {
                format!("see what changed with `ctr diff {} {only}`", self.name)
            }
            _ => format!(
                "see what changed with `ctr compile -o - {} | ctr diff {} -`",
                inputs.join(" "),
                self.name
            ),
        }
    }
}
