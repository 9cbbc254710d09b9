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
    /// The exchanges under way, bodies included.
    turns: Turns,
    sockets: Sockets,
    neighbours: Neighbours,
    health: Health,
    /// Those after which another address was tried.
    failures: Throttle<Discriminant<Failure>>,
}

/// A connection for one exchange.
///
/// It goes back to its pool only by [`give_back`](Self::give_back); whoever drops it closes it.
pub(super) struct Lease {
    /// None if it is not this lease's to give back.
    connection: Option<Connection>,
    /// That of a connection of HTTP/2 which is not this lease's any more.
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

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The pool of the worker that asks.
    fn pool(&self) -> &Pool {
        &self.pools[current_worker() % self.pools.len()]
    }

    /// How many exchanges are under way, bodies included.
    pub(super) fn load(&self) -> usize {
        self.turns.taken()
    }

    /// Tells whether a request would have to wait.
    pub(super) fn is_busy(&self) -> bool {
        self.turns.are_all_taken()
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn failures(&self) -> &Throttle<Discriminant<Failure>> {
        &self.failures
    }

    /// Takes a connection that was used before, if one is free.
    pub(super) fn used(self: &Arc<Self>, now: Instant) -> Option<Lease> {
        let turn = self.turn()?;
        let connection = self.pool().take(now)?;
        Some(Lease::new(connection, true, turn))
    }

    /// Waits for the turn of a client, if there have to be turns.
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

    /// Makes a new connection, unless another one is free before that will do as well.
    ///
    /// A burst would otherwise wait for as many connections as it has requests, and a listener whose
    /// backlog overflows lets those who knock wait for seconds. The new connection is for the next
    /// burst then: if it were let go of, there would never be enough, and each would knock again.
    pub(super) async fn fresh(
        &self,
        wanted: Wanted,
        turn: Turn,
        limit: Duration,
    ) -> Result<Lease, Failure> {
        // Boxed, because what makes a connection has room for all of it several times.
        let make = |socket| Box::pin(turn.endpoint().make(wanted, socket, limit));
        if wanted != Wanted::Any {
            let socket = self.socket().await?;
            let made = make(socket).await?;
            return Ok(Lease::new(made, false, turn));
        }
        // Who waited for the turn may find what the one before has left.
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
                // One of HTTP/2 is enough for everybody.
                if matches!(connection, Connection::Http1(_)) {
                    tokio::spawn(turn.endpoint().keep(made));
                }
                Ok(Lease::new(connection, true, turn))
            }
            made = &mut made => Ok(Lease::new(made?, false, turn)),
        }
    }

    /// Gets the right to one more connection. Where there are as many as there may be, those that
    /// are not in use are closed for it, here or at another address.
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

    /// Closes a connection that nobody uses.
    pub(super) fn make_room(&self) -> bool {
        self.pools.iter().any(Pool::make_room)
    }

    /// Waits for a connection that nobody waits for any more.
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

    /// Takes back a connection whose exchange is over, and hands it on if somebody waits for it.
    /// The turn is over when the next can find the connection.
    fn take_back(self: &Arc<Self>, connection: Http1, turn: Option<Turn>) {
        let is_wanted = self.turns.has_line();
        let Err(connection) = self.pool().put(connection, is_wanted) else {
            return;
        };
        let endpoint = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(true) = timeout(IDLE_TIMEOUT, connection.becomes_ready()).await {
                // It is ready, so that nothing comes back.
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

    /// Tells whether the upstream may be closing the connection, having waited for long enough.
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

    /// To be called when the head of the response is there.
    ///
    /// A connection of HTTP/2 is everybody's: a handle of this exchange's would only keep it from
    /// being let go.
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

    /// To be called when a piece of the response's body is there.
    pub(super) fn progressed(&self) {
        if let Some(watch) = &self.shared_watch {
            watch.progressed();
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

/// Nobody is in the way of a connection that is closed while it is idle.
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
