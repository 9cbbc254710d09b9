//! The front: accepts connections, limits what they use, and ends them cleanly.
//!
//! Nothing here is global or tied to one runtime: a [`Server`] is a handle, and each of its
//! listeners is a future that can run on any of them.

mod connection;
mod connections;
mod drain;
mod http1;
mod http2;
mod limits;
mod listener;
mod peer;
mod refusal;
mod requests;
mod stream;
#[cfg(test)]
mod tests;
mod timeouts;
mod tls;
mod uptake;
mod workers;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::task::JoinSet;
use tower::BoxError;

use self::connection::Connection;
pub(crate) use self::connections::ConnectionCounts;
use self::connections::{ConnectionSlot, Connections, Trusted};
use self::drain::Drainage;
use self::listener::accept::accept;
use self::uptake::Uptake;
use crate::server::listener::accepted::Accepted;

pub(crate) use self::connection::body_timeout::{BodyTimeout, BodyWatch};
pub(crate) use self::connection::exchange::TunnelUnderWay;
pub use self::limits::Limits;
pub use self::listener::Listener;
pub use self::listener::address::{InvalidListenAddress, ListenAddress};
pub use self::peer::Peer;
pub(crate) use self::refusal::{Unreadable, UnreadableHandler};
pub(crate) use self::requests::{Client, CountedRequest, Requests};
pub use self::timeouts::Timeouts;
pub use self::tls::{CertificateFiles, Tls, TlsError};
pub use self::workers::Workers;
pub(crate) use self::workers::current_worker;

/// Serves HTTP/1.1 on `listener` until `shutdown` completes.
///
/// It has every default of a [`Server`].
pub async fn serve<S, B>(
    listener: impl Into<Listener>,
    make_service: impl FnMut(Peer) -> S,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let server = Server::new(Limits::default(), Timeouts::default());
    server.serve(listener, make_service, shutdown).await;
}

/// What may be replaced while connections are served.
#[derive(Clone, Copy, Debug)]
struct Settings {
    limits: Limits,
    timeouts: Timeouts,
}

/// The state that all listeners of one server share.
///
/// A handle: the connections of all clones are counted together.
#[derive(Clone, Debug)]
pub struct Server {
    connections: Connections,
    requests: Requests,
    settings: Arc<ArcSwap<Settings>>,
    h2c: bool,
    workers: Option<Workers>,
    refusals: UnreadableHandler,
    trusted: Trusted,
}

impl Server {
    /// Makes a server with these limits and timeouts.
    #[must_use]
    pub fn new(limits: Limits, timeouts: Timeouts) -> Self {
        Self {
            connections: Connections::new(&limits),
            requests: Requests::new(&limits),
            settings: Arc::new(ArcSwap::from_pointee(Settings { limits, timeouts })),
            h2c: false,
            workers: None,
            refusals: UnreadableHandler::default(),
            trusted: Trusted::default(),
        }
    }

    /// Serves HTTP/2 without TLS to clients that begin with it (RFC 9113 §3.3).
    ///
    /// Off by default: a deployment that needs it knows that it does.
    #[must_use]
    pub fn with_h2c(self, h2c: bool) -> Self {
        Self { h2c, ..self }
    }

    /// Lets the peers that `are` trusted have as many connections as there is room for: each may be
    /// a proxy, and the only one.
    pub(crate) fn with_trusted(self, are: impl Fn(Peer) -> bool + Send + Sync + 'static) -> Self {
        let trusted = Trusted::new(are);
        Self { trusted, ..self }
    }

    /// Counts, logs and answers unreadable requests with `refusals`.
    pub(crate) fn with_refusals(self, refusals: UnreadableHandler) -> Self {
        Self { refusals, ..self }
    }

    /// Lets in and waits as long as these say from now on; connections that are there keep what
    /// they began with. How many there may be in all stays.
    pub(crate) fn replace_settings(&self, limits: Limits, timeouts: Timeouts) {
        self.connections.replace_limits(&limits);
        self.requests.replace_limits(&limits);
        self.settings.store(Arc::new(Settings { limits, timeouts }));
    }

