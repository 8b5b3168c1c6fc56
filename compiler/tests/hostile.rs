//! Hostile input: whatever the bytes are, compiling ends, does not panic, and
//! gives a plan or says why not; what is said stays short and tells no secret.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking; the shared support reads fixtures"
)]
#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::fmt::Write;

use ctr_compiler::diagnostic::{Code, Severity};
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile, diff, render};

/// Output of one run that a person may have to read, at most.
const READABLE: usize = 4096;

const MODEL: &str =
    "{id: sonnet, api: \"https://a.example\", key: \"${K}\", interface: anthropic, model: m}";

fn valid() -> String {
    format!("Models:\n  - {MODEL}\nRouter: {{default: sonnet}}\n")
}

/// Compiles, and holds the result to what every result must keep.
fn sound(bytes: impl Into<Vec<u8>>) -> (Sources, Compiled) {
    let sources = Sources::single("r.yaml", bytes);
    let compiled = compile(&sources);
    assert_eq!(
        compiled.plan.is_none(),
        compiled.problems.has_errors(),
        "a plan, or an error that says why not"
    );
    support::assert_inside(&compiled.problems, &sources);
    (sources, compiled)
}

/// The only error, with what a terminal shows of it.
fn refused(bytes: impl Into<Vec<u8>>) -> (Code, String) {
    let (sources, compiled) = sound(bytes);
    let errors: Vec<Code> = compiled
        .problems
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect();
    let shown = support::problems(&compiled.problems, &sources);
    assert_eq!(errors.len(), 1, "one mistake, one error: {shown}");
    assert!(shown.len() < READABLE, "{} bytes: {shown}", shown.len());
    (errors[0], shown)
}

fn accepted(bytes: impl Into<Vec<u8>>) -> Compiled {
    let (sources, compiled) = sound(bytes);
    let shown = support::problems(&compiled.problems, &sources);
    assert!(compiled.plan.is_some(), "{shown}");
    compiled
}

fn hash(bytes: impl Into<Vec<u8>>) -> String {
    accepted(bytes).plan.unwrap().hash().to_string()
}

#[test]
fn texts_that_say_nothing() {
    for text in [
        "",
        " ",
        "\n\n",
        "# only\n# comments\n",
        "---\n",
        "---\n...\n",
        "~",
        "null",
        "\u{feff}",
    ] {
        assert_eq!(refused(text).0, Code::SourceEmpty, "{text:?}");
    }
    assert_eq!(refused("{}").0, Code::ModelNone);
}

#[test]
fn no_source_at_all_is_said_too() {
    let sources = Sources::new();
    let compiled = compile(&sources);
    assert!(compiled.plan.is_none());
    assert!(support::problems(&compiled.problems, &sources).contains("the registration is empty"));
}

#[test]
fn roots_that_are_no_map() {
    let plan = accepted(valid()).plan.unwrap().to_canonical_json();
    let (code, shown) = refused(plan);
    assert_eq!(code, Code::DocumentWrongType);
    assert!(shown.contains("a compiled plan"), "{shown}");
    for text in ["[]", "- a\n- b\n", "hello", "\"\"", "5", "[[[]]]", "true"] {
        assert_eq!(refused(text).0, Code::DocumentWrongType, "{text:?}");
    }
}

#[test]
fn large_texts() {
    let (code, shown) = refused(vec![b'a'; 8 << 20]);
    assert_eq!(code, Code::DocumentWrongType);
    assert!(shown.len() < READABLE);
    let (_, compiled) = sound(vec![b'a'; 100 << 20]);
    let codes: Vec<Code> = compiled.problems.iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::SourceTooLarge]);
    let label = "x".repeat(1 << 20);
    accepted(valid().replace(
        "model: m}",
        &format!("model: m, metadata: {{label: {label}}}}}"),
    ));
}

