//! The fuzz target's corpus, with the target's invariants.

use std::fs;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::TOKEN;
use super::recorder::Recorder;
use super::support::PATIENCE;

/// Ends what is still a head, and the connection.
const END: &[u8] = b"\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn the_corpus_of_the_request_gate_holds() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/request_gate");
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let (mut inputs, mut forwarded) = (0, 0);
    for file in fs::read_dir(directory).expect("a corpus") {
        let input = fs::read(file.expect("a file").path()).expect("a file");
        let mut client = gate.connect().await.0;
        // A gate that refuses need not read to the end.
        let _ = client.write_all(&[&input, END].concat()).await;
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{:?}", String::from_utf8_lossy(&input));
        inputs += 1;
        for message in upstream.messages_so_far() {
            assert_eq!(message.only("x-forwarded-user"), "octocat");
            assert!(
                input
                    .windows(TOKEN.len())
                    .any(|part| part == TOKEN.as_bytes())
            );
            forwarded += 1;
        }
    }
    assert!(inputs >= 20 && forwarded >= 10, "{forwarded} of {inputs}");
}
