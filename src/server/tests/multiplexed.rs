use http_body_util::Empty;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;

use super::*;

/// A client of HTTP/2 that gives each response a window of this many bytes.
struct Multiplexed {
    requests: SendRequest<Empty<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
    connected_at: Instant,
    drainage: Drainage,
}

impl Multiplexed {
    async fn of(window: u32, answer_bytes: usize, after: Duration) -> Self {
        let client = Client::speaking(true, 64 * PIPE_BYTES, answer_bytes, after);
        Self::over(client, window).await
    }

    async fn over(client: Client, window: u32) -> Self {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(client.stream));
        let (requests, connection) = handshake.await.expect("a connection");
        Self {
            requests,
            connection: tokio::spawn(connection),
            connected_at: client.connected_at,
            drainage: client.drainage,
        }
    }

    async fn get(&mut self) -> hyper::Result<Response<Incoming>> {
        let request = Request::get("http://a/").body(Empty::new());
        self.requests
            .send_request(request.expect("a request"))
            .await
    }

    /// Seconds from the connection's beginning until it is closed.
    async fn closed_after(self) -> u64 {
        let _keeps_the_client_from_leaving = self.requests;
        let _ = self.connection.await.expect("no panic");
        self.connected_at.elapsed().as_secs()
    }
}

const WINDOW: u32 = 65_535;

#[tokio::test(start_paused = true)]
async fn e4_a_client_has_so_long_for_its_first_request() {
    let client = Multiplexed::of(WINDOW, 0, Duration::ZERO).await;
    assert_eq!(client.closed_after().await, 10);
}

#[tokio::test(start_paused = true)]
async fn e4_a_preface_that_drips_is_not_waited_for() {
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\n"] {
        let mut client = Client::speaking(true, PIPE_BYTES, 0, Duration::ZERO);
        sleep(seconds(5)).await;
        client.send(beginning).await;
        assert_eq!(client.closed_after().await, 10, "{beginning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_1_is_spoken_to_those_who_begin_with_it() {
    let mut client = Client::speaking(true, PIPE_BYTES, 0, Duration::ZERO);
    for _ in 0..2 {
        client.send("G").await;
        let answer = client.exchange(&GET[1..]).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_2_without_tls_is_off() {
    let mut client = Client::new();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = client.stream.read_to_end(&mut answer).await;
    assert_eq!(client.connected_at.elapsed().as_secs(), 0);
    assert!(!answer.starts_with(b"\0\0"), "no SETTINGS: {answer:?}");
}

#[tokio::test(start_paused = true)]
async fn e6_a_connection_without_requests_ends_whatever_it_pings() {
    let mut client = Multiplexed::of(WINDOW, 0, Duration::ZERO).await;
    for _ in 0..3 {
        assert!(client.get().await.is_ok());
        sleep(seconds(50)).await;
    }
    assert_eq!(client.closed_after().await, 100 + 60);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_as_long_as_it_takes() {
    let mut client = Multiplexed::of(WINDOW, 5, seconds(600)).await;
    let answer = client.get().await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body");
    assert_eq!(body.to_bytes().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn e7_a_stream_with_a_closed_window_is_reset_and_others_go_on() {
    let mut client = Multiplexed::of(0, 1, Duration::ZERO).await;
    let mut answer = client.get().await.expect("a head").into_body();
    // A client that takes none of the first response may send another request.
    for _ in 0..2 {
        sleep(seconds(14)).await;
        assert!(client.get().await.is_ok());
    }
    let reset = timeout(seconds(4), answer.frame()).await.expect("in time");
    let error = reset.expect("a frame").expect_err("a reset");
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
    assert_eq!(client.connected_at.elapsed().as_secs(), 30);
    assert!(client.get().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_answered_before_the_connection_ends() {
    let mut client = Multiplexed::of(WINDOW, 5, seconds(8)).await;
    let drainage = std::mem::replace(&mut client.drainage, Drainage::new());
    let stop = async {
        sleep(seconds(2)).await;
        drainage.order();
    };
    let (answer, ()) = tokio::join!(client.get(), stop);
    let body = answer.expect("an answer").into_body().collect().await;
    assert_eq!(body.expect("a body").to_bytes().len(), 5);
    assert!(client.get().await.is_err(), "it was told to leave");
    assert_eq!(client.closed_after().await, 8);
    drainage.done().await;
}

/// Compressed fields cost a client nothing, so they have a limit of their own.
#[tokio::test(start_paused = true)]
async fn e7_a_head_may_have_so_many_bytes_uncompressed() {
    for (h2_head_bytes, status) in [(None, 200), (Some(16 * 1024), 200), (Some(8 * 1024), 431)] {
        let h2_head_bytes = h2_head_bytes.and_then(std::num::NonZeroU32::new);
        let limits = Limits {
            h2_head_bytes,
            ..Limits::default()
        };
        let client = Client::with(Setup {
            limits,
            h2c: true,
            pipe_bytes: 64 * PIPE_BYTES,
            ..Setup::default()
        });
        let mut client = Multiplexed::over(client, WINDOW).await;
        let request = Request::get("http://a/").header("x", "y".repeat(8 * 1024));
        let request = request.body(Empty::new()).expect("a request");
        let answer = client.requests.send_request(request).await;
        assert_eq!(answer.expect("an answer").status(), status);
    }
}
