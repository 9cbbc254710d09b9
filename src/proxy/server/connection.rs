//! One connection, from its first byte to its last.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, timeout};
use tower::BoxError;

use super::activity::Activity;
use super::connections::Place;
use super::drain::Drain;
use super::exchange::Exchanges;
use super::flow::Streams;
use super::limits::Limits;
use super::lingering::Lingering;
use super::peer::Peer;
use super::protocol::{Protocol, agreed, told_by_preface};
use super::stream::BoxStream;
use super::supervision::{Ended, supervise};
use super::timeouts::Timeouts;
use super::tls::Tls;
use super::watched_stream::WatchedStream;
use crate::proxy::request_gate::{MAX_FIELDS, MAX_HEAD_BYTES};

/// A client that was let in.
pub(super) struct Connection {
    pub(super) stream: BoxStream,
    pub(super) peer: Peer,
    pub(super) tls: Option<Tls>,
    pub(super) place: Place,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    /// Whether HTTP/2 without TLS is spoken to clients that begin with it.
    pub(super) h2c: bool,
    pub(super) drain: Drain,
}

impl Connection {
    /// Answers its requests with `service` until it ends.
    pub(super) async fn serve<S, B>(self, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let peer = self.peer;
        if let Err(ended) = self.serve_protocol(service).await {
            tracing::debug!(%peer, "connection ended: {ended}");
        }
    }

    async fn serve_protocol<S, B>(mut self, service: S) -> Result<(), BoxError>
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
                let handshake = timeout(self.timeouts.handshake, tls.accept(self.stream));
                let stream = handshake.await??;
                began_at = Instant::now();
                agreed(stream)
            }
            None if self.h2c => {
                let told = timeout(self.timeouts.head, told_by_preface(self.stream));
                told.await??
            }
            None => (self.stream, Protocol::Http1),
        };
        self.stream = stream;
        let served = match protocol {
            Protocol::Http1 => self.serve_http1(service, began_at).await,
            Protocol::Http2 => self.serve_http2(service, began_at).await,
        };
        served.map_err(BoxError::from)
    }

    async fn serve_http1<S, B>(
        self,
        service: S,
        began_at: Instant,
    ) -> Result<(), Ended<hyper::Error>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let activity = Activity::new(self.timeouts, false, began_at);
        let stream = WatchedStream::new(self.stream, Arc::clone(&activity), self.place);
        let stream = Lingering::new(stream, Arc::clone(&activity));
        let service = Exchanges::new(service, Arc::clone(&activity), None);
        let connection = http1::Builder::new()
            // Ours knows an idle connection from a slow head.
            .header_read_timeout(None)
            .max_headers(MAX_FIELDS)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let close = http1::UpgradeableConnection::graceful_shutdown;
        supervise(connection, close, &activity, &self.drain, false).await
    }

    async fn serve_http2<S, B>(
        self,
        service: S,
        began_at: Instant,
    ) -> Result<(), Ended<hyper::Error>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let activity = Activity::new(self.timeouts, true, began_at);
        let stream = WatchedStream::new(self.stream, Arc::clone(&activity), self.place);
        let streams = Streams::new(self.timeouts.response);
        let service = Exchanges::new(service, Arc::clone(&activity), Some(streams.clone()));
        let connection = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams_per_connection.get())
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(MAX_BUFFER_BYTES)
            .max_local_error_reset_streams(MAX_LOCAL_RESETS)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            // What is asked for by it is up to the service.
            .enable_connect_protocol()
            .serve_connection(TokioIo::new(stream), service);
        // GOAWAY names the last request that is answered, so that a client can tell.
        let close = http2::Connection::graceful_shutdown;
        supervise(connection, close, &activity, &self.drain, true).await
    }
}

/// What hyper may read ahead or hold back of one connection of HTTP/1, or of one stream of
/// HTTP/2. Bodies flow through it, so it is larger than a head.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// What is compressed may be sent a thousand times for nothing, so this is less than a head of
/// HTTP/1; it is what hyper, Go and Envoy take.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// As Envoy advises for what faces the world: 64 KiB for one upload on its way, and 1 MiB for all
/// of a connection.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Streams that the client resets before they are begun (CVE-2023-44487); more end the connection.
/// As h2's own default, which is written here because so much depends on it.
const MAX_PENDING_RESETS: usize = 20;

/// Streams that the client makes us reset (CVE-2025-8671); no honest client comes near.
const MAX_LOCAL_RESETS: usize = 100;

/// A client that is gone without a word is found out after half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