#[test]
fn deep_nesting() {
    const LEVELS: usize = 10_000;
    for text in [
        "[".repeat(LEVELS),
        "{a: ".repeat(LEVELS),
        "- ".repeat(LEVELS),
        "? ".repeat(LEVELS),
        "[{a: ".repeat(LEVELS),
        "!!seq [".repeat(LEVELS),
        "&a [".repeat(LEVELS),
        format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS)),
        (0..300).fold(String::new(), |mut text, level| {
            let _ = writeln!(text, "{}a:", " ".repeat(level));
            text
        }),
    ] {
        assert_eq!(
            refused(text.as_str()).0,
            Code::SyntaxTooDeep,
            "{}",
            &text[..8]
        );
    }
}

#[test]
fn aliases_build_nothing_deeper_than_text_can() {
    let mut text = String::from("LOG:\n  a0: &a0 x\n");
    for at in 1..3_000 {
        let _ = writeln!(text, "  a{at}: &a{at} [*a{}]", at - 1);
    }
    assert_eq!(refused(text).0, Code::SyntaxTooDeep);
}

#[test]
fn alias_bombs() {
    let bomb = |open: &str, close: &str, item: &dyn Fn(usize, usize) -> String| {
        let mut text = String::from("a0: &a0 {k: lol}\n");
        for level in 1..10 {
            let items: Vec<String> = (0..9).map(|at| item(level - 1, at)).collect();
            let _ = writeln!(
                text,
                "a{level}: &a{level} {open}{}{close}",
                items.join(", ")
            );
        }
        text
    };
    let lists = bomb("[", "]", &|level, _| format!("*a{level}"));
    assert_eq!(refused(lists).0, Code::SyntaxAliasLimit);
    let maps = bomb("{", "}", &|level, at| format!("k{at}: *a{level}"));
    assert_eq!(refused(maps).0, Code::SyntaxAliasLimit);
    let wide = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x,".repeat(1_000),
        "*a,".repeat(1_000)
    );
    assert_eq!(refused(wide).0, Code::SyntaxAliasLimit);
}

#[test]
fn aliases_that_go_nowhere() {
    for cycle in ["&a [*a]", "&a {a: *a}", "&a [{b: &b [*a]}]"] {
        let text = valid() + &format!("LOG: {cycle}\n");
        assert_eq!(refused(text).0, Code::SyntaxAliasCycle);
    }
    let merged = valid().replace("{id: sonnet", "&m {<<: *m, id: sonnet");
    assert_eq!(refused(merged).0, Code::SyntaxAliasCycle);
    let (code, shown) = refused(valid() + "LOG: *nobody\n");
    assert_eq!(code, Code::SyntaxInvalidYaml);
    assert!(shown.contains("define it first"), "{shown}");
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(refused(b"\xff\xfe\x00".to_vec()).0, Code::SourceNotUtf8);
    assert_eq!(refused(b"PORT: \xc3\x28".to_vec()).0, Code::SourceNotUtf8);
    let utf16: Vec<u8> = valid().encode_utf16().flat_map(u16::to_le_bytes).collect();
    sound(utf16);
    for text in [
        "\0",
        "a: \0",
        "PORT: 5\0",
        "a\0b: 1",
        "\"\\0\": 1",
        "\u{1b}[2J: 1",
    ] {
        let (sources, compiled) = sound(text);
        let shown = support::problems(&compiled.problems, &sources);
        assert!(!shown.contains(['\0', '\u{1b}']), "{shown:?}");
        assert!(compiled.plan.is_none());
    }
    let (_, shown) = refused("Models: \"a\0b\"\n");
    assert!(shown.contains("remove it"), "{shown}");
}

#[test]
fn what_a_terminal_would_obey_is_not_printed() {
    let text = valid() + "\"a\\e[2J\\u202e\\n\": 1\n# \u{202e} \u{9b}2J\nb: 1\n";
    let (sources, compiled) = sound(text);
    let shown = support::problems(&compiled.problems, &sources);
    let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!shown.contains(obeyed), "{shown:?}");
}

