use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::connector::{http1, http2};
use super::pool::MAX_IDLE;
use super::*;
use crate::upstream::download::Download;
use crate::upstream::limits::UpstreamLimits;
use crate::upstream::upload::Sent;

const BEGUN: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
const END: &[u8] = b"0\r\n\r\n";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

fn endpoint() -> Arc<Endpoint> {
    let url = "http://tool.internal".parse().expect("an address");
    Endpoint::new(url, None, NonZeroUsize::MIN, &neighbours(u32::MAX))
}

/// For addresses that may have this many connections.
fn neighbours(connections: u32) -> Neighbours {
    let connections = NonZeroU32::new(connections.min(10_000)).expect("some");
    Neighbours::new(UpstreamLimits {
        connections,
        ..UpstreamLimits::default()
    })
}

fn lease(endpoint: &Arc<Endpoint>, connection: Connection, was_used: bool) -> Lease {
    Lease::new(connection, was_used, endpoint.turn().expect("a turn"))
}

async fn fresh(endpoint: &Arc<Endpoint>) -> Result<Lease, Failure> {
    let turn = endpoint.turn_in_line(None).await?;
    endpoint.fresh(Wanted::Any, turn, CONNECT_TIMEOUT).await
}

/// A connection, and the upstream's side of it.
async fn connection() -> (Connection, DuplexStream) {
    let (ours, upstream) = duplex(1024);
    let connection = http1(ours).await;
    let connection = connection.unwrap_or_else(|failure| panic!("{failure}"));
    (connection, upstream)
}

/// Sends a request over a new connection, and waits for the head of the response.
async fn exchange(
    endpoint: &Arc<Endpoint>,
    request: Request<Upload>,
    answer: &[u8],
) -> (Incoming, Lease, DuplexStream) {
    let (connection, mut upstream) = connection().await;
    let lease = lease(endpoint, connection, false);
    let sending = lease
        .send(request)
        .unwrap_or_else(|_| panic!("no connection"));
    let answered = async {
        upstream.read_u8().await.expect("a request");
        upstream.write_all(answer).await.expect("a connection");
    };
    let (response, ()) = tokio::join!(sending, answered);
    let response = response.unwrap_or_else(|failed| panic!("{}", failed.error()));
    (response.into_body(), lease, upstream)
}

/// A request with a body that does not end while the returned values live.
async fn endless() -> (Request<Upload>, Sent, (Lease, DuplexStream)) {
    let empty = Request::new(Upload::EMPTY);
    let (body, lease, source) = exchange(&endpoint(), empty, BEGUN).await;
    let (mut request, sent) = Upload::of(Request::new(body));
    *request.method_mut() = Method::POST;
    (request, sent, (lease, source))
}

/// A request without a body.
async fn empty() -> (Request<Upload>, Sent) {
    let empty = Request::new(Upload::EMPTY);
    let nothing = b"HTTP/1.1 204 No Content\r\n\r\n";
    let (body, ..) = exchange(&endpoint(), empty, nothing).await;
    Upload::of(Request::new(body))
}

