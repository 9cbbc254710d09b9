//! The whole flow at the loudest level, with secrets that would be recognised anywhere.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ghes_gatekeeper::token::TokenHash;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use super::running::{Running, command};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "CANARYsecret1111111111111111111111111111";
const NEXT_SECRET: &str = "CANARYsecret2222222222222222222222222222";
const GOOD: &str = "gho_CANARYgood11111111111111111111111";
const ELSEWHERE: &str = "gho_CANARYother1111111111111111111111";
const UNKNOWN: &str = "gho_CANARYunknown11111111111111111111";

/// Files that are gone when the test is.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let name = format!("ghes-gatekeeper-canary-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        Self(directory)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        fs::write(&file, text).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn world() -> String {
    let token = |token: &str, client_id: &str| {
        format!(
            "[[tokens]]\ntoken = \"{token}\"\nclient_id = \"{client_id}\"\nuser = \"octocat\"\nscopes = [\"user\"]\n"
        )
    };
    let app = |kind: &str, client_id: &str| {
        format!(
            "[[apps]]\nkind = \"{kind}\"\nclient_id = \"{client_id}\"\nclient_secret = \"{NEXT_SECRET}\"\nname = \"{kind}\"\nurl = \"http://app.example.com\"\n"
        )
    };
    let other = "abcde12345fghij67890";
    [
        "[[users]]\nlogin = \"octocat\"\nid = 1\npassword = \"CANARYpassword\"\n".to_owned(),
        app("github-app", CLIENT_ID),
        app("oauth-app", other),
        token(GOOD, CLIENT_ID),
        token(ELSEWHERE, other),
    ]
    .concat()
}

fn config(ghes: &str) -> String {
    format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin_listen = \"127.0.0.1:0\"\n\
         [ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{SECRET}\"\nclient_secret_next = \"{NEXT_SECRET}\"\n\
         [cache]\nactive_max_age = \"1ms\"\nstale_if_error = \"5m\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n\
         [[routes]]\npath = \"/up\"\nupstream = \"http://{ghes}\"\nscopes = [\"user\"]\n\
         [[routes]]\npath = \"/short\"\nupstream = \"http://{ghes}\"\nscopes = [\"repo\"]\n\
         [webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"CANARYwebhook\"\n"
    )
}

struct Proxy {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Proxy {
    fn start(config: &str, log: &File) -> Self {
        let mut child = command(&["serve", "--config", config, "--log", "trace"])
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("a file"))
            .spawn()
            .expect("the command");
        let output = child.stdout.take().expect("output");
        Self {
            child,
            output: BufReader::new(output).lines(),
        }
    }

    async fn address(&mut self) -> String {
        let line = self.output.next_line().await.expect("output");
        let line = line.expect("a line");
        let address = line.trim_start_matches("listening on http://");
        address.split(' ').next().expect("an address").to_owned()
    }

    async fn stop(mut self) {
        let id = self.child.id().expect("a running process").to_string();
        let kill = Command::new("kill").arg(&id).status().await;
        assert!(kill.expect("kill").success());
        self.child.wait().await.expect("an exit");
    }
}

async fn exchange(address: &str, line: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response).await;
    read.expect("a response");
    String::from_utf8_lossy(&response).into_owned()
}

