//! The corpora of the fuzz targets, with the targets' invariants.

use std::fs;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::TOKEN;
use super::invariants::{
    assert_octocat, assert_open, assert_response_is_clean, assert_seen_by_the_gate,
    assert_told_by_the_peer,
};
use super::recorder::Recorder;
use super::support::{Gate, PATIENCE, Upstream};
use super::wire::{self, Message};

/// Ends what is still a head, and the connection.
const END: &[u8] = b"\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What begins every request with a token.
fn head() -> String {
    format!("GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = directory.join("fuzz/corpus").join(target);
    let files = fs::read_dir(directory).expect("a corpus");
    let inputs = files.map(|file| fs::read(file.expect("a file").path()).expect("a file"));
    inputs.collect()
}

/// All that comes back, until the gate has closed.
async fn exchange(gate: &Gate, bytes: &[u8]) -> Vec<u8> {
    let mut client = gate.connect().await.0;
    // A gate that refuses need not read to the end.
    let _ = client.write_all(bytes).await;
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "{:?}", String::from_utf8_lossy(bytes));
    answer
}

#[tokio::test]
async fn the_corpus_of_the_request_gate_holds() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let (mut inputs, mut forwarded) = (0, 0);
    for input in corpus("request_gate") {
        exchange(&gate, &[&input, END].concat()).await;
        inputs += 1;
        for message in upstream.messages_so_far() {
            assert_octocat(&message);
            let has_token = |part: &[u8]| part == TOKEN.as_bytes();
            assert!(input.windows(TOKEN.len()).any(has_token));
            forwarded += 1;
        }
    }
    assert!(inputs >= 20 && forwarded >= 10, "{forwarded} of {inputs}");
}

#[tokio::test]
async fn the_corpus_of_header_hygiene_holds() {
    let (mut answered, mut refused) = (0, 0);
    for input in corpus("header_hygiene") {
        let (lines, answer) = match input.iter().position(|&b| b == 0) {
            Some(at) => (&input[..at], [b"\r\n", &input[at + 1..]].concat()),
            None => (&input[..], Vec::new()),
        };
        let answer: [&[u8]; 3] = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 5",
            &answer,
            b"\r\n\r\nhello",
        ];
        let answer = String::from_utf8(answer.concat()).expect("text").leak();
        let mut upstream = Upstream::answering(answer).await;
        let gate = Gate::before(upstream.address).await;
        let response = exchange(&gate, &[head().as_bytes(), lines, b"\r\n\r\n"].concat()).await;
        if response.starts_with(b"HTTP/1.1 200") {
            assert_response_is_clean(&response);
            let message = message(&upstream.request().await);
            wire::assert_clean(&message);
            assert_octocat(&message);
            assert_seen_by_the_gate(&message);
            answered += 1;
        } else {
            refused += 1;
        }
    }
    assert!(answered >= 7 && refused >= 2, "{answered}, {refused}");
}

#[tokio::test]
async fn the_corpus_of_forwarded_holds() {
    let mut upstream = Recorder::start().await;
    let trusted = "[server]\ntrusted_proxies = ['127.0.0.0/8', '10.0.0.0/8']\n";
    let routes = format!(
        "{trusted}[[routes]]\npath = '/'\nupstream = 'http://{}'\n",
        upstream.address
    );
    let gate = Gate::start(&routes).await;
    let inputs = corpus("forwarded");
    for input in &inputs {
        exchange(&gate, &[head().as_bytes(), input, b"\r\n\r\n"].concat()).await;
        let message = upstream.message().await;
        assert_octocat(&message);
        assert_told_by_the_peer(&message);
    }
    assert!(inputs.len() >= 10);
}

#[tokio::test]
async fn the_corpus_of_path_matching_holds() {
    let mut upstream = Recorder::start().await;
    let open = ("/open", "anonymous = true");
    let gate = upstream
        .gate_with(&[("/", ""), open, ("/open/but/not", "")])
        .await;
    let (mut inputs, mut forwarded) = (0, 0);
    for input in corpus("path_matching") {
        let end = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        exchange(&gate, &[b"GET ", &*input, end].concat()).await;
        let messages = upstream.messages_so_far();
        messages.iter().for_each(assert_open);
        inputs += 1;
        forwarded += messages.len();
    }
    assert!(inputs >= 25 && forwarded >= 5, "{forwarded} of {inputs}");
}

fn message(request: &str) -> Message {
    let read = wire::read(request.as_bytes()).expect("a well-formed request");
    read.expect("a whole request").0
}
