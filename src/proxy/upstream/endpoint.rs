use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use http::Request;
use tokio::time::{Instant, timeout};

use super::connection::{Clock, Connection, Host, Http1, Sending, Wanted};
use super::connector::Connector;
use super::failure::Failure;
use super::failure_log::FailureLog;
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
    /// Those after which another address was tried.
    failures: FailureLog,
}

/// A connection for one exchange.
///
/// It goes back to its pool only by [`give_back`](Self::give_back); whoever drops it closes it.
pub(super) struct Lease {
    /// None if it is not this lease's to give back.
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
            failures: FailureLog::default(),
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

    pub(super) fn failures(&self) -> &FailureLog {
        &self.failures
    }

    /// Takes a connection that was used before, if one is free.
    pub(super) fn used(self: &Arc<Self>, now: Instant) -> Option<Lease> {
        let connection = self.pool().take(now)?;
        Some(self.lease(connection, true))
    }

    /// Makes a new connection, unless another one is free before that will do as well.
    ///
    /// A burst would otherwise wait for as many connections as it has requests, and a listener whose
    /// backlog overflows lets those who knock wait for seconds. The new connection is for the next
    /// burst then: if it were let go of, there would never be enough, and each would knock again.
    pub(super) async fn fresh(self: &Arc<Self>, wanted: Wanted) -> Result<Lease, Failure> {
        // Boxed, because what makes a connection has room for all of it several times.
        let mut made = Box::pin(Arc::clone(self).make(wanted));
        if wanted != Wanted::Any {
            return made.await;
        }
        let freed = self.pool().wait();
        tokio::select! {
            biased;
            Ok(connection) = freed => {
                // One of HTTP/2 is enough for everybody.
                if matches!(connection, Connection::Http1(_)) {
                    tokio::spawn(async { made.await.map(Lease::give_back) });
                }
                Ok(self.lease(connection, true))
            }
            made = &mut made => made,
        }
    }

    async fn make(self: Arc<Self>, wanted: Wanted) -> Result<Lease, Failure> {
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
        }
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            tokio::spawn(sweep(Arc::downgrade(&self)));
        }
        Ok(self.lease(connection, false))
    }

    /// Takes back a connection whose exchange is over, and hands it on if somebody waits for it.
    fn take_back(self: &Arc<Self>, connection: Http1) {
        let Err(connection) = self.pool().put(connection) else {
            return;
        };
        let endpoint = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(true) = timeout(IDLE_TIMEOUT, connection.becomes_ready()).await {
                // It is ready, so that nothing comes back.
                let _ = endpoint.pool().put(connection);
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

    /// Sends a request; see [`Connection::send`].
    pub(super) fn send(&self, request: Request<Upload>) -> Result<Sending, Box<Request<Upload>>> {
        match &self.connection {
            Some(connection) => connection.send(&self.endpoint.host, request),
            None => Err(Box::new(request)),
        }
    }

    /// To be called when the head of the response is there.
    ///
    /// A connection of HTTP/2 is everybody's: a handle of this exchange's would only keep it from
    /// being let go.
    pub(super) fn answered(&mut self, clock: Option<Clock>) {
        match &mut self.connection {
            Some(Connection::Http1(connection)) => connection.clock = clock,
            Some(Connection::Http2(_)) => self.connection = None,
            None => {}
        }
    }

    /// Takes what the exchange before was measured with, if there is one.
    pub(super) fn take_clock(&mut self) -> Option<Clock> {
        match &mut self.connection {
            Some(Connection::Http1(connection)) => connection.clock.take(),
            _ => None,
        }
    }

    /// Lets others use the connection. Both messages must have been read and sent to their ends.
    pub(super) fn give_back(mut self) {
        if let Some(Connection::Http1(connection)) = self.connection.take() {
            self.endpoint.take_back(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.under_way.fetch_sub(1, Ordering::Relaxed);
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
mod tests;
