//! `serve` says at once whether GHES can be asked.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::running::{Running, command};

const GITHUB_APP: &str = "Iv1.8a61f9b3a7aba766";
const OAUTH_APP: &str = "abcde12345fghij67890";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// Starts `serve` before `ghes`, and returns the line of its log that names it.
async fn told(ghes: &str, secret: &str) -> String {
    told_of(ghes, &[(GITHUB_APP, secret)]).await.concat()
}

/// The same with some apps and their secrets, and a line for each.
async fn told_of(ghes: &str, apps: &[(&str, &str)]) -> Vec<String> {
    let tables: String = apps
        .iter()
        .map(|(id, secret)| {
            format!("[[ghes.apps]]\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n")
        })
        .collect();
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         [ghes]\nname = \"ghes-eu\"\nurl = \"http://{ghes}\"\n{tables}\
         [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n"
    );
    let name = format!(
        "ghes-gatekeeper-self-check-{}-{}-{}.toml",
        std::process::id(),
        apps.len(),
        apps[0].1
    );
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = command(&["serve", "--config", file.to_str().expect("UTF-8")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut log = BufReader::new(proxy.stderr.take().expect("a log")).lines();
    let mut told = Vec::new();
    while told.len() < apps.len() {
        let line = log.next_line().await.expect("the log").expect("a line");
        if line.contains(&format!("http://{ghes}")) {
            told.push(line);
        }
    }
    std::fs::remove_file(&file).expect("the file");
    proxy.kill().await.expect("an end");
    told
}

#[tokio::test]
async fn what_clients_would_run_into_is_told_at_the_start() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let fine = told(&ghes, SECRET).await;
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

#[tokio::test]
async fn the_app_that_is_refused_is_named() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let apps = [(GITHUB_APP, SECRET), (OAUTH_APP, "wrong")];
    let told = told_of(&ghes, &apps).await;
    for (app, says) in [
        (GITHUB_APP, "answers, and accepts the app's credentials"),
        (OAUTH_APP, "compare client_id and client_secret"),
    ] {
        let line = told.iter().find(|line| line.contains(app));
        let line = line.unwrap_or_else(|| panic!("{app}: {told:?}"));
        assert!(line.contains(says) && line.contains("ghes-eu"), "{line}");
    }
}
