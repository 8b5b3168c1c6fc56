//! A document is written so that every syntax reads back what was meant, and
//! so that other readers of YAML and JSON find the same.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking; the shared support reads fixtures"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use ctr_compiler::Limits;
use ctr_compiler::diagnostic::Problems;
use ctr_compiler::document::{
    Comments, Document, Element, Entry, Item, Line, format, json, kdl, yaml,
};
use ctr_compiler::source::Sources;
use ctr_compiler::tree::{self, Node, Value};
use proptest::prelude::*;
use proptest::sample::select;

/// Texts that some reader takes for something else, or cannot hold.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    " a",
    "a ",
    "a b",
    "yes",
    "No",
    "ON",
    "y",
    "true",
    "False",
    "null",
    "~",
    "Null",
    "1",
    "-1",
    "+1",
    "0.5",
    ".5",
    "5.",
    "010",
    "0x1F",
    "0o7",
    "0b1",
    "1_000",
    "1e5",
    ".inf",
    "nan",
    "190:20:30",
    "12:30",
    "2001-12-14",
    "2001-12-14 21:59:43.10 -5",
    "4.1",
    "1.2.3.4",
    "3.5-turbo",
    "4o",
    "${A}",
    "${A:-b}",
    "a,b",
    "a, b",
    "a: b",
    "a:",
    ":a",
    "a:b",
    "a #b",
    "a#b",
    "#a",
    "# a",
    "- a",
    "-a",
    "-",
    "--",
    "---",
    "...",
    "?",
    "? a",
    "=",
    "<<",
    "*a",
    "&a",
    "!a",
    "!!str",
    "%a",
    "@a",
    "`a",
    "|",
    ">",
    "'a'",
    "it's",
    "\"a\"",
    "a\"b",
    "\\d+",
    "\\",
    "[a]",
    "{a}",
    "a]",
    "a}",
    "https://a.example/v1?b=c,d#e",
    "a\tb",
    "\t",
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na",
    "\n",
    "\n\n",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\n\nb",
    "a\n  \nb",
    "a\r\nb",
    "a\n---\nb",
    "a\n# b\nc: d\n- e",
    "\"\"\"",
    "a\n\"\"\"b",
    "a\\\nb",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{feff}b",
    "\u{feff}",
    "\0",
    "\u{7}",
    "\u{1b}[0m",
    "\u{202e}a",
    "ü",
    "日本",
    "😀",
    "a\u{301}",
    "#true",
    "true\n",
    "//",
    "/* a",
    "/-a",
    "a;b",
    "a=b",
    "r\"a\"",
    "inf",
    "-inf",
    "(a)",
    "a\u{a0}b",
    "\u{3000}",
];

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(TEXTS).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[a-z:#,{}\\[\\]\"'\\\\\n\t \\-]{0,12}",
        1 => any::<String>().prop_map(|text| text.chars().take(20).collect()),
    ]
    .boxed()
}

fn comment() -> BoxedStrategy<String> {
    let shown = |said: String| said.replace(char::is_control, "").trim_end().to_owned();
    prop_oneof![Just(" said".to_owned()), "[ #!/*{}\\-]{0,6}", "\\PC{0,12}"]
        .prop_map(shown)
        .boxed()
}

fn lines() -> BoxedStrategy<Vec<Line>> {
    let line = prop_oneof![Just(Line::Blank), comment().prop_map(Line::Comment)];
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(line, 0..3)].boxed()
}

fn comments() -> BoxedStrategy<Comments> {
    let said = (lines(), prop::option::weighted(0.1, comment()), lines());
    let said = said.prop_map(|(above, beside, inside)| Comments {
        above,
        beside,
        inside,
    });
    prop_oneof![2 => Just(Comments::default()), 1 => said].boxed()
}

fn item() -> BoxedStrategy<Item> {
    let numbers = select(&["0", "-1", "60000", "0.25", "1e21", "1E-7", "-0.0"][..]);
    let leaf = prop_oneof![
        1 => Just(Item::Null),
        1 => any::<bool>().prop_map(Item::Bool),
        1 => numbers.prop_map(|number| Item::Number(number.to_owned())),
        4 => text().prop_map(Item::Text),
    ];
    leaf.prop_recursive(4, 40, 5, |item| {
        let element = (item.clone(), comments());
        let element = element.prop_map(|(item, comments)| Element { item, comments });
        prop_oneof![
            prop::collection::vec(element, 0..4).prop_map(Item::List),
            entries(item, text()).prop_map(Item::Map),
        ]
    })
    .boxed()
}

fn entries(item: BoxedStrategy<Item>, key: BoxedStrategy<String>) -> BoxedStrategy<Vec<Entry>> {
    // A key `<<` is a merge, whoever writes it, and a lone `-` a list in KDL.
    let key = key.prop_filter("no name", |key| key != "<<" && key != "-");
    prop::collection::btree_map(key, (item, comments()), 0..4)
        .prop_map(|entries| {
            let entry = |(key, (item, comments))| Entry {
                key,
                item,
                comments,
            };
            entries.into_iter().map(entry).collect()
        })
        .boxed()
}

