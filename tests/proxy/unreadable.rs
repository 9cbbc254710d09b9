//! What is no request that hyper or h2 would give to anybody: passed, where other servers take it,
//! or refused in our own form, counted, and never followed by a request that nobody sent.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::TOKEN;
use super::carrier::{Answer, Ask, Carrier, End, Front, Stream, frames};
use super::recorder::Recorder;
use super::support::{Gate, PATIENCE, body, status};

over!(every http1:
    targets_that_only_others_hold_are_encoded,
    what_cannot_be_parsed_is_a_problem_and_counted,
    a_refusal_comes_after_the_answers_to_what_was_sent_before,
    requests_in_one_piece_are_told_apart_wherever_it_is_cut,
    an_end_of_chunks_that_could_be_two_ends_the_connection,
    a_head_that_could_be_two_is_refused_wherever_it_is_cut,
);
over!(every http2:
    what_h2_refuses_is_counted,
    a_head_beyond_what_h2_holds_is_counted,
);

/// Characters are bytes here, so that a table can hold what is no UTF-8.
fn one_byte_each(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("a byte"))
        .collect()
}

fn get(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n")
}

fn post(framing: &str, body: &str) -> String {
    get("/p", framing).replacen("GET", "POST", 1) + body
}

/// A client that sends what it is told, and reads one answer after the other.
struct Client {
    stream: Stream,
    unread: Vec<u8>,
}

impl Client {
    fn over(stream: Stream) -> Self {
        let unread = Vec::new();
        Self { stream, unread }
    }

    async fn of(front: &Front) -> Self {
        Self::over(front.connect().await)
    }

    async fn send(&mut self, bytes: &[u8]) {
        // Who refuses a request need not read it to its end.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// Sends bytes in two pieces.
    async fn send_cut(&mut self, bytes: &[u8], cut: usize) {
        self.send(&bytes[..cut]).await;
        tokio::task::yield_now().await;
        self.send(&bytes[cut..]).await;
    }

    /// The next answer; none if the connection has ended instead.
    async fn answer(&mut self) -> Option<Answer> {
        let answer = timeout(PATIENCE, self.next()).await;
        answer.expect("in time")
    }

    async fn next(&mut self) -> Option<Answer> {
        loop {
            if let Some(answer) = self.unread_answer() {
                return Some(answer);
            }
            if self.stream.read_buf(&mut self.unread).await.ok()? == 0 {
                assert!(self.unread.is_empty(), "half an answer");
                return None;
            }
        }
    }

    fn unread_answer(&mut self) -> Option<Answer> {
        let end = self.unread.windows(4).position(|end| end == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        let (line, fields) = head.split_once("\r\n").expect("fields");
        let one = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a field");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let mut answer = Answer {
            status: line.split(' ').nth(1)?.parse().expect("a status"),
            fields: fields.split("\r\n").map(one).collect(),
            body: Vec::new(),
        };
        let length: usize = answer
            .all("content-length")
            .concat()
            .parse()
            .expect("a length");
        answer.body = self.unread.get(end + 4..end + 4 + length)?.to_vec();
        self.unread.drain(..end + 4 + length);
        Some(answer)
    }
}

/// How many requests ended so.
pub(super) async fn count(gate: &Gate, outcome: &str) -> u64 {
    let mut admin = gate.admin().await;
    let answer = admin
        .exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 200);
    let sample = format!("ghes_gatekeeper_requests_total{{outcome=\"{outcome}\"}} ");
    let mut lines = body(&answer).lines();
    let value = lines.find_map(|line| line.strip_prefix(&*sample));
    value.expect("a sample").parse().expect("a number")
}

async fn targets_that_only_others_hold_are_encoded(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (sent, forwarded) in [
        (
            "/api/v1/query?query=up{job=\"x\"}",
            "/api/v1/query?query=up{job=%22x%22}",
        ),
        ("/?q=a<b", "/?q=a%3Cb"),
        ("/?q=a>b<=c", "/?q=a%3Eb%3C=c"),
        ("/a`b", "/a%60b"),
        ("/a^b|c", "/a^b|c"),
        ("/<a>/\"b\"?{c}", "/%3Ca%3E/%22b%22?{c}"),
        ("/caf\u{e9}?na\u{ef}ve", "/caf%E9?na%EFve"),
        ("/\u{c3}\u{a9}?\u{e9}", "/%C3%A9?%E9"),
    ] {
        let mut client = Client::of(&front).await;
        // The second shows that the first ended where it ends.
        for request in [
            get(sent, ""),
            post("Content-Length: 5\r\n", "hello").replace("/p", sent),
        ] {
            client.send(&one_byte_each(&request)).await;
            assert_eq!(
                client.answer().await.expect("an answer").status,
                200,
                "{sent}"
            );
            assert_eq!(upstream.message().await.target, forwarded, "{sent}");
        }
    }
    upstream.assert_untouched();
}

