//! Real configs of other gateways import into registrations that compile, and
//! what they hold is counted as their index counts it. The files are not part
//! of this repository: `CTR_CORPUS` names a folder that has the files and an
//! `INDEX.md` in each folder under `public`. Without it nothing is tested, and
//! that is said.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read files, fail by panicking, and say what they counted"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ctr_compiler::compile;
use ctr_compiler::diagnostic::Code;
use ctr_compiler::document::{kdl, yaml};
use ctr_compiler::import::{Format, Imported, import};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use serde_json::Value;

/// The folders of the corpus and the format of their files.
const FOLDERS: &[(&str, Format)] = &[
    ("litellm", Format::Litellm),
    ("litellm-agentgateway", Format::Litellm),
    ("ccr", Format::Ccr),
    ("curated-litellm", Format::Litellm),
    ("curated-ccr", Format::Ccr),
];

/// Files that declare no model at all, which no registration can hold.
const WITHOUT_MODELS: &[&str] = &["40-unibridge.yaml", "52-el-monstruo.yaml"];

/// Tells whoever runs the tests, also where output of tests is kept back.
fn say(text: &str) {
    let line = format!("{text}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

/// One line of an index: what it says a file holds, by name.
#[derive(Debug)]
struct Line {
    file: PathBuf,
    says: BTreeMap<String, String>,
}

impl Line {
    fn number(&self, key: &str) -> Option<usize> {
        let word = self.says.get(key)?.split(' ').next()?;
        word.parse().ok()
    }

    /// Where a strict parser stops, if it does.
    fn invalid(&self) -> Option<&str> {
        let mut all = self.says.values().map(String::as_str);
        all.find(|text| text.starts_with("invalid: "))
    }
}

/// The lines of a folder's index whose files are there.
fn index(folder: &Path) -> Vec<Line> {
    let text = fs::read_to_string(folder.join("INDEX.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let mut rows = rows.map(|row| {
        let row = row.trim_matches('|').split('|');
        row.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    let head = rows.next().unwrap();
    let lines = rows.skip(1).map(|row| {
        let mut says: BTreeMap<String, String> = head.iter().cloned().zip(row.clone()).collect();
        // In the short form one cell lists names and numbers.
        for part in says.remove("holds").unwrap_or_default().split(", ") {
            let (key, value) = part.split_once(' ').unwrap_or((part, ""));
            says.insert(key.to_owned(), value.to_owned());
            if part.starts_with("invalid: ") {
                says.insert("models".to_owned(), part.to_owned());
            }
        }
        Line {
            file: folder.join(&row[0]),
            says,
        }
    });
    lines.filter(|line| line.file.exists()).collect()
}

/// What was counted in a folder.
#[derive(Default)]
struct Count {
    files: usize,
    registrations: usize,
    refused: usize,
    models: usize,
    names: usize,
    pools: usize,
    fallbacks: [usize; 2],
    slots: [usize; 2],
    disabled: usize,
    diagnostics: usize,
}

#[test]
fn real_configs_are_imported() {
    let Some(root) = std::env::var_os("CTR_CORPUS") else {
        say("SKIPPED: no real config is imported; CTR_CORPUS names no corpus");
        return;
    };
    let root = Path::new(&root).join("public");
    for (folder, format) in FOLDERS {
        let mut count = Count::default();
        for line in index(&root.join(folder)) {
            checked(*format, &line, &mut count);
        }
        let Count {
            files,
            registrations,
            refused,
            models,
            names,
            pools,
            fallbacks: [fallbacks, fallbacks_carried],
            slots: [slots, slots_carried],
            disabled,
            diagnostics,
        } = count;
        assert!(files > 0, "no files in {folder}");
        say(&format!(
            "{folder}: {files} files, {registrations} registrations, {refused} refused; {models} models, {names} names, {pools} pools, {fallbacks_carried} of {fallbacks} fallbacks, {slots_carried} of {slots} slots, {disabled} endpoints disabled, {diagnostics} diagnostics"
        ));
    }
}

fn checked(format: Format, line: &Line, count: &mut Count) {
    let name = line.file.file_name().unwrap().to_string_lossy();
    let sources = Sources::single(&*name, fs::read(&line.file).unwrap());
    let imported = import(format, &sources);
    support::assert_inside(&imported.problems, &sources);
    count.files += 1;
    count.diagnostics += imported.problems.len();
    if let Some(stops) = line.invalid() {
        assert_place(&name, stops, &imported, &sources);
    }
    let Some(document) = &imported.document else {
        count.refused += 1;
        let expected = line.invalid().is_some() || WITHOUT_MODELS.contains(&&*name);
        let shown = support::problems(&imported.problems, &sources);
        assert!(expected, "{name} is valid, and refused:\n{shown}");
        return;
    };
    count.registrations += 1;
    let text = yaml::write(document);
    let plan = plan(&name, "r.yaml", &text);
    let twin = self::plan(&name, "r.kdl", &kdl::write(document));
    assert_eq!(plan.hash(), twin.hash(), "{name}");
    count.disabled += text.matches("pool_enabled: false").count();
    let tally = imported.tally;
    count.models += tally.models;
    count.names += tally.names;
    count.pools += tally.pools;
    for (count, tally) in [
        (&mut count.fallbacks, tally.fallbacks),
        (&mut count.slots, tally.slots),
    ] {
        count[0] += tally.found;
        count[1] += tally.carried;
    }
    if line.invalid().is_none() {
        match format {
            Format::Litellm => litellm(&name, line, &imported, &plan),
            _ => ccr(&name, line, &imported, &sources),
        }
    }
}

fn plan(name: &str, file: &str, text: &str) -> Plan {
    let sources = Sources::single(file, text);
    let compiled = compile(&sources);
    let shown = support::problems(&compiled.problems, &sources);
    let plan = compiled.plan;
    plan.unwrap_or_else(|| panic!("{name} does not compile:\n{shown}\n{text}"))
}

/// An invalid file is told at a place, and in JSON at the line the index names.
fn assert_place(name: &str, stops: &str, imported: &Imported, sources: &Sources) {
    // A parser that reads a tab behind a value has nothing to tell.
    if stops.contains("'\\t'") && imported.document.is_some() {
        return;
    }
    let mut told = imported.problems.iter();
    let told = told.find(|found| {
        found.code == Code::ImportLooseJson || found.code.as_str().starts_with("syntax/")
    });
    let span = told.and_then(ctr_compiler::diagnostic::Diagnostic::span);
    let span = span.unwrap_or_else(|| panic!("{name}: {stops}: no place is told"));
    let line = sources.get(span.source).position(span.start as usize).line;
    let Some(wanted) = stops
        .split("line ")
        .nth(1)
        .filter(|_| name.ends_with("json"))
    else {
        return;
    };
    let wanted: usize = wanted.split([' ', ':']).next().unwrap().parse().unwrap();
    assert_eq!(line, wanted, "{name}: {stops}");
}

/// Entries, names, pools and wildcards are as the index counts them, and so are
/// fallbacks: one that is not carried is told.
fn litellm(name: &str, line: &Line, imported: &Imported, plan: &Plan) {
    let tally = imported.tally;
    let models = line.number("entries").or_else(|| line.number("models"));
    assert_eq!(Some(tally.models), models, "{name}: models");
    assert_eq!(Some(tally.names), line.number("names"), "{name}: names");
    let pools = line.number("pools>=2").or_else(|| line.number("pools"));
    assert_eq!(Some(tally.pools), pools, "{name}: pools");
    let original: Value =
        serde_yaml::from_str(&fs::read_to_string(&line.file).unwrap()).unwrap_or_default();
    // The short index counts `fallbacks` only, the long one every kind.
    let fallbacks = match line.number("fb") {
        Some(all) => all,
        None => {
            let others = ["default", "context_window", "content_policy"];
            let others = others.map(|kind| lists(&original, &format!("{kind}_fallbacks")));
            line.number("fallbacks").unwrap() + others.iter().sum::<usize>()
        }
    };
    assert_eq!(tally.fallbacks.found, fallbacks, "{name}: fallbacks");
    if tally.fallbacks.carried < fallbacks {
        let mut told = imported.problems.iter();
        assert!(
            told.any(|found| found.headline.contains("fallback")),
            "{name}"
        );
    }
    if let Some(wildcards) = line.number("wildcard") {
        let ids = plan.models.keys().chain(plan.pools.keys());
        let found = ids.filter(|id| id.contains('*')).count();
        assert_eq!(found, wildcards, "{name}: wildcards");
    }
}

/// Items of a list in either of the sections for settings.
fn lists(original: &Value, key: &str) -> usize {
    let sections = ["router_settings", "litellm_settings"];
    let lists = sections.map(|section| original[section][key].as_array().map_or(0, Vec::len));
    lists.iter().sum()
}

/// Models and slots are as the index counts them, and a slot that leads nowhere
/// is told at its place.
fn ccr(name: &str, line: &Line, imported: &Imported, sources: &Sources) {
    let tally = imported.tally;
    assert_eq!(Some(tally.models), line.number("models"), "{name}: models");
    let names = line.number("names");
    let alike = names.is_none_or(|names| names == tally.names);
    assert!(alike, "{name}: names");
    // Two equal names of one provider are one name, and no pool.
    assert_eq!(tally.pools, 0, "{name}: pools");
    let slots = match line.says.get("router") {
        Some(listed) => listed
            .split(',')
            .filter(|slot| *slot != "longContextThreshold")
            .count(),
        None => line.number("routes").unwrap(),
    };
    assert_eq!(tally.slots.found, slots, "{name}: slots");
    let bad = line.says.get("bad routes").map_or("-", String::as_str);
    for route in bad.split("; ").filter_map(|route| route.split_once('=')) {
        let at = |span: ctr_compiler::source::Span| &sources.get(span.source).text()[span.range()];
        let mut labels = imported.problems.iter().flat_map(|found| &found.labels);
        assert!(
            labels.any(|label| at(label.span).contains(route.1)),
            "{name}: {route:?}"
        );
    }
}

/// Files of other formats are imported where they can be, or refused by name.
#[test]
fn other_formats_are_imported_or_named() {
    let Some(root) = std::env::var_os("CTR_CORPUS") else {
        say("SKIPPED: no real config is imported; CTR_CORPUS names no corpus");
        return;
    };
    let folder = Path::new(&root).join("public/curated-other");
    for (file, format, looks) in [
        ("01-portkey-conf.json", Format::Portkey, None),
        ("05-trigger-example-legacy.yaml", Format::Ctr17, None),
        (
            "02-tensorzero-fixture.toml",
            Format::Litellm,
            Some("TensorZero"),
        ),
        (
            "06-tensorzero-bandits.toml",
            Format::Ccr,
            Some("TensorZero"),
        ),
        (
            "07-tensorzero-models.toml",
            Format::Portkey,
            Some("TensorZero"),
        ),
        (
            "08-helicone-routers.yaml",
            Format::Litellm,
            Some("Helicone"),
        ),
        (
            "05-trigger-example-legacy.yaml",
            Format::Ccr,
            Some("claude-trigger-router"),
        ),
    ] {
        let sources = Sources::single(file, fs::read(folder.join(file)).unwrap());
        let imported = import(format, &sources);
        let shown = support::problems(&imported.problems, &sources);
        match (&imported.document, looks) {
            (Some(document), None) => {
                plan(file, "r.yaml", &yaml::write(document));
                say(&format!("{file}: {:?}", imported.tally));
            }
            (None, Some(looks)) => assert!(shown.contains(looks), "{shown}"),
            _ => panic!("{file} as {format}:\n{shown}"),
        }
    }
}
