//! Recorded requests, asked again: what a line holds is enough to decide as the
//! text would, what it does not hold is said, and nothing ends a replay.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use ctr_compiler::compile;
use ctr_compiler::corpus::{
    Answered, BadLine, Decided, Finder, Line, Reading, Request, SessionShape, TextShape, Usage,
    read, write_patterns, write_request,
};
use ctr_compiler::plan::Plan;
use ctr_compiler::render::replay::{json, markdown, text};
use ctr_compiler::replay::{Budget, Replay, Report, Share, price};
use ctr_compiler::route::{Found, RequestFeatures, choose, missing};
use ctr_compiler::source::Sources;
use proptest::prelude::*;

const OLD: &str = r#"
Registration:
  enabled: true
  models:
    - {id: sonnet, api: "https://a.example", key: "${K}", interface: anthropic, model: s, metadata: {pool_endpoint_id: sonnet-a, rate_limit_rpm: 120, cost_per_1m_input_tokens: 3, cost_per_1m_output_tokens: 15, cost_currency: USD}}
Models:
  - {id: haiku, api: "https://b.example", key: "${K}", interface: anthropic, model: h, metadata: {safe_input_tokens: 50000, cost_per_1m_input_tokens: 1, cost_per_1m_output_tokens: 5, cost_currency: USD}}
Router: {default: sonnet}
SmartRouter:
  enabled: true
  rules:
    - {name: design, priority: 5, model: sonnet, patterns: [{type: exact, keywords: [architecture]}]}
"#;

fn plan(text: &str) -> Plan {
    let compiled = compile(&Sources::single("r.yaml", text.to_owned()));
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

/// With a rule that sends thanks to the small model.
fn new() -> Plan {
    plan(&format!(
        "{OLD}    - {{name: fast_reply, model: haiku, patterns: [{{type: exact, keywords: [thanks]}}]}}\n"
    ))
}

fn says(finder: &Finder, at_ms: u64, text: &str) -> Request {
    Request {
        at_ms,
        asked: Some("claude".to_owned()),
        tokens: Some(1_000),
        text: Some(finder.find(text)),
        usage: Some(Usage {
            input: 1_000_000,
            output: 100_000,
            ..Usage::default()
        }),
        ..Request::default()
    }
}

fn played<'p>(before: &'p Plan, after: &'p Plan, lines: &[String]) -> Report<'p> {
    let mut replay = Replay::between(before, after);
    lines.iter().for_each(|line| replay.line(line.as_bytes()));
    replay.finish()
}

fn corpus() -> Vec<String> {
    // Recorded by the plan with the rule, so that its keyword was looked for.
    let finder = Finder::of(&new()).unwrap();
    let mut lines = vec![write_patterns(finder.set())];
    for at in 0..150 {
        let text = if at < 4 { "Thanks a lot" } else { "go on" };
        lines.push(write_request(&says(&finder, at * 100, text)));
    }
    let mut long = says(&finder, 20_000, "thanks");
    long.tokens = Some(90_000);
    lines.push(write_request(&long));
    lines
}

#[test]
fn a_change_is_told_by_its_requests() {
    let (old, new) = (plan(OLD), new());
    let report = played(&old, &new, &corpus());
    assert_eq!(
        (report.requests, report.decided, report.moved()),
        (151, 151, 5)
    );
    let place =
        |path: &str| (path == "smart_router.rules[1]").then(|| "registration.yaml:12".to_owned());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/replay");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("text", text(&report, &place));
        insta::assert_snapshot!("markdown", markdown(&report, &place));
        let json = serde_json::to_string_pretty(&json(&report, &place)).unwrap();
        insta::assert_snapshot!("json", json);
    });
}

#[test]
fn what_was_not_looked_for_is_said_and_not_guessed() {
    let (old, new) = (plan(OLD), new());
    let finder = Finder::of(&old).unwrap();
    let lines = [
        write_patterns(finder.set()),
        write_request(&says(&finder, 0, "thanks")),
        // The first rule decides whatever the second would say.
        write_request(&says(&finder, 0, "the architecture, thanks")),
    ];
    let report = played(&old, &new, &lines);
    assert_eq!((report.decided, report.moved()), (1, 0));
    assert_eq!(report.undecidable.text[&Some("fast_reply")], 1);
    // A kept text tells.
    let mut kept = says(&finder, 0, "thanks");
    kept.text.as_mut().unwrap().kept = Some("thanks".to_owned());
    let report = played(&old, &new, &[lines[0].clone(), write_request(&kept)]);
    assert_eq!((report.decided, report.moved()), (1, 1));
    // A set that was never told of is as good as none.
    let report = played(&old, &new, &lines[1..]);
    assert_eq!((report.decided, report.undecidable.count()), (0, 2));
    // Without rules to ask, nothing is missing.
    let plain = plan(&OLD.replace("enabled: true\n  rules", "enabled: false\n  rules"));
    assert_eq!(played(&plain, &plain, &lines[1..]).decided, 2);
}