/// A rule, or something near it.
fn rule() -> BoxedStrategy<Item> {
    let words = prop::collection::vec(text().prop_map(Item::Text), 0..3).prop_map(Item::list);
    let words = prop_oneof![2 => words, 1 => text().prop_map(Item::Text)];
    let kinds = select(&["exact", "regex", "exact", "regex", "other"][..]);
    let kind = select(&["keywords", "pattern"][..]);
    let extra = prop::option::of(any::<bool>().prop_map(Item::Bool));
    let pattern = (kinds, kind, words, extra, comments());
    let pattern = pattern.prop_map(|(kind, key, words, extra, comments)| {
        let mut entries = vec![("type", Item::text(kind)), (key, words)];
        entries.extend(extra.map(|extra| ("caseSensitive", extra)));
        Element {
            item: Item::map(entries),
            comments,
        }
    });
    let patterns = prop::collection::vec(pattern, 0..3).prop_map(Item::List);
    let model = prop::option::of(text().prop_map(Item::Text));
    (text(), model, patterns)
        .prop_map(|(name, model, patterns)| {
            let mut entries = vec![("name", Item::text(name))];
            entries.extend(model.map(|model| ("model", model)));
            entries.push(("patterns", patterns));
            Item::map(entries)
        })
        .boxed()
}

/// A document with sections whose names mean something, and others.
fn document() -> BoxedStrategy<Document> {
    let item_of_map = entries(item(), prop_oneof![Just("id".to_owned()), text()].boxed());
    let item_of_map = prop_oneof![3 => item_of_map.prop_map(Item::Map), 1 => rule()];
    let element = (item_of_map, comments());
    let element = element.prop_map(|(item, comments)| Element { item, comments });
    let listed = prop::collection::vec(element, 0..4).prop_map(Item::List);
    let listed = prop_oneof![3 => listed, 1 => item()].boxed();
    let named = |names: &'static [&'static str]| select(names).prop_map(str::to_owned).boxed();
    let names = named(&["Models", "Providers", "Runtime", "HOST", "A b", "ü"]);
    let sections = named(&[
        "Registration",
        "Router",
        "SmartRouter",
        "TriggerRouter",
        "Auth",
        "Governance",
    ]);
    let inner = named(&[
        "models",
        "upstream_services",
        "strategy",
        "enabled",
        "rules",
        "candidates",
        "routes",
        "decision",
        "managed_keys",
        "cascade",
        "levels",
        "B c",
    ]);
    let inner = entries(prop_oneof![2 => listed.clone(), 1 => item()].boxed(), inner);
    let section = inner.clone().prop_map(Item::Map);
    // `cascade` and `decision` hold lists of their own.
    let nested = (named(&["cascade", "decision", "x"]), inner, comments());
    let nested = nested.prop_map(|(key, entries, comments)| {
        Item::Map(vec![Entry {
            key,
            item: Item::Map(entries),
            comments,
        }])
    });
    let sections = entries(prop_oneof![3 => section, 1 => nested].boxed(), sections);
    (entries(listed, names), sections, lines())
        .prop_map(|(mut entries, sections, tail)| {
            entries.extend(sections);
            Document { entries, tail }
        })
        .boxed()
}

/// What a text says, in the only order that is no matter of layout.
fn read(name: &str, text: &str) -> Item {
    let sources = Sources::single(name, text);
    let (id, source) = sources.iter().next().unwrap();
    let mut problems = Problems::default();
    let parse = match source.is_kdl() {
        true => tree::kdl::parse,
        false => tree::yaml::parse,
    };
    let root = parse(id, source.text(), &Limits::default(), &mut problems);
    assert!(root.complete && problems.is_empty(), "{text}\n{problems:?}");
    said(&root.node)
}

fn said(node: &Node<'_>) -> Item {
    match &node.value {
        Value::Null => Item::Null,
        Value::Scalar(scalar) => match scalar.text.as_ref() {
            text if scalar.quoted => Item::text(text),
            "true" => Item::Bool(true),
            "false" => Item::Bool(false),
            text if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && text.parse::<f64>().is_ok() =>
            {
                Item::Number(text.to_owned())
            }
            text => Item::text(text),
        },
        Value::List(items) => Item::list(items.iter().map(said)),
        Value::Map(entries) => {
            let entries = entries.iter();
            Item::map(entries.map(|entry| (entry.key.value.clone(), said(&entry.value))))
        }
        Value::Broken => panic!("{node:?}"),
    }
}

