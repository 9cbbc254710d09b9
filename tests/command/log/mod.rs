//! What the log says, and what it never says.

mod delivery;
mod fields;
mod json;

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::running::command;

/// The documents' secret, which the demo is configured with.
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

async fn gate(output: &mut (impl AsyncBufReadExt + Unpin)) -> String {
    let mut line = String::new();
    while !line.contains(" (gate)") {
        line.clear();
        assert_ne!(output.read_line(&mut line).await.expect("output"), 0);
    }
    let (_, address) = line.split_once("listening on http://").expect("an address");
    let (address, _) = address.split_once(" (gate)").expect("a role");
    address.to_owned()
}

async fn exchange(gate: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(gate).await.expect("a connection");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut response = String::new();
    let read = stream.read_to_string(&mut response).await;
    read.expect("a response");
    response
}

#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    let mut demo = command(&["demo", "--listen", "127.0.0.1:0", "--log", "trace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let gate = gate(&mut BufReader::new(demo.stdout.take().expect("output"))).await;
    let mut responses = String::new();
    for (path, credential) in [
        ("/", format!("Bearer {TOKEN}")),
        (
            "/admin?access_token=gho_CANARYQUERY",
            format!("token {TOKEN}"),
        ),
        (
            "/?access_token=CANARYQUERY",
            "Bearer gho_CANARYTOKEN".to_owned(),
        ),
        ("/named-in-the-log", "Bearer gho_CANARYTOKEN".to_owned()),
        ("/", "Basic CANARYBASIC".to_owned()),
        ("/", "Bearer CANARY MALFORMED".to_owned()),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {credential}\r\n\
             Connection: close\r\n\r\n"
        );
        responses.push_str(&exchange(&gate, &request).await);
    }
    let id = demo.id().expect("a running process").to_string();
    let kill = tokio::process::Command::new("kill").arg(&id).status().await;
    assert!(kill.expect("kill").success());
    let output = demo.wait_with_output().await.expect("an exit");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(log.contains("http.path=\"/named-in-the-log\""), "{log}");
    assert!(log.contains("reason=\"invalid_token\""), "{log}");
    for secret in [SECRET, TOKEN, "CANARY", "SXYxLjhh"] {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!responses.contains(secret), "{secret} in {responses}");
    }
}

/// Whoever reads the log may go away; the gate stays.
#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let mut demo = command(&["demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let gate = gate(&mut BufReader::new(demo.stdout.take().expect("output"))).await;
    drop(demo.stderr.take());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for _ in 0..3 {
        let response = exchange(&gate, request).await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response:?}");
    }
}

/// tracing-subscriber RUSTSEC-2025-0055: what stands in a path stays where it stands in the log.
#[tokio::test]
async fn one_request_is_one_line() {
    let paths = [
        "/forged%0a%1b[31m",
        "/forged\"quoted\",http.status=200",
        "/forged\\n\\r\\x1b",
        "/forged\u{85}\u{2028}\u{202e}",
    ];
    for format in ["text", "json"] {
        let arguments = ["demo", "--listen", "127.0.0.1:0", "--log-format", format];
        let mut demo = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let gate = gate(&mut BufReader::new(demo.stdout.take().expect("output"))).await;
        for path in paths {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            exchange(&gate, &request).await;
        }
        let id = demo.id().expect("a running process").to_string();
        let kill = tokio::process::Command::new("kill").arg(&id).status().await;
        assert!(kill.expect("kill").success());
        let output = demo.wait_with_output().await.expect("an exit");
        let log = String::from_utf8(output.stderr).expect("UTF-8");
        let lines = log.lines().filter(|line| line.contains("request answered"));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), paths.len(), "{log}");
        assert!(lines.iter().all(|line| line.contains("forged")), "{log}");
        let is_raw = |c: char| (c.is_control() && c != '\n') || "\u{2028}\u{202e}".contains(c);
        assert!(!log.contains(is_raw), "{log:?}");
        let is_object = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert_eq!(lines.iter().all(is_object), format == "json", "{log}");
    }
}

#[tokio::test]
async fn a_route_that_only_observes_logs_what_it_would_have_done() {
    let toml = "[server]\nlisten = \"127.0.0.1:0\"\n[ghes]\nurl = \"http://127.0.0.1:1\"\n\
                [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
                [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\nmode = \"observe\"\n\
                [[routes]]\npath = \"/hello\"\nupstream = \"unix:/nowhere\"\nmode = \"observe\"\n";
    let (listener, toml) = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        (
            listener,
            toml.replace(
                "http://127.0.0.1:1\"\nmode",
                &format!("http://{address}\"\nmode"),
            ),
        )
    };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.expect("a request");
            assert_ne!(read, 0);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.expect("a connection");
        }
    });
    let name = format!("ghes-gatekeeper-observe-{}.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, toml).expect("a file");
    let config = file.to_str().expect("UTF-8");
    let mut serve = command(&["serve", "--config", config, "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(serve.stdout.take().expect("output")).lines();
    let address = loop {
        let line = lines.next_line().await.expect("output").expect("a line");
        if let Some((_, rest)) = line.split_once("listening on http://") {
            break rest.split_once(" (gate)").expect("a role").0.to_owned();
        }
    };
    let ask = |path: &str, credential: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n{credential}Connection: close\r\n\r\n")
    };
    let none = exchange(&address, &ask("/none", "")).await;
    assert!(none.starts_with("HTTP/1.1 200"), "{none}");
    let quoted = exchange(
        &address,
        &ask("/quoted", "Authorization: Bearer 'gho_x'\r\n"),
    )
    .await;
    assert!(quoted.starts_with("HTTP/1.1 200"), "{quoted}");
    let away = exchange(&address, &ask("/away", "Authorization: Bearer gho_x\r\n")).await;
    assert!(away.starts_with("HTTP/1.1 200"), "{away}");
    let broken = exchange(&address, &ask("/hello", "")).await;
    assert!(broken.starts_with("HTTP/1.1 502"), "{broken}");
    // On SIGTERM nothing is lost, not even the last line.
    let id = serve.id().expect("a running process").to_string();
    let kill = tokio::process::Command::new("kill").arg(&id).status().await;
    assert!(kill.expect("kill").success());
    let mut log = String::new();
    let mut errors = serve.stderr.take().expect("a log");
    errors.read_to_string(&mut log).await.expect("a log");
    std::fs::remove_file(&file).expect("the file");
    let line = |path: &str| -> serde_json::Value {
        let mut lines = log.lines().filter(|line| line.contains("request answered"));
        let line = lines.find(|line| line.contains(path));
        serde_json::from_str(line.unwrap_or_else(|| panic!("{path} is not in {log}")))
            .expect("JSON")
    };
    for (path, outcome, reason, detail) in [
        ("/none", Some("observed"), "missing_token", None),
        (
            "/quoted",
            Some("observed"),
            "invalid_request",
            Some("quoted_token"),
        ),
        ("/away", Some("observed"), "unavailable", None),
        ("/hello", Some("failed"), "bad_gateway", None),
    ] {
        let line = line(path);
        let text = |name: &str| line[name].as_str();
        assert_eq!(text("outcome"), outcome, "{line}");
        assert_eq!(
            (text("reason"), text("detail")),
            (Some(reason), detail),
            "{line}"
        );
    }
}