/// Waits until the upstream sees that its connection is closed.
async fn is_closed(upstream: &mut DuplexStream) -> bool {
    let read = async { while upstream.read_u8().await.is_ok() {} };
    timeout(Duration::from_secs(1), read).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_taken_when_it_is_ready_and_not_before() {
    let endpoint = endpoint();
    let (connection, mut upstream) = connection().await;
    let lease = lease(&endpoint, connection, false);
    let response = lease.send(empty().await.0);
    let response = response.unwrap_or_else(|_| panic!("no connection"));
    lease.give_back();
    assert!(
        endpoint.used(Instant::now()).is_none(),
        "its exchange has just begun"
    );
    upstream.read_u8().await.expect("a request");
    assert!(
        endpoint.used(Instant::now()).is_none(),
        "the upstream is to answer"
    );
    upstream.write_all(BEGUN).await.expect("a connection");
    let response = response
        .await
        .unwrap_or_else(|failed| panic!("{}", failed.error()));
    assert!(
        endpoint.used(Instant::now()).is_none(),
        "there is more to come"
    );
    upstream.write_all(END).await.expect("a connection");
    response.collect().await.expect("a body");
    assert!(endpoint.used(Instant::now()).is_some());
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_a_connection_when_it_is_ready_and_not_before() {
    let endpoint = endpoint();
    let (connection, mut upstream) = connection().await;
    let lease = lease(&endpoint, connection, false);
    let sending = lease.send(empty().await.0);
    let sending = sending.unwrap_or_else(|_| panic!("no connection"));
    let mut freed = endpoint.pool().wait();
    lease.give_back();
    assert!(freed.try_recv().is_err(), "its exchange has just begun");
    upstream.read_u8().await.expect("a request");
    let nothing = b"HTTP/1.1 204 No Content\r\n\r\n";
    upstream.write_all(nothing).await.expect("a connection");
    let response = sending.await;
    response.unwrap_or_else(|failed| panic!("{}", failed.error()));
    let freed = timeout(Duration::from_secs(1), freed).await;
    assert!(freed.expect("in time").is_ok(), "it is ready now");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_and_read_to_its_end_is_used_again() {
    let endpoint = endpoint();
    let (request, sent) = empty().await;
    let (body, lease, mut upstream) = exchange(&endpoint, request, BEGUN).await;
    upstream.write_all(END).await.expect("a connection");
    let download = Download::new(body, lease, sent);
    download.collect().await.expect("a body");
    assert!(!is_closed(&mut upstream).await);
    assert!(endpoint.used(Instant::now()).is_some());
}

/// An endpoint that may have this many connections, and its listener.
async fn listening_endpoint(connections: u32) -> (Arc<Endpoint>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = format!("http://{address}").parse().expect("an address");
    let endpoint = Endpoint::new(url, None, NonZeroUsize::MIN, &neighbours(connections));
    (endpoint, listener)
}

#[tokio::test]
async fn a_connection_that_was_begun_is_kept_though_another_was_free_before() {
    let (endpoint, listener) = listening_endpoint(u32::MAX).await;
    let (other, _upstream) = connection().await;
    let (lease, ()) = tokio::join!(biased; fresh(&endpoint), async {
        lease(&endpoint, other, true).give_back();
    });
    let lease = lease.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(lease.was_used(), "it waits for the new one");
    let _begun = listener.accept().await.expect("a connection");
    let kept = async {
        while endpoint.used(Instant::now()).is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(IDLE_TIMEOUT, kept).await.expect("a connection");
}

/// Runs one exchange over a new connection, and returns the upstream's side of it when it is free.
async fn used_once(endpoint: &Arc<Endpoint>, listener: &TcpListener, answer: &[u8]) -> TcpStream {
    let lease = fresh(endpoint).await;
    let lease = lease.unwrap_or_else(|failure| panic!("{failure}"));
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let mut request = Request::new(Upload::EMPTY);
    *request.method_mut() = Method::HEAD;
    let sending = lease.send(request);
    let sending = sending.unwrap_or_else(|_| panic!("no connection"));
    let answered = async {
        upstream.read_u8().await.expect("a request");
        upstream.write_all(answer).await.expect("a connection");
    };
    let (response, ()) = tokio::join!(sending, answered);
    let response = response.unwrap_or_else(|failed| panic!("{}", failed.error()));
    Download::new(response.into_body(), lease, Sent::NOTHING);
    upstream
}

/// The runtime does not poll sockets while there is other work.
#[tokio::test]
async fn what_came_before_a_request_is_not_its_answer() {
    let nothing = &b"HTTP/1.1 204 No Content\r\n\r\n"[..];
    for (answer, stray) in [
        (
            &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"[..],
            &b"hello"[..],
        ),
        (
            nothing,
            &b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"[..],
        ),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", nothing),
        (
            nothing,
            b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n",
        ),
        (nothing, b"\r\n"),
    ] {
        let (endpoint, listener) = listening_endpoint(u32::MAX).await;
        let upstream = used_once(&endpoint, &listener, answer).await;
        let lease = endpoint.used(Instant::now()).expect("a connection");
        upstream.try_write(stray).expect("a connection");
        let mut request = Request::new(Upload::EMPTY);
        *request.method_mut() = Method::POST;
        let sending = lease.send(request);
        let answered = sending.unwrap_or_else(|_| panic!("no connection")).await;
        let mut unanswered = answered.expect_err("no answer");
        let request = unanswered.take_message().expect("it was not sent");
        assert_eq!(request.method(), Method::POST, "{stray:?}");
        assert!(endpoint.used(Instant::now()).is_none(), "{stray:?}");
    }
}

/// Else a burst would open a connection for each request to an upstream that needs one for all.
#[tokio::test]
async fn a_connection_that_was_begun_is_closed_where_one_of_http2_serves_all() {
    let (endpoint, listener) = listening_endpoint(u32::MAX).await;
    let (ours, _theirs) = duplex(1024);
    let shared = http2(ours).await;
    let Ok(Connection::Http2(shared)) = shared else {
        panic!("another protocol");
    };
    let (lease, ()) = tokio::join!(biased; fresh(&endpoint), async {
        endpoint.pool().share(&shared);
    });
    lease.unwrap_or_else(|failure| panic!("{failure}"));
    let (mut begun, _) = listener.accept().await.expect("a connection");
    let read = timeout(IDLE_TIMEOUT, begun.read_u8()).await;
    assert!(read.expect("an end").is_err(), "there is none");
}

#[tokio::test(start_paused = true)]
async fn those_that_waited_longer_than_a_stale_one_are_closed_with_it() {
    let endpoint = endpoint();
    let (one, mut first) = connection().await;
    let (other, _second) = connection().await;
    tokio::task::yield_now().await;
    for connection in [one, other] {
        lease(&endpoint, connection, false).give_back();
    }
    tokio::time::advance(IDLE_TIMEOUT).await;
    assert!(endpoint.used(Instant::now()).is_none(), "a stale one");
    assert!(is_closed(&mut first).await);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_the_one_that_waited_longest_is_closed() {
    let endpoint = endpoint();
    let mut upstreams = Vec::new();
    for _ in 0..=MAX_IDLE {
        let (connection, upstream) = connection().await;
        lease(&endpoint, connection, false).give_back();
        upstreams.push(upstream);
    }
    assert!(is_closed(&mut upstreams[0]).await);
    assert!(!is_closed(&mut upstreams[1]).await);
}

/// The end has arrived, and hyper would read it by itself.
#[tokio::test(start_paused = true)]
async fn what_was_not_read_to_its_end_is_closed() {
    let endpoint = endpoint();
    let (request, sent) = empty().await;
    let answer = [BEGUN, END].concat();
    let (body, lease, mut upstream) = exchange(&endpoint, request, &answer).await;
    let mut download = Download::new(body, lease, sent);
    download.frame().await.expect("a frame").expect("data");
    drop(download);
    assert!(is_closed(&mut upstream).await);
    assert!(endpoint.used(Instant::now()).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_to_its_end_is_closed_when_it_is() {
    let endpoint = endpoint();
    let (request, sent, (_lease, mut source)) = endless().await;
    let answer = [BEGUN, END].concat();
    let (body, lease, mut upstream) = exchange(&endpoint, request, &answer).await;
    let download = Download::new(body, lease, sent);
    download.collect().await.expect("a body");
    source.write_all(END).await.expect("a connection");
    assert!(is_closed(&mut upstream).await);
    assert!(endpoint.used(Instant::now()).is_none());
}

/// HTTP/2 lets exchanges under way end when the last handle is dropped.
#[tokio::test(start_paused = true)]
async fn a_download_outlives_the_handles_to_its_connection() {
    let (ours, theirs) = duplex(1024);
    let slow = service_fn(|_| async {
        let pieces = stream::iter([0, 120]).then(|seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hello")))
        });
        Ok::<_, Infallible>(Response::new(StreamBody::new(pieces)))
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    tokio::spawn(server.serve_connection(TokioIo::new(theirs), slow));
    let connection = http2(ours).await;
    let connection = connection.unwrap_or_else(|failure| panic!("{failure}"));
    let endpoint = endpoint();
    if let Connection::Http2(handle) = &connection {
        endpoint.pool().share(handle);
    }
    let mut lease = lease(&endpoint, connection, false);
    let (request, sent) = empty().await;
    let sending = lease
        .send(request)
        .unwrap_or_else(|_| panic!("no connection"));
    let response = sending.await;
    let response = response.unwrap_or_else(|failed| panic!("{}", failed.error()));
    lease.answered(None);
    let again = lease.send(Request::new(Upload::EMPTY));
    assert!(again.is_err(), "it keeps no handle");
    let download = Download::new(response.into_body(), lease, sent);
    tokio::time::sleep(IDLE_TIMEOUT).await;
    endpoint.pool().sweep();
    assert!(
        endpoint.used(Instant::now()).is_none(),
        "the pool let it go"
    );
    let body = download.collect().await.expect("a body");
    assert_eq!(body.to_bytes(), "hellohello");
}

/// Returns whether a future is still waiting for a connection or a turn.
async fn waits<T>(what: &mut (impl Future<Output = T> + Unpin)) -> bool {
    timeout(Duration::from_millis(1), what).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_exchanges_than_there_may_be() {
    for limit in [1, 2, 5] {
        let (endpoint, _listener) = listening_endpoint(limit).await;
        let mut leases = Vec::new();
        for _ in 0..limit {
            let lease = fresh(&endpoint).await;
            leases.push(lease.unwrap_or_else(|failure| panic!("{failure}")));
        }
        assert!(endpoint.is_busy());
        let mut next = Box::pin(fresh(&endpoint));
        assert!(waits(&mut next).await);
        leases.pop();
        assert!(next.await.is_ok());
        let late = {
            let _all = fresh(&endpoint).await;
            fresh(&endpoint).await
        };
        assert!(matches!(late, Err(Failure::Busy)), "{limit}");
    }
}

/// The connection of one request serves the next, and is not closed for another.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_gets_the_connection_of_the_one_before() {
    let (endpoint, listener) = listening_endpoint(1).await;
    let lease = fresh(&endpoint).await;
    let lease = lease.unwrap_or_else(|failure| panic!("{failure}"));
    let sending = lease.send(empty().await.0);
    let sending = sending.unwrap_or_else(|_| panic!("no connection"));
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let mut next = Box::pin(fresh(&endpoint));
    assert!(waits(&mut next).await);
    lease.give_back();
    assert!(waits(&mut next).await, "its exchange is not over");
    upstream.read_u8().await.expect("a request");
    let nothing = b"HTTP/1.1 204 No Content\r\n\r\n";
    upstream.write_all(nothing).await.expect("a connection");
    let response = sending.await;
    response.unwrap_or_else(|failed| panic!("{}", failed.error()));
    let next = next.await.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(next.was_used());
    assert!(waits(&mut Box::pin(listener.accept())).await, "a second");
}

/// Each worker has its own pool, and an idle connection in one must not shut the others out.
#[tokio::test]
async fn an_idle_connection_makes_room_for_another() {
    let (endpoint, listener) = listening_endpoint(1).await;
    for wanted in [Wanted::Fresh, Wanted::FreshHttp1, Wanted::Fresh] {
        let turn = endpoint.turn().expect("a turn");
        let lease = endpoint.fresh(wanted, turn, CONNECT_TIMEOUT).await;
        let lease = lease.unwrap_or_else(|failure| panic!("{failure}"));
        let _accepted = listener.accept().await.expect("a connection");
        tokio::task::yield_now().await;
        lease.give_back();
    }
    assert_eq!(endpoint.load(), 0);
}

#[tokio::test]
async fn an_idle_connection_makes_room_at_another_address() {
    let in_all = Neighbours::new(UpstreamLimits {
        connections_in_all: NonZeroU32::new(1),
        ..UpstreamLimits::default()
    });
    let mut listeners = Vec::new();
    let mut endpoints = Vec::new();
    for _ in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}").parse().expect("an address");
        endpoints.push(Endpoint::new(url, None, NonZeroUsize::MIN, &in_all));
        listeners.push(listener);
    }
    for endpoint in &endpoints {
        let lease = fresh(endpoint).await;
        let lease = lease.unwrap_or_else(|failure| panic!("{failure}"));
        tokio::task::yield_now().await;
        lease.give_back();
    }
    let used = |endpoint: &Arc<Endpoint>| endpoint.used(Instant::now()).is_some();
    let open = endpoints.iter().map(used);
    assert_eq!(open.collect::<Vec<_>>(), [false, false, true]);
}
