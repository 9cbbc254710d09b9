//! What the log says of those who ask whose a token is.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::running::Running;

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const SECRETS: [&str; 2] = [
    "CANARYWIKI0123456789abcdef0123456789",
    "CANARYKUBERNETES0123456789abcdef0123",
];

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("ghes-gatekeeper-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// Writes a configuration with two callers.
    fn configuration(&self, ghes: &str) -> String {
        let [wiki, kubernetes] = SECRETS;
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\n[decisions]\nlisten = \"127.0.0.1:0\"\n\
             [[decisions.callers]]\nid = \"wiki\"\nsecret = \"{wiki}\"\n\
             [[decisions.callers]]\nid = \"kubernetes\"\nsecret = \"{kubernetes}\"\n\
             users = [\"octocat\"]\n"
        );
        let file = self.0.join("serve.toml");
        std::fs::write(&file, toml).expect("a file");
        file.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn basic(secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("wiki:{secret}")))
}

/// The status of the answer.
async fn ask(decisions: &str, path: &str, proof: &str, token: &str) -> u16 {
    let answer = answer(decisions, path, proof, token).await;
    answer[9..12].parse().expect("a status")
}

async fn answer(decisions: &str, path: &str, proof: &str, token: &str) -> String {
    let (kind, body) = match path {
        "/introspect" => (
            "application/x-www-form-urlencoded",
            format!("token={token}"),
        ),
        _ => (
            "application/json",
            json!({
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "spec": { "token": token },
            })
            .to_string(),
        ),
    };
    let request = format!(
        "POST {path}?token=CANARYQUERY HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\
         Authorization: {proof}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(decisions).await.expect("a connection");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// Starts a gate at its most talkative, and returns the address at which callers ask.
async fn start(file: &str, log: &Path) -> (Running, String) {
    let arguments = [
        "serve",
        "--config",
        file,
        "--log",
        "trace",
        "--log-format",
        "json",
    ];
    let mut gate = Running::start_logging(&arguments, log);
    loop {
        let line: Value = serde_json::from_str(&gate.line().await).expect("JSON");
        if line["role"] == "decisions" {
            let url = line["url"].as_str().expect("a URL");
            let address = url.trim_start_matches("http://").to_owned();
            return (gate, address);
        }
    }
}

#[tokio::test]
async fn the_log_says_who_asked_and_what_came_of_it_and_no_secret() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("callers-log");
    let file = directory.configuration(&ghes);
    let log = directory.0.join("log");
    let (gate, decisions) = start(&file, &log).await;
    let [wiki, kubernetes] = SECRETS;
    let (by_basic, by_bearer) = (basic(wiki), format!("Bearer {kubernetes}"));
    let wrong = [basic("CANARYWRONG"), "Bearer CANARYWRONG".to_owned()];
    let mut expected = Vec::new();
    for (path, door) in [
        ("/introspect", "introspect"),
        ("/token-review", "token_review"),
    ] {
        for (proof, caller) in [(&by_basic, "wiki"), (&by_bearer, "kubernetes")] {
            assert_eq!(ask(&decisions, path, proof, TOKEN).await, 200);
            expected.push((path, door, json!(caller), 200, json!(null)));
            let refused = format!("gho_CANARY{caller}{door}");
            assert_eq!(ask(&decisions, path, proof, &refused).await, 200);
            expected.push((path, door, json!(caller), 200, json!("invalid_token")));
        }
        for proof in &wrong {
            assert_eq!(ask(&decisions, path, proof, TOKEN).await, 401);
            expected.push((path, door, json!(null), 401, json!("invalid_client")));
        }
    }
    assert_eq!(emulator.stop("-TERM").await, Some(0));
    for (path, door) in [
        ("/introspect", "introspect"),
        ("/token-review", "token_review"),
    ] {
        for (proof, caller) in [(&by_basic, "wiki"), (&by_bearer, "kubernetes")] {
            let unknown = format!("gho_CANARYOUTAGE{caller}{door}");
            assert_eq!(ask(&decisions, path, proof, &unknown).await, 503);
            expected.push((path, door, json!(caller), 503, json!("unavailable")));
        }
    }
    assert_eq!(gate.stop("-TERM").await, Some(0));
    let log = std::fs::read_to_string(&log).expect("a log");
    for secret in [
        "CANARY",
        TOKEN,
        &BASE64_STANDARD.encode(wiki),
        &by_basic[6..],
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let answered: Vec<Value> = lines
        .filter(|line: &Value| line["message"] == "request answered")
        .collect();
    assert_eq!(answered.len(), expected.len(), "{log}");
    for (line, (path, door, caller, status, reason)) in answered.iter().zip(&expected) {
        let said = [
            &line["http.path"],
            &line["door"],
            &line["caller"],
            &line["http.status"],
            &line["reason"],
        ];
        assert_eq!(
            said,
            [&json!(path), &json!(door), caller, &json!(status), reason],
            "{line}"
        );
        assert_eq!(line["client.address"], "127.0.0.1", "{line}");
        assert!(line["duration_ms"].is_number(), "{line}");
    }
}

/// GHES is not even asked: what is held back says nothing about a token.
#[tokio::test]
async fn an_open_breaker_is_503_and_never_a_no() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("callers-breaker");
    let file = directory.configuration(&ghes);
    let log = directory.0.join("log");
    let (gate, decisions) = start(&file, &log).await;
    let proof = basic(SECRETS[0]);
    assert_eq!(ask(&decisions, "/introspect", &proof, TOKEN).await, 200);
    assert_eq!(emulator.stop("-TERM").await, Some(0));
    let is_open = || {
        let log = std::fs::read_to_string(&log).expect("a log");
        log.contains("the issuer fails; requests are held back")
    };
    let mut asked = 0;
    while !is_open() {
        asked += 1;
        assert!(asked < 50, "the breaker does not open");
        let token = format!("gho_before{asked}");
        assert_eq!(ask(&decisions, "/introspect", &proof, &token).await, 503);
    }
    for n in 0..5 {
        for path in ["/introspect", "/token-review"] {
            let answer = answer(&decisions, path, &proof, &format!("gho_behind{n}")).await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(answer.contains("\r\nretry-after: "), "{answer}");
            assert!(answer.contains("\"reason\":\"unavailable\""), "{answer}");
            let is_word = answer.contains("\"active\"") || answer.contains("authenticated\"");
            assert!(!is_word, "{answer}");
        }
    }
    for (path, word) in [
        ("/introspect", "\"active\":true"),
        ("/token-review", "\"authenticated\":true"),
    ] {
        let answer = answer(&decisions, path, &proof, TOKEN).await;
        assert!(answer.contains(word), "remembered: {answer}");
    }
    assert_eq!(gate.stop("-TERM").await, Some(0));
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains("\"error.kind\":\"outage\""), "{log}");
}
