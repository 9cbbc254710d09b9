//! What the log says of requests that nobody could read, and of those with a line of their own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

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
