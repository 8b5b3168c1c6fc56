use crate::Place;

/// Takes longer than the second after which a terminal is shown a sign.
#[test]
fn long_work_says_nothing_into_a_pipe() {
    let models: String = (0..8_000)
        .map(|at| format!("  - {{id: m-{at}, api: \"https://a.example\", key: \"${{PRIMARY_KEY}}\", model: m, interface: anthropic}}\n"))
        .collect();
    let place = Place::new()
        .with("set/models.yaml", &format!("Models:\n{models}"))
        .with("set/router.yaml", "Router: {default: m-0}\n");
    for arguments in ["compile set", "compile --format json set", "diff set set"] {
        let output = place.ctr(arguments).env("TERM", "xterm").output().unwrap();
        assert!(output.status.success(), "{arguments}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments}");
    }
}