#[test]
fn line_ends_and_marks_change_nothing() {
    let plain = hash(valid());
    assert_eq!(hash(format!("\u{feff}{}", valid())), plain);
    assert_eq!(hash(valid().replace('\n', "\r\n")), plain);
    assert_eq!(hash(valid().replace('\n', "\r")), plain);
    assert_eq!(hash(valid().trim_end()), plain);
    assert_eq!(hash(format!("%YAML 1.2\n---\n{}...\n", valid())), plain);
}

#[test]
fn tabs() {
    let (code, shown) = refused(valid().replace("\n  -", "\n\t-"));
    assert_eq!(code, Code::SyntaxInvalidYaml);
    assert!(shown.contains("tab"), "{shown}");
    accepted(valid().replace(": {default", ":\t{default"));
}

#[test]
fn keys_given_twice() {
    let twice = valid() + &valid();
    let (sources, compiled) = sound(twice);
    assert_eq!(compiled.problems.count(Severity::Error), 2);
    let shown = support::problems(&compiled.problems, &sources);
    assert!(shown.contains("`Models` is given twice"), "{shown}");
    for bare in ["---\n...\n\u{feff}|\n", "a: 1\n...\nü: 2\n"] {
        sound(bare);
    }
    let later = "Models: []\nModels:\n  - ".to_owned() + MODEL + "\nRouter: {default: sonnet}\n";
    assert_eq!(
        refused(later).0,
        Code::SyntaxDuplicateKey,
        "what was dropped is not missed"
    );
    assert_eq!(
        refused(valid() + &format!("---\n{}", valid())).0,
        Code::SyntaxMultipleDocuments
    );
}

#[test]
fn one_long_line() {
    let models = (0..14_000).fold(String::new(), |mut text, at| {
        let _ = write!(text, "{},", MODEL.replace("sonnet", &format!("m{at}")));
        text
    });
    for (wrong, code) in [
        ("Router: {default: nobody}", Code::RouterUnknownModel),
        (
            "Router: {default: m1, default: m1}",
            Code::SyntaxDuplicateKey,
        ),
        ("Router: {default: m1", Code::SyntaxInvalidYaml),
        (
            "PORT: 70000, Router: {default: m1}",
            Code::DocumentOutOfRange,
        ),
    ] {
        let text = format!("{{Models: [{models}], {wrong}}}");
        assert!(text.len() > 1 << 20);
        assert_eq!(refused(text).0, code);
    }
}

#[test]
fn long_words() {
    let long = "k".repeat(1 << 20);
    for text in [
        valid() + &format!("\"{long}\": 1\n\"{long}\": 2\n"),
        valid().replace("default: sonnet", &format!("default: {long}")),
        valid().replace("anthropic", &long),
        valid().replace(
            "{default",
            &format!("{{? {long} : 1, ? [{long}] : 2, default"),
        ),
        valid() + &format!("PORT: {}\n", "9".repeat(1 << 16)),
        valid().replace("${K}", &format!("${{{long}")),
        valid().replace("model: m", &format!("model: !{long} m")),
        valid().replace("https", &long),
        valid() + &format!("LOG: *{long}\n"),
    ] {
        let (sources, compiled) = sound(text);
        assert!(compiled.plan.is_none());
        let shown = support::problems(&compiled.problems, &sources);
        assert!(
            shown.len() < 2 * READABLE,
            "{} bytes: {}",
            shown.len(),
            &shown[..READABLE]
        );
    }
}

#[test]
fn many_entries() {
    let mut many = valid();
    many.push_str("LOG:\n");
    for at in 0..100_000 {
        let _ = writeln!(many, "  k{at}: {at}");
    }
    accepted(many);
    let mut models = String::from("Router: {default: m7}\nModels:\n");
    let mut pool =
        String::from("Router: {default: m7}\nRegistration:\n  enabled: true\n  models:\n");
    for at in 0..3_000 {
        let _ = writeln!(models, "  - {}", MODEL.replace("sonnet", &format!("m{at}")));
        let _ = writeln!(pool, "    - {}", MODEL.replace("sonnet", "m7"));
    }
    assert_eq!(accepted(models).plan.unwrap().models.len(), 3_000);
    assert_eq!(
        accepted(pool).plan.unwrap().pools["m7"].endpoints.len(),
        3_000
    );
}

