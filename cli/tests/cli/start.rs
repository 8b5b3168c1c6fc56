use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::{Place, QUICK_START, assert_story, binary};

#[test]
fn what_is_broken_is_not_served() {
    let place = Place::new().with(
        "r.yaml",
        &QUICK_START.replace("default: sonnet", "default: sonet"),
    );
    assert_story!("start-broken", place.story("start --config r.yaml"));
    let unset = Place::quick_start();
    let told = unset
        .ctr("start --config registration.yaml")
        .env_remove("PRIMARY_KEY")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
}

#[test]
fn a_variable_set_to_nothing_has_no_value() {
    let text = format!("APIKEY: \"${{AK}}\"\n{QUICK_START}");
    let place = Place::new().with("r.yaml", &text);
    let told = place
        .ctr("start --config r.yaml --port 0")
        .env("AK", "")
        .env("PRIMARY_KEY", "")
        .output()
        .unwrap();
    assert_story!(
        "start-empty",
        crate::tell("start --config r.yaml --port 0", &told)
    );
}

#[test]
fn without_a_config_the_home_folder_is_looked_at() {
    let place = Place::new();
    let told = place.ctr("start").output().unwrap();
    assert_eq!(told.status.code(), Some(3));
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        words.contains("`config.yaml`, `config.yml`, `config.json`"),
        "{words}"
    );

    let place = place.with(".claude-trigger-router/config.yml", "Models: []\n");
    let told = place.ctr("start").output().unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("config.yml"));
}

/// `ctr start` with these arguments besides, and the first line it says.
#[cfg(unix)]
fn started(place: &Place, arguments: &[&str]) -> (Child, String) {
    begun(Command::new(binary()).args(["start"]), place, arguments)
}

#[cfg(unix)]
fn begun(command: &mut Command, place: &Place, arguments: &[&str]) -> (Child, String) {
    let mut child = command
        .args(["--config", "registration.yaml", "--port", "0"])
        .args(arguments)
        .current_dir(place.path(""))
        .env("PRIMARY_KEY", "first")
        .env("SECONDARY_KEY", "second")
        .env("HOME", place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line)
}