#[test]
fn bad_lines_are_named_and_the_rest_is_used() {
    let (old, new) = (plan(OLD), new());
    let mut lines = corpus();
    let cut = lines[1][..40].to_owned();
    lines.insert(2, cut);
    lines.insert(3, "{\"v\":2,\"request\":{\"at\":17}}\n".to_owned());
    lines.insert(4, "\n".to_owned());
    lines.insert(5, "nonsense\n".to_owned());
    lines.insert(6, "{\"v\":1}\n".to_owned());
    lines.insert(
        7,
        "{\"v\":1,\"request\":{\"at\":\"sk-secret\"}}\n".to_owned(),
    );
    let report = played(&old, &new, &lines);
    assert_eq!((report.decided, report.bad.count), (151, 5));
    let first: Vec<(u64, BadLine)> = report.bad.first.clone();
    assert_eq!(first[0], (3, BadLine::Cut));
    assert_eq!(first[1], (4, BadLine::Version(2)));
    assert!(matches!(first[2], (6, BadLine::NotJson(_))));
    assert!(matches!(first[3], (7, BadLine::NotCorpus(_))));
    let told = text(&report, &|_| None);
    assert!(
        told.contains("5 lines left out\n  line 3 ends in the middle\n"),
        "{told}"
    );
    assert!(!told.contains("sk-secret"));
    let empty = played(&old, &new, &[]);
    assert!(text(&empty, &|_| None).starts_with("the corpus holds no request\n"));
}

