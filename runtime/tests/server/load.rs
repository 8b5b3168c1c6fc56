//! Plans are swapped while requests run: none is lost, and none is served by
//! two plans.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ctr_runtime::scripted::{Answer, ScriptedUpstream};

use crate::home::{self, Home, until};

/// A registration whose pool prefers one of two endpoints.
fn preferring(first: &str, ports: [&ScriptedUpstream; 2]) -> String {
    let entry = |name: &str, upstream: &ScriptedUpstream| {
        let priority = if name == first { 1 } else { 2 };
        format!(
            "    - {{id: sonnet, api: \"{}/v1\", key: \"${{UPSTREAM_KEY}}\", interface: anthropic, model: model-{name}, metadata: {{pool_endpoint_id: {name}, pool_priority: {priority}}}}}\n",
            upstream.url()
        )
    };
    format!(
        "Router: {{default: sonnet}}\nRegistration:\n  enabled: true\n  models:\n{}{}",
        entry("a", ports[0]),
        entry("b", ports[1])
    )
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_or_mixed_while_plans_are_swapped() {
    let upstream = |text: &'static str| async move {
        let upstream = ScriptedUpstream::start().await.unwrap();
        upstream.set_default(Answer::text(text));
        upstream
    };
    let (a, b) = (upstream("from a").await, upstream("from b").await);
    let home = Home::new();
    home.write("registration.yaml", &preferring("a", [&a, &b]));
    let running = Arc::new(home.start().await);
    let by_a = running.live().hash.short().to_owned();

    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (running, done, by_a) = (Arc::clone(&running), Arc::clone(&done), by_a.clone());
            tokio::spawn(async move {
                let mut served = [0_u32; 2];
                while !done.load(Ordering::Relaxed) {
                    let stream = client % 2 == 0;
                    let body =
                        format!("{{\"model\":\"sonnet\",\"stream\":{stream},\"messages\":[]}}");
                    let (head, body) = home::exchange(&running, &body).await;
                    assert!(head.starts_with("http/1.1 200"), "{head}");
                    let name = if header(&head, "x-ctr-plan") == by_a {
                        "a"
                    } else {
                        "b"
                    };
                    assert_eq!(header(&head, "x-ctr-endpoint"), name);
                    assert!(body.contains(&format!("model-{name}")), "{body}");
                    assert_eq!(body.contains("message_stop"), stream, "{body}");
                    served[usize::from(name == "b")] += 1;
                }
                served
            })
        })
        .collect();
    for swap in 1..=12_u64 {
        let first = if swap % 2 == 0 { "a" } else { "b" };
        home.replace("registration.yaml", &preferring(first, [&a, &b]));
        until(&running, |status| status.swaps == swap).await;
    }
    done.store(true, Ordering::Relaxed);
    let mut served = [0, 0];
    for client in clients {
        let counts = client.await.unwrap();
        served = [served[0] + counts[0], served[1] + counts[1]];
    }
    assert!(
        served[0] > 0 && served[1] > 0,
        "both plans served: {served:?}"
    );
}
