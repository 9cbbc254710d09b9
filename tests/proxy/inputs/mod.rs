//! Kinds of input that parsers of HTTP/1 have been seen to differ on. Each ends as a refusal or as
//! exactly one well-formed request to the upstream, and each says which.

mod bodies;
mod h2;
mod limits;

use super::TOKEN;
use super::recorder::{Recorder, status_of};

/// What becomes of an input.
enum End {
    /// The client gets this status from the gate itself, the upstream nothing.
    Answered(u16),
    /// The upstream gets this line and this body.
    Forwarded(&'static str, &'static str),
}

use End::{Answered, Forwarded};

/// `{H}` stands for a good `Host` and a good credential.
fn bytes(input: &str) -> Vec<u8> {
    let good = format!("Host: a\r\nAuthorization: Bearer {TOKEN}\r\n");
    let text = input.replace("{H}", &good);
    // Characters are bytes here, so that a table can hold what is no UTF-8.
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("a byte"))
        .collect()
}

async fn assert_ends(inputs: impl IntoIterator<Item = (String, End)>) {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for (input, end) in inputs {
        let status = status_of(&gate, &bytes(&input)).await;
        match end {
            Answered(expected) => assert_eq!(status, expected, "{input:?}"),
            Forwarded(line, body) => {
                assert_eq!(status, 200, "{input:?}");
                let message = upstream.message().await;
                assert_eq!(message.line(), line, "{input:?}");
                assert_eq!(String::from_utf8_lossy(&message.body), body, "{input:?}");
            }
        }
        upstream.assert_untouched();
    }
    // What was smuggled would be before this.
    assert_eq!(
        status_of(&gate, &bytes("GET /last HTTP/1.1\r\n{H}\r\n")).await,
        200
    );
    assert_eq!(upstream.message().await.target, "/last");
    upstream.assert_untouched();
}

