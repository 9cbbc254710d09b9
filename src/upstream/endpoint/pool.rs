//! Connections that wait for their next exchange.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::{Connection, Http1, Http2, State};

/// The connections to one address that can take a request.
///
/// No connection of HTTP/1.1 gets out of here unless hyper has read and written the messages
/// before to their ends: only then does it say that a connection is ready.
#[derive(Default)]
pub(in crate::upstream) struct Pool(Mutex<Connections>);

#[derive(Default)]
struct Connections {
    /// Those that nobody uses; the one that was used last at the back.
    idle: VecDeque<Since<Http1>>,
    /// The one that everybody uses, if the upstream speaks HTTP/2.
    shared: Option<Since<Http2>>,
    /// Those who found none and are making one, the first in front. Many have left by now.
    waiting: VecDeque<oneshot::Sender<Connection>>,
}

/// Something that was last used at a time.
struct Since<T>(T, Instant);

impl Pool {
    /// Takes out the connection that was used last: it is the one least likely to be closed.
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
            // So are those before it.
            idle.drain(..at);
            return None;
        }
        Some(Connection::Http1(found.0))
    }

    /// Waits in line for a connection that somebody else has done with, or shares.
    pub(in crate::upstream) fn wait(&self) -> oneshot::Receiver<Connection> {
        let (sender, receiver) = oneshot::channel();
        let waiting = &mut self.connections().waiting;
        while waiting.front().is_some_and(oneshot::Sender::is_closed) {
            waiting.pop_front();
        }
        waiting.push_back(sender);
        receiver
    }

    /// Lets others use a connection from now on.
    pub(in crate::upstream) fn share(&self, handle: &Http2) {
        let mut connections = self.connections();
        connections.shared = Some(Since(handle.clone(), Instant::now()));
        for waiter in connections.waiting.drain(..) {
            // Who has left needs none.
            let _ = waiter.send(Connection::Http2(handle.clone()));
        }
    }

    /// Takes back a connection whose exchange is over, unless it has ended.
    ///
    /// hyper says that it is ready for the next one only when its own task has run.
    ///
    /// # Errors
    ///
    /// Returns the connection if it is not ready yet and somebody waits for it, here or, as
    /// `is_wanted` tells, for a turn.
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

    /// Closes a connection that nobody uses, so that another can be made; returns whether there was
    /// one.
    pub(in crate::upstream) fn make_room(&self) -> bool {
        let mut connections = self.connections();
        // Exchanges under way on one of HTTP/2 end by themselves.
        connections.idle.pop_front().is_some() || connections.shared.take().is_some()
    }

    /// Closes what has waited for too long; to be called now and then.
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

    /// Gives a connection to the first who still waits; returns it if nobody does.
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
            // The least likely to be wanted, and to be open.
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

/// Below nginx's idle timeout of 75 s. Servers that close sooner are no harm: a request that was
/// not begun to be written goes to another connection.
pub(in crate::upstream) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Of each worker. The sweep leaves about as many as were in use at once lately, since the one used
/// last is taken first. This only bounds what a burst may leave behind; a limit that steady load
/// exceeds has connections opened and closed all the time.
pub(in crate::upstream) const MAX_IDLE: usize = 1024;
