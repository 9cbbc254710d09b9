//! With `--log-format json`, every line of both outputs is JSON.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};

use crate::running::{command, run};

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// A command whose outputs are JSON, of which every line is kept.
pub(super) struct Running {
    child: Child,
    output: tokio::io::Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Running {
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::start_at("debug", arguments)
    }

    /// The same with another filter.
    pub(super) fn start_at(filter: &str, arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .args(["--log-format", "json", "--log", filter])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let output = BufReader::new(child.stdout.take().expect("standard output")).lines();
        let said = Vec::new();
        Self {
            child,
            output,
            said,
        }
    }

    /// Reads until the address for `role` is named.
    pub(super) async fn address(&mut self, role: &str) -> String {
        loop {
            let line = self.output.next_line().await.expect("standard output");
            let line = line.expect("another line");
            self.said.push(line.clone());
            let value = parse(&line);
            if value["role"] == role {
                let url = value["url"].as_str().expect("a URL");
                assert_eq!(value["message"], format!("listening on {url} ({role})"));
                return url.trim_start_matches("http://").to_owned();
            }
        }
    }

    /// Ends it, and returns the lines of its log.
    pub(super) async fn stop(mut self) -> Vec<Value> {
        let id = self.child.id().expect("a running process").to_string();
        let kill = Command::new("kill").arg(&id).status().await;
        assert!(kill.expect("kill").success());
        let mut log = String::new();
        let mut errors = self.child.stderr.take().expect("standard error");
        let said = async {
            while let Some(line) = self.output.next_line().await.expect("standard output") {
                self.said.push(line);
            }
        };
        // At once: neither may wait for the other to be read.
        let (read, ()) = tokio::join!(errors.read_to_string(&mut log), said);
        read.expect("UTF-8");
        assert!(!self.said.is_empty());
        self.said.iter().for_each(|line| drop(parse(line)));
        self.child.wait().await.expect("an exit");
        log.lines().map(parse).collect()
    }
}

/// Every line of the log, of which each is an object with a time, a level and a message.
fn lines(output: &Output) -> Vec<Value> {
    let log = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    log.lines().map(parse).collect()
}

pub(super) fn parse(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    for field in ["timestamp", "level", "message"] {
        assert!(value[field].is_string(), "{field} of {line}");
    }
    let fields = value.as_object().expect("an object");
    for (name, value) in fields {
        let is_quoted = |text: &str| text.starts_with('"') && text.ends_with('"');
        assert!(!value.as_str().is_some_and(is_quoted), "{name} of {line}");
    }
    value
}

pub(super) async fn exchange(gate: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(gate).await.expect("a connection");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a connection");
    let mut response = String::new();
    let read = stream.read_to_string(&mut response).await;
    read.expect("a response");
    response
}

fn get(path: &str, credential: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {credential}\r\nConnection: close\r\n\r\n"
    )
}

pub(super) struct ConfigFile(PathBuf);

impl ConfigFile {
    pub(super) fn new(name: &str, toml: &str) -> Self {
        let id = std::process::id();
        let file = std::env::temp_dir().join(format!("ghes-gatekeeper-{name}-{id}.toml"));
        std::fs::write(&file, toml).expect("a file");
        Self(file)
    }

    pub(super) fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn config(ghes: &str, upstream: &str) -> String {
    format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nadmin_listen = \"127.0.0.1:0\"\n\
         [server.timeouts]\ndrain = \"1s\"\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\n\
         [[routes]]\npath = \"/open\"\nanonymous = true\nupstream = \"http://{upstream}\"\n"
    )
}

#[tokio::test]
async fn every_line_of_the_demo_is_json() {
    let mut demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    let gate = demo.address("gate").await;
    for (path, credential) in [
        ("/", format!("Bearer {TOKEN}")),
        ("/\"quoted\"\\", format!("token {TOKEN}")),
        ("/\u{e9}\u{85}\u{2028}", "Bearer gho_nobody".to_owned()),
        ("/", "Bearer ghp_mine".to_owned()),
        ("/", "Bearer \"quoted\"".to_owned()),
        ("/", "Basic YTpi".to_owned()),
    ] {
        exchange(&gate, &get(path, &credential)).await;
    }
    let log = demo.stop().await;
    let answered: Vec<_> = log
        .iter()
        .filter(|line| line["message"] == "request answered")
        .collect();
    let field = |name| answered.iter().map(move |line| &line[name]);
    let paths: Vec<_> = field("http.path").take(3).collect();
    assert_eq!(paths, ["/", "/%22quoted%22\\", "/\u{e9}\u{85}\u{2028}"]);
    let details = field("detail").skip(3);
    assert!(details.eq(["personal_access_token", "quoted_token", "basic"]));
    for duration in field("duration_ms") {
        let text = duration.to_string();
        let places = text.split_once('.').map_or(0, |(_, places)| places.len());
        assert!(duration.is_number() && places <= 3, "{text}");
    }
}

