//! Responses that are split, or answer what nobody asked.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;
use crate::support::{Upstream, route};

over!(every protocol:
    f4_an_upstream_that_switches_protocols_unasked_is_502,
    f15_a_response_that_could_be_two_is_502,
    f15_what_comes_after_a_response_is_nobodys,
    f15_interim_responses_are_not_passed_on,
    f15_interim_responses_without_end_are_502,
    f15_a_response_may_have_many_fields_and_not_any_number,
    f15_a_length_without_a_body_is_not_believed,
    f15_a_response_that_breaks_off_does_not_look_whole,
);

/// An upstream that does what a test tells it.
struct Puppet {
    socket: TcpListener,
    front: Front,
}

impl Puppet {
    async fn start(on: Carrier) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let front = Front::start(on, "", &route("/", address, "")).await;
        Self { socket, front }
    }

    /// Answers the request on a new connection with these bytes, and then closes it.
    async fn end(&self, ask: &Ask, answer: &str) -> End {
        let answering = async {
            let (mut connection, _) = self.socket.accept().await.expect("a connection");
            let answered = connection.write_all(answer.as_bytes()).await;
            answered.expect("a connection");
            connection
        };
        tokio::join!(self.front.end(ask), async {
            // What comes back must not depend on the close.
            let connection = answering.await;
            tokio::task::yield_now().await;
            drop(connection);
        })
        .0
    }
}

/// Envoy CVE-2024-23326: the upstream switches although nobody asked it to.
async fn f4_an_upstream_that_switches_protocols_unasked_is_502(on: Carrier) {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    let upstream = Upstream::answering(answer).await;
    let front = Front::start(on, "", &route("/", upstream.address, "")).await;
    front.assert_status(&known(""), 502).await;
}

async fn f15_a_response_that_could_be_two_is_502(on: Carrier) {
    let puppet = Puppet::start(on).await;
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "content-length: 5, 6\r\n\r\nhello!",
        "content-length: -5\r\n\r\nhello",
        "transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: identity\r\n\r\nhello",
        "x: a\r\n b\r\n\r\n",
        "x: a\u{0}\r\n\r\n",
    ] {
        // A second exchange takes another connection: nothing of the first can be its answer.
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood".to_owned();
        for (answer, expected) in [(format!("HTTP/1.1 200 OK\r\n{framing}"), 502), (good, 200)] {
            let end = puppet.end(&known(""), &answer).await;
            assert_eq!(end.status(), Some(expected), "{framing:?}");
        }
    }
}

async fn f15_what_comes_after_a_response_is_nobodys(on: Carrier) {
    let puppet = Puppet::start(on).await;
    let one = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
    let evil = one.replace("one", "bad");
    for answer in [format!("{one}{evil}"), one.to_owned()] {
        match puppet.end(&known(""), &answer).await {
            End::Answered(answer) => assert_eq!(answer.body, b"one"),
            end => panic!("{end:?}"),
        }
    }
}

async fn f15_interim_responses_are_not_passed_on(on: Carrier) {
    let puppet = Puppet::start(on).await;
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(100);
    let answer = format!("{interim}HTTP/1.1 200 OK\r\ncontent-length: 0005\r\n\r\nhello");
    match puppet.end(&known(""), &answer).await {
        End::Answered(answer) => {
            assert_eq!((answer.status, &*answer.body), (200, &b"hello"[..]));
            assert_eq!(answer.all("content-length"), ["5"]);
            assert!(answer.all("link").is_empty());
        }
        end => panic!("{end:?}"),
    }
}

async fn f15_interim_responses_without_end_are_502(on: Carrier) {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\nlink: </y>\r\n\r\n",
    ] {
        let puppet = Puppet::start(on).await;
        let flood = interim.repeat(1000);
        let flooding = async {
            let (mut connection, _) = puppet.socket.accept().await.expect("a connection");
            let mut sent = 0;
            while connection.write_all(flood.as_bytes()).await.is_ok() {
                sent += flood.len();
            }
            sent
        };
        let asked = known("");
        let (end, sent) = tokio::join!(puppet.front.end(&asked), flooding);
        assert_eq!(end.status(), Some(502), "{interim}");
        // Most of it lies in the buffers of the system.
        assert!(sent < 32 << 20, "{sent}");
    }
}

async fn f15_a_response_may_have_many_fields_and_not_any_number(on: Carrier) {
    let puppet = Puppet::start(on).await;
    for (count, status) in [(120, 200), (200, 200), (255, 200), (257, 502), (2000, 502)] {
        let fields: String = (1..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n");
        match puppet.end(&known(""), &answer).await {
            End::Answered(answer) => {
                assert_eq!(answer.status, status, "{count}");
                let is_numbered = |name: &str| {
                    let number = name.strip_prefix("x-").map(str::parse::<usize>);
                    number.is_some_and(|number| number.is_ok())
                };
                let ours = answer.fields.iter().filter(|(name, _)| is_numbered(name));
                let passed = if status == 200 { count - 1 } else { 0 };
                assert_eq!(ours.count(), passed, "{count}");
            }
            end => panic!("{end:?}"),
        }
    }
}

async fn f15_a_length_without_a_body_is_not_believed(on: Carrier) {
    let puppet = Puppet::start(on).await;
    // RFC 9110 §8.6: none with 204; with 304 and to HEAD that of what is not there, or none.
    let not_modified = if on.is_http_2() { &["5"][..] } else { &[] };
    for (method, head, lengths) in [
        ("GET", "204 No Content\r\ncontent-length: 5", &[][..]),
        (
            "GET",
            "304 Not Modified\r\ncontent-length: 05",
            not_modified,
        ),
        ("HEAD", "200 OK\r\ncontent-length: 05", &["5"]),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\n\r\n");
        match puppet.end(&known("").method(method), &answer).await {
            End::Answered(answer) => {
                assert_eq!(answer.all("content-length"), lengths, "{answer:?}");
                assert!(answer.body.is_empty(), "{answer:?}");
            }
            end => panic!("{end:?}"),
        }
    }
}

async fn f15_a_response_that_breaks_off_does_not_look_whole(on: Carrier) {
    let puppet = Puppet::start(on).await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
    let end = puppet.end(&known(""), answer).await;
    assert!(matches!(end, End::Closed(_) | End::Reset(_)), "{end:?}");
}