/// Bytes that no server should take, and what is wrong with them.
fn unreadable() -> Vec<(String, u16, &'static str)> {
    let long = "a".repeat(70_000);
    let line = |line: &str| get("/p", "").replacen("GET /p HTTP/1.1", line, 1);
    let bad = |text: String| (text, 400, "invalid_request");
    vec![
        bad(line("GET /p HTTP/1.2")),
        bad(line("GET /p")),
        bad(line("G(T /p HTTP/1.1")),
        bad(line("GET /a b HTTP/1.1")),
        bad(line("GET http://[a/ HTTP/1.1")),
        bad(line("PRI * HTTP/2.0")),
        bad("\u{16}\u{3}\u{1}\r\n\r\n".to_owned()),
        bad(get("/p", "X : a\r\n")),
        bad(get("/p", "X: a\u{0}b\r\n")),
        bad(post("Content-Length: +5\r\n", "hello")),
        bad(post("Transfer-Encoding: gzip\r\n", "hello")),
        bad(post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")),
        bad(post(
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        )),
        bad(get("/p", "").replace("\r\n", "\n")),
        (
            get("/p", &"x: 1\r\n".repeat(101)),
            431,
            "header_fields_too_large",
        ),
        (
            get("/p", &format!("x: {long}\r\n")),
            431,
            "header_fields_too_large",
        ),
        (get(&format!("/{long}"), ""), 431, "header_fields_too_large"),
    ]
}

async fn what_cannot_be_parsed_is_a_problem_and_counted(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (input, status, reason) in unreadable() {
        let before = count(&front.gate, reason).await;
        let mut client = Client::of(&front).await;
        client.send(&one_byte_each(&input)).await;
        let answer = client.answer().await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {input:.80}"));
        assert_problem(&answer, status, reason);
        assert!(client.answer().await.is_none(), "{input:.80}");
        let after = count(&front.gate, reason).await;
        assert_eq!(after, before + 1, "{input:.80}");
    }
    assert_eq!(front.gate.calls(), 0);
    upstream.assert_untouched();
}

fn assert_problem(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("connection", "close"),
    ] {
        assert_eq!(answer.all(name), [value], "{answer:?}");
    }
    assert_eq!(answer.all("date").len(), 1, "{answer:?}");
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(problem["reason"], reason);
    assert_eq!(problem["status"], status);
}

/// A target that `http` cannot hold is long, so operators have to want one.
#[tokio::test]
async fn a_target_beyond_what_http_holds_is_414() {
    let limits = "[server.limits]\nhead_bytes = 262144\ntarget_bytes = 65534\n";
    let mut upstream = Recorder::start().await;
    let front = upstream
        .front_with(Carrier::Http1, limits, &[("/", "")])
        .await;
    for (bytes, status) in [(65_534, 200), (65_535, 414), (100_000, 414)] {
        let target = format!("/{}", "a".repeat(bytes - 1));
        let mut client = Client::of(&front).await;
        client.send(get(&target, "").as_bytes()).await;
        let answer = client.answer().await.expect("an answer");
        if status == 200 {
            assert_eq!(answer.status, 200);
            upstream.message().await;
        } else {
            assert_problem(&answer, 414, "uri_too_long");
        }
    }
    assert_eq!(count(&front.gate, "uri_too_long").await, 2);
    upstream.assert_untouched();
}

async fn a_refusal_comes_after_the_answers_to_what_was_sent_before(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let large = "b".repeat(100_000);
    for bad in [
        "GET /x\r\n\r\n",
        "GET /x HTTP/1.1\nHost: a\r\n\r\n",
        "\u{0}\r\n\r\n",
    ] {
        let mut client = Client::of(&front).await;
        let sized = post(&format!("Content-Length: {}\r\n", large.len()), &large);
        let all = [
            get("/1", ""),
            sized,
            get("/3", ""),
            bad.to_owned(),
            get("/4", ""),
        ];
        client.send(&one_byte_each(&all.concat())).await;
        for expected in [200, 200, 200, 400] {
            let answer = client.answer().await.expect("an answer");
            assert_eq!(answer.status, expected, "{bad:?}");
        }
        assert!(client.answer().await.is_none());
        for target in ["/1", "/p", "/3"] {
            assert_eq!(upstream.message().await.target, target);
        }
        upstream.assert_untouched();
    }
}

