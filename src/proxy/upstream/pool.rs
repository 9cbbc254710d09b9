//! Connections that wait for their next exchange.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use super::handle::Handle;
use super::upload::Upload;

/// The connections to one address that can take a request.
///
/// No connection of HTTP/1.1 gets out of here unless hyper has read and written the messages
/// before to their ends: only then does it say that a connection is ready.
#[derive(Default)]
pub(super) struct Pool(Mutex<Connections>);

#[derive(Default)]
struct Connections {
    /// Those that nobody uses; the one that was used last at the back.
    idle: VecDeque<Since<Handle<http1::SendRequest<Upload>>>>,
    /// The one that everybody uses, if the upstream speaks HTTP/2.
    shared: Option<Since<Handle<http2::SendRequest<Upload>>>>,
    /// Those who found none and are making one, the first in front. Many have left by now.
    waiting: VecDeque<oneshot::Sender<Connection>>,
}

/// Something that was last used at a time.
struct Since<T>(T, Instant);

impl Pool {
    /// Takes out the connection that was used last: it is the one least likely to be closed.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut connections = self.connections();
        if let Some(Since(shared, used_at)) = &mut connections.shared
            && !shared.requests.is_closed()
        {
            *used_at = Instant::now();
            return Some(Connection::Http2(shared.clone()));
        }
        let idle = &mut connections.idle;
        let at = idle
            .iter()
            .rposition(|Since(idle, _)| idle.requests.is_ready())?;
        let found = idle.remove(at)?;
        if found.is_stale() {
            // So are those before it.
            idle.drain(..at);
            return None;
        }
        Some(Connection::Http1(found.0))
    }

    /// Waits in line for a connection that somebody else has done with, or shares.
    pub(super) fn wait(&self) -> oneshot::Receiver<Connection> {
        let (sender, receiver) = oneshot::channel();
        let waiting = &mut self.connections().waiting;
        while waiting.front().is_some_and(oneshot::Sender::is_closed) {
            waiting.pop_front();
        }
        waiting.push_back(sender);
        receiver
    }

    /// Tells whether somebody waits for a connection.
    pub(super) fn is_wanted(&self) -> bool {
        let connections = self.connections();
        connections.waiting.iter().any(|waiter| !waiter.is_closed())
    }

    /// Lets others use a connection from now on.
    pub(super) fn share(&self, handle: &Handle<http2::SendRequest<Upload>>) {
        let mut connections = self.connections();
        connections.shared = Some(Since(handle.clone(), Instant::now()));
        for waiter in connections.waiting.drain(..) {
            // Who has left needs none.
            let _ = waiter.send(Connection::Http2(handle.clone()));
        }
    }

    /// Lets go of the shared connection if it has ended, so that what waits in its queue is
    /// returned; see [`Handle::response`].
    pub(super) fn drop_ended(&self) {
        let shared = &mut self.connections().shared;
        shared.take_if(|Since(shared, _)| shared.requests.is_closed());
    }

    /// Takes back a connection whose exchange is over.
    pub(super) fn put(&self, connection: Connection) {
        let Connection::Http1(mut connection) = connection else {
            return;
        };
        if connection.requests.is_closed() {
            return;
        }
        let mut connections = self.connections();
        while connection.requests.is_ready()
            && let Some(waiter) = connections.waiting.pop_front()
        {
            match waiter.send(Connection::Http1(connection)) {
                Err(Connection::Http1(unsent)) => connection = unsent,
                _ => return,
            }
        }
        let idle = &mut connections.idle;
        if idle.len() >= MAX_IDLE {
            // The least likely to be wanted, and to be open.
            idle.pop_front();
        }
        idle.push_back(Since(connection, Instant::now()));
    }

    /// Closes what has waited for too long; to be called now and then.
    pub(super) fn sweep(&self) {
        let mut connections = self.connections();
        let idle = &mut connections.idle;
        idle.retain(|idle| !idle.0.requests.is_closed() && !idle.is_stale());
        // Exchanges under way end by themselves.
        connections.shared.take_if(|shared| shared.is_stale());
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Since<T> {
    fn is_stale(&self) -> bool {
        self.1.elapsed() >= IDLE_TIMEOUT
    }
}

/// Below nginx's idle timeout of 75 s. Servers that close sooner are no harm: a request that was
/// not begun to be written goes to another connection.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Of each worker. The sweep leaves about as many as were in use at once lately, since the one used
/// last is taken first. This only bounds what a burst may leave behind; a limit that steady load
/// exceeds has connections opened and closed all the time.
pub(super) const MAX_IDLE: usize = 1024;