/// Lines on which a careless search starts again and again.
#[test]
fn lines_that_invite_repeated_searching() {
    for part in [
        "key=a ",
        "key:${",
        "key=${ ",
        "key: 'a",
        "\"key\":\"",
        "sk-/",
        "://",
        "u:p@",
        "${",
        "<<: {}, ",
        "key: {",
        "a: &a ",
        "*a, ",
        "- ? : ",
        "!!str ",
        "'",
        "\"",
        "| ",
        "%",
        "#",
        "\\",
    ] {
        for open in ["", "{", "[", "- ", "key: \""] {
            let text = format!("{open}{}", part.repeat((64 << 10) / part.len()));
            let (sources, compiled) = sound(text);
            let first = compiled.problems.iter().next().unwrap();
            let mut few = ctr_compiler::diagnostic::Problems::default();
            few.push(first.clone());
            let shown = support::problems(&few, &sources);
            assert!(shown.len() < READABLE, "{} bytes for {part:?}", shown.len());
        }
    }
}

#[test]
fn merge_keys_give_way_to_what_a_map_says_itself() {
    let text = "Models:\n  - &base {id: sonnet, api: \"https://a.example\", key: \"${K}\", model: m}\n  - {<<: *base, id: haiku, model: h}\n  - <<: [{model: first}, *base]\n    id: third\nRouter: {default: haiku}\n";
    let plan = accepted(text).plan.unwrap();
    assert_eq!(plan.models["haiku"].model, "h");
    assert_eq!(plan.models["haiku"].api, plan.models["sonnet"].api);
    assert_eq!(plan.models["third"].model, "first");
    assert_eq!(refused(valid() + "<<: [5]\n").0, Code::DocumentWrongType);
    assert_eq!(
        refused(valid() + "<<: {}\n<<: {}\n").0,
        Code::SyntaxDuplicateKey
    );
}

#[test]
fn bare_references_in_flow_are_explained() {
    for text in [
        valid().replace("\"${K}\"", "${K}"),
        valid().replace("\"${K}\"", "${K} "),
        format!("Models: [{}]", MODEL.replace("\"${K}\"", "${K}")),
        format!(
            "Models: [\n{}\n]",
            MODEL.replace(", ", ",\n").replace("\"${K}\"", "${K}")
        ),
    ] {
        let (sources, compiled) = sound(text.as_str());
        let shown = support::problems(&compiled.problems, &sources);
        assert_eq!(compiled.problems.len(), 1, "{shown}");
        assert!(shown.contains("`${K}` must be quoted"), "{shown}");
        let fix = compiled
            .problems
            .iter()
            .next()
            .unwrap()
            .fix
            .clone()
            .unwrap();
        let mut mended = text.clone();
        mended.replace_range(fix.span.range(), &fix.replacement);
        accepted(mended);
    }
    refused(valid().replace("\"${K}\"", "x${K}"));
    refused(valid().replace("\"${K}\"", "${K}/${L}"));
}

/// No part of it is a word of its own, so that any piece that leaks is found.
const SECRET: &str = "hunter2QzXw";

