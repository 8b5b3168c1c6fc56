//! The image agent as a client sees it, which is not at all: one answer, made of
//! several, with an image looked at in between.

use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use serde_json::{Value, json};

use crate::chain::Chain;
use crate::stage::{CHAT, Got, MESSAGES, RESPONSES, post, upstream};

const FORCED: &str = "Router: {default: fast, image: eyes}\nforceUseImageAgent: true\n";

const TOOL: &str = "analyzeImage";

/// Base64 that stands in requests to the model that sees, and in no other.
const PIXELS: &str = "iVBORw0KGgoAAAANSUhEUg";

pub(crate) fn shows(text: &str) -> Value {
    let source = json!({ "type": "base64", "media_type": "image/png", "data": PIXELS });
    let image = json!({ "type": "image", "source": source });
    json!({
        "max_tokens": 100,
        "messages": [{ "role": "user", "content": [image, { "type": "text", "text": text }] }],
    })
}

fn whole(content: &Value, stop: &str) -> Answer {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": stop, "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100 },
    });
    Answer::raw("application/json", [message.to_string()])
}

/// The same in events, one write each.
fn streamed(content: &Value, stop: &str) -> Answer {
    let mut events = Vec::new();
    let mut send = |data: Value| {
        let name = data["type"].as_str().unwrap();
        events.push(format!("event: {name}\ndata: {data}\n\n"));
    };
    let usage = json!({ "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 100 });
    send(json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    } }));
    for (index, block) in content.as_array().unwrap().iter().enumerate() {
        let (mut empty, delta) = (
            block.clone(),
            match block["type"].as_str().unwrap() {
                "text" => json!({ "type": "text_delta", "text": block["text"] }),
                _ => {
                    json!({ "type": "input_json_delta", "partial_json": block["input"].to_string() })
                }
            },
        );
        match block.get("text") {
            Some(_) => empty["text"] = json!(""),
            None => empty["input"] = json!({}),
        }
        send(json!({ "type": "content_block_start", "index": index, "content_block": empty }));
        send(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        send(json!({ "type": "content_block_stop", "index": index }));
    }
    send(json!({
        "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null },
        "usage": { "output_tokens": 5 },
    }));
    send(json!({ "type": "message_stop" }));
    Answer::raw("text/event-stream", events)
}

