//! The log is written behind the requests' back, and still whole.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::running::command;

/// A demo whose log nobody has read yet.
struct Demo {
    process: Child,
    gate: BufReader<TcpStream>,
}

impl Demo {
    async fn start(format: &str) -> Self {
        let arguments = ["demo", "--listen", "127.0.0.1:0", "--log-format", format];
        let mut process = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command");
        let output = process.stdout.take().expect("standard output");
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next_line().await.expect("output").expect("a line");
            if let Some((_, rest)) = line.split_once("listening on http://")
                && let Some((address, _)) = rest.split_once(" (gate)")
            {
                break address.to_owned();
            }
        };
        let gate = TcpStream::connect(address).await.expect("a connection");
        Self {
            process,
            gate: BufReader::new(gate),
        }
    }

    /// Asks over one connection, and is admitted: rejections might be taken for a flood.
    async fn ask(&mut self, path: &str) {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        let sent = self.gate.write_all(request.as_bytes()).await;
        sent.expect("a connection");
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = self.gate.read_line(&mut line).await.expect("a response");
            assert_ne!(read, 0);
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.gate.read_exact(&mut body).await.expect("a body");
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.id().expect("a running process").to_string();
        let kill = Command::new("kill").args([signal, &id]).status().await;
        assert!(kill.expect("kill").success());
    }

    async fn log(self) -> String {
        let output = timeout(PATIENCE, self.process.wait_with_output()).await;
        let output = output.expect("an end").expect("an exit");
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("UTF-8")
    }
}

fn answered(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| line.contains("request answered"))
}

#[tokio::test]
async fn nothing_is_lost_on_sigterm() {
    for signals in [&["-TERM"][..], &["-INT"], &["-TERM", "-TERM"]] {
        let mut demo = Demo::start("text").await;
        for n in 0..200 {
            demo.ask(&format!("/{n}/")).await;
        }
        for signal in signals {
            demo.signal(signal).await;
        }
        let log = demo.log().await;
        let lines = answered(&log);
        let paths = lines.map(|line| line.split_once("http.path=\"/").expect("a path").1);
        let numbers = paths.map(|path| path.split('/').next().expect("a number"));
        assert!(numbers.eq((0..200).map(|n| n.to_string())), "{log}");
        assert!(log.contains("stopping"), "{log}");
    }
}

#[tokio::test]
async fn a_line_of_a_quiet_server_comes_at_once() {
    let mut demo = Demo::start("text").await;
    let log = demo.process.stderr.take().expect("a log");
    let mut log = BufReader::new(log).lines();
    for n in 0..3 {
        demo.ask(&format!("/{n}/")).await;
        let line = async {
            loop {
                let line = log.next_line().await.expect("a log").expect("a line");
                if line.contains("request answered") {
                    break line;
                }
            }
        };
        let line = timeout(PATIENCE, line).await.expect("in time");
        assert!(line.contains(&format!("http.path=\"/{n}/\"")), "{line}");
    }
}

/// More than the pipe and the buffer hold: requests go on, and what is dropped is counted.
#[tokio::test]
async fn a_log_that_is_not_read_holds_up_no_request() {
    for format in ["text", "json"] {
        let mut demo = Demo::start(format).await;
        let path = "x".repeat(8_000);
        let asked = 700;
        let asking = async {
            for n in 0..asked {
                demo.ask(&format!("/{n}/{path}")).await;
            }
        };
        timeout(PATIENCE, asking).await.expect("answers");
        demo.signal("-TERM").await;
        // The process has nothing left to do but to write.
        demo.gate
            .read_to_end(&mut Vec::new())
            .await
            .expect("an end");
        let log = demo.log().await;
        let told = log
            .lines()
            .find(|line| line.contains("lines of the log were dropped"));
        let told = told.expect("a line about it");
        let (before, _) = told.split_once(" lines of the log").expect("a number");
        let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
        let dropped: usize = digits.and_then(|n| n.parse().ok()).expect("a number");
        assert!(dropped > 0);
        assert_eq!(answered(&log).count() + dropped, asked);
        let is_object = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert_eq!(log.lines().all(is_object), format == "json");
        assert!(told.contains("WARN"), "{told}");
    }
}

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

const PATIENCE: Duration = Duration::from_secs(60);