/// Every spelling of a document that has the secret in each field for secrets.
fn documents_with_secrets() -> Vec<String> {
    let block = "APIKEY: SECRET\nModels:\n  - id: a\n    api: https://u:SECRET@a.example/v1?token=SECRET&x=1\n    key: SECRET\n    model: m\nRegistration:\n  enabled: true\n  upstream_services:\n    - id: s\n      base_url: https://SECRET@s.example\n      auth_token: SECRET\n  models:\n    - id: p\n      api: https://p.example?api-key=SECRET&sig=SECRET\n      key: SECRET\n      model: m\nRouter: {default: a}\n";
    let mut all = vec![block.to_owned()];
    for spelling in [
        "\"SECRET\"",
        "'SECRET'",
        "x SECRET",
        "x, SECRET",
        "\"a\\\"SECRET\"",
        "'a''SECRET'",
        "\"${K:-SECRET}\"",
        "${K:-SECRET}",
        "${A}SECRET",
        "Bearer SECRET",
        "&anchor SECRET",
        "!!str SECRET",
        "|\n        SECRET",
        ">-\n        SECRET",
        "\n        SECRET",
        "\n        \"SECRET\"",
        "x\n        SECRET",
        "\"x\n        SECRET\"",
        "'x\n\n        SECRET'",
        "|\n        x\n\n        SECRET",
    ] {
        all.push(
            block
                .replace("key: SECRET", &format!("key: {spelling}"))
                .replace("APIKEY: SECRET", &format!("APIKEY: {spelling}"))
                .replace("auth_token: SECRET", &format!("auth_token: {spelling}")),
        );
    }
    let tree: serde_json::Value = serde_yaml::from_str(block).unwrap();
    all.push(serde_json::to_string(&tree).unwrap());
    all.push(serde_json::to_string_pretty(&tree).unwrap());
    all.push(serde_json::to_string(&tree).unwrap().replace("\":", "\": "));
    all.push(block.replace("https://u:SECRET@", "https://${U}:SECRET@"));
    all.push(block.replace("key: SECRET", "\"key\" : SECRET"));
    all.push(block.replace("\n    key: SECRET\n", "\n    ? key\n    : SECRET\n"));
    all.iter()
        .map(|text| text.replace("SECRET", SECRET))
        .collect()
}

/// The same document with one thing wrong on each line in turn, so that every
/// line stands next to a mistake.
fn broken(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for at in 0..=lines.len() {
        for wrong in [
            "\t:",
            "wrong: [",
            "PORT: x",
            "key: ${A-B}",
            "- {a: ${K:-",
            "%",
            "'",
            "}",
        ] {
            // A key between a key and its value would make that another key's value.
            let torn = lines.get(at).is_some_and(|next| !next.contains(':'));
            if torn && wrong.contains(": ") {
                continue;
            }
            let mut broken = lines.clone();
            broken.insert(at, wrong);
            all.push(broken.join("\n"));
        }
        if let Some(line) = lines.get(at) {
            for mend in [
                format!("{line}: ["),
                format!("{line}\""),
                format!("{line} }}"),
            ] {
                let mut broken: Vec<&str> = lines.clone();
                broken[at] = &mend;
                all.push(broken.join("\n"));
            }
        }
    }
    all
}

fn assert_silent(text: &str) {
    let (sources, compiled) = sound(text);
    let outputs = [
        support::problems(&compiled.problems, &sources),
        render::problems::json(compiled.problems.iter(), &sources).to_string(),
        format!("{:?}", compiled.problems),
        render::preview::text(&compiled, &sources),
        render::preview::json(&compiled, &sources).to_string(),
        compiled
            .plan
            .iter()
            .map(ctr_compiler::plan::Plan::to_canonical_json)
            .collect(),
        format!("{:?} {:?}", compiled.plan, compiled.secrets),
        format!("{:?} {:?}", compiled.provenance, compiled.variables),
    ];
    for output in outputs {
        let leak = output.lines().find(|line| line.contains(SECRET));
        assert_eq!(leak, None, "in a line of output for\n{text}");
    }
}

#[test]
fn secrets_appear_nowhere() {
    for text in documents_with_secrets() {
        let compiled = accepted(text.as_str());
        assert!(
            compiled
                .problems
                .iter()
                .any(|found| found.code == Code::SecretInUrl)
        );
        assert_silent(&text);
        let other = accepted(valid()).plan.unwrap();
        let plan = compiled.plan.unwrap();
        for diff in [diff::diff(&plan, &other), diff::diff(&other, &plan)] {
            let shown = render::diff::text(&diff) + &render::diff::json(&diff).to_string();
            assert!(!shown.contains(SECRET), "{shown}");
        }
        let changed = text.replace(SECRET, "other");
        let diff = diff::diff(&plan, &accepted(changed).plan.unwrap());
        assert!(!diff.is_empty(), "another secret is another plan");
        assert!(!render::diff::text(&diff).contains(SECRET));
    }
}

