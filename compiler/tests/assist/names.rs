//! Definitions, references and renames over a set of two files, and in KDL.

use ctr_compiler::assist;
use ctr_compiler::compile;
use ctr_compiler::diagnostic::Fix;
use ctr_compiler::source::{SourceId, Sources, Span};

use crate::KDL;

/// Applies changes, last first.
fn applied(sources: &Sources, fixes: &[Fix]) -> Vec<String> {
    let mut texts: Vec<String> = sources
        .iter()
        .map(|(_, source)| source.text().to_owned())
        .collect();
    let ids: Vec<SourceId> = sources.iter().map(|(id, _)| id).collect();
    let mut fixes = fixes.to_vec();
    fixes.sort_by_key(|fix| std::cmp::Reverse(fix.span.start));
    for fix in fixes {
        let at = ids.iter().position(|id| *id == fix.span.source).unwrap();
        texts[at].replace_range(fix.span.range(), &fix.replacement);
    }
    texts
}

pub(crate) const NAMES: &str = r#"
Models:
  - {id: haiku, api: "https://a.example", key: "${A_KEY}", model: m}
Registration:
  enabled: true
  upstream_services:
    - {id: dc-a, base_url: "https://a.example"}
  models:
    - id: sonnet
      api: "https://a.example"
      key: "${A_KEY}"
      model: m
      metadata: {pool_endpoint_id: "s@a", upstream_service_id: dc-a}
    - {id: 'sonnet', api: "https://b.example", key: "${B_KEY}", model: m, metadata: {pool_endpoint_id: s-b}}
SmartRouter:
  enabled: true
  rules:
    - name: fast
      model: "model__haiku,m"
      patterns: [{type: exact, keywords: [x]}]
    - name: slow
      model: registration__s_a,m
      patterns: [{type: exact, keywords: [y]}]
  semantic:
    enabled: true
    mode: embedding
    prototypes:
      fast: "a quick question"
"#;
const SLOTS: &str = "Router: {default: sonnet, think: \"sonnet\", background: haiku}\n";

/// Renames what stands at the first `old` of a text, in a set of two files.
fn renamed(old: &str, new: &str) -> Result<(String, String), String> {
    let mut sources = Sources::new();
    let id = sources.add("names.yaml", NAMES);
    sources.add("slots.yaml", SLOTS);
    assert!(!compile(&sources).problems.has_errors());
    let fixes = assist::rename(&sources, id, NAMES.find(old).unwrap(), new)?;
    let texts: [String; 2] = applied(&sources, &fixes).try_into().unwrap();
    let mut sources = Sources::new();
    sources.add("names.yaml", texts[0].clone());
    sources.add("slots.yaml", texts[1].clone());
    assert!(!compile(&sources).problems.has_errors(), "{texts:?}");
    Ok(texts.into())
}

#[test]
fn a_pool_is_renamed_everywhere_in_its_quotes() {
    let (names, slots) = renamed("sonnet", "opus").unwrap();
    assert!(
        names.contains("- id: opus\n") && names.contains("{id: 'opus', "),
        "{names}"
    );
    assert_eq!(
        slots,
        "Router: {default: opus, think: \"opus\", background: haiku}\n"
    );
}

#[test]
fn a_name_that_needs_quotes_gets_them() {
    let (names, slots) = renamed("sonnet", "4.5").unwrap();
    assert!(
        names.contains("- id: \"4.5\"\n") && names.contains("{id: '4.5', "),
        "{names}"
    );
    assert!(
        slots.contains("{default: \"4.5\", think: \"4.5\", "),
        "{slots}"
    );
}