/// What GHES, or whoever stands before it, may send back: secrets included.
fn faults() -> Vec<Value> {
    let quoted = format!("token {GOOD} of {SECRET} and {UNKNOWN}");
    let error = json!({ "message": quoted, "documentation_url": quoted, "errors": [quoted] });
    let mut faults = vec![
        json!({ "status": 200, "body": format!("<html>{quoted}") }),
        json!({ "status": 200, "body": format!("{{\"id\": \"{quoted}\"}}") }),
        json!({ "status": 302, "body": quoted }),
    ];
    // The later ones meet a breaker that those before have opened.
    for status in [401, 404, 422, 400, 403, 418, 429, 500, 503] {
        faults.push(json!({ "status": status, "body": error.to_string() }));
    }
    faults.push(json!({ "drop": true }));
    faults
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

async fn live(gate: &str, ghes: &str) -> String {
    let mut seen = String::new();
    for token in [
        GOOD,
        ELSEWHERE,
        UNKNOWN,
        "ghp_CANARYpersonal",
        "CANARY malformed",
    ] {
        for path in ["/", "/up", "/short"] {
            seen += &exchange(gate, &format!("GET {path}"), &bearer(token), "").await;
        }
    }
    seen += &exchange(gate, "GET /up", "Authorization: Basic CANARYbasic\r\n", "").await;
    seen += &exchange(gate, "GET /up?access_token=CANARYquery", "", "").await;
    for (at, fault) in faults().into_iter().enumerate() {
        let json = "Content-Type: application/json\r\n";
        exchange(ghes, "POST /_emulator/faults", json, &fault.to_string()).await;
        // A token about which a call has failed is held back for a while.
        for token in [&format!("{UNKNOWN}{at}"), GOOD] {
            seen += &exchange(gate, "GET /up", &bearer(token), "").await;
        }
        exchange(ghes, "DELETE /_emulator/faults", "", "").await;
    }
    seen
}

async fn operate(admin: &str, webhook: &str) -> String {
    let mut seen = String::new();
    for line in ["GET /metrics", "GET /readyz", "GET /nothing"] {
        seen += &exchange(admin, line, "", "").await;
    }
    let json = "Content-Type: application/json\r\n";
    for body in [
        json!({ "client_id": GOOD }).to_string(),
        json!({ "hashed_token": GOOD }).to_string(),
        format!("{{\"{GOOD}\": 1}}"),
        GOOD.to_owned(),
    ] {
        seen += &exchange(admin, "POST /purge", json, &body).await;
        let signed = "X-Hub-Signature-256: sha256=CANARYsignature\r\n";
        seen += &exchange(webhook, "POST /", signed, &body).await;
    }
    seen
}

fn secrets() -> Vec<String> {
    let mut secrets = vec!["CANARY".to_owned()];
    for secret in [SECRET, NEXT_SECRET] {
        let basic = BASE64_STANDARD.encode(format!("{CLIENT_ID}:{secret}"));
        secrets.push(basic);
    }
    // Of a hash, 12 digits may be shown and no more.
    for token in [GOOD, UNKNOWN] {
        let hash = *TokenHash::of(token).as_bytes();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        secrets.push(hex[..13].to_owned());
        secrets.push(BASE64_STANDARD.encode(hash));
    }
    secrets
}

#[tokio::test]
async fn no_secret_is_seen_by_anybody_whatever_happens() {
    let files = Files::new();
    let world = files.write("world.toml", &world());
    let arguments = ["emulator", "--listen", "127.0.0.1:0", "--world", &world];
    let mut emulator = Running::start(&arguments);
    let ghes = emulator.address("emulator").await;
    let config = files.write("gate.toml", &config(&ghes));
    let log = files.write("log", "");
    let mut proxy = Proxy::start(&config, &File::create(&log).expect("a file"));
    let [gate, admin, webhook] = [
        proxy.address().await,
        proxy.address().await,
        proxy.address().await,
    ];
    let mut seen = live(&gate, &ghes).await;
    seen += &operate(&admin, &webhook).await;
    seen += &exchange(&gate, "GET /up", &bearer(GOOD), "").await;
    assert_eq!(emulator.stop("-INT").await, Some(0));
    seen += &exchange(&gate, "GET /up", &bearer(UNKNOWN), "").await;
    proxy.stop().await;

    let log = fs::read_to_string(&log).expect("the log");
    // It did all happen, and it was logged.
    for status in ["400", "401", "403", "404", "406", "502", "503"] {
        assert!(seen.contains(&format!("HTTP/1.1 {status} ")), "{status}");
    }
    for told in [
        "TRACE",
        "token check failed",
        "client_auth_failed",
        "redirect",
    ] {
        assert!(log.contains(told), "{told} in {log}");
    }
    for secret in secrets() {
        let place = log.find(&secret).map(|at| &log[at.saturating_sub(200)..]);
        assert!(
            place.is_none(),
            "{secret} in the log: {:.400}",
            place.unwrap_or_default()
        );
        assert!(!seen.contains(&secret), "{secret} in {seen}");
    }
}
