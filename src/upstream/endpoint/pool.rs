//! Connections that wait for their next exchange.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::{Connection, Http1, Http2, State};

/// The connections to one address that can take a request.
///
/// A connection of HTTP/1.1 leaves here only after hyper has read and written the earlier messages
/// to the end: only then does hyper report it as ready.
#[derive(Default)]
pub(in crate::upstream) struct Pool(Mutex<Connections>);

#[derive(Default)]
struct Connections {
    /// Idle connections; the last used one is at the back.
    idle: VecDeque<Since<Http1>>,
    /// The shared connection, if the upstream speaks HTTP/2.
    shared: Option<Since<Http2>>,
    /// Requests that found none and are making one, the oldest in front. Many have left by now.
    waiting: VecDeque<oneshot::Sender<Connection>>,
}

/// A value and the time of its last use.
struct Since<T>(T, Instant);

impl Pool {
    /// Takes the last used connection: it is the least likely to be closed.
    pub(in crate::upstream) fn take(&self, now: Instant) -> Option<Connection> {
        let mut connections = self.connections();
        if let Some(Since(shared, used_at)) = &mut connections.shared
            && shared.is_open()
        {
            *used_at = now;
            return Some(Connection::Http2(shared.clone()));
        }
        let idle = &mut connections.idle;
        let at = idle.iter().rposition(|Since(idle, _)| idle.is_ready())?;
        let found = idle.remove(at)?;
        if found.is_stale(now) {
            // Those before it are stale too.
            idle.drain(..at);
            return None;
        }
        Some(Connection::Http1(found.0))
    }

    /// Waits in line for a connection that another exchange gives back or shares.
    pub(in crate::upstream) fn wait(&self) -> oneshot::Receiver<Connection> {
        let (sender, receiver) = oneshot::channel();
        let waiting = &mut self.connections().waiting;
        while waiting.front().is_some_and(oneshot::Sender::is_closed) {
            waiting.pop_front();
        }
        waiting.push_back(sender);
        receiver
    }

    /// Makes a connection available to all requests.
    pub(in crate::upstream) fn share(&self, handle: &Http2) {
        let mut connections = self.connections();
        connections.shared = Some(Since(handle.clone(), Instant::now()));
        for waiter in connections.waiting.drain(..) {
            // A waiter that has left needs none.
            let _ = waiter.send(Connection::Http2(handle.clone()));
        }
    }

    /// Takes back a connection after its exchange, unless it has ended.
    ///
    /// hyper reports it as ready for the next one only after its own task has run.
    ///
    /// # Errors
    ///
    /// Returns the connection if it is not ready yet and a request waits for it, here or, if
    /// `is_wanted`, for a turn.
    pub(in crate::upstream) fn put(&self, connection: Http1, is_wanted: bool) -> Result<(), Http1> {
        let state = connection.state();
        let mut connections = self.connections();
        let unwanted = match state {
            State::Closed => None,
            State::Ready => connections.hand_on(connection),
            State::Busy if is_wanted || connections.is_wanted() => return Err(connection),
            State::Busy => Some(connection),
        };
        if let Some(connection) = unwanted {
            connections.keep(connection);
        }
        Ok(())
    }

    /// Closes an idle connection to make room for another; returns whether there was one.
    pub(in crate::upstream) fn make_room(&self) -> bool {
        let mut connections = self.connections();
        // Exchanges under way on a connection of HTTP/2 end by themselves.
        connections.idle.pop_front().is_some() || connections.shared.take().is_some()
    }

    /// Closes connections that were idle for too long; call it periodically.
    pub(in crate::upstream) fn sweep(&self) {
        let now = Instant::now();
        let mut connections = self.connections();
        let idle = &mut connections.idle;
        idle.retain(|idle| idle.0.state() != State::Closed && !idle.is_stale(now));
        // Exchanges under way end by themselves.
        let is_over = |shared: &mut Since<Http2>| shared.is_stale(now) || !shared.0.is_open();
        connections.shared.take_if(is_over);
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.0.lock()
    }
}

impl Connections {
    fn is_wanted(&self) -> bool {
        self.waiting.iter().any(|waiter| !waiter.is_closed())
    }

    /// Gives a connection to the first remaining waiter; returns it if there is none.
    fn hand_on(&mut self, mut connection: Http1) -> Option<Http1> {
        while let Some(waiter) = self.waiting.pop_front() {
            match waiter.send(Connection::Http1(connection)) {
                Err(Connection::Http1(unsent)) => connection = unsent,
                _ => return None,
            }
        }
        Some(connection)
    }

    fn keep(&mut self, connection: Http1) {
        if self.idle.len() >= MAX_IDLE {
            // The front one is the least likely to be needed, and to be open.
            self.idle.pop_front();
        }
        self.idle.push_back(Since(connection, Instant::now()));
    }
}

impl<T> Since<T> {
    fn is_stale(&self, now: Instant) -> bool {
        now.duration_since(self.1) >= IDLE_TIMEOUT
    }
}

/// Below nginx's idle timeout of 75 s. Servers that close sooner do no harm: a request of which
/// nothing was written goes to another connection.
pub(in crate::upstream) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Per worker. The sweep leaves about as many as were in use at once lately, because the last used
/// one is taken first. This only bounds what a burst leaves behind; a limit below the steady load
/// would open and close connections all the time.
pub(in crate::upstream) const MAX_IDLE: usize = 1024;