/// Where a request ends depends on how its body is framed, and never on how it arrives.
async fn requests_in_one_piece_are_told_apart_wherever_it_is_cut(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let all = [
        post("Content-Length: 5\r\n", "hello"),
        "\r\n".to_owned() + &get("/2?a<b", ""),
        post(
            "Transfer-Encoding: chunked\r\n",
            "2;x\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
        ),
        post("Content-Length: 0\r\n", ""),
        get("/5", ""),
    ];
    let all = all.concat().into_bytes();
    for cut in 1..all.len() {
        let mut client = Client::of(&front).await;
        client.send_cut(&all, cut).await;
        for (line, body) in [
            ("POST /p", "hello"),
            ("GET /2?a%3Cb", ""),
            ("POST /p", "hello"),
            ("POST /p", ""),
            ("GET /5", ""),
        ] {
            let answer = client.answer().await.expect("an answer");
            assert_eq!(answer.status, 200, "{cut}");
            let message = upstream.message().await;
            assert_eq!(message.line(), line, "{cut}");
            assert_eq!(message.body, body.as_bytes(), "{cut}");
        }
    }
    upstream.assert_untouched();
}

/// To be reported to hyper's maintainers:
///
/// > hyper 1.12, server, HTTP/1.1: a line feed alone at the begin of the trailer section makes it
/// > part of a trailer. Sent in one piece:
/// >
/// > ```text
/// > POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n
/// > 0\r\n\nGET /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n
/// > GET /3 HTTP/1.1\r\nHost: a\r\n\r\n
/// > ```
/// >
/// > A peer that takes LF for the end of a line (RFC 9112 §2.2) sees `POST /1` and `GET /2` with a
/// > body of 27 bytes. hyper sees `POST /1` with trailers, of which `\nGET /2 HTTP/1.1` is the
/// > first, and then `GET /3`. `ChunkedState::read_end_cr` takes any byte but CR for the begin of a
/// > trailer, and `read_trailer` goes on to the next CR; `httparse::parse_headers` then takes the
/// > empty line. Both should refuse LF there, as `read_extension` does.
async fn an_end_of_chunks_that_could_be_two_ends_the_connection(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let inner = get("/3", "");
    let hidden = format!(
        "GET /2 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    for end in [
        "0\r\n\n",
        "0\r\nX: y\n\n",
        "0\r\nX: y\r\n\n",
        "5\r\nhello\r\n0\r\n\n",
        "0\r\nX: y\n\r\n",
    ] {
        let request = post("Transfer-Encoding: chunked\r\n", end) + &hidden;
        let request = request.as_bytes();
        let head = request.len() - hidden.len();
        for cut in (1..request.len()).filter(|cut| *cut > head - 12) {
            let mut client = Client::of(&front).await;
            client.send_cut(request, cut).await;
            let answer = client.answer().await;
            let status = answer.map(|answer| answer.status);
            assert!(
                status.is_none_or(|status| status == 400),
                "{status:?} {end:?} {cut}"
            );
            assert!(client.answer().await.is_none(), "{end:?} {cut}");
        }
    }
    upstream.assert_untouched();
}

/// RFC 9112 §2.2 and §6.1 let a server take these. We do not: who stands before us may not either.
async fn a_head_that_could_be_two_is_refused_wherever_it_is_cut(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let follower = get("/smuggled", "");
    let both = |one: &str, other: &str| post(&format!("{one}\r\n{other}\r\n"), "0\r\n\r\n");
    let (length, coding) = ("Content-Length: 5", "Transfer-Encoding: chunked");
    for head in [
        both(length, coding),
        both(coding, length),
        both("content-length:0", "transfer-encoding:Chunked"),
        get("/p", "X: y\n"),
        get("/p", "X: y\n\r\n"),
        get("/p", "").replacen("\r\n", "\n", 1),
    ] {
        let request = head.clone() + &follower;
        let request = request.as_bytes();
        for cut in 1..head.len() {
            let mut client = Client::of(&front).await;
            client.send_cut(request, cut).await;
            let answer = client.answer().await.expect("an answer");
            assert_problem(&answer, 400, "invalid_request");
            assert!(client.answer().await.is_none(), "{head:?} {cut}");
        }
    }
    assert_eq!(front.gate.calls(), 0);
    upstream.assert_untouched();
}