#[test]
fn a_record_is_compared_with_what_was_decided() {
    let new = new();
    let went = |model: &str, endpoint: &str| Decided {
        model: Some(model.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        ..Decided::default()
    };
    let request = |decided| Request {
        asked: Some("x".to_owned()),
        decided,
        ..Request::default()
    };
    let mut replay = Replay::of(&new);
    replay.request(&request(Some(went("sonnet", "sonnet-a"))));
    replay.request(&request(Some(went("haiku", "haiku"))));
    replay.request(&request(Some(went("gone", "gone-a"))));
    replay.request(&request(Some(Decided {
        refused: Some(404),
        ..Decided::default()
    })));
    replay.request(&request(None));
    let report = replay.finish();
    assert_eq!(
        (report.decided, report.moved(), report.not_recorded),
        (4, 3, 1)
    );
}

#[test]
fn against_a_record_an_endpoint_that_is_there_still_is_no_move() {
    let second = "    - {id: sonnet, api: \"https://c.example\", key: \"${K}\", interface: anthropic, model: s, metadata: {pool_endpoint_id: sonnet-b, pool_priority: 9}}\nModels:";
    let both = plan(&OLD.replace("Models:", second));
    let request = |endpoint: Option<&str>| Request {
        asked: Some("x".to_owned()),
        decided: Some(Decided {
            model: Some("sonnet".to_owned()),
            endpoint: endpoint.map(str::to_owned),
            ..Decided::default()
        }),
        ..Request::default()
    };
    // Whichever was first, and where nothing was free.
    let recorded = [Some("sonnet-a"), Some("sonnet-b"), None].map(request);
    let moved = |plan: &Plan| {
        let mut replay = Replay::of(plan);
        recorded.iter().for_each(|it| replay.request(it));
        let report = replay.finish();
        (report.decided, report.moved())
    };
    assert_eq!(moved(&both), (3, 0));
    let off = OLD.replace(
        "Models:",
        &second.replace("pool_priority: 9", "pool_priority: 9, pool_enabled: false"),
    );
    let off = plan(&off);
    assert_eq!(moved(&off), (3, 1), "the second serves no more");
    // Between two plans the first of the pool is what counts.
    let swapped = plan(&OLD.replace(
        "Models:",
        &second.replace("pool_priority: 9", "pool_priority: 0"),
    ));
    let mut replay = Replay::between(&both, &swapped);
    replay.request(&request(None));
    assert_eq!(replay.finish().moved(), 1);
}

#[test]
fn answers_of_models_stand_for_the_same_model_only() {
    let asks = |model: &str| {
        plan(&format!(
            "{OLD}  router_model: {model}\n  candidates: [{{model: haiku, description: small}}, {{model: sonnet, description: large}}]\n"
        ))
    };
    let (same, other) = (asks("haiku"), asks("sonnet"));
    let finder = Finder::of(&same).unwrap();
    let mut request = says(&finder, 0, "go on");
    request.answers.router = Some(Answered {
        by: "haiku".to_owned(),
        said: Some("haiku".to_owned()),
        confidence: None,
    });
    let lines = [write_patterns(finder.set()), write_request(&request)];
    assert_eq!(played(&same, &same, &lines).decided, 1);
    let report = played(&same, &other, &lines);
    assert_eq!(
        (report.decided, report.undecidable.answer["sonnet"]),
        (0, 1)
    );
}

#[test]
fn a_session_is_judged_by_its_measured_likeness() {
    let sticky = |threshold: &str| {
        plan(&format!(
            "{OLD}  sticky: {{enabled: true, fingerprint_similarity_threshold: {threshold}}}\n"
        ))
    };
    let (loose, strict) = (sticky("0.5"), sticky("0.9"));
    let finder = Finder::of(&loose).unwrap();
    let mut request = says(&finder, 0, "go on");
    request.session = Some(SessionShape {
        key: "s".to_owned(),
        last_model: Some("haiku".to_owned()),
        same_task: Some(0.7),
        ..SessionShape::default()
    });
    let lines = [write_patterns(finder.set()), write_request(&request)];
    let report = played(&strict, &loose, &lines);
    assert_eq!((report.decided, report.moved()), (1, 1));
    request.session.as_mut().unwrap().same_task = None;
    let lines = [write_patterns(finder.set()), write_request(&request)];
    assert_eq!(played(&strict, &loose, &lines).undecidable.count(), 1);
}

#[test]
fn budgets_refuse_what_is_over_them() {
    let (old, new) = (plan(OLD), new());
    let report = played(&old, &new, &corpus());
    let over = |moved: Option<&str>, cost_percent| {
        let moved = moved.map(|text| Share::parse(text).unwrap());
        let budget = Budget {
            moved,
            cost_percent,
        };
        budget.over(&report).len()
    };
    assert_eq!(over(None, None), 0);
    assert_eq!((over(Some("5"), None), over(Some("4"), None)), (0, 1));
    assert_eq!((over(Some("3.4%"), None), over(Some("3%"), None)), (0, 1));
    assert_eq!((over(None, Some(0.0)), over(None, Some(-50.0))), (0, 1));
    assert_eq!(over(Some("0"), Some(-50.0)), 2);
    for wrong in ["", "5 %%", "-1", "101%", "x"] {
        assert!(Share::parse(wrong).is_none(), "{wrong}");
    }
    let nothing = played(&old, &new, &[]);
    let any = Budget {
        moved: Some(Share::Count(9)),
        cost_percent: None,
    };
    assert_eq!(any.over(&nothing).len(), 1);
}

#[test]
fn lines_are_read_as_they_were_written() {
    let request = Request {
        at_ms: 1_790_000_000_123,
        text: Some(TextShape {
            chars: 3,
            hits: vec![1],
            likeness: vec![(0, 0.1)],
            ..TextShape::default()
        }),
        ..says(&Finder::of(&new()).unwrap(), 0, "thanks")
    };
    let line = write_request(&request);
    assert!(
        line.contains("\"at\":\"2026-09-21T14:13:20.123Z\""),
        "{line}"
    );
    assert_eq!(read(line.as_bytes()), Ok(Line::Request(Box::new(request))));
    assert!(read(b"{\"v\":1,\"request\":{\"at\":\"2026-01-01T00:00:00Z\",\"new\":[1]}}").is_ok());
    assert_eq!(read(b"\xff"), Err(BadLine::NotText));
}

#[test]
fn caches_cost_what_makers_ask() {
    let plan = plan(OLD);
    let endpoint = plan.resolve("haiku").unwrap().endpoints()[0].clone();
    let usage = Usage {
        input: 1_000_000,
        output: 1_000_000,
        cache_read: 1_000_000,
        cache_write: 1_000_000,
    };
    let (total, currency) = price(&endpoint, &usage).unwrap();
    assert!((total - (1.0 + 5.0 + 0.1 + 1.25)).abs() < 1e-9);
    assert_eq!(currency, "USD");
}

proptest! {
    /// A record decides as the text does.
    #[test]
    fn a_record_decides_as_its_text(text in "(thanks|architecture|ARCHI|ſ|[a-z ]{0,8}|Ä|\n){0,6}") {
        let plan = plan(&format!(
            "{OLD}    - {{name: fast_reply, model: haiku, description: arch thanks, patterns: [{{type: exact, keywords: [thanks]}}, {{type: regex, pattern: '^a.*s$'}}]}}\n  semantic: {{enabled: true, threshold: 0.4}}\n"
        ));
        let finder = Finder::of(&plan).unwrap();
        let reading = Reading::new(&plan, Some(finder.set()));
        let with_text = RequestFeatures { text: Some(text.as_str().into()), ..RequestFeatures::plain(None, Some("x")) };
        let recorded = Request {
            asked: Some("x".to_owned()),
            text: (!text.trim().is_empty()).then(|| finder.find(&text)),
            ..Request::default()
        };
        recorded.with_features(&reading, |features| {
            assert_eq!(missing(&plan, features), None);
            assert_eq!(choose(&plan, features), choose(&plan, &with_text));
        });
        prop_assert_ne!(reading.rule(&finder.find(&text).hits), Found::Unknown(0));
    }

    /// Whatever a line holds, a replay goes on.
    #[test]
    fn no_line_ends_a_replay(line in "\\PC{0,60}", number: u64) {
        let plan = plan(OLD);
        let odd = format!("{{\"v\":1,\"request\":{{\"at\":\"2026-01-01T00:00:00Z\",\"asked\":\"x\",\"bytes\":{number},\"text\":{{\"chars\":1,\"patterns\":\"p\",\"hits\":[{number}]}}}}}}");
        let report = played(&plan, &plan, &[line, odd]);
        prop_assert!(report.requests >= 1);
    }
}
