//! The plan itself: served without its registration, told, and kept to.

use ctr_compiler::compile;
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_runtime::ask_plan::{AskError, ask_plan};
use ctr_runtime::server::{StartError, start_plan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::home::{Home, KEY, get, models, started, until, until_models, with_model};

fn plan_of(text: &str) -> Plan {
    let compiled = compile(&Sources::single("r.yaml", text));
    compiled.plan.unwrap()
}

#[tokio::test]
async fn the_live_plan_is_told_to_who_has_the_key() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let missing = get(&running, "/api/plan", "").await;
    assert_eq!(missing.status, 401);
    let told = get(&running, "/api/plan", &format!("x-api-key: {KEY}\r\n")).await;
    assert_eq!(told.status, 200);
    let hash = running.live().hash.clone();
    let header = format!("x-ctr-plan: {}", hash.short());
    assert!(told.head.contains(&header), "{}", told.head);
    let plan = Plan::from_json(&told.body.to_string()).unwrap();
    assert_eq!(plan.hash(), hash);

    let address = format!("http://{}/", running.addr());
    assert_eq!(ask_plan(&address, Some(KEY)).await.unwrap(), plan);
    for key in [None, Some("wrong")] {
        let denied = ask_plan(&address, key).await;
        assert!(matches!(denied, Err(AskError::Denied)), "{denied:?}");
    }
    let elsewhere = ask_plan(&format!("{address}below"), Some(KEY)).await;
    assert!(matches!(elsewhere, Err(AskError::Status(_))));
}

#[tokio::test]
async fn who_does_not_answer_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nobody = ask_plan(&address, None).await;
    assert!(matches!(nobody, Err(AskError::Unreachable(_))));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let hanging_up = tokio::spawn(async move { drop(listener.accept().await) });
    let cut = ask_plan(&address, None).await;
    assert!(matches!(cut, Err(AskError::Unreachable(_))));
    hanging_up.await.unwrap();
}

/// As a proxy that asks for no key does, called by a name it does not know.
#[tokio::test]
async fn who_forbids_it_asks_for_no_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let forbidding = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await.unwrap();
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let forbidden = ask_plan(&address, None).await;
    assert!(matches!(forbidden, Err(AskError::Forbidden)));
    forbidding.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let silent = ask_plan(&address, None).await;
    assert!(matches!(silent, Err(AskError::Unreachable(_))));
    drop(listener);
}

#[tokio::test]
async fn a_plan_is_served_without_its_registration() {
    let home = Home::new();
    let plan = plan_of(&with_model("one"));
    let mut settings = home.settings("none.yaml");
    settings.only = Some(plan.hash());
    let running = start_plan(plan.clone(), settings.clone()).await.unwrap();
    assert_eq!(models(&running), ["one"]);
    assert_eq!(running.live().hash, plan.hash());
    assert_eq!(running.live().api_key.as_deref(), Some(KEY));
    let status = running.reload().until(|status| status.swaps > 0).await;
    assert_eq!((status.swaps, status.stale), (0, false));
    running.stop().await;

    let refused = start_plan(plan_of(&with_model("two")), settings).await;
    assert!(matches!(refused, Err(StartError::Other(_))));
}

#[tokio::test]
async fn a_plan_with_literal_secrets_is_not_served() {
    let home = Home::new();
    let text = with_model("one")
        .replace("${UPSTREAM_KEY}", "sk-literal-0123456789")
        .replace("https://upstream", "https://user:pass@upstream");
    let kept = plan_of(&text);
    let mut written = plan_of(&with_model("one"));
    let json = written.to_canonical_json();
    written = Plan::from_json(&json.replace("${UPSTREAM_KEY}", "sk-literal-0123456789")).unwrap();
    for (plan, wanted) in [
        (kept, &["models.one.api", "models.one.key"][..]),
        (written, &["models.one.key"]),
    ] {
        let Err(StartError::LiteralSecrets { places }) =
            start_plan(plan, home.settings("none.yaml")).await
        else {
            panic!("it is refused");
        };
        assert_eq!(places, wanted);
    }
}

#[tokio::test]
async fn a_save_of_another_plan_is_refused_where_one_is_expected() {
    let home = Home::with_model("one");
    let mut settings = home.settings("registration.yaml");
    settings.only = Some(plan_of(&with_model("two")).hash());
    let refused = started(settings.clone()).await;
    assert!(matches!(refused, Err(StartError::Other(_))));

    settings.only = Some(plan_of(&with_model("one")).hash());
    let running = started(settings).await.unwrap();
    home.write("registration.yaml", &with_model("two"));
    let status = until(&running, |status| status.stale).await;
    let summary = &status.last_refusal.as_ref().unwrap().summary;
    assert!(summary.contains("may be served"), "{summary}");
    assert_eq!(models(&running), ["one"]);
    home.write("registration.yaml", &with_model("one"));
    until(&running, |status| !status.stale).await;
    until_models(&running, &["one"]).await;
}
