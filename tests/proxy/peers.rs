//! Other people's load generators, friendly and not.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::TOKEN;
use super::support::{Gate, Upstream, route};
use super::tls::{Directory, pair};

/// Runs a program to its end; none if it is not installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(super) async fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    let command = command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match command.output().await {
        Ok(output) => Some(output),
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2load_gets_every_answer() {
    let directory = Directory::new();
    directory.write(&pair());
    let upstream = Upstream::start().await;
    let gate = Gate::start_with(&route("/", upstream.address, ""), Some(directory.tls())).await;
    let url = format!("https://{}/", gate.address);
    let authorization = format!("authorization: Bearer {TOKEN}");
    let arguments = [
        "-n",
        "2000",
        "-c",
        "8",
        "-m",
        "50",
        "-H",
        &authorization,
        &url,
    ];
    if let Some(output) = run("h2load", &arguments).await {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Application protocol: h2"), "{text}");
        assert!(text.contains("status codes: 2000 2xx"), "{text}");
    }
}

/// Slow heads, slow bodies and slow readers are closed on time, and others do not notice.
#[tokio::test(flavor = "multi_thread")]
async fn e3_slow_clients_are_closed_and_others_do_not_wait() {
    let (small, large) = (
        Upstream::start().await,
        Upstream::answering(long_answer()).await,
    );
    let times = "[server.timeouts]\nhead = \"1s\"\nbody = \"1s\"\nresponse = \"1s\"\n";
    let routes = [
        route("/small", small.address, "anonymous = true"),
        route("/large", large.address, "anonymous = true"),
    ];
    let gate = Gate::start(&format!("{times}{}", routes.concat())).await;
    let url = format!("http://{}/large", gate.address);
    // Reads 512 bytes a second through the smallest window there is.
    let slow_read = ["-X", "-w", "1", "-y", "1", "-n", "1", "-z", "512"];
    for kind in [&["-H"][..], &["-B", "-s", "8192"], &slow_read] {
        let common = [
            "-c", "100", "-r", "100", "-i", "5", "-x", "8", "-l", "8", "-u", &url,
        ];
        let arguments = [kind, &common].concat();
        let attack = run("slowhttptest", &arguments);
        let mut attack = std::pin::pin!(attack);
        let began_at = Instant::now();
        let output = loop {
            let step = timeout(Duration::from_millis(100), &mut attack).await;
            if let Ok(output) = step {
                break output;
            }
            let mut client = gate.connect().await;
            let probe = client.exchange("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
            let probe = timeout(Duration::from_millis(500), probe).await;
            assert!(
                probe.expect("in time").starts_with("HTTP/1.1 200 "),
                "{kind:?}"
            );
        };
        let Some(output) = output else { return };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            began_at.elapsed() < Duration::from_secs(7),
            "{kind:?}: {text}"
        );
        assert!(
            text.contains("No open connections left"),
            "{kind:?}: {text}"
        );
    }
}

/// Far more than the system holds back for a client.
fn long_answer() -> &'static str {
    let bytes = 16 << 20;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    String::leak(head + &"x".repeat(bytes))
}
