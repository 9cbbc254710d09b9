//! `serve` says at once whether GHES can be asked.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::running::{Running, command};

/// Starts `serve` before `ghes`, and returns the line of its log that names it.
async fn told(ghes: &str, secret: &str) -> String {
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"{secret}\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n"
    );
    let name = format!(
        "ghes-gatekeeper-self-check-{}-{secret}.toml",
        std::process::id()
    );
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = command(&["serve", "--config", file.to_str().expect("UTF-8")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut log = BufReader::new(proxy.stderr.take().expect("a log")).lines();
    let told = loop {
        let line = log.next_line().await.expect("the log").expect("a line");
        if line.contains(&format!("http://{ghes}")) {
            break line;
        }
    };
    std::fs::remove_file(&file).expect("the file");
    proxy.kill().await.expect("an end");
    told
}

#[tokio::test]
async fn what_clients_would_run_into_is_told_at_the_start() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let fine = told(&ghes, "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f").await;
    assert!(
        fine.contains("answers, and accepts the app's credentials"),
        "{fine}"
    );
    let wrong = told(&ghes, "wrong").await;
    assert!(
        wrong.contains("compare client_id and client_secret"),
        "{wrong}"
    );
    let absent = told("127.0.0.1:1", "any").await;
    assert!(
        absent.contains("clients without a remembered token get 503"),
        "{absent}"
    );
}
