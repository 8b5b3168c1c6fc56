//! Codes, pages and fixtures hold together: every code has a page that is
//! true, a document it refuses and a near miss it accepts, and nothing has a
//! page or a fixture without a code.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ctr_compiler::diagnostic::{Code, Problems, Severity};
use ctr_compiler::import::{Format, import};
use ctr_compiler::source::Sources;
use ctr_compiler::{Settings, compile_within, unset_variables};
use jiff::civil::date;

/// Codes that cannot come alone, and what comes with them.
const TOGETHER: &[(Code, Code, &str)] = &[
    (
        Code::SyntaxTooDeep,
        Code::DocumentNotSupportedYet,
        "only a section that is left aside may hold lists of lists",
    ),
    (
        Code::SyntaxAliasLimit,
        Code::DocumentNotSupportedYet,
        "only a section that is left aside may hold lists of lists",
    ),
    (
        Code::LintExpiredWaiver,
        Code::PoolSharedUpstream,
        "what a waiver no longer hides is told",
    ),
    (
        Code::LintUnknownPlace,
        Code::PoolSharedUpstream,
        "what a waiver was meant to hide is told",
    ),
    (
        Code::SourceTooManyProblems,
        Code::DocumentUnknownKey,
        "others have to come before it",
    ),
];

/// Codes that speak of sections and strategies without effect yet, which
/// `document/not-supported-yet` says of each.
const UNAPPLIED: &[Code] = &[
    Code::PoolMixedCurrencies,
    Code::PoolMissingCost,
    Code::RouterNothingToAsk,
    Code::RouterUnusedCandidates,
    Code::RouterDuplicateCandidate,
    Code::RouterUnknownRule,
    Code::RouterTooFewCandidates,
    Code::RuleDuplicateName,
    Code::RuleNoPattern,
    Code::RuleNeverMatches,
    Code::RuleDeadPattern,
    Code::RuleInvalidRegex,
    Code::RuleNotLinearRegex,
    Code::RuleMatchesEverything,
    Code::RuleSlashedRegex,
    Code::GovernanceSmallerCascade,
    Code::AuthKeyWithoutScope,
    Code::AuthDuplicateKey,
    Code::AuthInvalidKeyHash,
];

/// Codes whose page shows no example that could be compiled.
const NOT_ON_A_PAGE: &[(Code, &str)] = &[
    (Code::SourceNotUtf8, "a page is UTF-8 itself"),
    (Code::SourceTooLarge, "a page has no place for 64 MiB"),
    (
        Code::SourceTooManyProblems,
        "a page has no place for half a million",
    ),
    (Code::SyntaxTooDeep, "a page has no place for 64 levels"),
    (Code::SyntaxAliasLimit, "a page has no place for so many"),
];

#[test]
fn every_code_has_a_page() {
    for code in Code::ALL {
        let page = read(&page_path(*code));
        let mut lines = page.lines();
        assert_eq!(lines.next(), Some(format!("# {code}").as_str()));
        let severity = format!("Severity: {}", code.severity().word());
        assert_eq!(
            lines.find(|line| !line.is_empty()),
            Some(severity.as_str()),
            "{code}"
        );
        let heads: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        let wanted = [
            "## What it means",
            "## Why it matters",
            "## Example",
            "## How to fix it",
        ];
        assert_eq!(heads, wanted, "{code}");
        let count = page.lines().count();
        assert!(count <= 48, "{code}: a page of {count} lines");
    }
}

#[test]
fn examples_on_pages_are_true() {
    for code in Code::ALL {
        if NOT_ON_A_PAGE.iter().any(|(exempt, _)| exempt == code) {
            continue;
        }
        let page = read(&page_path(*code));
        let (_, rest) = page.split_once("## Example").unwrap();
        let (example, repair) = rest.split_once("## How to fix it").unwrap();
        let sources = page_sources(example, *code);
        let found = everything(*code, &sources);
        assert!(has(&found, *code), "{code}: the example is not refused");
        let shown = support::problems(&found, &sources);
        for line in blocks(example, "text").concat().lines() {
            assert!(
                shown.lines().any(|other| other.trim() == line.trim()),
                "{code}: no `{line}` in\n{shown}"
            );
        }
        let sources = page_sources(repair, *code);
        let found = everything(*code, &sources);
        assert!(!has(&found, *code), "{code}: the repair does not mend it");
        assert!(
            !found
                .iter()
                .any(|other| other.code.as_str().starts_with("syntax/")),
            "{code}: the repair cannot be read"
        );
    }
}

