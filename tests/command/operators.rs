//! What those who run the proxy have: probes, metrics, purging, the webhook.

use std::path::PathBuf;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tokio::net::TcpListener;

use super::running::{Running, run};

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const WEBHOOK_SECRET: &str = "CANARYWEBHOOKSECRET";

/// A configuration in a file that is gone when the test is.
struct ConfigFile(PathBuf);

impl ConfigFile {
    fn new(name: &str, ghes: &str, admin: &str) -> Self {
        let toml = format!(
            "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin_listen = \"{admin}\"\n\
             admin_allow_remote = true\n[ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n\
             [webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"{WEBHOOK_SECRET}\"\n"
        );
        let id = std::process::id();
        let file = std::env::temp_dir().join(format!("ghes-gatekeeper-{name}-{id}.toml"));
        std::fs::write(&file, toml).expect("a file");
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn send(request: http::request::Builder, body: &str) -> (u16, String) {
    let request = request.body(Full::<Bytes>::from(body.to_owned()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.expect("a request")).await;
    let response = response.expect("a response");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().to_vec());
    (status, text.expect("UTF-8"))
}

/// Any server does as the upstream; the emulator answers 406 outside its API.
async fn with_token(gate: &str) -> u16 {
    let request = Request::get(format!("http://{gate}/"));
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    send(request, "").await.0
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let mac = mac.finalize().into_bytes();
    let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test]
async fn all_listeners_start_work_and_stop_together() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let file = ConfigFile::new("operators", &ghes, "127.0.0.1:0");
    let mut proxy = Running::start(&["serve", "--config", file.path()]);
    let gate = proxy.address("gate").await;
    let admin = proxy.address("admin").await;
    let webhook = proxy.address("webhook").await;
    // GHES has answered by then.
    assert_eq!(with_token(&gate).await, 406);
    let ready = format!("http://{admin}/readyz");
    let health = run(&["health", "--url", &ready]).await;
    assert_eq!(health.status.code(), Some(0));
    assert!(health.stdout.is_empty() && health.stderr.is_empty());

    let purge = Request::post(format!("http://{admin}/purge"));
    let purge = purge.header("content-type", "application/json");
    let purged = (200, "{\"purged\":1}".to_owned());
    assert_eq!(send(purge, "{\"user_id\":1}").await, purged);
    assert_eq!(with_token(&gate).await, 406);
    let revoked = "{\"action\":\"revoked\",\"sender\":{\"id\":1}}";
    let delivery = Request::post(format!("http://{webhook}/"))
        .header("x-github-event", "github_app_authorization")
        .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .header("x-hub-signature-256", signature(revoked));
    assert_eq!(send(delivery, revoked).await.0, 200);

    let (_, metrics) = send(Request::get(format!("http://{admin}/metrics")), "").await;
    let valid =
        format!("ghes_gatekeeper_ghes_requests_total{{ghes=\"{ghes}\",result=\"valid\"}} 2\n");
    for line in [
        "ghes_gatekeeper_requests_total{outcome=\"allowed\"} 2\n",
        &*valid,
        "ghes_gatekeeper_purged_total{source=\"admin\"} 1\n",
        "ghes_gatekeeper_purged_total{source=\"webhook\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    let health = run(&["health", "--url", &ready]).await;
    assert_eq!(health.status.code(), Some(1));
    let errors = String::from_utf8(health.stderr).expect("UTF-8");
    assert!(errors.starts_with(&format!("{ready}: ")), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[tokio::test]
async fn a_listener_that_cannot_be_bound_keeps_all_from_starting() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address));
    let (_listener, address) = taken.expect("an address");
    let file = ConfigFile::new("taken", "127.0.0.1:1", &address.to_string());
    let output = run(&["serve", "--config", file.path()]).await;
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    let expected = format!("cannot listen on {address}: ");
    assert!(errors.contains(&expected), "{errors}");
    assert!(output.stdout.is_empty(), "nothing was announced");
}

#[tokio::test]
async fn an_admin_listener_beyond_loopback_is_warned_about() {
    let taken = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let file = ConfigFile::new("exposed", "127.0.0.1:1", &address.to_string());
    let output = run(&["serve", "--config", file.path()]).await;
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    let warned = format!("every client that reaches {address} may purge");
    assert!(log.contains("WARN") && log.contains(&warned), "{log}");
}

/// Answers the first request with these bytes.
async fn answering(answer: &'static str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut head).await.expect("a connection");
        }
        let written = stream.write_all(answer.as_bytes()).await;
        written.expect("a connection");
        // Silence, until the test is over.
        let _ = stream.read_buf(&mut head).await;
    });
    format!("http://{address}/readyz")
}

#[tokio::test]
async fn health_says_in_one_line_what_is_wrong() {
    for (answer, said) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 44\r\n\r\n\
             {\"ready\":false,\"reasons\":[\"not_accepting\"]}\n",
            "answered 503 Service Unavailable \"not_accepting\"",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
            "answered 404 Not Found",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /healthz\r\nContent-Length: 0\r\n\r\n",
            "answered 302 Found",
        ),
        (
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 27\r\n\r\n\
             {\"reasons\":[\"\\u001b[2J\\n\"]}",
            "answered 500 Internal Server Error \"\\u{1b}[2J\\n\"",
        ),
        ("", "no answer within 100ms"),
    ] {
        let url = answering(answer).await;
        let timeout = if answer.is_empty() { "100ms" } else { "30s" };
        let health = run(&["health", "--url", &url, "--timeout", timeout]).await;
        let errors = String::from_utf8(health.stderr).expect("UTF-8");
        assert_eq!(errors, format!("{url}: {said}\n"));
        assert_eq!(health.status.code(), Some(1));
    }
    for arguments in [
        ["--url", "https://127.0.0.1:9901/readyz"],
        ["--url", "127.0.0.1:9901"],
        ["--timeout", "2"],
        ["--timeout", "0s"],
        ["--timeout", "-1s"],
    ] {
        let [name, value] = arguments;
        let output = run(&["health", &format!("{name}={value}")]).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
