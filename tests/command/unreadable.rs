//! What the log says of requests that nobody could read, and of those with a line of their own.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::running::command;

/// Sends each on a connection of its own, and returns the lines of the log about answers.
async fn lines(format: &str, requests: &[String]) -> Vec<String> {
    let mut demo = command(&["demo", "--listen", "127.0.0.1:0", "--log-format", format])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut output = BufReader::new(demo.stdout.take().expect("output")).lines();
    let gate = loop {
        let line = output.next_line().await.expect("output").expect("a line");
        if line.contains("listening on http://") && line.contains("(gate)") {
            let (_, rest) = line.split_once("http://").expect("an address");
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
            break rest[..end.expect("a role")].to_owned();
        }
    };
    for request in requests {
        let mut stream = TcpStream::connect(&gate).await.expect("a connection");
        // Who refuses a request need not read it to its end.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        assert!(!response.is_empty(), "{request:.80}");
    }
    let id = demo.id().expect("a running process").to_string();
    let kill = tokio::process::Command::new("kill").arg(&id).status().await;
    assert!(kill.expect("kill").success());
    let output = demo.wait_with_output().await.expect("an exit");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    let lines = log.lines().filter(|line| line.contains("request answered"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_nobody_could_read_has_a_line_that_says_why() {
    let rest = "Connection: close\r\n\r\n";
    let requests = [
        (
            format!("GET /CANARY HTTP/9.9\r\nHost: a\r\n{rest}"),
            "invalid_request",
        ),
        (
            format!("GET /CANARY HTTP/1.1\nHost: a\r\n{rest}"),
            "bare_line_feed",
        ),
        (
            format!(
                "POST /CANARY HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n{rest}"
            ),
            "length_and_coding",
        ),
        (
            format!(
                "GET /CANARY HTTP/1.1\r\nHost: a\r\nX: {}\r\n{rest}",
                "a".repeat(40_000)
            ),
            "header_fields_too_large",
        ),
    ];
    for format in ["text", "json"] {
        let texts: Vec<String> = requests.iter().map(|(text, _)| text.clone()).collect();
        let lines = lines(format, &texts).await;
        assert_eq!(lines.len(), requests.len(), "{lines:#?}");
        for (line, (_, word)) in lines.iter().zip(&requests) {
            assert!(line.contains(word) && line.contains("127.0.0.1"), "{line}");
            assert!(line.len() < 500 && !line.contains("CANARY"), "{line}");
        }
    }
}

#[tokio::test]
async fn no_method_makes_a_long_line() {
    let request = |bytes: usize| {
        let method = "A".repeat(bytes);
        format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    };
    let lines = lines("text", &[request(33), request(3_000), request(30_000)]).await;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for line in lines {
        assert!(
            line.contains(&("A".repeat(32) + "…")) && line.len() < 500,
            "{line}"
        );
    }
}

/// One a second has a line, and the next line says how many had none.
#[tokio::test]
async fn plain_http_to_a_port_of_tls_has_a_line_with_a_count() {
    let name = format!("ghes-gatekeeper-plain-http-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a directory");
    let pair = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let files = directory.display();
    fs::write(directory.join("tls.crt"), pair.cert.pem()).expect("a file");
    fs::write(directory.join("tls.key"), pair.signing_key.serialize_pem()).expect("a file");
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
         tls = {{ cert_file = \"{files}/tls.crt\", key_file = \"{files}/tls.key\" }}\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n"
    );
    let config = directory.join("serve.toml");
    fs::write(&config, toml).expect("a file");
    let mut serve = command(&["serve", "--config", config.to_str().expect("UTF-8")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut output = BufReader::new(serve.stdout.take().expect("output")).lines();
    let mut address = async |scheme: &str| {
        let line = output.next_line().await.expect("output").expect("a line");
        let rest = line.split_once(scheme).unwrap_or_else(|| panic!("{line}"));
        let (address, _) = rest.1.split_once(' ').expect("a role");
        address.to_owned()
    };
    let (gate, admin) = (address("https://").await, address("http://").await);
    let mut log = BufReader::new(serve.stderr.take().expect("a log")).lines();
    let mut line = async || loop {
        let line = timeout(Duration::from_secs(30), log.next_line()).await;
        let line = line.expect("in time").expect("a log").expect("a line");
        if line.contains("plain_http_to_tls") {
            break line;
        }
    };
    let mut sent = 1;
    plain(&gate, "/CANARY").await;
    let first = line().await;
    assert!(!first.contains("suppressed"), "{first}");
    let second = {
        let mut second = std::pin::pin!(line());
        loop {
            tokio::select! {
                biased;
                line = &mut second => break line,
                _ = plain(&gate, "/CANARY") => sent += 1,
            }
        }
    };
    for line in [&first, &second] {
        for word in ["request answered", "invalid_request", "127.0.0.1", "400"] {
            assert!(line.contains(word), "{line}");
        }
        assert!(!line.contains("CANARY"), "{line}");
    }
    let (_, count) = second.split_once("suppressed=").expect("a count");
    let count: usize = count
        .split(' ')
        .next()
        .expect("a word")
        .parse()
        .expect("a number");
    // Those of the milliseconds before the line was read may be left to the next.
    assert!((sent / 2..sent).contains(&count), "{count} of {sent}");
    let metrics = plain(&admin, "/metrics").await;
    let counted = metrics.lines().find_map(|line| {
        let (labels, count) = line.rsplit_once(' ')?;
        labels
            .contains("\"invalid_request\"")
            .then(|| count.parse::<usize>())
    });
    let counted = counted.expect("a count").expect("a number");
    assert!((sent..=sent + 1).contains(&counted), "{counted} of {sent}");
    serve.kill().await.expect("an end");
    fs::remove_dir_all(&directory).expect("the directory");
}

/// Asks without TLS, and returns all that comes.
async fn plain(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("a server");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("an answer");
    answer
}
