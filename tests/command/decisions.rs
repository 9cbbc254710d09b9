//! The door of other people's proxies, as `serve` opens it.

use std::path::{Path, PathBuf};

use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::running::Running;

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("ghes-gatekeeper-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    /// Writes a configuration without an upstream, with this in `[decisions]`.
    fn configuration(&self, ghes: &str, decisions: &str) -> String {
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
             [ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [decisions]\n{decisions}\n[[routes]]\npath = \"/\"\n"
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

fn question(token: &str) -> String {
    format!(
        "GET /auth/nginx HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\
         X-Original-Method: GET\r\nX-Original-URL: https://tools.example.com/secret?q\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    )
}

async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, token: &str) -> String {
    let question = question(token);
    stream.write_all(question.as_bytes()).await.expect("a peer");
    let mut answer = String::new();
    // A peer may end TLS without saying so.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn it_is_announced_answers_and_says_its_name_in_the_log() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("decisions");
    let socket = directory.0.join("ask.sock").display().to_string();
    let listen = format!("listen = [\"127.0.0.1:0\", \"unix:{socket}\"]");
    let file = directory.configuration(&ghes, &listen);
    let log = directory.0.join("log");
    let mut proxy = Running::start_logging(&["serve", "--config", &file], &log);
    proxy.address("gate").await;
    let address = proxy.address("decisions").await;
    let tcp = TcpStream::connect(&address).await.expect("a connection");
    let announced = proxy.line().await;
    assert_eq!(announced, format!("listening on unix:{socket} (decisions)"));
    let answer = ask(tcp, TOKEN).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("x-auth-request-user: octocat\r\n"),
        "{answer}"
    );
    let unix = UnixStream::connect(Path::new(&socket)).await;
    let answer = ask(unix.expect("a connection"), "gho_wrong").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    let log = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<_> = log.lines().filter(|line| line.contains("door")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    for line in lines {
        assert!(line.contains("nginx") && line.contains("/secret"), "{line}");
        assert!(
            !line.contains("gho_wrong") && !line.contains(TOKEN),
            "{line}"
        );
    }
    assert!(!Path::new(&socket).exists(), "the socket's file is left");
}

/// The log is about the client that the proxy names, and never about one that a client names.
#[tokio::test]
async fn the_log_names_the_client_of_the_request_that_is_held() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("decisions-log");
    let listen = "listen = \"127.0.0.1:0\"\noauth2_auth = \"oauth2-proxy\"";
    let file = directory.configuration(&ghes, listen);
    let log = directory.0.join("log");
    let mut proxy = Running::start_logging(&["serve", "--config", &file], &log);
    proxy.address("gate").await;
    let address = proxy.address("decisions").await;
    let told = "X-Original-Method: GET\r\nX-Original-URL: https://a/\r\nX-Forwarded-Uri: /\r\n";
    let forged = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n";
    let asked = [
        (
            "nginx",
            "/auth/nginx",
            "X-Forwarded-For: 192.0.2.1\r\n".to_owned(),
        ),
        (
            "oauth2-proxy",
            "/oauth2/auth",
            format!("{forged}X-Real-IP: 192.0.2.2\r\n"),
        ),
        ("oauth2-proxy", "/oauth2/auth", forged.to_owned()),
        (
            "oauth2-proxy",
            "/oauth2/auth",
            format!("{forged}X-Real-IP: 203.0.113.9x\r\n"),
        ),
        ("none", "/oauth2", forged.to_owned()),
    ];
    for (_, path, lines) in &asked {
        let question =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{told}{lines}\r\n");
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(question.as_bytes()).await.expect("a peer");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
    }
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    let log = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<_> = log.lines().filter(|line| line.contains("door")).collect();
    assert_eq!(lines.len(), asked.len(), "{log}");
    let clients = [
        "192.0.2.1",
        "192.0.2.2",
        "127.0.0.1",
        "127.0.0.1",
        "127.0.0.1",
    ];
    for ((line, (door, ..)), client) in lines.iter().zip(&asked).zip(clients) {
        assert!(
            line.contains(&format!("client.address={client} ")),
            "{line}"
        );
        assert!(line.contains(&format!("door=\"{door}\"")), "{line}");
    }
}

#[tokio::test]
async fn it_speaks_tls_where_it_has_a_certificate() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let directory = Directory::new("decisions-tls");
    let pair = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (directory.0.join("tls.crt"), directory.0.join("tls.key"));
    std::fs::write(&cert, pair.cert.pem()).expect("a file");
    std::fs::write(&key, pair.signing_key.serialize_pem()).expect("a file");
    let decisions = format!(
        "listen = \"127.0.0.1:0\"\n[decisions.tls]\ncert_file = \"{}\"\nkey_file = \"{}\"",
        cert.display(),
        key.display()
    );
    let file = directory.configuration(&ghes, &decisions);
    let mut proxy = Running::start(&["serve", "--config", &file]);
    proxy.address("gate").await;
    let line = proxy.line().await;
    let address = line.strip_prefix("listening on https://");
    let address = address.and_then(|line| line.strip_suffix(" (decisions)"));
    let address = address.expect("an address");
    let tcp = TcpStream::connect(address).await.expect("a connection");
    let stream = super::certificate::connector(&pair);
    let name = "localhost".try_into().expect("a name");
    let stream = stream.connect(name, tcp).await.expect("a handshake");
    let answer = ask(stream, TOKEN).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