    pub(crate) fn connection_counts(&self) -> ConnectionCounts {
        self.connections.counts()
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Distributes connections among `workers`.
    ///
    /// By default they are tasks of the runtime that [serves](Self::serve).
    #[must_use]
    pub fn with_workers(self, workers: Workers) -> Self {
        let workers = Some(workers);
        Self { workers, ..self }
    }

    /// Makes a server on the same workers, with limits that follow from these.
    pub(crate) fn beside(&self, limits: impl FnOnce(Limits) -> Limits) -> Self {
        let now = self.settings.load();
        Self {
            workers: self.workers.clone(),
            ..Self::new(limits(now.limits), now.timeouts)
        }
    }

    /// Serves clients on `listener` until `shutdown`, then lets requests end.
    ///
    /// HTTP/2 is spoken where TLS agrees on it, HTTP/1.1 otherwise. `make_service` makes the
    /// service of one connection for its peer. After `shutdown` no connection is accepted, but
    /// existing connections get a response to the requests that they sent. Idle ones are closed,
    /// and requests under way have [`Timeouts::drain`] to end.
    pub async fn serve<S, B>(
        &self,
        listener: impl Into<Listener>,
        mut make_service: impl FnMut(Peer) -> S,
        shutdown: impl Future<Output = ()>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let listener = listener.into();
        let drainage = Drainage::new();
        let mut tasks = JoinSet::new();
        let tls = listener.tls().cloned();
        let mut start = |tasks: &mut JoinSet<()>, accepted: Accepted, peer, place| {
            let connection = self.connection(peer, place, tls.clone(), &drainage);
            let service = make_service(peer);
            self.spawn(tasks, async move {
                let uptake = Uptake::default();
                match accepted.open(uptake.clone()) {
                    Ok(stream) => connection.serve(stream, uptake, service).await,
                    Err(error) => tracing::error!(%peer, "cannot serve a connection: {error}"),
                }
            });
        };
        let mut shutdown = pin!(shutdown);
        let mut fresh = pin!(keep_fresh(tls.as_ref()));
        loop {
            let (accepted, peer, place) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                admitted = self.admit(&listener) => admitted,
                never = &mut fresh => match never {},
            };
            start(&mut tasks, accepted, peer, place);
            // Ended tasks are removed, so the set grows with connections and not with time.
            while tasks.try_join_next().is_some() {}
        }
        for (accepted, peer) in listener.close() {
            if let Some(place) = self.connections.take_now(peer, &self.trusted) {
                start(&mut tasks, accepted, peer, place);
            }
        }
        self.drain(&drainage, tasks).await;
    }

    /// Waits for a client within the limits.
    async fn admit(&self, listener: &Listener) -> (Accepted, Peer, ConnectionSlot) {
        loop {
            let room = self.connections.room().await;
            let (accepted, peer) = accept(listener).await;
            match self.connections.take(room, peer, &self.trusted) {
                Some(place) => return (accepted, peer, place),
                None => tracing::debug!(%peer, "the client has too many connections"),
            }
        }
    }

    /// Runs a connection here, or on the worker with the fewest.
    fn spawn(
        &self,
        tasks: &mut JoinSet<()>,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let Some(workers) = &self.workers else {
            tasks.spawn(connection);
            return;
        };
        let assigned = workers.assign(connection);
        let runtime = assigned.runtime().clone();
        tasks.spawn_on(assigned, &runtime);
    }

    fn connection(
        &self,
        peer: Peer,
        place: ConnectionSlot,
        tls: Option<Tls>,
        drainage: &Drainage,
    ) -> Connection {
        let Settings { limits, timeouts } = **self.settings.load();
        Connection {
            peer,
            tls,
            place,
            limits,
            timeouts,
            refusals: self.refusals.clone(),
            h2c: self.h2c,
            drain: drainage.watch(),
        }
    }

    async fn drain(&self, drainage: &Drainage, mut tasks: JoinSet<()>) {
        drainage.order();
        let done = tokio::time::timeout(self.settings.load().timeouts.drain, drainage.done());
        if done.await.is_err() {
            tracing::warn!("requests still under way were cut off at shutdown");
            tasks.shutdown().await;
            // Streams of HTTP/2 are tasks of their own. They end when they see that their
            // connection has ended, and log the requests that were cut off.
            let ended = tokio::time::timeout(CUT_OFF, drainage.done());
            if ended.await.is_err() {
                tracing::debug!("some streams outlast their connections");
            }
        }
    }
}

/// A task that is cut off waits only to be scheduled.
const CUT_OFF: Duration = Duration::from_secs(1);

async fn keep_fresh(tls: Option<&Tls>) -> Infallible {
    match tls {
        Some(tls) => tls.keep_fresh().await,
        None => std::future::pending().await,
    }
}
