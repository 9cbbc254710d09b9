//! Kinds of framing, and bodies that are requests themselves.

use super::*;

#[tokio::test]
async fn lengths() {
    assert_ends(posts([
        ("Content-Length: 5\r\n", "hello", HELLO),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", HELLO),
        ("Content-Length: 0005\r\n", "hello", HELLO),
        ("Content-Length: 0\r\n", "", Forwarded("POST /p", "")),
        ("", "", Forwarded("POST /p", "")),
        ("Content-Length: +5\r\n", "hello", Answered(400)),
        ("Content-Length: -5\r\n", "hello", Answered(400)),
        ("Content-Length: 0x5\r\n", "hello", Answered(400)),
        ("Content-Length:\r\n", "hello", Answered(400)),
        ("Content-Length: 5, 5\r\n", "hello", Answered(400)),
        ("Content-Length: 5 5\r\n", "hello", Answered(400)),
        (
            "Content-Length: 18446744073709551616\r\n",
            "hello",
            Answered(400),
        ),
        (
            "Content-Length: 18446744073709551615\r\n",
            "hello",
            Answered(431),
        ),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "hello",
            Answered(400),
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            Answered(400),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            Answered(400),
        ),
    ]))
    .await;
}

#[tokio::test]
async fn codings() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    let mut inputs = posts([
        ("Transfer-Encoding: chunked\r\n", chunks, HELLO),
        ("Transfer-Encoding: CHUNKED\r\n", chunks, HELLO),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            chunks,
            Answered(501),
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n",
            chunks,
            Answered(400),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            chunks,
            Answered(400),
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            chunks,
            Answered(400),
        ),
        ("Transfer-Encoding: identity\r\n", chunks, Answered(400)),
        ("Transfer-Encoding: gzip\r\n", chunks, Answered(400)),
        ("Transfer-Encoding: xchunked\r\n", chunks, Answered(400)),
        (
            "Transfer-Encoding: chunked, identity\r\n",
            chunks,
            Answered(400),
        ),
        ("Transfer-Encoding: \u{b}chunked\r\n", chunks, Answered(400)),
        ("Transfer-Encoding:\r\n", chunks, Answered(400)),
    ]);
    let old = format!("POST /p HTTP/1.0\r\n{{H}}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    inputs.push((old, Answered(400)));
    assert_ends(inputs).await;
}

#[tokio::test]
async fn chunks() {
    let framed = |(body, end)| ("Transfer-Encoding: chunked\r\n", body, end);
    let inputs = [
        ("5;a=b\r\nhello\r\n0\r\n\r\n", HELLO),
        ("5 \r\nhello\r\n0\r\n\r\n", HELLO),
        ("005\r\nhello\r\n000\r\n\r\n", HELLO),
        ("5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\n\r\n", HELLO),
        ("5\r\nhello\r\n0\r\nX-Forwarded-User: admin\r\n\r\n", HELLO),
        ("5\r\nhello\r\n0\r\n\n", Answered(400)),
        ("5\r\nhello\r\n0\r\nX: y\n\n", Answered(400)),
        ("5\r\nhello\r\n0\r\nX: y\n\r\n", Answered(400)),
        ("5;a\nb\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("5;a\rb\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("5\nhello\n0\n\n", Answered(400)),
        ("0x5\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("+5\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", Answered(400)),
        ("5\r\nhelloo\r\n0\r\n\r\n", Answered(400)),
    ];
    assert_ends(posts(inputs.map(framed))).await;
}

/// The shape of Pingora's CVE-2025-4366: an answer before the body, and a body that is a request.
#[tokio::test]
async fn bodies_of_refused_requests() {
    let inner =
        format!("GET /smuggled HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let length = inner.len();
    let sized = |lines: &str, more: usize| {
        format!(
            "POST /p HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {}\r\n\r\n{inner}",
            length + more
        )
    };
    let chunked = |end: &str| {
        let chunk = format!("{length:x}\r\n{inner}\r\n{end}");
        format!("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")
    };
    assert_ends([
        (sized("", 0), Answered(401)),
        (sized("", 100_000), Answered(401)),
        (sized("Expect: 100-continue\r\n", 0), Answered(401)),
        (sized("Connection: close\r\n", 0), Answered(401)),
        (sized("Authorization: Bearer gho_x\r\n", 0), Answered(401)),
        (chunked("0\r\n\r\n"), Answered(401)),
        (chunked(""), Answered(401)),
    ])
    .await;
}
