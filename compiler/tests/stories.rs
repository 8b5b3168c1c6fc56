//! Stories: each folder of fixtures/compile is a document set; its snapshot
//! shows what a user is told and what plan comes of it.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

mod support;

use std::path::Path;

use ctr_compiler::{compile, render};

#[test]
fn compile_stories() {
    for story in support::folders("compile") {
        let sources = support::sources(&story);
        let compiled = compile(&sources);
        support::assert_inside(&compiled.problems, &sources);
        let mut page = support::problems(&compiled.problems, &sources);
        page.push_str(&render::preview::text(&compiled, &sources));
        if let Some(plan) = &compiled.plan {
            let json: serde_json::Value = serde_json::from_str(&plan.to_canonical_json()).unwrap();
            page.push_str("\nplan.json\n");
            page.push_str(&serde_json::to_string_pretty(&json).unwrap());
        }
        support::snapshot("compile", &name(&story), &page);
    }
}

#[test]
fn diff_stories() {
    for story in support::folders("diff") {
        let side = |file: &str| {
            let sources = ctr_compiler::source::Sources::single(
                file,
                std::fs::read(story.join(file)).unwrap(),
            );
            compile(&sources).plan.unwrap()
        };
        let (before, after) = (side("before.yaml"), side("after.yaml"));
        let diff = ctr_compiler::diff::diff(&before, &after);
        assert_eq!(
            diff.turned(),
            ctr_compiler::diff::diff(&after, &before),
            "{}",
            story.display()
        );
        let page = format!(
            "{}\n{}\n\n{}",
            render::diff::text(&diff),
            serde_json::to_string_pretty(&render::diff::json(&diff)).unwrap(),
            render::diff::markdown(&diff)
        );
        support::snapshot("diff", &name(&story), &page);
    }
}

fn name(story: &Path) -> String {
    story.file_name().unwrap().to_string_lossy().into_owned()
}