/// What h2 refuses has no answer but a reset; it is counted all the same.
async fn what_h2_refuses_is_counted(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let head = |path: &str, more: (&str, &str)| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", path),
            more,
        ];
        let fields = fields.map(|(name, value)| (one_byte_each(name), one_byte_each(value)));
        frames::headers(1, &fields, true)
    };
    let plain = ("x", "y");
    for (at, (name, frames)) in [
        ("quote in a query", head("/?query=up{job=\"x\"}", plain)),
        ("less-than in a query", head("/?q=a<b", plain)),
        ("backtick in a path", head("/a`b", plain)),
        ("Latin-1", head("/caf\u{e9}", plain)),
        ("space in a path", head("/a b", plain)),
        ("connection", head("/", ("connection", "close"))),
        ("upper case", head("/", ("X-A", "y"))),
        ("length of a head alone", head("/", ("content-length", "5"))),
    ]
    .into_iter()
    .enumerate()
    {
        let end = front.end_of_frames(&frames).await;
        assert!(
            matches!(end, End::Reset(1) | End::Closed(Some(_))),
            "{name}: {end:?}"
        );
        let count = count(&front.gate, "invalid_request").await;
        assert_eq!(count, at as u64 + 1, "{name}");
    }
    // These it holds.
    for path in ["/?a={b}|c^d", "/a^b|c", "/{a}\"b\""] {
        front.assert_status(&Ask::known(path), 200).await;
        assert_eq!(upstream.message().await.target, path);
    }
    assert_eq!(front.gate.calls(), 1);
    upstream.assert_untouched();
}

async fn a_head_beyond_what_h2_holds_is_counted(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (at, bytes) in [60_000, 80_000, 100_000].into_iter().enumerate() {
        for ask in [
            Ask::known("/").line("x", "a".repeat(bytes)),
            Ask::known("/")
                .line("x", "a".repeat(bytes))
                .method("POST")
                .body("hello"),
        ] {
            front.assert_status(&ask, 431).await;
        }
        let count = count(&front.gate, "header_fields_too_large").await;
        assert_eq!(count, 2 * (at as u64 + 1));
    }
    // Up to there the gate itself answers.
    let answer = front
        .answer(&Ask::known("/").line("x", "a".repeat(40_000)))
        .await;
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(problem["reason"], "header_fields_too_large");
    upstream.assert_untouched();
}

/// curl as people use it with Prometheus, and with what else its `-g` leaves alone.
#[tokio::test]
async fn curl_may_ask_for_what_it_does_not_encode() {
    let version = tokio::process::Command::new("curl")
        .arg("--version")
        .output()
        .await;
    if !version.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI has curl");
        return;
    }
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for (path, forwarded) in [
        (
            "/api/v1/query?query=up{job=\"x\"}",
            "/api/v1/query?query=up{job=%22x%22}",
        ),
        ("/?q=a<b&c>d", "/?q=a%3Cb&c%3Ed"),
        ("/wiki/`code`|^", "/wiki/%60code%60|^"),
    ] {
        let url = format!("http://{}{path}", gate.address);
        let credential = format!("Authorization: Bearer {TOKEN}");
        let arguments = ["-g", "-s", "--fail", "--http1.1", "-H", &*credential, &*url];
        let output = tokio::process::Command::new("curl")
            .args(arguments)
            .output();
        let output = output.await.expect("curl");
        assert!(output.status.success(), "{path}: {output:?}");
        assert_eq!(output.stdout, b"hello");
        assert_eq!(upstream.message().await.target, forwarded);
    }
}

#[tokio::test]
async fn the_admin_listener_refuses_in_the_same_form() {
    let upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for bad in [
        "GET /metrics\r\n\r\n",
        "GET /metrics HTTP/1.1\nHost: a\n\n",
        "\u{0}\r\n\r\n",
    ] {
        let mut client = Client::over(Box::pin(gate.admin().await.0));
        client.send(bad.as_bytes()).await;
        let answer = client.answer().await.expect("an answer");
        assert_problem(&answer, 400, "invalid_request");
        assert!(client.answer().await.is_none());
    }
}
