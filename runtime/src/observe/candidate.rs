//! The candidate: a registration that decides about requests and serves none. Its
//! files are followed like those of the plan that serves.

use std::path::PathBuf;
use std::sync::Arc;

use ctr_compiler::plan::{Hash, Plan, Provenance};
use ctr_compiler::render::replay::written_at;
use ctr_compiler::source::Sources;
use tokio::task::{JoinHandle, spawn_blocking};

use super::looks::Looks;
use super::queue::Observer;
use crate::reload::{Changes, LoadError, Read, read_plan};

/// A plan that is asked, and never served: it has no secrets.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The files as they were named.
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) hash: Hash,
    pub(super) looks: Looks,
    provenance: Provenance,
    sources: Sources,
}

impl Candidate {
    /// Reads and compiles its files. Blocks.
    ///
    /// # Errors
    /// When they are no plan.
    pub(crate) fn read(inputs: &[PathBuf]) -> Result<Self, LoadError> {
        let Read {
            plan,
            provenance,
            sources,
        } = read_plan(inputs)?;
        let names: Vec<String> = inputs.iter().map(|it| it.display().to_string()).collect();
        // What a decision is made by is prepared here, and not by the first request.
        plan.rules();
        plan.resolve("");
        Ok(Self {
            name: names.join(" "),
            hash: plan.hash(),
            looks: Looks::of(&plan),
            plan,
            provenance,
            sources,
        })
    }

    /// Where the value at a path of its plan is written.
    pub(super) fn place(&self, path: &str) -> Option<String> {
        written_at(path, &self.provenance, &self.sources)
    }

    /// Its files, and the first digits of its hash.
    pub(super) fn told(&self) -> String {
        format!("`{}` ({})", self.name, self.hash.short())
    }

    pub(super) fn hash(&self) -> &Hash {
        &self.hash
    }
}

/// The task that follows the files. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Following(JoinHandle<()>);

impl Following {
    pub(crate) fn start(
        inputs: Vec<PathBuf>,
        mut changes: Changes,
        first: Hash,
        observer: Observer,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut hash = first;
            loop {
                changes.next().await;
                let inputs = inputs.clone();
                let read = spawn_blocking(move || Candidate::read(&inputs)).await;
                match read {
                    Ok(Ok(candidate)) if candidate.hash == hash => observer.keeps(None),
                    Ok(Ok(candidate)) => {
                        hash = candidate.hash.clone();
                        tracing::info!(new = hash.short(), "the shadow's registration changed");
                        observer.takes(Arc::new(candidate)).await;
                    }
                    Ok(Err(error)) => refuse(&observer, &hash, error.to_string()),
                    Err(error) if error.is_panic() => {
                        let why = "it could not be compiled, which is a defect of ctr";
                        refuse(&observer, &hash, why.to_owned());
                    }
                    // Only the end of the runtime cancels it.
                    Err(_) => return,
                }
            }
        }))
    }
}

fn refuse(observer: &Observer, hash: &Hash, why: String) {
    tracing::warn!(
        hash = hash.short(),
        "the shadow's registration is refused, the old one decides on: {why}"
    );
    observer.keeps(Some(why));
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}