#[test]
fn every_code_is_refused_and_its_near_miss_is_not() {
    for code in Code::ALL {
        let sources = fixture(*code, "refused");
        let (found, is_refused) = judged(*code, &sources);
        assert!(has(&found, *code), "{code}: not emitted");
        assert_eq!(
            found.iter().filter(|other| other.code == *code).count(),
            1,
            "{code}: one mistake, one diagnostic"
        );
        for other in found.iter().filter(|other| other.code != *code) {
            assert!(
                come_together(*code, other.code),
                "{code}: comes with {}: {}",
                other.code,
                other.headline
            );
        }
        assert_eq!(
            is_refused,
            code.severity() == Severity::Error,
            "{code}: errors refuse the document, and only they"
        );
        let sources = fixture(*code, "accepted");
        let (found, is_refused) = judged(*code, &sources);
        assert!(!has(&found, *code), "{code}: the near miss is not accepted");
        assert!(!is_refused, "{code}: nothing comes of the near miss");
    }
}

#[test]
fn what_users_read() {
    for code in Code::ALL {
        let sources = fixture(*code, "refused");
        let page = support::problems(&everything(*code, &sources), &sources);
        let name = code.as_str().replace('/', "-");
        support::snapshot("diagnostics", &name, &page);
    }
}

#[test]
fn wording_follows_the_rules() {
    const NOT_VERBS: &[&str] = &["the", "a", "an", "this", "it", "you", "use:", "please"];
    for code in Code::ALL {
        let sources = fixture(*code, "refused");
        for diagnostic in everything(*code, &sources).iter() {
            let headline = &diagnostic.headline;
            assert!(
                headline.starts_with(|c: char| c.is_lowercase() || c == '`'),
                "{code}: {headline}"
            );
            assert!(!headline.ends_with('.'), "{code}: {headline}");
            assert!(headline.chars().count() <= 96, "{code}: {headline}");
            let help = diagnostic.help.as_deref().unwrap_or_default();
            let first = help.split(' ').next().unwrap_or_default();
            assert!(
                first.starts_with(|c: char| c.is_ascii_lowercase()) && !NOT_VERBS.contains(&first),
                "{code}: help `{help}`"
            );
            assert!(!help.ends_with('.'), "{code}: help `{help}`");
            assert!(!diagnostic.labels.is_empty(), "{code}: no place");
            for label in &diagnostic.labels {
                assert!(
                    !label.text.is_empty() && !label.text.ends_with('.'),
                    "{code}: label"
                );
            }
        }
    }
}

#[test]
fn labels_and_fixes_lie_inside_their_sources() {
    for code in Code::ALL {
        for side in ["refused", "accepted"] {
            let sources = fixture(*code, side);
            support::assert_inside(&everything(*code, &sources), &sources);
        }
    }
}

#[test]
fn a_fix_mends_what_it_is_offered_for() {
    let mut tried = 0;
    for code in Code::ALL {
        let sources = fixture(*code, "refused");
        for diagnostic in everything(*code, &sources).iter() {
            let Some(fix) = &diagnostic.fix else { continue };
            let source = sources.get(fix.span.source);
            let mut text = source.text().to_owned();
            text.replace_range(fix.span.range(), &fix.replacement);
            let mended = Sources::single(source.name(), text);
            let left = everything(*code, &mended);
            assert!(!has(&left, *code), "{code}: the fix does not mend it");
            tried += 1;
        }
    }
    assert!(tried > 4, "fixes are offered and tried: {tried}");
}

#[test]
fn help_repeats_references_as_they_are_written() {
    let text = read(&root("fixtures/diagnostics/env/unset/refused.yaml"));
    let sources = Sources::single("r.yaml", text.replace("UNSET", "A_KEY"));
    let found = everything(Code::EnvUnset, &sources);
    let help = found.iter().next().unwrap().help.clone().unwrap();
    assert!(help.contains("`A_KEY`"), "{help}");
    assert!(
        !help.contains("default"),
        "a default would be a secret: {help}"
    );
    let sources = Sources::single(
        "r.yaml",
        "HOST: \"${A_HOST}\"\nModels: [{id: a, api: \"https://a.example\", key: \"${K:-}\", model: m}]\nRouter: {default: a}\n",
    );
    let found = everything(Code::EnvUnset, &sources);
    let help = found.iter().next().unwrap().help.clone().unwrap();
    assert!(help.contains("`${A_HOST:-default}`"), "{help}");
}

