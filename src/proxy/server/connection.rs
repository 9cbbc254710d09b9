//! One connection, from its first byte to its last.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tower::BoxError;

use super::activity::Activity;
use super::connections::Place;
use super::drain::Drain;
use super::exchange::Exchanges;
use super::limits::{MAX_HEAD_BYTES, MAX_HEADERS};
use super::peer::Peer;
use super::stream::BoxStream;
use super::supervision::{Ended, supervise};
use super::timeouts::Timeouts;
use super::watched_stream::WatchedStream;

/// A client that was let in.
pub(super) struct Connection {
    pub(super) stream: BoxStream,
    pub(super) peer: Peer,
    pub(super) place: Place,
    pub(super) timeouts: Timeouts,
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
        if let Err(ended) = self.serve_http1(service).await {
            tracing::debug!(%peer, "connection ended: {ended}");
        }
    }

    async fn serve_http1<S, B>(self, service: S) -> Result<(), Ended<hyper::Error>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let activity = Activity::new(self.timeouts, false);
        let stream = WatchedStream::new(self.stream, Arc::clone(&activity), self.place);
        let service = Exchanges::new(service, Arc::clone(&activity));
        let connection = http1::Builder::new()
            // Ours knows an idle connection from a slow head.
            .header_read_timeout(None)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let close = http1::UpgradeableConnection::graceful_shutdown;
        supervise(connection, close, &activity, &self.drain, false).await
    }
}

/// What hyper may read ahead or hold back of one connection. Bodies flow through it, so it is
/// larger than a head.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
