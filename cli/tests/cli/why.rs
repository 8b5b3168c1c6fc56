use crate::{Place, QUICK_START, assert_story};

const OLD: &str = "\
Models:
  - id: gpt-4.1
    api_base_url: https://api.openai.com
    key: \"${PRIMARY_KEY}\"
    model: gpt-4.1
    metadata: {cost_per_1m_output_tokens: 8}
Router: {default: gpt-4.1}
";

fn told(place: &Place, paths: &[&str]) -> String {
    let stories = paths
        .iter()
        .map(|path| place.story(&format!("why {path} --config r.yaml")));
    stories.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_origin_is_told() {
    let place = Place::new().with("r.yaml", QUICK_START);
    let paths = [
        "pools.sonnet.endpoints.sonnet-primary.priority",
        "pools.sonnet.endpoints[1].priority",
        "pools.sonnet.endpoints.sonnet-primary.supports_tools",
        "pools.sonnet.endpoints.sonnet-primary.provider",
        "pools.sonnet.endpoints.sonnet-primary.key",
        "pools.sonnet.strategy",
        "pools.sonnet.health.open_ms",
        "models.haiku.interface",
        "models.haiku.enabled",
        "router.slots.default",
        "Router.think",
        "listen.port",
        "API_TIMEOUT_MS",
        "listen.api_key",
    ];
    assert_story!("why", told(&place, &paths));
}

#[test]
fn old_spellings_and_dots_in_ids_are_known() {
    let place = Place::new().with("r.yaml", OLD);
    let paths = [
        "models.gpt-4.1.api",
        "models.gpt-4.1.interface",
        "models.gpt-4.1.cost",
        "models.gpt-4.1.cost.currency",
        "models.gpt-4.1.label",
        "models.gpt-4.1",
    ];
    assert_story!("why-old-spelling", told(&place, &paths));
    assert_story!(
        "why-json",
        place.story("why --format json models.gpt-4.1.api -c r.yaml")
    );
}

#[test]
fn a_misspelt_path_is_corrected() {
    let place = Place::new().with("r.yaml", QUICK_START);
    let paths = [
        "listen.prot",
        "pool.sonnet.strategy",
        "models.haikku.key",
        "models.haiku.interfce",
        "models",
        "pools.sonnet",
        "pools.sonnet.endpoints",
        "pools.sonnet.endpoints[2].key",
        "pools.sonnet.endpoints.sonnet-primry.key",
        "router.slots.defualt",
        "upstream_services.edge.base_url",
        "nothing",
    ];
    assert_story!("why-misspelt", told(&place, &paths));
}

#[test]
fn a_broken_document_is_drawn() {
    let place = Place::new().with(
        "r.yaml",
        &QUICK_START.replace("default: sonnet", "default: sonet"),
    );
    assert_eq!(place.exit("why listen.port -c r.yaml"), 1);
    assert_eq!(place.exit("why listen.port -c none.yaml"), 3);
}
