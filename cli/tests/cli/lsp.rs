//! The language server as an editor meets it: a process, frames on its pipes.

mod client;

use serde_json::{Value, json};

use crate::{Place, QUICK_START};
use client::{Client, about};

const URI: &str = "file:///nowhere/a.yaml";
const KDL_URI: &str = "file:///nowhere/a.kdl";

const KDL: &str = "\
model \"sonnet\" {
    api \"https://a.example\"
    key \"${KEY}\"
    interface \"anthropic\"
    model \"m\"
}
router { default \"sonet\" }
";

/// Line and column, from 0, of the first `what` in a text.
fn find(text: &str, what: &str) -> (u32, u32) {
    let at = text.find(what).unwrap();
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column = at - before.rfind('\n').map_or(0, |line| line + 1);
    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
}

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap()
}

fn labels(list: &Value) -> Vec<String> {
    items(list)
        .iter()
        .map(|item| item["label"].as_str().unwrap().to_owned())
        .collect()
}

/// Applies the edits of one file to a text of single-unit characters.
fn applied(text: &str, edits: &Value) -> String {
    let lines: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    let offset = |position: &Value| {
        let number = |key: &str| usize::try_from(position[key].as_u64().unwrap()).unwrap();
        lines[number("line")] + number("character")
    };
    let mut edits: Vec<&Value> = edits.as_array().unwrap().iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(&edit["range"]["start"])));
    let mut text = text.to_owned();
    for edit in edits {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        text.replace_range(range, edit["newText"].as_str().unwrap());
    }
    text
}

