//! The `gh` command before a tool that takes its tokens.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::running::Running;

const GH: &str = "178c6fc778ccc68e1d6a";

/// Where `.ci/run` has installed it, or where it is.
fn program() -> PathBuf {
    let python = std::env::var_os("WEB_TOOLS_PYTHON").map(PathBuf::from);
    let beside = python.and_then(|python| Some(python.parent()?.join("gh")));
    beside
        .filter(|gh| gh.exists())
        .unwrap_or_else(|| PathBuf::from("gh"))
}

/// Asks for a URL with the token that stands for every enterprise host; none where there is no `gh`.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn gh_api(home: &Path, token: &str, url: &str) -> Option<Output> {
    let output = Command::new(program())
        .args(["api", url])
        .env_clear()
        .env("HOME", home)
        .env("GH_CONFIG_DIR", home)
        .env("GH_NO_UPDATE_NOTIFIER", "1")
        .env("GH_TELEMETRY", "off")
        .env("GH_HOST", "ghes.example.com")
        .env("NO_PROXY", "*")
        .env("GH_ENTERPRISE_TOKEN", token)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match output {
        Ok(output) => Some(output),
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: gh is not installed");
            None
        }
        Err(error) => panic!("gh: {error}"),
    }
}

/// A tool that says whom it was told of, and fails if it was given a token.
async fn tool() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream).await;
        }
    });
    address.to_string()
}

async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.expect("a request") == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).expect("UTF-8");
    assert!(!request.contains("authorization"), "{request}");
    let value = |name: &str| {
        let line = request.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().to_owned()
    };
    let told = json!({"user": value("x-forwarded-user: "), "app": value("x-oauth-client-id: ")});
    let body = told.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    let answered = stream.write_all(format!("{head}{body}").as_bytes()).await;
    answered.expect("a connection");
}

async fn mint(emulator: &str, client_id: &str) -> String {
    let body = json!({"client_id": client_id, "user": "octocat", "scopes": ["repo", "gist"]});
    let body = body.to_string();
    let mut stream = TcpStream::connect(emulator).await.expect("a connection");
    let request = format!(
        "POST /_emulator/tokens HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let minted: Value = serde_json::from_str(body).expect("JSON");
    minted["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn gh_api_is_let_in_with_the_token_that_gh_has() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let tool = tool().await;
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\npreset = \"gh-cli\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{tool}\"\n"
    );
    let port = ghes.rsplit_once(':').expect("a port").1;
    let home = std::env::temp_dir().join(format!("ghes-gatekeeper-gh-{port}"));
    std::fs::create_dir(&home).expect("a directory");
    let file = home.join("gatekeeper.toml");
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = Running::start(&["serve", "--config", file.to_str().expect("UTF-8")]);
    let url = format!("http://{}/builds", proxy.address("gate").await);
    let ours = mint(&ghes, GH).await;
    let another = mint(&ghes, "Iv1.8a61f9b3a7aba766").await;
    for (token, says) in [
        (&*ours, format!("{{\"app\":\"{GH}\",\"user\":\"octocat\"}}")),
        (&*another, "HTTP 401".to_owned()),
        ("gho_nobody", "HTTP 401".to_owned()),
    ] {
        let Some(output) = gh_api(&home, token, &url).await else {
            break;
        };
        let said = [&*output.stdout, &*output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&says), "{said}");
        assert_eq!(output.status.success(), token == ours, "{said}");
    }
    std::fs::remove_dir_all(&home).expect("the directory");
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    assert_eq!(emulator.stop("-INT").await, Some(0));
}