fn said(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn call(name: &str, id: &str, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": id, "name": name, "input": input })
}

fn asks(task: &str) -> Value {
    call(TOOL, "toolu_1", &json!({ "imageId": ["1"], "task": task }))
}

fn script(in_events: bool) -> Vec<Answer> {
    let answer = if in_events { streamed } else { whole };
    vec![
        answer(
            &json!([said("Let me see."), asks("its colour")]),
            "tool_use",
        ),
        answer(&json!([said("It is red.")]), "end_turn"),
    ]
}

async fn chain(rest: &str, fast: Vec<Answer>) -> Chain {
    let eyes = vec![Answer::text("A red square.")];
    Chain::scripted(rest, [fast, vec![], eyes]).await
}

/// A model that asks about an image, of one that says nothing.
pub(crate) async fn asking(in_events: bool) -> Chain {
    let chain = chain(FORCED, script(in_events)).await;
    chain.upstreams[2].set_script([Answer::hang()]);
    chain
}

fn sent(upstream: &ScriptedUpstream, at: usize) -> Value {
    upstream.received()[at].json()
}

fn count(chain: &Chain) -> [usize; 3] {
    [0, 1, 2].map(|at| chain.upstreams[at].received().len())
}

/// The data of a stream's events.
fn events(got: &Got) -> Vec<Value> {
    let data = got
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[tokio::test]
async fn an_image_is_looked_at_and_the_answer_goes_on() {
    let chain = chain(FORCED, script(false)).await;
    let got = chain.ask(MESSAGES, shows("what colour is it?")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.header("x-ctr-image-agent"), "eyes");
    assert_eq!(got.header("x-ctr-endpoint"), "fast");
    assert_eq!(got.header("x-ctr-translated"), "");
    let answer = got.json();
    assert_eq!(
        answer["content"],
        json!([said("Let me see."), said("It is red.")])
    );
    assert_eq!(answer["stop_reason"], "end_turn");
    let usage = &answer["usage"];
    assert_eq!(
        (
            &usage["input_tokens"],
            &usage["output_tokens"],
            &usage["cache_read_input_tokens"]
        ),
        (&json!(20), &json!(10), &json!(200))
    );

    let [fast, _, eyes] = &chain.upstreams;
    assert_eq!(count(&chain), [2, 0, 1]);
    let first = sent(fast, 0);
    let content = &first["messages"][0]["content"];
    let stands = content[0]["text"].as_str().unwrap();
    assert!(stands.starts_with("[Image #1]"), "{stands}");
    assert_eq!(content[1]["text"], "what colour is it?");
    assert_eq!(first["tools"][0]["name"], TOOL);
    assert_eq!(first["max_tokens"], 100);

    let looked = sent(eyes, 0);
    assert_eq!(looked["model"], "eyes-1");
    let content = &looked["messages"][0]["content"];
    assert_eq!(content[1]["source"]["data"], PIXELS);
    assert_eq!(content[2]["text"], "its colour");

    let second = sent(fast, 1);
    let messages = second["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(
        messages[1]["content"],
        json!([said("Let me see."), asks("its colour")])
    );
    assert_eq!(
        messages[2]["content"],
        json!([{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "A red square." }])
    );
    for request in [first, second] {
        assert!(!request.to_string().contains(PIXELS));
    }
}

#[tokio::test]
async fn a_stream_is_one_stream() {
    let chain = chain(FORCED, script(true)).await;
    let mut body = shows("what colour is it?");
    body["stream"] = json!(true);
    let got = chain.ask(MESSAGES, body).await;
    assert!(got.whole && !got.body.contains(TOOL), "{}", got.body);
    let events = events(&got);
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(
        (&events[1]["index"], &events[6]["index"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(events[7]["delta"]["text"], "It is red.");
    let last = &events[9];
    assert_eq!(last["delta"]["stop_reason"], "end_turn");
    assert_eq!(last["usage"]["input_tokens"], 20);
    assert_eq!(last["usage"]["output_tokens"], 10);
    assert_eq!(count(&chain), [2, 0, 1]);
}

/// What a Chat Completions or Responses client is told, whole or in events.
fn told(got: &Got, path: &str, in_events: bool) -> String {
    match (path, in_events) {
        (CHAT, false) => got.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned(),
        (CHAT, true) => {
            let events = events(got);
            let texts = events
                .iter()
                .filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
            texts.collect()
        }
        (_, false) => texts(&got.json()),
        (_, true) => texts(&events(got).pop().unwrap()["response"]),
    }
}

fn texts(response: &Value) -> String {
    let items = response["output"].as_array().unwrap().iter();
    let texts: Vec<&str> = items
        .map(|item| item["content"][0]["text"].as_str().unwrap())
        .collect();
    texts.join("\n\n")
}

fn body_for(path: &str) -> Value {
    let url = format!("data:image/png;base64,{PIXELS}");
    match path {
        CHAT => {
            let image = json!({ "type": "image_url", "image_url": { "url": url } });
            json!({ "messages": [{ "role": "user", "content": [image] }] })
        }
        _ => {
            let image = json!({ "type": "input_image", "image_url": url });
            json!({ "input": [{ "role": "user", "content": [image] }] })
        }
    }
}

#[tokio::test]
async fn the_other_clients_are_served_as_well() {
    for path in [CHAT, RESPONSES] {
        for in_events in [false, true] {
            let chain = chain(FORCED, script(in_events)).await;
            let mut body = body_for(path);
            body["stream"] = json!(in_events);
            let got = chain.ask(path, body).await;
            assert_eq!(got.status, 200, "{path}: {}", got.body);
            assert_eq!(
                told(&got, path, in_events),
                "Let me see.\n\nIt is red.",
                "{path} {in_events}"
            );
            assert!(!got.body.contains(TOOL), "{path}: {}", got.body);
            assert_eq!(
                got.header("x-ctr-translated"),
                format!(
                    "{}-to-messages",
                    path.rsplit('/')
                        .next()
                        .unwrap()
                        .replace("completions", "chat")
                )
            );
            let result = &sent(&chain.upstreams[0], 1)["messages"][2]["content"][0];
            assert_eq!(result["content"][0]["text"], "A red square.", "{result}");
            assert_eq!(count(&chain), [2, 0, 1]);
        }
    }
}

/// An endpoint of OpenAI's that calls the tool and then answers.
async fn of_openai(path: &str, in_events: bool) -> (Chain, ScriptedUpstream) {
    let openai = upstream().await;
    let arguments = json!({ "imageId": ["1"], "task": "its colour" }).to_string();
    let calls = match (path, in_events) {
        (CHAT, false) => {
            let function = json!({ "name": TOOL, "arguments": arguments });
            let call = json!({ "id": "call_1", "type": "function", "function": function });
            let message =
                json!({ "role": "assistant", "content": "Let me see.", "tool_calls": [call] });
            let choice = json!({ "index": 0, "message": message, "finish_reason": "tool_calls" });
            Answer::raw(
                "application/json",
                [json!({ "id": "chatcmpl-1", "model": "m", "choices": [choice] }).to_string()],
            )
        }
        (CHAT, true) => {
            let chunk = |delta: Value, finish: Value| {
                let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
                format!(
                    "data: {}\n\n",
                    json!({ "id": "chatcmpl-1", "model": "m", "choices": [choice] })
                )
            };
            let function = json!({ "name": TOOL, "arguments": arguments });
            let call =
                json!({ "index": 0, "id": "call_1", "type": "function", "function": function });
            Answer::raw(
                "text/event-stream",
                [
                    chunk(
                        json!({ "role": "assistant", "content": "Let me see." }),
                        Value::Null,
                    ),
                    chunk(json!({ "tool_calls": [call] }), Value::Null),
                    chunk(json!({}), json!("tool_calls")),
                    "data: [DONE]\n\n".to_owned(),
                ],
            )
        }
        _ => {
            let text = json!({ "type": "output_text", "text": "Let me see.", "annotations": [] });
            let message =
                json!({ "type": "message", "id": "msg_1", "role": "assistant", "content": [text] });
            let call = json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": TOOL, "arguments": arguments });
            let sealed = json!({ "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed" });
            let response = json!({ "id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [sealed, message, call] });
            Answer::raw("application/json", [response.to_string()])
        }
    };
    openai.set_script([calls, Answer::text("It is red.")]);
    let rest = format!(
        "  - {{id: open, api: \"{}{path}\", key: \"${{UPSTREAM_KEY}}\", interface: openai, model: o}}\nRouter: {{default: open, image: eyes}}\nforceUseImageAgent: true\n",
        openai.url()
    );
    (chain(&rest, vec![]).await, openai)
}

#[tokio::test]
async fn so_are_the_other_endpoints_in_their_own_protocol() {
    for (path, in_events) in [(CHAT, false), (CHAT, true), (RESPONSES, false)] {
        let (chain, openai) = of_openai(path, in_events).await;
        let mut body = body_for(path);
        body["stream"] = json!(in_events);
        body["unknown"] = json!("kept");
        let got = chain.ask(path, body).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        assert!(!got.body.contains(TOOL), "{path}: {}", got.body);
        assert_eq!(got.header("x-ctr-translated"), "");
        if path == CHAT {
            assert_eq!(told(&got, path, in_events), "Let me see.\n\nIt is red.");
            let second = sent(&openai, 1);
            let messages = second["messages"].as_array().unwrap();
            let result = messages.last().unwrap();
            assert_eq!(
                *result,
                json!({ "role": "tool", "tool_call_id": "call_1", "content": "A red square." })
            );
            assert_eq!(second["unknown"], "kept");
            continue;
        }
        assert_eq!(got.header("x-ctr-dropped"), "store");
        let output = got.json()["output"].clone();
        assert_eq!(
            output[0]["id"], "rs_1",
            "its maker knows it by no other name"
        );
        assert_eq!(output[0]["encrypted_content"], "sealed");
        let second = sent(&openai, 1);
        assert_eq!(second["store"], false);
        let input = second["input"].as_array().unwrap();
        let kinds: Vec<&str> = input
            .iter()
            .skip(1)
            .map(|item| item["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "reasoning",
                "message",
                "function_call",
                "function_call_output"
            ]
        );
    }
}

#[tokio::test]
async fn a_client_answers_its_own_tools() {
    for in_events in [false, true] {
        let answer = if in_events { streamed } else { whole };
        let own = call("Read", "toolu_2", &json!({ "path": "a.txt" }));
        let fast = vec![answer(&json!([asks("its colour"), own]), "tool_use")];
        let chain = chain(FORCED, fast).await;
        let mut body = shows("compare it with a.txt");
        body["stream"] = json!(in_events);
        body["tools"] = json!([{ "name": "Read", "input_schema": { "type": "object" } }]);
        let got = chain.ask(MESSAGES, body).await;
        assert!(!got.body.contains(TOOL), "{}", got.body);
        assert_eq!(
            count(&chain),
            [1, 0, 0],
            "nobody waits for what comes to nothing"
        );
        let (calls, stop) = if in_events {
            let events = events(&got);
            let calls = events.iter().filter_map(|event| event.get("content_block"));
            let calls: Vec<Value> = calls.cloned().collect();
            let stop = events[events.len() - 2]["delta"]["stop_reason"].clone();
            assert_eq!(events[1]["index"], 0);
            (calls, stop)
        } else {
            let answer = got.json();
            (
                answer["content"].as_array().unwrap().clone(),
                answer["stop_reason"].clone(),
            )
        };
        assert_eq!(calls.len(), 1);
        assert_eq!(
            (&calls[0]["name"], &calls[0]["id"]),
            (&json!("Read"), &json!("toolu_2"))
        );
        assert_eq!(stop, "tool_use");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_looked_at_is_told_and_the_answer_goes_on() {
    let chain = chain(FORCED, script(false)).await;
    chain.upstreams[2].set_script([Answer::error(500, "api_error", "blind")]);
    let got = chain.ask(MESSAGES, shows("what is it?")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let result = sent(&chain.upstreams[0], 1)["messages"][2]["content"][0].clone();
    assert_eq!(result["is_error"], true);
    let why = result["content"].as_str().unwrap();
    assert!(why.contains("gave no answer"), "{why}");
    assert_eq!(got.json()["content"][1]["text"], "It is red.");
}

#[tokio::test]
async fn the_same_question_is_paid_for_once() {
    let mut fast = script(false);
    fast.extend(script(false));
    let other = json!([asks("its shape")]);
    fast.extend([
        whole(&other, "tool_use"),
        whole(&json!([said("Square.")]), "end_turn"),
    ]);
    let chain = chain(FORCED, fast).await;
    chain.ask(MESSAGES, shows("what colour is it?")).await;
    assert_eq!(count(&chain), [2, 0, 1]);
    let mut again = shows("what colour is it?");
    let messages = again["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": "Red." }));
    messages.push(json!({ "role": "user", "content": "are you sure?" }));
    let got = chain.ask(MESSAGES, again).await;
    assert_eq!(got.json()["content"][1]["text"], "It is red.");
    assert_eq!(count(&chain), [4, 0, 1], "it is known");
    let result = sent(&chain.upstreams[0], 3)["messages"][4]["content"][0].clone();
    assert_eq!(result["content"], "A red square.");
    chain.ask(MESSAGES, shows("and its shape?")).await;
    assert_eq!(count(&chain), [6, 0, 2], "that is another question");
}

#[tokio::test]
async fn a_model_that_asks_on_and_on_comes_to_an_end() {
    for in_events in [false, true] {
        let answer = if in_events { streamed } else { whole };
        let chain = chain(FORCED, vec![]).await;
        let on = answer(&json!([said("Hm."), asks("its colour")]), "tool_use");
        chain.upstreams[0].set_default(on);
        let mut body = shows("what is it?");
        body["stream"] = json!(in_events);
        let got = chain.ask(MESSAGES, body).await;
        assert!(got.whole);
        assert_eq!(count(&chain), [7, 0, 1]);
        let last = sent(&chain.upstreams[0], 6);
        let last = last["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["content"][0]["is_error"], true, "{last}");
        let stop = match in_events {
            true => events(&got).iter().rev().nth(1).unwrap()["delta"]["stop_reason"].clone(),
            false => got.json()["stop_reason"].clone(),
        };
        assert_eq!(stop, "end_turn", "{}", got.body);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_go_on_says_so() {
    let gone = || Answer::error(529, "overloaded_error", "busy");
    let mut fast = script(false);
    fast[1] = gone();
    let got = chain(FORCED, fast)
        .await
        .ask(MESSAGES, shows("what is it?"))
        .await;
    assert_eq!(got.status, 529, "as the endpoint says it: {}", got.body);
    assert_eq!(got.json()["error"]["type"], "overloaded_error");

    let mut fast = script(true);
    fast[1] = gone();
    let mut body = shows("what is it?");
    body["stream"] = json!(true);
    let got = chain(FORCED, fast).await.ask(MESSAGES, body.clone()).await;
    let events = events(&got);
    assert_eq!(events[3]["delta"]["text"], "Let me see.");
    assert_eq!(events.last().unwrap()["type"], "error");
    assert!(got.whole, "it is said in words");

    let fast = vec![Answer::cut("some more words", 3)];
    let got = chain(FORCED, fast).await.ask(MESSAGES, body).await;
    assert!(got.body.contains("event: error"), "{}", got.body);
    assert_eq!(got.body.matches("event: error").count(), 1, "{}", got.body);

    let odd = Answer::raw("application/json", ["{\"odd\":1}"]);
    let got = chain(FORCED, vec![odd])
        .await
        .ask(MESSAGES, shows("what is it?"))
        .await;
    assert_eq!(
        (got.status.as_u16(), got.body.as_str()),
        (200, "{\"odd\":1}")
    );
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_question_along() {
    let chain = asking(true).await;
    let mut body = shows("what is it?");
    body["stream"] = json!(true);
    body["model"] = json!("unknown");
    let response = post(chain.stage.addr, MESSAGES, &body.to_string()).await;
    let reading = tokio::spawn(Got::read(response));
    chain.upstreams[2].wait_received(1).await;
    reading.abort();
    chain.upstreams[2].wait_aborted(1).await;
    assert_eq!(count(&chain), [1, 0, 1]);
}

#[tokio::test]
async fn without_force_the_last_image_goes_to_its_slot_and_earlier_ones_to_the_agent() {
    let rest = "Router: {default: fast, image: eyes}\n";
    let chain = chain(rest, script(false)).await;
    let got = chain.ask(MESSAGES, shows("what is it?")).await;
    assert_eq!(got.header("x-ctr-endpoint"), "eyes");
    assert_eq!(got.header("x-ctr-image-agent"), "");
    assert_eq!(count(&chain), [0, 0, 1]);
    let mut later = shows("what is it?");
    let messages = later["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": "A square." }));
    messages.push(json!({ "role": "user", "content": "of what colour?" }));
    let got = chain.ask(MESSAGES, later.clone()).await;
    assert_eq!(got.header("x-ctr-image-agent"), "eyes");
    assert_eq!(got.json()["content"][1]["text"], "It is red.");
    assert_eq!(count(&chain), [2, 0, 2]);
    later["model"] = json!("fast");
    let got = chain.ask(MESSAGES, later).await;
    assert_eq!(got.header("x-ctr-image-agent"), "");
    assert!(
        sent(&chain.upstreams[0], 2).to_string().contains(PIXELS),
        "it was named"
    );
}

#[tokio::test]
async fn what_the_model_thought_goes_back_to_it_unchanged() {
    let thought = json!({ "type": "thinking", "thinking": "hm", "signature": "c2lnbmVk" });
    let chain = chain(FORCED, script(false)).await;
    let asked = json!([thought, asks("its colour")]);
    chain.upstreams[0].set_script([whole(&asked, "tool_use"), Answer::text("Red.")]);
    let mut body = shows("what is it?");
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": 1024 });
    body["system"] =
        json!([{ "type": "text", "text": "x", "cache_control": { "type": "ephemeral" } }]);
    let got = chain.ask(MESSAGES, body.clone()).await;
    assert_eq!(got.json()["content"], json!([thought, said("Red.")]));
    let second = sent(&chain.upstreams[0], 1);
    assert_eq!(second["messages"][1]["content"], asked);
    assert_eq!(second["thinking"], body["thinking"]);
    assert_eq!(second["system"][0], body["system"][0]);
}
