//! The chain, step by step: which of the steps decides, and what the others say.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use ctr_compiler::compile;
use ctr_compiler::plan::{Plan, Slot, Tokenizer};
use ctr_compiler::route::{
    Answers, CHAIN, Chosen, Classified, RequestFeatures, Session, Source, Step, Tokens, choose,
    needs, steps,
};
use ctr_compiler::source::Sources;

const MODELS: &str = r#"
Models:
  - {id: fast, api: "https://a.example", key: "${K}", interface: anthropic, model: small}
  - {id: deep, api: "https://a.example", key: "${K}", interface: anthropic, model: large}
  - {id: eyes, api: "https://a.example", key: "${K}", interface: anthropic, model: sees}
Router: {default: fast, think: deep, longContext: deep, longContextThreshold: 1000, background: fast, webSearch: deep, image: eyes}
"#;

const SMART: &str = r#"
SmartRouter:
  enabled: true
  rules:
    - {name: poem, priority: 5, model: fast, patterns: [{type: exact, keywords: [poem]}]}
    - {name: design, model: deep, description: "architecture of systems", patterns: [{type: regex, pattern: "^design "}]}
  semantic: {enabled: true, threshold: 0.9}
  router_model: fast
  candidates: [{model: fast, description: edits}, {model: deep, description: thought}]
"#;

struct Asked {
    plan: Plan,
}

impl Asked {
    fn of(text: &str) -> Self {
        let sources = Sources::single("r.yaml", text.to_owned());
        let compiled = compile(&sources);
        let plan = compiled
            .plan
            .unwrap_or_else(|| panic!("{:?}", compiled.problems));
        Self { plan }
    }

    fn goes(&self, features: RequestFeatures<'_>) -> (&str, Source<'_>) {
        let choice = choose(&self.plan, &features).unwrap();
        let all = steps(&self.plan, &features);
        let first = all.iter().find_map(|(_, said)| said.ok());
        assert_eq!(first, Some(choice), "an explanation and a decision agree");
        (choice.name, choice.source)
    }
}

fn request() -> RequestFeatures<'static> {
    RequestFeatures::plain(None, Some("claude-opus-5-5"))
}

fn says(text: &str) -> RequestFeatures<'_> {
    RequestFeatures {
        text: Some(text.into()),
        ..request()
    }
}

#[test]
fn slots_in_their_order() {
    let plan = Asked::of(MODELS);
    let slot = |slot, name| (name, Source::Slot(slot));
    assert_eq!(plan.goes(request()), slot(Slot::Default, "fast"));
    let mut features = RequestFeatures {
        web_search: true,
        ..request()
    };
    assert_eq!(plan.goes(features), slot(Slot::WebSearch, "deep"));
    features.thinking = true;
    assert_eq!(plan.goes(features), slot(Slot::Think, "deep"));
    features.model = Some("claude-haiku-5-5-20270101");
    assert_eq!(plan.goes(features), slot(Slot::Background, "fast"));
    features.subagent = Some("deep");
    assert_eq!(plan.goes(features), ("deep", Source::Subagent));
    features.tokens = Tokens::Counted(1001);
    assert_eq!(plan.goes(features), slot(Slot::LongContext, "deep"));
    features.image_in_last = true;
    assert_eq!(plan.goes(features), slot(Slot::Image, "eyes"));
    features.model = Some("deep");
    assert_eq!(plan.goes(features), ("deep", Source::ExplicitModel));
    assert_eq!(CHAIN.len(), steps(&plan.plan, &features).len());
}

#[test]
fn small_models_of_clients_are_background() {
    let plan = Asked::of(MODELS);
    for (model, background) in [
        ("claude-3-5-haiku-20241022", true),
        ("claude-haiku-4-5-20251001", true),
        ("claude-haiku-5-5", true),
        ("claude-sonnet-5-5", false),
        ("my-claude-haiku-5", false),
    ] {
        let features = RequestFeatures {
            model: Some(model),
            ..request()
        };
        let (_, source) = plan.goes(features);
        assert_eq!(
            source == Source::Slot(Slot::Background),
            background,
            "{model}"
        );
    }
    let own = Asked::of(&MODELS.replace(
        "background: fast",
        "background: fast, backgroundModels: [\"*-mini\", gpt-*-nano]",
    ));
    for (model, background) in [
        ("gpt-6-mini", true),
        ("gpt-6-nano", true),
        ("claude-haiku-5-5", false),
    ] {
        assert_eq!(own.plan.router.is_background(model), background, "{model}");
    }
}