#[test]
fn models_endpoints_services_and_rules_are_renamed() {
    let (names, slots) = renamed("haiku", "small").unwrap();
    assert!(
        names.contains("{id: small, ") && names.contains("\"model__small,m\""),
        "{names}"
    );
    assert!(slots.contains("background: small"), "{slots}");
    let (names, _) = renamed("\"s@a\"", "s@new").unwrap();
    assert!(
        names.contains("pool_endpoint_id: \"s@new\"") && names.contains("registration__s_new,m"),
        "{names}"
    );
    let (names, _) = renamed("dc-a", "dc-b").unwrap();
    assert!(
        names.contains("{id: dc-b, ") && names.contains("upstream_service_id: dc-b}"),
        "{names}"
    );
    let (names, _) = renamed("fast", "quick").unwrap();
    assert!(
        names.contains("name: quick\n") && names.contains("      quick: \"a quick"),
        "{names}"
    );
}

#[test]
fn a_bad_name_is_refused_with_a_reason() {
    for (old, new, wanted) in [
        (
            "sonnet",
            "haiku",
            "another model is called `haiku` already, at names.yaml:3:10",
        ),
        (
            "haiku",
            "sonnet",
            "another model is called `sonnet` already",
        ),
        ("sonnet", "", "the name of a model is not empty"),
        (
            "sonnet",
            " a",
            "the name of a model has no blanks around it",
        ),
        ("sonnet", "a,b", "the name of a model has no comma"),
        ("sonnet", "${A}", "cannot come from the environment"),
        ("sonnet", "a\nb", "has no line breaks"),
        ("\"s@a\"", "s-b", "another endpoint is called `s-b` already"),
        ("fast", "slow", "another rule is called `slow` already"),
        ("Models", "x", "there is no name here"),
    ] {
        let refused = renamed(old, new).unwrap_err();
        assert!(refused.contains(wanted), "{old} → {new}: {refused}");
    }
}

#[test]
fn kdl_is_renamed_too() {
    let text = format!("{KDL}router default=\"sonnet\" {{ think \"sonnet\" }}\n");
    let sources = Sources::single("a.kdl", text.clone());
    let id = sources.iter().next().unwrap().0;
    let offset = text.find("sonnet").unwrap();
    let fixes = assist::rename(&sources, id, offset, "big one").unwrap();
    let [text] = applied(&sources, &fixes).try_into().unwrap();
    assert!(text.contains("endpoint \"big one\" {"), "{text}");
    assert!(
        text.ends_with("router default=\"big one\" { think \"big one\" }\n"),
        "{text}"
    );
    assert!(compile(&Sources::single("a.kdl", text)).plan.is_some());
}

#[test]
fn names_lead_to_where_they_are_given() {
    let mut sources = Sources::new();
    let names = sources.add("names.yaml", NAMES);
    let slots = sources.add("slots.yaml", SLOTS);
    let texts = |spans: Vec<Span>| {
        let place = |span| {
            format!(
                "{} {}",
                sources.place(span),
                &sources.get(span.source).text()[span.range()]
            )
        };
        spans.into_iter().map(place).collect::<Vec<_>>()
    };
    let at = SLOTS.find("sonnet").unwrap();
    assert_eq!(
        texts(assist::definitions(&sources, slots, at)),
        ["names.yaml:9:11 sonnet", "names.yaml:14:12 'sonnet'"]
    );
    assert_eq!(
        texts(assist::references(&sources, slots, at, false)),
        ["slots.yaml:1:19 sonnet", "slots.yaml:1:34 \"sonnet\""]
    );
    assert_eq!(assist::references(&sources, slots, at, true).len(), 4);
    let prototype = NAMES.rfind("fast").unwrap();
    assert_eq!(
        texts(assist::definitions(&sources, names, prototype)),
        ["names.yaml:18:13 fast"]
    );
    let provider = NAMES.find("registration__").unwrap();
    assert_eq!(
        texts(assist::definitions(&sources, names, provider)),
        ["names.yaml:13:36 \"s@a\""]
    );
    assert!(assist::definitions(&sources, names, NAMES.find("https").unwrap()).is_empty());
    let span = assist::renamable(&sources, names, NAMES.find("haiku,m").unwrap())
        .unwrap()
        .span;
    assert_eq!(&NAMES[span.range()], "haiku");
}