#[test]
fn an_editor_comes_and_goes() {
    let place = Place::new();
    let mut client = Client::start(&place, "--stdio");
    let told = client.initialize(&json!({}));
    assert_eq!(told["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(told["serverInfo"]["name"], "ctr");
    assert_eq!(client.leave(), 0);
    let mut client = Client::start(&place, "");
    client.initialize(&json!({}));
    assert_eq!(client.exit(), 1);
    let mut client = Client::start(&place, "");
    client.initialize(&json!({}));
    assert_eq!(client.vanish(), 1);
}

#[test]
fn mistakes_are_told_as_they_are_typed() {
    let mut client = Client::ready(&Place::new(), "");
    let broken = QUICK_START.replace("default: sonnet", "default: sonet");
    let found = client.open(URI, &broken);
    let [found] = found
        .iter()
        .filter(|found| found["severity"] == 1)
        .collect::<Vec<_>>()[..]
    else {
        panic!("{found:?}");
    };
    let (line, column) = find(&broken, "sonet");
    assert_eq!(
        found["range"],
        json!({ "start": { "line": line, "character": column }, "end": { "line": line, "character": column + 5 } })
    );
    assert_eq!(found["code"], "router/unknown-model");
    assert_eq!(
        found["message"],
        "slot `default` names `sonet`, which does not exist\nno model or pool has this id\nhelp: did you mean `sonnet`?"
    );
    let change = json!([{
        "range": found["range"],
        "text": "sonnet",
    }]);
    client.edit(URI, 2, &change);
    let found = client.diagnostics(URI, Some(2));
    assert!(
        found.iter().all(|found| found["severity"] != 1),
        "{found:?}"
    );
    client.notify(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": URI } }),
    );
    assert_eq!(client.diagnostics(URI, None), [Value::Null; 0]);
    assert_eq!(client.leave(), 0);
}

#[test]
fn kdl_is_told_in_the_same_way() {
    let mut client = Client::ready(&Place::new(), "");
    let found = client.open(KDL_URI, KDL);
    let codes: Vec<&str> = found
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["router/unknown-model"]);
    let range = json!({ "textDocument": { "uri": KDL_URI }, "range": found[0]["range"], "context": { "diagnostics": found } });
    let actions = client.request("textDocument/codeAction", range)["result"].clone();
    assert_eq!(actions[0]["title"], "replace `\"sonet\"` by `sonnet`");
    let mended = applied(KDL, &actions[0]["edit"]["changes"][KDL_URI]);
    client.change(KDL_URI, 2, &mended);
    assert_eq!(client.diagnostics(KDL_URI, Some(2)), [Value::Null; 0]);
    // An unsaved text has no name that ends in `.kdl`.
    let item = json!({ "uri": "untitled:1", "languageId": "kdl", "version": 3, "text": mended });
    client.notify("textDocument/didOpen", json!({ "textDocument": item }));
    assert_eq!(client.diagnostics("untitled:1", Some(3)), [Value::Null; 0]);
    assert_eq!(client.leave(), 0);
}

#[test]
fn other_places_and_old_words_are_marked() {
    let mut client = Client::ready(&Place::new(), "");
    let text = "Models:\n  - {id: a, api_base_url: \"https://a.example\", key: \"${K}\", model: m}\n  - {id: a, api: \"https://a.example\", key: \"${K}\", model: m}\nsomething: 1\n";
    let found = client.open(URI, text);
    let of = |code: &str| found.iter().find(|found| found["code"] == code).unwrap();
    assert_eq!(of("document/old-spelling")["tags"], json!([2]));
    assert_eq!(of("document/unknown-key")["tags"], json!([1]));
    let related = &of("model/duplicate-id")["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], URI);
    assert!(
        related["message"].as_str().unwrap().contains("first"),
        "{related}"
    );
    assert_eq!(client.leave(), 0);
}

#[test]
fn a_file_that_is_no_registration_is_left_alone() {
    let mut client = Client::ready(&Place::new(), "");
    assert_eq!(
        client.open(URI, "services:\n  db: {image: postgres}\n"),
        [Value::Null; 0]
    );
    assert_eq!(client.leave(), 0);
}

#[test]
fn keys_values_and_variables_are_completed() {
    let mut client = Client::ready(&Place::new(), "");
    let text = "Models:\n  - {id: sonnet, api: \"https://a.example\", key: \"${A_KEY}\", model: m}\nRouter:\n  default: \n  \nAPIKEY: \"${\n";
    client.open(URI, text);
    let keys = client.at("textDocument/completion", URI, 4, 2);
    assert!(labels(&keys).contains(&"think".to_owned()), "{keys}");
    assert!(!labels(&keys).contains(&"default".to_owned()), "{keys}");
    let routes = items(&keys)
        .iter()
        .find(|key| key["label"] == "routes")
        .unwrap();
    assert_eq!(
        routes["textEdit"]["newText"],
        "routes:\n  - name: $1\n    model: $2"
    );
    assert_eq!(
        (&routes["insertTextFormat"], &routes["insertTextMode"]),
        (&json!(2), &json!(2))
    );
    assert!(
        routes["documentation"]["value"]
            .as_str()
            .unwrap()
            .contains("SmartRouter.rules")
    );
    let values = client.at("textDocument/completion", URI, 3, 11);
    assert_eq!(labels(&values), ["sonnet"]);
    let variables = client.at("textDocument/completion", URI, 5, 11);
    assert_eq!(labels(&variables), ["A_KEY", "SECRET_OF_THE_MACHINE"]);
    assert!(!variables.to_string().contains("never-to-be-seen"));
    client.open(KDL_URI, KDL);
    let (line, column) = find(KDL, "sonet");
    let values = client.at("textDocument/completion", KDL_URI, line, column + 3);
    assert_eq!(items(&values)[0]["textEdit"]["newText"], "sonnet");
    assert_eq!(
        labels(&client.at("textDocument/completion", KDL_URI, 3, 15)),
        ["anthropic", "openai"]
    );
    assert_eq!(client.leave(), 0);
}

#[test]
fn a_long_list_is_cut_and_asked_for_again() {
    let mut client = Client::ready(&Place::new(), "");
    let mut text = "Router: {default: }\nModels:\n".to_owned();
    for at in 0..900 {
        text.push_str(&format!("  - {{id: model-{at}}}\n"));
    }
    client.open(URI, &text);
    let list = client.at("textDocument/completion", URI, 0, 18);
    assert_eq!(
        (items(&list).len(), &list["isIncomplete"]),
        (500, &json!(true))
    );
    let text = text.replacen("default: ", "default: el-77", 1);
    client.change(URI, 2, &text);
    let list = client.at("textDocument/completion", URI, 0, 23);
    assert_eq!(labels(&list).len(), 11, "{list}");
    assert_eq!(client.leave(), 0);
}

#[test]
fn an_editor_without_snippets_gets_plain_text() {
    let mut client = Client::start(&Place::new(), "");
    client.initialize(&json!({}));
    client.open(URI, "Router:\n  \n");
    let keys = client.at("textDocument/completion", URI, 1, 2);
    let key = items(&keys)
        .iter()
        .find(|key| key["label"] == "longContextThreshold")
        .unwrap();
    assert_eq!(key["textEdit"]["newText"], "longContextThreshold: 60000");
    assert_eq!(key["insertTextFormat"], 1);
    assert_eq!(client.leave(), 0);
}

#[test]
fn hovering_explains() {
    let mut client = Client::ready(&Place::new(), "");
    client.open(URI, QUICK_START);
    let mut said = |what: &str| {
        let (line, column) = find(QUICK_START, what);
        let hover = client.at("textDocument/hover", URI, line, column + 1);
        assert_eq!(hover["contents"]["kind"], "markdown");
        hover["contents"]["value"].as_str().unwrap().to_owned()
    };
    assert!(said("enabled:").contains("Whether pools are compiled"));
    assert!(said("sonnet\n").starts_with("pool `sonnet`, in the order"));
    assert!(said("${PRIMARY_KEY").contains("is read when the proxy starts"));
    let (line, column) = find(KDL, "interface");
    client.open(KDL_URI, KDL);
    let hover = client.at("textDocument/hover", KDL_URI, line, column);
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("`Models[0].interface`")
    );
    assert_eq!(
        client.at("textDocument/hover", URI, 9_999, 9_999),
        Value::Null
    );
    assert_eq!(client.leave(), 0);
}

const MODELS: &str =
    "Models:\n  - {id: haiku, api: \"https://a.example\", key: \"${K}\", model: m}\n";
const SLOTS: &str = "Router:\n  default: haiku\n  think: 'haiku'\n";

/// A set of two files, and the URIs they have.
fn set() -> (Place, String, String) {
    let place = Place::new()
        .with("set/models.yaml", MODELS)
        .with("set/slots.yaml", SLOTS);
    let uri = |name: &str| {
        let path = std::fs::canonicalize(place.path(name)).unwrap();
        format!("file://{}", path.display())
    };
    let (models, slots) = (uri("set/models.yaml"), uri("set/slots.yaml"));
    (place, models, slots)
}

#[test]
fn a_set_is_one_document() {
    let (place, models, slots) = set();
    let mut client = Client::ready(&place, "--set set");
    assert_eq!(client.open(&slots, SLOTS), [Value::Null; 0]);
    let definition = client.at("textDocument/definition", &slots, 1, 12);
    assert_eq!(definition[0]["uri"], models);
    assert_eq!(
        definition[0]["range"]["start"],
        json!({ "line": 1, "character": 9 })
    );
    let references = client.at("textDocument/references", &slots, 1, 12);
    assert_eq!(references.as_array().unwrap().len(), 3);
    let ready = client.at("textDocument/prepareRename", &slots, 2, 11);
    assert_eq!(ready["placeholder"], "haiku");
    assert_eq!(
        ready["range"]["start"],
        json!({ "line": 2, "character": 10 })
    );
    let mut rename = about(&slots, 1, 12);
    rename["newName"] = json!("small");
    let edit = client.request("textDocument/rename", rename.clone())["result"].clone();
    assert_eq!(
        applied(SLOTS, &edit["changes"][&slots]),
        SLOTS.replace("haiku", "small")
    );
    assert_eq!(
        applied(MODELS, &edit["changes"][&models]),
        MODELS.replace("haiku", "small")
    );
    rename["newName"] = json!("a,b");
    let refused = client.request("textDocument/rename", rename);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("has no comma"),
        "{refused}"
    );
    assert_eq!(client.leave(), 0);
}

