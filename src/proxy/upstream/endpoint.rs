use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::timeout;

use super::connection::{Connection, Host, Wanted};
use super::connector::Connector;
use super::failure::Failure;
use super::handle::Ended;
use super::health::Health;
use super::pool::{IDLE_TIMEOUT, Pool};
use super::upload::Upload;
use crate::proxy::config::{UpstreamTls, UpstreamUrl};
use crate::proxy::server::current_worker;

/// One address of an upstream, the connections to it, and how it is doing.
///
/// The address comes from the configuration alone; nothing in a request can change it.
pub(super) struct Endpoint {
    url: UpstreamUrl,
    host: Host,
    connector: Connector,
    /// One for each worker, so that a connection stays on the thread that waits for its bytes.
    pools: Box<[Pool]>,
    is_swept: AtomicBool,
    under_way: AtomicUsize,
    health: Health,
}

/// A connection for one exchange.
///
/// It goes back to its pool only by [`give_back`](Self::give_back); whoever drops it closes it.
pub(super) struct Lease {
    /// None while a request is sent over it, and after that if it is not this lease's to give back.
    connection: Option<Connection>,
    was_used: bool,
    endpoint: Arc<Endpoint>,
}

impl Endpoint {
    pub(super) fn new(url: UpstreamUrl, tls: Option<&UpstreamTls>, workers: NonZeroUsize) -> Self {
        let (connector, host) = Connector::new(&url, tls);
        Self {
            url,
            host,
            connector,
            pools: (0..workers.get()).map(|_| Pool::default()).collect(),
            is_swept: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            health: Health::default(),
        }
    }

    pub(super) fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// The pool of the worker that asks.
    fn pool(&self) -> &Pool {
        &self.pools[current_worker() % self.pools.len()]
    }

    /// How many exchanges are under way, bodies included.
    pub(super) fn load(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    /// Takes a connection that was used before, if one is free.
    pub(super) fn used(self: &Arc<Self>) -> Option<Lease> {
        let connection = self.pool().take()?;
        Some(self.lease(connection, true))
    }

    /// Makes a new connection, unless another one is free before that will do as well.
    ///
    /// A burst would otherwise make as many connections as it has requests, and a listener whose
    /// backlog overflows lets those who knock wait for seconds.
    pub(super) async fn fresh(self: &Arc<Self>, wanted: Wanted) -> Result<Lease, Failure> {
        if wanted != Wanted::Any {
            return self.make(wanted).await;
        }
        let freed = self.pool().wait();
        tokio::select! {
            biased;
            Ok(connection) = freed => Ok(self.lease(connection, true)),
            made = self.make(wanted) => made,
        }
    }

    async fn make(self: &Arc<Self>, wanted: Wanted) -> Result<Lease, Failure> {
        self.health.begin_attempt();
        let connection = match self.connector.connect(wanted).await {
            Ok(connection) => connection,
            Err(failure) => {
                self.health.failed();
                return Err(failure);
            }
        };
        self.health.succeeded();
        if let Connection::Http2(handle) = &connection {
            self.pool().share(handle);
            tokio::spawn(unshare(Arc::downgrade(self), handle.ended.clone()));
        }
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        Ok(self.lease(connection, false))
    }

    /// Takes back a connection whose exchange is over, and hands it on if somebody waits for it.
    ///
    /// hyper says that it is ready for the next one only when its own task has run.
    fn take_back(self: &Arc<Self>, mut connection: Connection) {
        if connection.is_ready() || !self.pool().is_wanted() {
            return self.pool().put(connection);
        }
        let endpoint = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(true) = timeout(IDLE_TIMEOUT, connection.becomes_ready()).await {
                endpoint.pool().put(connection);
            }
        });
    }

    fn lease(self: &Arc<Self>, connection: Connection, was_used: bool) -> Lease {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Lease {
            connection: Some(connection),
            was_used,
            endpoint: Arc::clone(self),
        }
    }
}

impl Lease {
    /// Tells whether the upstream may be closing the connection, having waited for long enough.
    pub(super) fn was_used(&self) -> bool {
        self.was_used
    }

