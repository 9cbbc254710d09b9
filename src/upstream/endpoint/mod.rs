use std::mem::Discriminant;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::Request;
use tokio::time::{Instant, timeout};

use self::connection::{Clock, Connection, Host, Http1, Sending, Wanted};
use self::connector::Connector;
use self::health::Health;
use self::neighbours::Neighbours;
use self::pool::{IDLE_TIMEOUT, Pool};
use self::sockets::{Socket, Sockets};
use self::turns::Turns;
use self::wire::Watch;
use super::failure::Failure;
use super::upload::Upload;
use crate::server::current_worker;
use crate::throttle::Throttle;
use crate::upstream::tls::UpstreamTls;
use crate::upstream::url::UpstreamUrl;

/// One address of an upstream, its connections, and its health.
///
/// The address comes from the configuration alone; nothing in a request can change it.
pub(super) struct Endpoint {
    url: UpstreamUrl,
    tls: Option<UpstreamTls>,
    host: Host,
    connector: Connector,
    /// One for each worker, so that a connection stays on the thread that polls it.
    pools: Box<[Pool]>,
    is_swept: AtomicBool,
    /// The exchanges under way, bodies included.
    turns: Turns,
    sockets: Sockets,
    neighbours: Neighbours,
    health: Health,
    /// Failures after which another address was tried.
    failures: Throttle<Discriminant<Failure>>,
}

/// A connection for one exchange.
///
/// It goes back to its pool only by [`give_back`](Self::give_back); dropping it closes it.
pub(super) struct Lease {
    /// None if this lease must not give it back.
    connection: Option<Connection>,
    /// The counter of an HTTP/2 connection that this lease no longer holds.
    shared_watch: Option<Arc<Watch>>,
    was_used: bool,
    turn: Turn,
}

/// The right to one exchange with an address, until it is dropped.
pub(super) struct Turn(Arc<Endpoint>);

impl Endpoint {
    pub(super) fn new(
        url: UpstreamUrl,
        tls: Option<&UpstreamTls>,
        workers: NonZeroUsize,
        neighbours: &Neighbours,
    ) -> Arc<Self> {
        let (connector, host) = Connector::new(&url, tls);
        let endpoint = Arc::new(Self {
            url,
            tls: tls.cloned(),
            host,
            connector,
            pools: (0..workers.get()).map(|_| Pool::default()).collect(),
            is_swept: AtomicBool::new(false),
            turns: neighbours.turns_of_one(),
            sockets: neighbours.sockets_of_one(),
            neighbours: neighbours.clone(),
            health: Health::default(),
            failures: Throttle::default(),
        });
        neighbours.add(&endpoint);
        endpoint
    }