#[cfg(unix)]
fn stop(mut child: Child) {
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn it_serves_until_it_is_told_to_stop() {
    let place = Place::quick_start();
    let (child, line) = started(&place, &[]);
    assert!(
        line.contains("(1 model, 1 pool) on http://127.0.0.1:"),
        "{line}"
    );
    stop(child);
    // Nothing was learnt of any endpoint, so there is nothing to keep.
    assert!(!place.path(".claude-trigger-router").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_the_size_of_files_ends_nothing() {
    let place = Place::quick_start();
    let mut command = Command::new("sh");
    // No file of the state directory fits into 512 bytes.
    let limited = "ulimit -f 1; exec \"$0\" start --state-dir state \"$@\"";
    command.args(["-c", limited]).arg(binary());
    let (child, line) = begun(&mut command, &place, &[]);
    let addr = line.trim_end().rsplit('/').next().unwrap();
    let mut stream = TcpStream::connect(addr).unwrap();
    let request = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{\"model\":\"none\"";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    stop(child);
}

#[cfg(unix)]
#[test]
fn one_thread_serves_as_several_do() {
    for threads in ["1", "2"] {
        let place = Place::quick_start();
        let mut command = Command::new(binary());
        command.arg("start").env("TOKIO_WORKER_THREADS", threads);
        let (child, line) = begun(&mut command, &place, &[]);
        let addr = line.trim_end().rsplit('/').next().unwrap();
        let mut stream = TcpStream::connect(addr).unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{threads}: {answer}");
        stop(child);
    }
}

#[cfg(unix)]
#[test]
fn what_was_learnt_of_endpoints_is_kept() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", refusing.local_addr().unwrap());
    // Every connection is closed at once.
    std::thread::spawn(move || refusing.incoming().for_each(drop));
    let text = QUICK_START.replace("https://api.anthropic.com", &upstream);
    for (arguments, folder) in [
        (&[][..], ".claude-trigger-router"),
        (&["--state-dir", "state"][..], "state"),
    ] {
        let place = Place::new().with("registration.yaml", &text);
        let (child, line) = started(&place, arguments);
        let address = line.trim().rsplit("http://").next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = r#"{"model":"sonnet"}"#;
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        stop(child);
        let file = place.read(&format!("{folder}/model-pool-health.json"));
        assert_eq!(
            file.matches("\"lastFailure\":\"network\"").count(),
            2,
            "{file}"
        );
    }
}

#[test]
fn with_json_logs_nothing_else_is_on_stderr() {
    let broken = QUICK_START.replace("default: sonnet", "default: sonet");
    let place = Place::new().with("r.yaml", &broken);
    let told = place
        .ctr("start --config r.yaml --log-format json")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let words = String::from_utf8(told.stderr).unwrap();
    let lines: Vec<serde_json::Value> = words
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{words}");
    assert_eq!(lines[0]["code"], "router/unknown-model");
    assert_eq!(lines[0]["place"], "r.yaml:40:12");
}

#[test]
fn a_taken_port_is_said_in_json_too() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let place = Place::new().with("r.yaml", QUICK_START);
    let told = place
        .ctr(&format!(
            "start --config r.yaml --port {port} --log-format json"
        ))
        .env("PRIMARY_KEY", "a")
        .env("SECONDARY_KEY", "b")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(3));
    let words = String::from_utf8(told.stderr).unwrap();
    let lines: Vec<serde_json::Value> = words
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR", "{words}");
    let message = last["message"].as_str().unwrap();
    assert!(message.starts_with("cannot listen on"), "{message}");
}

#[test]
fn a_host_that_is_none_is_told_from_a_taken_port() {
    let place = Place::quick_start();
    let told = place.story("start --config registration.yaml --host http://127.0.0.1:8000");
    assert_story!("start-no-host", told);
}

fn hash_of(plan: &str) -> String {
    let plan = ctr_compiler::plan::Plan::from_json(plan).unwrap();
    plan.hash().to_string()
}

#[cfg(unix)]
#[test]
fn a_plan_is_served_and_compared() {
    let place = Place::quick_start();
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    let hash = hash_of(&place.read("plan.json"));
    let mut child = Command::new(binary())
        .args(["start", "--plan", "plan.json", "--port", "0"])
        .args(["--expect-hash", &hash])
        .current_dir(place.path(""))
        .env("PRIMARY_KEY", "first")
        .env("SECONDARY_KEY", "second")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains(&hash[..12]), "{line}");
    let address = line.split(" on ").nth(1).unwrap().trim();

    let compare = format!("diff --exit-code --live {address} registration.yaml");
    assert_eq!(place.exit(&compare), 0);
    let edited = QUICK_START.replace("background: haiku", "background: sonnet");
    let place = place.with("registration.yaml", &edited);
    let told = place.story(&compare).replace(address, "URL");
    assert_story!("diff-live", told);

    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let told = place.ctr(&compare).output().unwrap();
    assert_eq!(told.status.code(), Some(3));
    let words = String::from_utf8_lossy(&told.stderr);
    assert!(words.contains("cannot be asked for its plan"), "{words}");
    let unset = format!("{compare} --api-key-env NOWHERE");
    assert_eq!(place.exit(&unset), 3);
}

#[test]
fn a_plan_that_cannot_be_served_is_refused() {
    let literal = QUICK_START.replace("${SECONDARY_KEY}", "sk-literal-0123456789");
    let place = Place::quick_start().with("literal.yaml", &literal);
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    assert_eq!(place.exit("compile -o literal.json literal.yaml"), 0);
    let expected = "0".repeat(64);
    let stories = [
        "start --plan literal.json --port 0".to_owned(),
        "start --plan registration.yaml --port 0".to_owned(),
        format!("start --plan plan.json --port 0 --expect-hash {expected}"),
        format!("start --config registration.yaml --port 0 --expect-hash {expected}"),
    ];
    let told: Vec<String> = stories.iter().map(|story| place.story(story)).collect();
    assert_story!("start-plan-refused", told.join("\n"));
    assert_eq!(place.exit("start --plan none.json"), 3);
    let unset = place
        .ctr("start --plan plan.json --port 0")
        .env_remove("PRIMARY_KEY")
        .output()
        .unwrap();
    assert_eq!(unset.status.code(), Some(1));
}