#[test]
fn what_is_not_saved_counts_in_a_set() {
    let (place, models, slots) = set();
    let mut client = Client::ready(&place, "--set set");
    assert_eq!(client.open(&slots, SLOTS), [Value::Null; 0]);
    client.open(&models, MODELS);
    client.change(&models, 2, &MODELS.replace("haiku", "other"));
    client.until(&slots, 2);
    // Closed without saving: what is on disk is what counts.
    client.notify(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": models } }),
    );
    client.until(&slots, 0);
    // Changed behind the editor's back.
    let changed = MODELS.replace("haiku", "third");
    std::fs::write(place.path("set/models.yaml"), changed).unwrap();
    let changes = json!({ "changes": [{ "uri": models, "type": 2 }] });
    client.notify("workspace/didChangeWatchedFiles", changes);
    client.until(&slots, 2);
    // A new file of the folder, not saved yet.
    let new = slots.replace("slots.yaml", "new.yaml");
    client.open(&new, MODELS);
    client.until(&slots, 0);
    assert_eq!(
        client.asked[0]["params"]["registrations"][0]["method"],
        "workspace/didChangeWatchedFiles"
    );
    assert_eq!(client.leave(), 0);
}

#[test]
fn columns_are_counted_as_agreed() {
    let text = "# 𝄞\nRouter: {default: \"𝄞\", thimk: \"𝄞\"}\r\n";
    for (offered, column) in [
        (json!(["utf-8", "utf-16"]), 26),
        (json!(["utf-16"]), 24),
        (json!(null), 24),
    ] {
        let mut client = Client::start(&Place::new(), "");
        client.initialize(&json!({ "general": { "positionEncodings": offered } }));
        let found = client.open(URI, text);
        let key = found
            .iter()
            .find(|found| found["code"] == "document/misspelt-key")
            .unwrap();
        assert_eq!(
            key["range"]["start"],
            json!({ "line": 1, "character": column })
        );
        let edit = json!([{ "range": key["range"], "text": "think" }]);
        client.edit(URI, 2, &edit);
        let found = client.diagnostics(URI, Some(2));
        assert!(
            found
                .iter()
                .all(|found| found["code"] != "document/misspelt-key"),
            "{found:?}"
        );
        assert_eq!(client.leave(), 0);
    }
}

