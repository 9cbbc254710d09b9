//! Clients of every kind over a pipe, in paused time.

mod frames;
mod heads;
mod multiplexed;
mod pace;
mod resets;
mod stopping;
mod streams;
mod turns;
mod unreadable;
mod uptake;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

use super::listener::socket::Socket;
use super::*;

/// The far end of a connection.
struct Client {
    stream: DuplexStream,
    connected_at: Instant,
    drainage: Drainage,
}

/// The server that a client connects to.
struct Setup {
    limits: Limits,
    tls: Option<Tls>,
    h2c: bool,
    pipe_bytes: usize,
    answer_bytes: usize,
    /// How long an answer takes.
    after: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tls: None,
            h2c: false,
            pipe_bytes: PIPE_BYTES,
            answer_bytes: 0,
            after: Duration::ZERO,
        }
    }
}

impl Client {
    /// Every request is answered with this many bytes, after this long.
    fn of(answer_bytes: usize, after: Duration) -> Self {
        Self::speaking(false, PIPE_BYTES, answer_bytes, after)
    }

    fn speaking(h2c: bool, pipe_bytes: usize, answer_bytes: usize, after: Duration) -> Self {
        Self::with(Setup {
            h2c,
            pipe_bytes,
            answer_bytes,
            after,
            ..Setup::default()
        })
    }

    fn with(setup: Setup) -> Self {
        let Setup {
            answer_bytes,
            after,
            ..
        } = setup;
        let (stream, far) = duplex(setup.pipe_bytes);
        let drainage = Drainage::new();
        let peer = Peer::from(SocketAddr::from(([192, 0, 2, 1], 1)));
        let server = Server::new(setup.limits, Timeouts::default()).with_h2c(setup.h2c);
        let place = server
            .connections
            .take_now(peer, &server.trusted)
            .expect("the first");
        let connection = server.connection(peer, place, setup.tls, &drainage);
        let service = service_fn(move |request: Request<Incoming>| async move {
            let _ = request.into_body().collect().await;
            sleep(after).await;
            let body = Full::new(Bytes::from(vec![b'x'; answer_bytes]));
            Ok::<_, Infallible>(Response::new(body))
        });
        let uptake = Uptake::default();
        let far = Box::new(Socket::new(far, uptake.clone()));
        tokio::spawn(connection.serve(far, uptake, service));
        Self {
            stream,
            connected_at: Instant::now(),
            drainage,
        }
    }

    fn new() -> Self {
        Self::of(0, Duration::ZERO)
    }

    async fn send(&mut self, text: &str) {
        self.stream
            .write_all(text.as_bytes())
            .await
            .expect("a connection");
    }

    /// The head of the next response, and the bytes that came with it; empty if there is none.
    async fn response(&mut self) -> String {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if self.stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                break;
            }
        }
        String::from_utf8(head).expect("UTF-8")
    }

    async fn exchange(&mut self, request: &str) -> String {
        self.send(request).await;
        self.response().await
    }

    /// Seconds from the connection's beginning until it is closed without another byte.
    async fn closed_after(&mut self) -> u64 {
        let mut rest = Vec::new();
        let read = timeout(
            Duration::from_secs(3600),
            self.stream.read_to_end(&mut rest),
        );
        // A reset is an end as well.
        let _ = read.await.expect("an end");
        assert_eq!(String::from_utf8_lossy(&rest), "");
        self.connected_at.elapsed().as_secs()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Small, so that a client that does not read is noticed.
const PIPE_BYTES: usize = 1024;