#[test]
fn secrets_in_words_that_are_repeated() {
    for text in [
        valid().replace("key: \"${K}\"", &format!("key:{SECRET}")),
        valid() + &format!("{{APIKEY:{SECRET}: 1}}: 1\n\"x-key={SECRET}\": 1\n"),
        valid() + &format!("\"token:{SECRET}\": 1\n\"token:{SECRET}\": 1\n"),
        valid().replace("anthropic", &format!("sk-{SECRET}")),
        valid().replace("\"${K}\"", &format!("${{K:-{SECRET}}}")),
        valid().replace("\"${K}\"", &format!("${{{SECRET}")),
        valid().replace(
            "default: sonnet",
            &format!("default: \"https://u:{SECRET}@h\""),
        ),
    ] {
        assert_silent(&text);
    }
}

#[test]
fn one_slip_is_told_once() {
    let block = "Models:\n  - id: sonnet\n    api: https://a.example\n    key: ${K}\n    model: m\nRouter:\n  default: sonnet\n";
    accepted(block);
    for (good, slip) in [
        ("Models:", "Modles:"),
        ("Models:", "Models: foo\nLOG:"),
        ("Router:", "Ruoter:"),
        ("default", "defualt"),
        ("default: sonnet", "default: [sonnet]"),
        ("default: sonnet", "default: !x sonnet"),
        ("  default: sonnet", " {default:sonnet}"),
        ("\n  default: sonnet", " foo"),
        ("\n  default: sonnet", " default: sonnet"),
        ("  - id: sonnet", "  - id: [sonnet]"),
        ("  - id: sonnet", "  - id: !x sonnet"),
        ("  - id: sonnet", "  - id: ''"),
        ("  - id: sonnet\n    api", "  - api"),
        ("  - id: sonnet", "  - sonnet\nLOG:\n  - id: sonnet"),
        ("  - id: sonnet", "  -\nLOG:\n  - id: sonnet"),
        ("key: ${K}", "key: !env K"),
        ("key: ${K}", "key: ${K-}"),
        ("key: ${K}", "key: [a]"),
        ("key: ${K}", "key: ${K:-${J}}"),
        ("https://a.example", "https://a.example:99999"),
        ("https://a.example", "https://a.example:port/v1"),
        ("Router:", "API_TIMEOUT_MS: 99999999999999999999\nRouter:"),
        ("model: m", "modle: m"),
        ("model: m", "<<: m"),
        ("model: m", "model: m\n    thinking: &m {mode: *m}"),
    ] {
        refused(block.replacen(good, slip, 1));
    }
}

#[test]
fn secrets_appear_nowhere_near_mistakes() {
    for text in documents_with_secrets() {
        for text in broken(&text) {
            assert_silent(&text);
        }
    }
}

#[test]
fn a_name_has_no_lines_of_its_own_in_what_a_reviewer_reads() {
    let document = |model: &str, other: &str| {
        let entry = |id: &str, model: &str| serde_json::json!({"id": id, "api": "https://a.example", "key": "${K}", "model": model});
        let models = [entry("a", model), entry(other, "y")];
        let document = serde_json::json!({"Models": models, "Router": {"default": other}});
        Sources::single("r.json", document.to_string())
    };
    let sources = document("x\n\n0 changes\u{2028}", "b\n## FORGED\r");
    let after = compile(&sources);
    let preview = render::preview::text(&after, &sources);
    let before = compile(&document("x", "b")).plan.unwrap();
    let told = render::diff::text(&diff::diff(&before, &after.plan.unwrap()));
    for text in [&told, &preview] {
        assert!(text.contains("x\u{2424}\u{2424}0 changes"), "{text}");
        let forged = |line: &str| line.starts_with("0 changes") || line.starts_with("## FORGED");
        assert!(!text.lines().any(forged), "{text}");
    }
}