#[test]
fn nonsense_does_not_end_it() {
    let mut client = Client::ready(&Place::new(), "");
    assert_eq!(
        client.request("no/such", json!({}))["error"]["code"],
        -32601
    );
    assert_eq!(
        client.at("textDocument/hover", "file:///never/opened.yaml", 0, 0),
        Value::Null
    );
    client.edit("file:///never/opened.yaml", 1, &json!([{ "text": "x" }]));
    client.open(URI, "Router: {default: a}\n");
    let beyond =
        json!({ "start": { "line": 7, "character": 70 }, "end": { "line": 2, "character": 0 } });
    client.edit(URI, 2, &json!([{ "range": beyond, "text": "# end\n" }]));
    client.diagnostics(URI, Some(2));
    for (line, column) in [(0, 0), (0, 4_000_000_000), (4_000_000_000, 3)] {
        client.at("textDocument/completion", URI, line, column);
        client.at("textDocument/definition", URI, line, column);
    }
    let deep = "[".repeat(100_000);
    client.change(URI, 3, &deep);
    client.diagnostics(URI, Some(3));
    client.at("textDocument/completion", URI, 0, 50_000);
    assert_eq!(client.leave(), 0);
}

#[test]
fn a_frame_that_is_no_json_is_answered_and_ends_it() {
    let mut client = Client::ready(&Place::new(), "");
    client.send_raw("Content-Length: 5\r\n\r\n{bad}");
    assert_eq!(client.next_message()["error"]["code"], -32700);
    assert_eq!(client.vanish(), 1);
}

#[test]
fn only_the_last_of_many_changes_is_told() {
    let mut client = Client::ready(&Place::new(), "");
    client.open(URI, MODELS);
    let mut text = MODELS.to_owned();
    for version in 2..=200 {
        text.push_str("# more\n");
        client.change(URI, version, &text);
    }
    client.change(URI, 201, &format!("{text}Router: {{default: nobody}}\n"));
    let found = client.diagnostics(URI, Some(201));
    assert_eq!(found[0]["code"], "router/unknown-model");
    let (line, column) = find(&format!("{text}Router: {{default: nobody}}\n"), "Router");
    let asked = client.send_request("textDocument/hover", about(URI, line, column));
    client.notify("$/cancelRequest", json!({ "id": asked }));
    let answer = client.answer(asked);
    assert!(
        answer["result"].is_object() || answer["error"]["code"] == -32800,
        "{answer}"
    );
    assert_eq!(client.leave(), 0);
}