    /// See [`Connection::send`].
    pub(super) async fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        let connection = self.connection.take();
        let connection = connection.expect("a lease is good for one request");
        let (response, connection) = connection.send(&self.endpoint.host, request).await?;
        self.connection = connection;
        Ok(response)
    }

    /// Lets others use the connection. Both messages must have been read and sent to their ends.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.endpoint.take_back(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Drops the handle that new requests would use, when the connection has ended.
async fn unshare(endpoint: Weak<Endpoint>, mut ended: Ended) {
    ended.wait().await;
    if let Some(endpoint) = endpoint.upgrade() {
        endpoint.pools.iter().for_each(Pool::drop_ended);
    }
}

/// Closes connections that nobody wants any more, for as long as the endpoint is there.
async fn sweep(endpoint: Weak<Endpoint>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let Some(endpoint) = endpoint.upgrade() else {
            return;
        };
        endpoint.pools.iter().for_each(Pool::sweep);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http::Method;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::super::connector::{http1, http2};
    use super::super::download::Download;
    use super::super::upload::Sent;
    use super::*;

    const BEGUN: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    const END: &[u8] = b"0\r\n\r\n";

    fn endpoint() -> Arc<Endpoint> {
        let url = "http://tool.internal".parse().expect("an address");
        Arc::new(Endpoint::new(url, None, NonZeroUsize::MIN))
    }

    /// A connection, and the upstream's side of it.
    async fn connection() -> (Connection, DuplexStream) {
        let (ours, upstream) = duplex(1024);
        let connection = http1(ours).await;
        let connection = connection.unwrap_or_else(|failure| panic!("{failure}"));
        (connection, upstream)
    }

    /// Sends a request over a new connection, and waits for the head of the answer.
    async fn exchange(
        endpoint: &Arc<Endpoint>,
        request: Request<Upload>,
        answer: &[u8],
    ) -> (Incoming, Lease, DuplexStream) {
        let (connection, mut upstream) = connection().await;
        let mut lease = endpoint.lease(connection, false);
        let answered = async {
            upstream.read_u8().await.expect("a request");
            upstream.write_all(answer).await.expect("a connection");
        };
        let (response, ()) = tokio::join!(lease.send(request), answered);
        let response = response.unwrap_or_else(|failed| panic!("{}", failed.error()));
        (response.into_body(), lease, upstream)
    }

    /// A request with a body that goes on for as long as what is returned with it says so.
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

    /// Waits until the upstream is told that nobody wants its connection any more.
    async fn is_closed(upstream: &mut DuplexStream) -> bool {
        let read = async { while upstream.read_u8().await.is_ok() {} };
        timeout(Duration::from_secs(1), read).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_taken_when_it_is_ready_and_not_before() {
        let endpoint = endpoint();
        let (connection, mut upstream) = connection().await;
        let Connection::Http1(mut handle) = connection else {
            panic!("another protocol");
        };
        let response = handle.requests.try_send_request(empty().await.0);
        endpoint.pool().put(Connection::Http1(handle));
        assert!(endpoint.used().is_none(), "its exchange has just begun");
        upstream.read_u8().await.expect("a request");
        assert!(endpoint.used().is_none(), "the upstream is to answer");
        upstream.write_all(BEGUN).await.expect("a connection");
        let response = response
            .await
            .unwrap_or_else(|failed| panic!("{}", failed.error()));
        assert!(endpoint.used().is_none(), "there is more to come");
        upstream.write_all(END).await.expect("a connection");
        response.collect().await.expect("a body");
        assert!(endpoint.used().is_some());
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
        assert!(endpoint.used().is_some());
    }

    /// The end is there, and hyper would read it by itself.
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
        assert!(endpoint.used().is_none());
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
        assert!(endpoint.used().is_none());
    }

    /// HTTP/2 lets what is under way end when the last handle is dropped.
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
        let mut lease = endpoint.lease(connection, false);
        let (request, sent) = empty().await;
        let response = lease.send(request).await;
        let response = response.unwrap_or_else(|failed| panic!("{}", failed.error()));
        let download = Download::new(response.into_body(), lease, sent);
        tokio::time::sleep(IDLE_TIMEOUT).await;
        endpoint.pool().sweep();
        assert!(endpoint.used().is_none(), "the pool let it go");
        let body = download.collect().await.expect("a body");
        assert_eq!(body.to_bytes(), "hellohello");
    }
}
