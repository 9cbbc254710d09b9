use super::*;
use crate::proxy::request_gate::{MAX_FIELDS, MAX_HEAD_BYTES};

/// A request whose head has exactly this many bytes.
fn head_of(bytes: usize) -> String {
    let frame = "GET / HTTP/1.1\r\nHost: a\r\nx: \r\n\r\n".len();
    let value = "y".repeat(bytes - frame);
    format!("GET / HTTP/1.1\r\nHost: a\r\nx: {value}\r\n\r\n")
}

fn head_with(fields: usize) -> String {
    let more: String = (1..fields).map(|n| format!("x-{n}: y\r\n")).collect();
    format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n")
}

async fn answer_to(request: String) -> String {
    let client = Client::new();
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    // The rest of a head that is too long is not read.
    let writing = async { writer.write_all(request.as_bytes()).await };
    let mut answer = Vec::new();
    let reading = async { reader.read_buf(&mut answer).await };
    let (_, _) = tokio::join!(writing, reading);
    String::from_utf8(answer).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn a_head_may_have_so_many_bytes_and_not_one_more() {
    let longest = answer_to(head_of(MAX_HEAD_BYTES)).await;
    assert!(longest.starts_with("HTTP/1.1 200 "), "{longest}");
    let longer = answer_to(head_of(MAX_HEAD_BYTES + 1)).await;
    assert!(longer.starts_with("HTTP/1.1 431 "), "{longer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_may_have_so_many_fields_and_not_one_more() {
    let most = answer_to(head_with(MAX_FIELDS)).await;
    assert!(most.starts_with("HTTP/1.1 200 "), "{most}");
    let more = answer_to(head_with(MAX_FIELDS + 1)).await;
    assert!(more.starts_with("HTTP/1.1 431 "), "{more}");
}