#[test]
fn the_index_is_complete() {
    let index = read(&pages().join("README.md"));
    let rows: BTreeSet<String> = index
        .lines()
        .filter(|line| line.starts_with("| [`"))
        .map(str::to_owned)
        .collect();
    let wanted: BTreeSet<String> = Code::ALL
        .iter()
        .map(|code| {
            format!(
                "| [`{code}`]({code}.md) | {} | {} |",
                code.severity().word(),
                code.title()
            )
        })
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn nothing_is_kept_for_a_code_that_does_not_exist() {
    let names = |root: &Path, extension: &str| -> BTreeSet<String> {
        entries(root)
            .into_iter()
            .filter(|area| area.is_dir())
            .flat_map(|area| entries(&area))
            .map(|path| {
                let name = path.strip_prefix(root).unwrap().to_string_lossy();
                let name = name.strip_suffix(extension).unwrap_or(&name).to_owned();
                assert!(Code::from_name(&name).is_some(), "no code `{name}`");
                name
            })
            .collect()
    };
    assert_eq!(names(&pages(), ".md").len(), Code::ALL.len());
    assert_eq!(
        names(&root("fixtures/diagnostics"), "").len(),
        Code::ALL.len()
    );
    let snapshots: BTreeSet<String> = entries(&root("snapshots/diagnostics"))
        .into_iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let wanted = Code::ALL.iter().map(|code| code.as_str().replace('/', "-"));
    assert_eq!(snapshots, wanted.collect());
}

fn everything(code: Code, sources: &Sources) -> Problems {
    judged(code, sources).0
}

/// What is said of a set, and whether nothing came of it: by the importer where
/// a code is of its area, else by the compiler and, where a code speaks of the
/// environment, by the check of variables, for which only `SET` is set.
fn judged(code: Code, sources: &Sources) -> (Problems, bool) {
    if let Some(format) = format(code) {
        let imported = import(format, sources);
        return (imported.problems, imported.document.is_none());
    }
    let compiled = compile_within(sources, &settings(code));
    let mut found = compiled.problems.clone();
    if code == Code::EnvUnset {
        for diagnostic in
            unset_variables(&compiled, &|name| (name == "SET").then(|| "x".to_owned()))
        {
            found.push(diagnostic);
        }
    }
    found.sort();
    (found, compiled.plan.is_none())
}

/// The format that a code of the importers is shown in.
fn format(code: Code) -> Option<Format> {
    match code {
        Code::ImportLooseJson => Some(Format::Ccr),
        code if code.as_str().starts_with("import/") => Some(Format::Litellm),
        _ => None,
    }
}

/// A fixture larger than 64 MiB helps nobody, so `source/too-large` is shown
/// with a limit of 400 bytes, and `source/too-many-problems` with one of two
/// problems; every other code has the limits users have. The day is always the same.
fn settings(code: Code) -> Settings {
    let mut settings = Settings {
        today: Some(date(2026, 7, 1)),
        ..Settings::default()
    };
    match code {
        Code::SourceTooLarge => settings.limits.source_bytes = 400,
        Code::SourceTooManyProblems => settings.limits.problems = 2,
        _ => {}
    }
    settings
}

fn come_together(code: Code, other: Code) -> bool {
    let unapplied = other == Code::DocumentNotSupportedYet && UNAPPLIED.contains(&code);
    let listed = |(one, with, _): &(Code, Code, &str)| *one == code && *with == other;
    unapplied || TOGETHER.iter().any(listed)
}

fn has(found: &Problems, code: Code) -> bool {
    found
        .iter()
        .any(|other| other.code == code && other.severity == code.severity())
}

/// `refused` or `accepted`: one file, or a folder of them.
fn fixture(code: Code, side: &str) -> Sources {
    let folder = root("fixtures/diagnostics").join(code.as_str());
    let file = format!("{side}.{}", language(code));
    if folder.join(side).is_dir() {
        support::sources(&folder.join(side))
    } else {
        Sources::single(file.clone(), std::fs::read(folder.join(file)).unwrap())
    }
}

/// The syntax that a code is shown in.
fn language(code: Code) -> &'static str {
    match code {
        Code::SyntaxInvalidKdl => "kdl",
        Code::ImportLooseJson => "json",
        _ => "yaml",
    }
}

/// The documents in a part of a page, as the files of one set.
fn page_sources(part: &str, code: Code) -> Sources {
    let language = language(code);
    let blocks = blocks(part, language);
    assert!(
        !blocks.is_empty(),
        "{code}: no document in a part of the page"
    );
    let mut sources = Sources::new();
    for (at, block) in blocks.into_iter().enumerate() {
        sources.add(format!("{at}.{language}"), block);
    }
    sources
}

fn blocks(part: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    part.split(&open)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn page_path(code: Code) -> PathBuf {
    pages().join(format!("{code}.md"))
}

fn pages() -> PathBuf {
    root("docs/diagnostics")
}

fn root(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(inside)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
