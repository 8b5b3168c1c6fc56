//! `ctr record` and `ctr start --shadow`, as whoever types them sees them.

use crate::{Place, QUICK_START, assert_story};

#[test]
fn what_is_no_corpus_is_not_written_to() {
    let place = Place::quick_start();
    assert_story!(
        "record-elsewhere",
        place.story("record --config registration.yaml -o registration.yaml")
    );
    assert_eq!(place.read("registration.yaml"), QUICK_START);
    assert_eq!(place.exit("record -c registration.yaml -o none/c.jsonl"), 3);
    assert_eq!(place.exit("record -c registration.yaml"), 64);
    let zero = "record -c registration.yaml -o c.jsonl --duration 0s";
    assert_eq!(place.exit(zero), 64);
}

#[test]
fn a_broken_shadow_is_drawn_and_nothing_is_served() {
    let broken = QUICK_START.replace("default: sonnet", "default: sonet");
    let place = Place::quick_start().with("candidate.yaml", &broken);
    assert_story!(
        "start-broken-shadow",
        place.story("start --config registration.yaml --port 0 --shadow candidate.yaml")
    );
    let missing = "start --config registration.yaml --port 0 --shadow none.yaml";
    assert_eq!(place.exit(missing), 3);
}

#[cfg(unix)]
mod served {
    use std::io::{BufRead, BufReader, Lines, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use crate::{Place, QUICK_START, binary};

    struct Serving {
        child: Child,
        lines: Lines<BufReader<ChildStdout>>,
        addr: String,
    }

    impl Serving {
        /// Starts, and reads the first line.
        fn begin(place: &Place, arguments: &str) -> Self {
            let mut child = Command::new(binary())
                .args(arguments.split_whitespace())
                .args(["--config", "registration.yaml", "--port", "0"])
                .current_dir(place.path(""))
                .env("PRIMARY_KEY", "first")
                .env("SECONDARY_KEY", "second")
                .env("HOME", place.path(""))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            let addr = first.rsplit("http://").next().unwrap().to_owned();
            Self { child, lines, addr }
        }

        fn line(&mut self) -> String {
            self.lines.next().unwrap().unwrap()
        }

        fn send(&self, method: &str, path: &str, body: &str) -> String {
            let mut stream = TcpStream::connect(&self.addr).unwrap();
            let length = body.len();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }

        fn asks(&self, model: &str) {
            let body = format!(
                r#"{{"model":"{model}","messages":[{{"role":"user","content":"hello"}}]}}"#
            );
            let answer = self.send("POST", "/v1/messages", &body);
            assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
        }

        /// What is still said, after the end.
        fn rest(mut self) -> Vec<String> {
            assert_eq!(self.child.wait().unwrap().code(), Some(0));
            self.lines.map(Result::unwrap).collect()
        }

        fn stop(self) -> Vec<String> {
            let id = self.child.id().to_string();
            let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
            assert!(told.success());
            self.rest()
        }
    }

    /// With an upstream that closes every connection at once.
    fn place() -> Place {
        let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = format!("http://{}", refusing.local_addr().unwrap());
        std::thread::spawn(move || refusing.incoming().for_each(drop));
        let text = QUICK_START.replace("https://api.anthropic.com", &upstream);
        let other = text.replace("default: sonnet", "default: haiku");
        Place::new()
            .with("registration.yaml", &text)
            .with("candidate.yaml", &other)
    }

    #[test]
    fn a_recording_ends_after_so_many_requests_and_replays() {
        let place = place();
        let mut serving = Serving::begin(&place, "record -o corpus.jsonl --requests 3");
        assert_eq!(serving.line(), "records requests in `corpus.jsonl`");
        // The pool rests after the first, which the plan has no part in.
        for model in ["any", "any", "haiku"] {
            serving.asks(model);
        }
        let rest = serving.rest();
        let bytes = place.read("corpus.jsonl").len();
        let wanted = format!("recorded 3 requests in `corpus.jsonl`, which has {bytes} bytes");
        assert_eq!(rest, [wanted]);
        let replay = |plan: &str| {
            let told = place.ctr(&format!("replay {plan} --corpus corpus.jsonl"));
            let told = { told }.output().unwrap();
            assert_eq!(told.status.code(), Some(0));
            String::from_utf8(told.stdout).unwrap()
        };
        let same = replay("registration.yaml");
        assert!(same.starts_with("none of 3 requests changes"), "{same}");
        let other = replay("candidate.yaml");
        assert!(other.starts_with("2 of 3 requests change"), "{other}");
    }

    #[test]
    fn a_recording_ends_after_so_long() {
        let place = place();
        let serving = Serving::begin(&place, "record -o corpus.jsonl --duration 1ms");
        let rest = serving.rest();
        assert_eq!(
            rest.last().unwrap(),
            "recorded 0 requests in `corpus.jsonl`, which has 0 bytes"
        );
    }

    #[test]
    fn a_shadow_is_told_of_at_both_ends() {
        let place = place();
        let mut serving = Serving::begin(&place, "start --shadow candidate.yaml");
        let said = serving.line();
        assert!(said.starts_with("shadow `candidate.yaml` ("), "{said}");
        assert!(said.contains("/api/plan/shadow tells"), "{said}");
        serving.asks("any");
        serving.asks("haiku");
        let told = serving.send("GET", "/api/plan/shadow", "");
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
        let rest = serving.stop();
        assert_eq!(rest.len(), 1, "{rest:?}");
        let wanted = "): 1 of 2 requests changes (50.0 %)";
        assert!(rest[0].ends_with(wanted), "{rest:?}");
    }
}