/// An item without comments, its keys sorted; as KDL says it, empty lists are nothing.
fn bare(item: &Item, in_kdl: bool) -> Item {
    match item {
        Item::List(items) if in_kdl && items.is_empty() => Item::Null,
        Item::List(items) => Item::list(items.iter().map(|item| bare(&item.item, in_kdl))),
        Item::Map(entries) => {
            let entries = entries.iter();
            let mut bare: Vec<(String, Item)> = entries
                .map(|entry| (entry.key.clone(), bare(&entry.item, in_kdl)))
                .collect();
            bare.sort_by(|a, b| a.0.cmp(&b.0));
            Item::map(bare)
        }
        item => item.clone(),
    }
}

fn value(item: &Item) -> serde_json::Value {
    match item {
        Item::Null => serde_json::Value::Null,
        Item::Bool(value) => (*value).into(),
        Item::Number(number) => serde_json::from_str(number).unwrap(),
        Item::Text(text) => text.as_str().into(),
        Item::List(items) => items.iter().map(|item| value(&item.item)).collect(),
        Item::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), value(&entry.item)))
            .collect(),
    }
}

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Numbers are compared by what they are, everything else exactly.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => a.as_f64() == b.as_f64(),
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(settings(1024))]

    #[test]
    fn what_is_written_reads_back(document in document()) {
        let root = Item::Map(document.entries.clone());
        let text = yaml::write(&document);
        if document.tail.is_empty() || !document.entries.is_empty() {
            prop_assert_eq!(bare(&read("r.yaml", &text), false), bare(&root, false), "{}", text);
        }
        let text = json::write(&document);
        prop_assert_eq!(bare(&read("r.json", &text), false), bare(&root, false), "{}", text);
        let text = kdl::write(&document);
        if !document.entries.is_empty() {
            prop_assert_eq!(bare(&read("r.kdl", &text), false), bare(&root, true), "{}", text);
        }
    }

    #[test]
    fn other_readers_find_the_same(document in document()) {
        let wanted = value(&Item::Map(document.entries.clone()));
        let text = json::write(&document);
        prop_assert!(same(&serde_json::from_str(&text).unwrap(), &wanted), "{}", text);
        let text = yaml::write(&document);
        if !document.entries.is_empty() {
            let found: serde_json::Value = serde_yaml::from_str(&text).unwrap();
            prop_assert!(same(&found, &wanted), "{}\n{:#}\n{:#}", text, found, wanted);
        }
        let text = kdl::write(&document);
        let found = ::kdl::KdlDocument::parse_v2(&text);
        prop_assert!(found.is_ok(), "{}\n{:?}", text, found);
    }
}

/// What an importer might make.
fn example() -> Document {
    let model = |id: &str, api: &str| {
        Element::from(Item::map([
            ("id", Item::text(id)),
            ("api", Item::text(api)),
            ("key", Item::text("${KEY}")),
            ("model", Item::text("claude-haiku-4-5")),
            ("thinking", Item::text("on")),
            (
                "metadata",
                Item::map([
                    ("context_window_tokens", Item::Number("200000".to_owned())),
                    ("label", Item::text("4.1, the first")),
                ]),
            ),
        ]))
    };
    let services = Item::list([Item::map([
        ("id", Item::text("dc-a")),
        ("base_url", Item::text("https://a.example")),
    ])]);
    let endpoints = Item::List(vec![
        model("team", "https://a.example"),
        model("team", "https://b.example").above("the second account\nis slower"),
    ]);
    let pools = Item::map([
        ("strategy", Item::text("health-aware")),
        ("enabled", Item::Bool(true)),
        ("upstream_services", services),
        ("models", endpoints),
    ]);
    let models = Item::List(vec![model("haiku", "https://api.anthropic.com")]);
    let router = Item::map([
        ("default", Item::text("team")),
        (
            "keywords",
            Item::list([Item::text("a"), Item::text("b, c")]),
        ),
    ]);
    Document {
        entries: vec![
            Entry::new("HOST", Item::text("0.0.0.0")).above("imported"),
            Entry::new("PORT", Item::Number("5678".to_owned())),
            Entry::new("Models", models),
            Entry::new("Registration", pools).above("two accounts"),
            Entry::new("Router", router),
            Entry::new("Note", Item::text("two\nlines\n")),
        ],
        tail: vec![Line::Blank, Line::from("the end")],
    }
}

#[test]
fn the_layout_is_readable() {
    let document = example();
    let page = [
        yaml::write(&document),
        kdl::write(&document),
        json::write(&document),
    ];
    support::snapshot("fmt", "written", &page.join("\n"));
}

fn formatted(name: &str, text: &str) -> String {
    let sources = Sources::single(name, text);
    let (id, _) = sources.iter().next().unwrap();
    match format(&sources, id, &Limits::default()) {
        Ok(formatted) => formatted,
        Err(why) => panic!("{why:?}\n{text}"),
    }
}

proptest! {
    #![proptest_config(settings(1024))]

    #[test]
    fn what_is_written_is_formatted(document in document()) {
        for (name, text) in [
            ("r.yaml", yaml::write(&document)),
            ("r.kdl", kdl::write(&document)),
            ("r.json", json::write(&document)),
        ] {
            prop_assert_eq!(&formatted(name, &text), &text);
        }
    }
}