/// Starts, requests, failures of GHES and of an upstream.
#[tokio::test]
async fn every_line_of_the_proxy_is_json() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let file = ConfigFile::new("json-log", &config(&ghes, "127.0.0.1:1"));
    let mut proxy = Running::start(&["serve", "--config", file.path()]);
    let gate = proxy.address("gate").await;
    proxy.address("admin").await;
    for _ in 0..3 {
        let answer = exchange(&gate, &get("/", &format!("Bearer {TOKEN}"))).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
    let log = emulator.stop().await;
    assert!(!log.is_empty());
    for _ in 0..3 {
        let answer = exchange(&gate, &get("/", "Bearer gho_unknown")).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    let log = proxy.stop().await;
    let said = |text: &str| log.iter().find(|line| line["message"] == text);
    let failed = said("upstream failed: no connection").expect("a failed upstream");
    // Nothing was suppressed before the first.
    assert!(failed.get("suppressed").is_none(), "{failed}");
    assert!(said("stopping").is_some());
    let checks = log.iter().filter_map(|line| line["message"].as_str());
    assert!(
        checks
            .into_iter()
            .any(|text| text.starts_with("token check failed: "))
    );
}

/// Over HTTP/1.1 and HTTP/2, where streams are tasks of their own.
#[tokio::test]
async fn a_request_that_is_cut_off_at_shutdown_has_its_line() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = silent.local_addr().expect("an address").to_string();
    let toml = config("127.0.0.1:1", &upstream);
    let toml = toml.replace("[server]\n", "[server]\nh2c = true\n");
    let file = ConfigFile::new("cut-off", &toml);
    let mut proxy = Running::start(&["serve", "--config", file.path()]);
    let gate = proxy.address("gate").await;
    let mut http1 = TcpStream::connect(&gate).await.expect("a connection");
    let request = "GET /open/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    http1
        .write_all(request.as_bytes())
        .await
        .expect("a connection");
    let stream = TcpStream::connect(&gate).await.expect("a connection");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut responses = Vec::new();
    for n in 2..4 {
        let request = http::Request::get(format!("http://a/open/{n}")).body(());
        let sent = client.send_request(request.expect("a request"), true);
        responses.push(sent.expect("a stream").0);
    }
    // All three have come as far as the upstream, which never answers.
    let mut held = Vec::new();
    while held.len() < 3 {
        held.push(silent.accept().await.expect("a connection"));
    }
    let mut gone = TcpStream::connect(&gate).await.expect("a connection");
    let request = "GET /open/4 HTTP/1.1\r\nHost: a\r\n\r\n";
    gone.write_all(request.as_bytes())
        .await
        .expect("a connection");
    held.push(silent.accept().await.expect("a connection"));
    drop(gone);
    // The proxy closes what it began for a client that is gone.
    let (mut last, _) = held.pop().expect("four");
    let mut rest = Vec::new();
    let _ = last.read_to_end(&mut rest).await;

    let log = proxy.stop().await;
    let cut: Vec<_> = log
        .iter()
        .filter(|line| line["message"] == "request cut off")
        .map(|line| {
            assert!(
                line["duration_ms"].is_number() && line["http.method"] == "GET",
                "{line}"
            );
            assert!(line.get("http.status").is_none(), "{line}");
            let text = |name: &str| line[name].as_str().expect("a text").to_owned();
            (text("http.path"), text("reason"))
        })
        .collect();
    for (path, reason) in [
        ("/open/1", "shutdown"),
        ("/open/2", "shutdown"),
        ("/open/3", "shutdown"),
        ("/open/4", "client_gone"),
    ] {
        let expected = (path.to_owned(), reason.to_owned());
        let count = cut.iter().filter(|line| **line == expected).count();
        assert_eq!(count, 1, "{expected:?} in {cut:?}");
    }
    connection.abort();
}

#[tokio::test]
async fn every_fatal_error_is_json() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let wrong = ConfigFile::new("fatal", "[ghes]\nurl = \"x\"\n\"gho_CANARY\" = 1\n");
    for (arguments, code) in [
        (vec!["serve", "--config", "/nowhere"], 2),
        (vec!["serve", "--config", wrong.path()], 2),
        (vec!["check", "config", "--config", wrong.path()], 2),
        (vec!["serve", "--log", "a=b=c"], 2),
        (vec!["serve", "--bogus"], 2),
        (vec!["servee"], 2),
        (vec!["token", "check", "gho_CANARY"], 2),
        (vec!["demo", "--listen", "CANARY"], 2),
        (vec!["demo", "--listen", &address], 1),
        (vec!["health", "--url", "http://127.0.0.1:1/readyz"], 1),
    ] {
        for format in [&["--log-format", "json"][..], &["--log-format=json"]] {
            let output = run(&[&arguments[..], format].concat()).await;
            assert_eq!(output.status.code(), Some(code), "{arguments:?}");
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                parse(line);
            }
            let log = lines(&output);
            let last = log.last().expect("a line");
            assert_eq!(last["level"], "ERROR", "{last}");
            assert!(!last.to_string().contains("CANARY"), "{last}");
        }
    }
}
