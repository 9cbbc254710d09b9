use super::*;

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

async fn answer_to(limits: Limits, request: String) -> String {
    let client = Client::with(Setup {
        limits,
        ..Setup::default()
    });
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    // The rest of a head that is too long is not read.
    let writing = async { writer.write_all(request.as_bytes()).await };
    let mut answer = Vec::new();
    let reading = async { reader.read_buf(&mut answer).await };
    let (_, _) = tokio::join!(writing, reading);
    String::from_utf8(answer).expect("UTF-8")
}

/// The defaults, less than they are and more, beyond the size that hyper reads ahead otherwise.
fn limits() -> [Limits; 3] {
    let of = |fields, bytes| Limits {
        head_fields: std::num::NonZeroU32::new(fields).expect("not zero"),
        head_bytes: std::num::NonZeroU32::new(bytes).expect("not zero"),
        ..Limits::default()
    };
    [Limits::default(), of(20, 8 * 1024), of(1000, 256 * 1024)]
}

#[tokio::test(start_paused = true)]
async fn a_head_may_have_so_many_bytes_and_not_one_more() {
    for limits in limits() {
        let most = limits.head_bytes.get() as usize;
        let longest = answer_to(limits, head_of(most)).await;
        assert!(longest.starts_with("HTTP/1.1 200 "), "{longest}");
        let longer = answer_to(limits, head_of(most + 1)).await;
        assert!(longer.starts_with("HTTP/1.1 431 "), "{longer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_may_have_so_many_fields_and_not_one_more() {
    for limits in limits() {
        let most = limits.head_fields.get() as usize;
        let answer = answer_to(limits, head_with(most)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let more = answer_to(limits, head_with(most + 1)).await;
        assert!(more.starts_with("HTTP/1.1 431 "), "{more}");
    }
}
