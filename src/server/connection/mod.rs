//! One connection, from its first byte to its last.

pub(super) mod activity;
pub(super) mod body_timeout;
pub(super) mod exchange;
pub(super) mod flow;
pub(super) mod protocol;
pub(super) mod supervision;

use std::io::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, timeout};
use tower::BoxError;

use self::activity::Activity;
use self::exchange::Exchanges;
use self::flow::Streams;
use self::protocol::{Protocol, told_by_preface, told_by_tls};
use self::supervision::{Ended, supervise};
use super::connections::{ConnectionSlot, Connections, Event};
use super::drain::Drain;
use super::http1::Messages;
use super::http2::Frames;
use super::limits::Limits;
use super::peer::Peer;
use super::refusal::{Unreadable, UnreadableHandler};
use super::stream::BoxStream;
use super::stream::lingering::Lingering;
use super::stream::watched::WatchedStream;
use super::timeouts::Timeouts;
use super::tls::Tls;
use super::uptake::Uptake;

/// A client that was admitted.
pub(super) struct Connection {
    pub(super) peer: Peer,
    pub(super) tls: Option<Tls>,
    pub(super) place: ConnectionSlot,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) refusals: UnreadableHandler,
    /// Whether clients that begin with HTTP/2 without TLS are served in it.
    pub(super) h2c: bool,
    pub(super) drain: Drain,
}

impl Connection {
    /// Answers requests with `service` until the connection ends. `uptake` belongs to `stream`.
    pub(super) async fn serve<S, B>(self, stream: BoxStream, uptake: Uptake, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let peer = self.peer;
        if let Err(ended) = self.serve_protocol(stream, uptake, service).await {
            tracing::debug!(%peer, "connection ended: {ended}");
        }
    }

    async fn serve_protocol<S, B>(
        self,
        stream: BoxStream,
        uptake: Uptake,
        service: S,
    ) -> Result<(), BoxError>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let mut began_at = Instant::now();
        let (stream, protocol) = match &self.tls {
            Some(tls) => {
                let told = timeout(self.timeouts.handshake, told_by_tls(tls, stream));
                let told = told.await.map_err(Error::from).and_then(|told| told);
                let told = told.inspect_err(|_| self.connections().note(Event::HandshakeFailed))?;
                began_at = Instant::now();
                told
            }
            None if self.h2c => {
                let told = timeout(self.timeouts.head, told_by_preface(stream));
                told.await??
            }
            None => (stream, Protocol::Http1),
        };
        let is_multiplexed = protocol == Protocol::Http2;
        let activity = Activity::new(
            self.timeouts,
            uptake,
            self.connections().clone(),
            is_multiplexed,
            began_at,
        );
        // Boxed, so that a connection of HTTP/1 does not have the size of one of HTTP/2.
        let served = match protocol {
            Protocol::Http1 => Box::pin(self.serve_http1(stream, service, activity, None)).await,
            Protocol::Http2 => Box::pin(self.serve_http2(stream, service, activity)).await,
            // A client of HTTP/2 can read an HTTP/1.1 response, and tells the two apart.
            Protocol::HttpToTls => {
                let refused = Some(Unreadable::HttpToTls);
                Box::pin(self.serve_http1(stream, service, activity, refused)).await
            }
        };
        served.map_err(BoxError::from)
    }

    fn connections(&self) -> &Connections {
        self.place.connections()
    }

    /// Answers requests, or refuses everything that arrives.
    async fn serve_http1<S, B>(
        self,
        stream: BoxStream,
        service: S,
        activity: Arc<Activity>,
        refused: Option<Unreadable>,
    ) -> Result<(), Ended<hyper::Error>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let stream = WatchedStream::new(stream, Arc::clone(&activity), self.place);
        let stream = Lingering::new(stream, Arc::clone(&activity));
        let head_bytes = self.limits.head_bytes.get() as usize;
        let refusals = self.refusals;
        let stream = Messages::new(
            stream,
            Arc::clone(&activity),
            self.peer,
            refusals,
            head_bytes,
        );
        let stream = match refused {
            Some(unreadable) => stream.refused(unreadable),
            None => stream,
        };
        let service = Exchanges::new(service, Arc::clone(&activity), None);
        let mut http1 = http1::Builder::new();
        // Our own deadline distinguishes an idle connection from a slow head.
        http1
            .header_read_timeout(None)
            .max_headers(self.limits.head_fields.get() as usize)
            .max_header_size(head_bytes)
            .max_buf_size(MAX_BUFFER_BYTES.max(2 * head_bytes));
        let connection = http1.serve_connection(TokioIo::new(stream), service);
        let connection = pin!(connection.with_upgrades());
        let close = http1::UpgradeableConnection::graceful_shutdown;
        supervise(connection, close, &activity, &self.drain, false).await
    }

    async fn serve_http2<S, B>(
        self,
        stream: BoxStream,
        service: S,
        activity: Arc<Activity>,
    ) -> Result<(), Ended<hyper::Error>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let stream = WatchedStream::new(stream, Arc::clone(&activity), self.place);
        let stream = Frames::new(stream, self.peer, self.refusals);
        let streams = Streams::new(self.timeouts.response, self.drain.clone());
        let service = Exchanges::new(service, Arc::clone(&activity), Some(streams.clone()));
        let mut http2 = http2::Builder::new(streams);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams_per_connection.get())
            .max_header_list_size(self.limits.h2_list_bytes())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(MAX_BUFFER_BYTES)
            .max_local_error_reset_streams(MAX_LOCAL_RESETS)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            // The service decides about the protocol that the client asks for.
            .enable_connect_protocol();
        let connection = pin!(http2.serve_connection(TokioIo::new(stream), service));
        // GOAWAY names the last request that is answered, so the client knows which to retry.
        let close = http2::Connection::graceful_shutdown;
        supervise(connection, close, &activity, &self.drain, true).await
    }
}

/// How much hyper may read ahead or hold back for one connection of HTTP/1, or for one stream of
/// HTTP/2. Bodies flow through it, so it is larger than a head.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// As Envoy advises for servers open to the internet: 64 KiB for one upload on its way, and 1 MiB
/// for a whole connection.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Streams that the client resets before they begin (CVE-2023-44487); more end the connection. The
/// same as h2's own default, written here because so much depends on it.
const MAX_PENDING_RESETS: usize = 20;

/// Streams that the client makes the server reset (CVE-2025-8671); no honest client comes near.
const MAX_LOCAL_RESETS: usize = 100;

/// A client that has vanished is noticed after half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