/// Heads of GET requests that differ in the lines given.
fn heads(lines: impl IntoIterator<Item = (&'static str, End)>) -> Vec<(String, End)> {
    let head = |(lines, end)| (format!("GET /p HTTP/1.1\r\n{lines}\r\n"), end);
    lines.into_iter().map(head).collect()
}

/// Requests that differ in their first line.
fn first_lines(lines: impl IntoIterator<Item = (&'static str, End)>) -> Vec<(String, End)> {
    let head = |(line, end)| (format!("{line}\r\n{{H}}\r\n"), end);
    lines.into_iter().map(head).collect()
}

/// POST requests that differ in framing and body.
fn posts(
    framed: impl IntoIterator<Item = (&'static str, &'static str, End)>,
) -> Vec<(String, End)> {
    let post = |(lines, body, end)| (format!("POST /p HTTP/1.1\r\n{{H}}{lines}\r\n{body}"), end);
    framed.into_iter().map(post).collect()
}

const PASSED: End = Forwarded("GET /p", "");
const HELLO: End = Forwarded("POST /p", "hello");

#[tokio::test]
async fn hosts() {
    let credential = format!("Authorization: Bearer {TOKEN}\r\n");
    let with =
        |(hosts, end): (&str, End)| (format!("GET /p HTTP/1.1\r\n{hosts}{credential}\r\n"), end);
    let inputs = [
        ("", Answered(400)),
        ("Host: a\r\nHost: b\r\n", Answered(400)),
        ("Host: a\r\nHost: a\r\n", Answered(400)),
        ("Host:\r\n", Answered(400)),
        ("Host: a/../b@c\r\n", Answered(400)),
        ("Host: u:p@a\r\n", Answered(400)),
        ("Host: a,b\r\n", Answered(400)),
        ("Host: a;for=127.0.0.1\r\n", Answered(400)),
        ("Host: a\u{e9}\r\n", Answered(400)),
        ("Host: A.example.:8080\r\n", PASSED),
        ("hOsT:\t[::1]:1 \r\n", PASSED),
    ];
    assert_ends(inputs.map(with)).await;
}

#[tokio::test]
async fn targets() {
    assert_ends(first_lines([
        ("GET http://evil/p HTTP/1.1", Forwarded("GET /p", "")),
        ("GET https://evil HTTP/1.1", Forwarded("GET /", "")),
        ("GET http://u:p@evil/p HTTP/1.1", Answered(400)),
        ("GET ftp://evil/p HTTP/1.1", Answered(400)),
        ("GET p HTTP/1.1", Answered(400)),
        ("GET evil:80 HTTP/1.1", Answered(400)),
        ("GET * HTTP/1.1", Answered(400)),
        ("OPTIONS * HTTP/1.1", Answered(204)),
        ("GET /admin#/public HTTP/1.1", Forwarded("GET /admin", "")),
        (
            "GET /pub/../admin HTTP/1.1",
            Forwarded("GET /pub/../admin", ""),
        ),
        (
            "GET /pub/%2e%2e%2fadmin HTTP/1.1",
            Forwarded("GET /pub/%2e%2e%2fadmin", ""),
        ),
        ("GET /pub\\admin HTTP/1.1", Forwarded("GET /pub\\admin", "")),
        ("GET /a%00 HTTP/1.1", Forwarded("GET /a%00", "")),
        ("GET /a%zz HTTP/1.1", Forwarded("GET /a%zz", "")),
        (
            "GET /caf\u{c3}\u{a9} HTTP/1.1",
            Forwarded("GET /caf\u{e9}", ""),
        ),
        ("GET /caf\u{e9} HTTP/1.1", Forwarded("GET /caf%E9", "")),
        ("GET /\"<>` HTTP/1.1", Forwarded("GET /%22%3C%3E%60", "")),
        ("GET /?\"<>` HTTP/1.1", Forwarded("GET /?%22%3C%3E%60", "")),
        (
            "GET /{a}|^?{b}|^ HTTP/1.1",
            Forwarded("GET /{a}|^?{b}|^", ""),
        ),
        ("GET //evil/p HTTP/1.1", Forwarded("GET //evil/p", "")),
        (
            "GET /a?b=//c/../d?e HTTP/1.1",
            Forwarded("GET /a?b=//c/../d?e", ""),
        ),
        ("GET /a b HTTP/1.1", Answered(400)),
        ("GET /a\u{0} HTTP/1.1", Answered(400)),
        ("GET  /a HTTP/1.1", Answered(400)),
        ("GET /a  HTTP/1.1", Answered(400)),
    ]))
    .await;
}

/// Where a path decides which route it is, what could be two paths is refused.
#[tokio::test]
async fn targets_that_could_be_two() {
    let mut upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[("/", ""), ("/pub", "anonymous = true")])
        .await;
    for path in [
        "/pub/../admin",
        "/pub/%2e%2e%2fadmin",
        "/pub\\admin",
        "/pub/%5c..%5cadmin",
        "/pub%00",
        "/pub%zz",
        "//pub",
        "/x//..//pub",
        "/./pub",
        "/pub;x",
        "/pub%3bx",
        "/pub%23x",
        "/pub/%252e%252e/",
        "/pub\u{ff}",
    ] {
        let input = format!("GET {path} HTTP/1.1\r\n{{H}}\r\n");
        assert_eq!(status_of(&gate, &bytes(&input)).await, 400, "{path}");
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn methods_and_versions() {
    assert_ends(first_lines([
        ("TRACE /p HTTP/1.1", Answered(501)),
        ("trace /p HTTP/1.1", Answered(501)),
        ("CONNECT evil:80 HTTP/1.1", Answered(501)),
        ("CONNECT /p HTTP/1.1", Answered(501)),
        ("PRI * HTTP/2.0", Answered(400)),
        ("get /p HTTP/1.1", Forwarded("get /p", "")),
        ("FOO!#$ /p HTTP/1.1", Forwarded("FOO!#$ /p", "")),
        ("F(O /p HTTP/1.1", Answered(400)),
        ("GET /p HTTP/1.0", PASSED),
        ("GET /p HTTP/1.2", Answered(400)),
        ("GET /p HTTP/2.0", Answered(400)),
        ("GET /p HTTP/0.9", Answered(400)),
        ("GET /p", Answered(400)),
        ("GET /p http/1.1", Answered(400)),
        ("GET /p HTTP/1.1 ", Answered(400)),
    ]))
    .await;
}

#[tokio::test]
async fn lines_and_bytes() {
    let mut inputs = heads([
        ("{H}X: a\rb\r\n", Answered(400)),
        ("{H}X: a\u{0}b\r\n", Answered(400)),
        ("{H}X: a\u{1}b\r\n", Answered(400)),
        ("{H}X: a\u{7f}b\r\n", Answered(400)),
        ("{H}X: a\r\n b\r\n", Answered(400)),
        ("{H}X: a\r\n\tb\r\n", Answered(400)),
        ("{H}X : a\r\n", Answered(400)),
        ("{H} X: a\r\n", Answered(400)),
        ("{H}: a\r\n", Answered(400)),
        ("{H}X\r\n", Answered(400)),
        ("{H}X(a): a\r\n", Answered(400)),
        ("{H}X\u{c3}\u{a9}: a\r\n", Answered(400)),
        ("{H}X: \u{ff}\u{fe}\r\n", PASSED),
        ("{H}X:\r\n", PASSED),
        ("{H}X:\t a \t\r\n", PASSED),
        (
            "Host: a\nAuthorization: Bearer e72e16c7e42f292c6912e7710c838347ae178b4a\n",
            Answered(400),
        ),
    ]);
    let head = bytes("GET /p HTTP/1.1\r\n{H}\r\n");
    let head: String = head.iter().map(|&b| char::from(b)).collect();
    inputs.push((head.replace('\r', ""), Answered(400)));
    inputs.push((format!("\n{head}"), Answered(400)));
    inputs.push((head.replacen("\r\n\r\n", "\r\n\n", 1), Answered(400)));
    inputs.push((format!("\r\n{head}"), PASSED));
    inputs.push((format!("X{}: a\r\n", "a".repeat(65_536)), Answered(431)));
    assert_ends(inputs).await;
}

#[tokio::test]
async fn names_that_look_alike() {
    let mut inputs = heads([
        ("{H}X_Forwarded_User: admin\r\n", PASSED),
        ("{H}X.Forwarded.User: admin\r\n", PASSED),
        ("{H}Content_Length: 5\r\n", PASSED),
        ("{H}Transfer.Encoding: chunked\r\n", PASSED),
        ("{H}Authorization: Bearer x\r\n", Answered(400)),
    ]);
    for c in "!#$%&'*+-.^_`|~".chars() {
        let line = format!("GET /p HTTP/1.1\r\n{{H}}X{c}GitHub{c}User-Id: 7\r\n\r\n");
        inputs.push((line, PASSED));
    }
    assert_ends(inputs).await;
}

#[tokio::test]
async fn fields_of_one_connection() {
    let mut inputs = heads([
        (
            "{H}Connection: close, X-Forwarded-User, X-Forwarded-For\r\n",
            PASSED,
        ),
        ("{H}Connection: \u{ff}\r\n", PASSED),
        ("{H}Proxy-Authorization: Basic YTpi\r\n", PASSED),
        ("{H}TE: gzip\r\n", PASSED),
        (
            "{H}Keep-Alive: timeout=5\r\nConnection: keep-alive\r\n",
            PASSED,
        ),
        ("{H}Upgrade: websocket\r\nConnection: Upgrade\r\n", PASSED),
        (
            "{H}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nConnection: Upgrade, HTTP2-Settings\r\n",
            PASSED,
        ),
        ("{H}HTTP2-Settings: AAMAAABkAAQ\r\n", PASSED),
        ("{H}Via: 1.1 elsewhere\r\n", PASSED),
        ("{H}Expect: 200-ok\r\n", Answered(417)),
        ("{H}Expect: 100-continue\r\n", PASSED),
    ]);
    inputs.extend(posts([
        (
            "Expect: 100-continue\r\nContent-Length: 5\r\n",
            "hello",
            HELLO,
        ),
        (
            "Expect: y 100-continue\r\nContent-Length: 5\r\n",
            "hello",
            Answered(417),
        ),
        (
            "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 5\r\n",
            "hello",
            Answered(417),
        ),
    ]));
    assert_ends(inputs).await;
}

#[tokio::test]
async fn sizes() {
    let many = |count| format!("GET /p HTTP/1.1\r\n{{H}}{}\r\n", "x: 1\r\n".repeat(count));
    let long = |path| format!("GET /{} HTTP/1.1\r\n{{H}}\r\n", "a".repeat(path));
    let head = format!("GET /p HTTP/1.1\r\n{{H}}X: {}\r\n\r\n", "a".repeat(400_000));
    let cookies = |bytes| {
        format!(
            "GET /p HTTP/1.1\r\n{{H}}Cookie: {}\r\n\r\n",
            "c".repeat(bytes)
        )
    };
    assert_ends([
        (cookies(17_000), PASSED),
        (cookies(31_000), PASSED),
        (many(98), PASSED),
        (many(99), Answered(431)),
        (long(8192), Answered(414)),
        // More than the whole head may have.
        (long(65_536), Answered(431)),
        (head, Answered(431)),
    ])
    .await;
}