#[test]
fn tokens_are_counted_only_where_bytes_do_not_tell() {
    let plan = Asked::of(MODELS);
    let never = |_: Tokenizer, _: Option<u64>| -> u64 { panic!("counted") };
    let short = RequestFeatures {
        tokens: Tokens::Lazy {
            most: 1000,
            count: &never,
        },
        ..request()
    };
    assert_eq!(plan.goes(short).0, "fast");
    let counted =
        |_: Tokenizer, limit: Option<u64>| limit.map_or(1500, |limit| 1500.min(limit + 1));
    let long = RequestFeatures {
        tokens: Tokens::Lazy {
            most: 9000,
            count: &counted,
        },
        ..request()
    };
    assert_eq!(plan.goes(long).1, Source::Slot(Slot::LongContext));
    let without = Asked::of(&MODELS.replace("longContext: deep, ", ""));
    let free = RequestFeatures {
        tokens: Tokens::Lazy {
            most: 9000,
            count: &never,
        },
        ..request()
    };
    assert_eq!(without.goes(free).0, "fast");
}

#[test]
fn a_long_session_makes_the_next_request_long() {
    let plan =
        Asked::of(&MODELS.replace("longContextThreshold: 1000", "longContextThreshold: 60000"));
    let after = |last, tokens| RequestFeatures {
        session: Session {
            last_input_tokens: Some(last),
            ..Session::default()
        },
        tokens: Tokens::Counted(tokens),
        ..request()
    };
    assert_eq!(
        plan.goes(after(60_001, 20_001)).1,
        Source::Slot(Slot::LongContext)
    );
    assert_eq!(
        plan.goes(after(60_001, 20_000)).1,
        Source::Slot(Slot::Default)
    );
    assert_eq!(
        plan.goes(after(60_000, 20_001)).1,
        Source::Slot(Slot::Default)
    );
}

#[test]
fn rules_go_before_likeness_and_likeness_before_a_models_choice() {
    let plan = Asked::of(&format!("{MODELS}{SMART}"));
    let goes = |text| plan.goes(says(text)).1;
    assert_eq!(goes("design a poem"), Source::Rule("poem"));
    assert_eq!(goes("design a bridge"), Source::Rule("design"));
    assert_eq!(
        goes("the systems architecture of it"),
        Source::Semantic("design")
    );
    assert_eq!(goes("zzz"), Source::Slot(Slot::Default));
    let mut chosen = says("zzz");
    chosen.answers.chosen = Chosen::Model("deep");
    assert_eq!(plan.goes(chosen), ("deep", Source::Candidates));
    chosen.answers.chosen = Chosen::Model("eyes");
    assert_eq!(plan.goes(chosen).1, Source::Slot(Slot::Default));
    let result = RequestFeatures {
        is_tool_result: true,
        ..says("a poem")
    };
    assert_eq!(plan.goes(result).1, Source::Slot(Slot::Default));
}

#[test]
fn a_session_keeps_its_model_for_the_same_task() {
    let plan = Asked::of(&format!("{MODELS}{SMART}"));
    let mut features = says("Fix the flaky  test");
    features.session.last_text = Some("fix THE flaky test");
    features.session.last_model = Some("deep");
    assert_eq!(plan.goes(features), ("deep", Source::Sticky));
    features.session.last_text = Some("write a song");
    assert_eq!(plan.goes(features).1, Source::Slot(Slot::Default));
    features.session.last_text = Some("fix the flaky test");
    features.session.last_model = Some("gone");
    assert_eq!(plan.goes(features).1, Source::Slot(Slot::Default));
    // A rule is not overridden by what the session did.
    let mut rule = says("poem");
    rule.session.last_text = Some("poem");
    rule.session.last_model = Some("deep");
    assert_eq!(plan.goes(rule).1, Source::Rule("poem"));
}

#[test]
fn a_model_is_asked_only_when_the_choice_depends_on_it() {
    let plan = Asked::of(&format!("{MODELS}{SMART}"));
    let asks = |features: &RequestFeatures<'_>| needs(&plan.plan, features);
    assert_eq!(asks(&says("a poem")), None);
    assert_eq!(asks(&says("zzz")), Some((Step::Candidates, "fast")));
    let mut answered = says("zzz");
    answered.answers.chosen = Chosen::Failed;
    assert_eq!(asks(&answered), None);
    let classifier = SMART.replace(
        "semantic: {enabled: true, threshold: 0.9}",
        "semantic: {enabled: true, threshold: 0.9, mode: classifier, classifier_model: deep}",
    );
    let plan = Asked::of(&format!("{MODELS}{classifier}"));
    let text = "the systems architecture of it";
    assert_eq!(
        needs(&plan.plan, &says(text)),
        Some((Step::Semantic, "deep"))
    );
    let classified = |classified| RequestFeatures {
        answers: Answers {
            classified,
            chosen: Chosen::Failed,
        },
        ..says(text)
    };
    let goes = |answer| plan.goes(classified(answer)).1;
    assert_eq!(
        goes(Classified::Rule("design", 0.95)),
        Source::Semantic("design")
    );
    assert_eq!(
        goes(Classified::Rule("design", 0.5)),
        Source::Slot(Slot::Default)
    );
    assert_eq!(
        goes(Classified::Rule("nobody", 1.0)),
        Source::Slot(Slot::Default)
    );
    assert_eq!(goes(Classified::Failed), Source::Semantic("design"));
}
