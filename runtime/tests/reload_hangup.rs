//! A hangup asks for another reading. A binary of its own, since the signal
//! reaches every proxy of the process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "server/home.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod home;

use std::process::Command;

#[tokio::test]
async fn a_hangup_reads_again() {
    let home = home::Home::with_model("one");
    let running = home.start().await;
    // The first look sets up the signal; a save shows that it has been.
    home.write("registration.yaml", &home::with_model("two"));
    home::until_models(&running, &["two"]).await;
    let before = running.reload().status().load().unchanged;
    let process = std::process::id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &process])
            .status()
            .unwrap()
            .success()
    );
    home::until(&running, |status| status.unchanged > before).await;
}