    pub(super) fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// Tells whether it is this address, with which TLS is spoken in this way.
    pub(super) fn is_at(&self, url: &UpstreamUrl, tls: Option<&UpstreamTls>) -> bool {
        let is_alike = match (&self.tls, tls) {
            (Some(ours), Some(theirs)) => ours.is_like(theirs),
            (None, None) => true,
            _ => false,
        };
        is_alike && self.url == *url
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The pool of the current worker.
    fn pool(&self) -> &Pool {
        &self.pools[current_worker() % self.pools.len()]
    }

    /// How many exchanges are under way, bodies included.
    pub(super) fn load(&self) -> usize {
        self.turns.taken()
    }

    /// Returns whether a request would have to wait.
    pub(super) fn is_busy(&self) -> bool {
        self.turns.are_all_taken()
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn failures(&self) -> &Throttle<Discriminant<Failure>> {
        &self.failures
    }

    /// Takes a used connection, if one is free.
    pub(super) fn used(self: &Arc<Self>, now: Instant) -> Option<Lease> {
        let turn = self.turn()?;
        let connection = self.pool().take(now)?;
        Some(Lease::new(connection, true, turn))
    }

    /// Waits for the client's turn, if the limit is reached.
    pub(super) async fn turn_in_line(
        self: &Arc<Self>,
        client: Option<IpAddr>,
    ) -> Result<Turn, Failure> {
        if let Some(turn) = self.turn() {
            return Ok(turn);
        }
        self.turns.take_in_line(client).await?;
        Ok(Turn(Arc::clone(self)))
    }

    fn turn(self: &Arc<Self>) -> Option<Turn> {
        self.turns.take_now().then(|| Turn(Arc::clone(self)))
    }

    /// Makes a new connection, unless another usable one is free first.
    ///
    /// When the upstream's accept queue overflows, new connections wait for seconds. A burst would
    /// otherwise wait for as many new connections as it has requests. A connection that loses the
    /// race is kept for the next burst; dropping it would leave the pool too small and repeat the
    /// race every time.
    pub(super) async fn fresh(
        &self,
        wanted: Wanted,
        turn: Turn,
        limit: Duration,
    ) -> Result<Lease, Failure> {
        // Boxed, because this future has room for everything that makes a connection several times.
        let make = |socket| Box::pin(turn.endpoint().make(wanted, socket, limit));
        if wanted != Wanted::Any {
            let socket = self.socket().await?;
            let made = make(socket).await?;
            return Ok(Lease::new(made, false, turn));
        }
        // A request that waited for its turn may find the connection of the one before.
        if let Some(connection) = self.pool().take(Instant::now()) {
            return Ok(Lease::new(connection, true, turn));
        }
        let mut freed = self.pool().wait();
        let socket = tokio::select! {
            biased;
            Ok(connection) = &mut freed => return Ok(Lease::new(connection, true, turn)),
            socket = self.socket() => socket?,
        };
        let mut made = make(socket);
        tokio::select! {
            biased;
            Ok(connection) = freed => {
                // One connection of HTTP/2 is enough for all requests.
                if matches!(connection, Connection::Http1(_)) {
                    tokio::spawn(turn.endpoint().keep(made));
                }
                Ok(Lease::new(connection, true, turn))
            }
            made = &mut made => Ok(Lease::new(made?, false, turn)),
        }
    }

    /// Gets the right to one more connection. At the limit, an idle connection is closed for it,
    /// here or at another address.
    async fn socket(&self) -> Result<Socket, Failure> {
        if let Some(socket) = self.sockets.take_now() {
            return Ok(socket);
        }
        if !self.make_room() {
            self.neighbours.make_room();
        }
        let closed = timeout(CLOSING_TIMEOUT, self.sockets.take()).await;
        closed.map_err(|_| Failure::Busy)
    }

    /// Closes an idle connection.
    pub(super) fn make_room(&self) -> bool {
        self.pools.iter().any(Pool::make_room)
    }

    /// Finishes a connection that no request waits for any more.
    async fn keep(self: Arc<Self>, made: impl Future<Output = Result<Connection, Failure>>) {
        if let Ok(Connection::Http1(connection)) = made.await {
            self.take_back(connection, None);
        }
    }

    async fn make(
        self: Arc<Self>,
        wanted: Wanted,
        socket: Socket,
        limit: Duration,
    ) -> Result<Connection, Failure> {
        self.health.begin_attempt();
        let connection = match self.connector.connect(wanted, socket, limit).await {
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
        Ok(connection)
    }

    /// Takes back a connection after its exchange, and hands it to a waiter if there is one. The
    /// turn ends when the next request can find the connection.
    fn take_back(self: &Arc<Self>, connection: Http1, turn: Option<Turn>) {
        let is_wanted = self.turns.has_line();
        let Err(connection) = self.pool().put(connection, is_wanted) else {
            return;
        };
        let endpoint = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(true) = timeout(IDLE_TIMEOUT, connection.becomes_ready()).await {
                // It is ready, so nothing is returned.
                let _ = endpoint.pool().put(connection, false);
            }
            drop(turn);
        });
    }
}

impl Turn {
    fn endpoint(&self) -> Arc<Endpoint> {
        Arc::clone(&self.0)
    }
}

impl Lease {
    fn new(connection: Connection, was_used: bool, turn: Turn) -> Self {
        Self {
            connection: Some(connection),
            shared_watch: None,
            was_used,
            turn,
        }
    }

    /// Returns whether the upstream may be closing the connection after an idle time.
    pub(super) fn was_used(&self) -> bool {
        self.was_used
    }

    /// Sends a request; see [`Connection::send`].
    pub(super) fn send(&self, request: Request<Upload>) -> Result<Sending, Box<Request<Upload>>> {
        match &self.connection {
            Some(connection) => {
                let host = &self.turn.0.host;
                connection.send(host, request, self.was_used)
            }
            None => Err(Box::new(request)),
        }
    }

    /// Call this when the head of the response has arrived.
    ///
    /// A connection of HTTP/2 is shared: a handle in this exchange would only keep it from closing.
    pub(super) fn answered(&mut self, clock: Option<Clock>) {
        match self.connection.take() {
            Some(Connection::Http1(mut connection)) => {
                connection.clock = clock;
                connection.watch.answered();
                self.connection = Some(Connection::Http1(connection));
            }
            Some(Connection::Http2(connection)) => {
                let watch = connection.into_watch();
                watch.progressed();
                self.shared_watch = Some(watch);
            }
            None => {}
        }
    }

    /// Call this when a piece of the response's body has arrived.
    pub(super) fn progressed(&self) {
        if let Some(watch) = &self.shared_watch {
            watch.progressed();
        }
    }

    /// Takes the clock of the exchange before, if there is one.
    pub(super) fn take_clock(&mut self) -> Option<Clock> {
        match &mut self.connection {
            Some(Connection::Http1(connection)) => connection.clock.take(),
            _ => None,
        }
    }

    /// Lets others use the connection. Both messages must have been read and sent to the end.
    pub(super) fn give_back(mut self) {
        if let Some(Connection::Http1(connection)) = self.connection.take() {
            let endpoint = self.turn.endpoint();
            endpoint.take_back(connection, Some(self.turn));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns.release();
    }
}

/// Closes connections that were idle for too long, while the endpoint exists.
async fn sweep(endpoint: Weak<Endpoint>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let Some(endpoint) = endpoint.upgrade() else {
            return;
        };
        endpoint.pools.iter().for_each(Pool::sweep);
    }
}

/// Closing an idle connection waits for nothing, so it takes far less.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) mod connection;
pub(super) mod connector;
pub(super) mod handle;
pub(super) mod health;
pub(super) mod neighbours;
pub(super) mod pool;
pub(super) mod sockets;
pub(super) mod spare;
#[cfg(test)]
mod tests;
pub(super) mod turns;
pub(super) mod wire;
