//! Connections that wait for their next exchange.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use super::upload::Upload;

/// The HTTP/1.1 connections to one address that nobody uses, the one that was used last on top.
///
/// No connection gets out of here unless hyper has read and written the messages before to their
/// ends: only then does it say that a connection is ready.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    connection: SendRequest<Upload>,
    since: Instant,
}

impl Pool {
    /// Takes out the connection that was used last: it is the one least likely to be closed.
    pub(super) fn take(&self) -> Option<SendRequest<Upload>> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|idle| idle.connection.is_ready())?;
        let found = idle.remove(at);
        if found.is_stale() {
            // So are those below.
            idle.truncate(at);
            return None;
        }
        Some(found.connection)
    }

    pub(super) fn put(&self, connection: SendRequest<Upload>) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() >= MAX_IDLE {
            idle.retain(Idle::is_useful);
        }
        if idle.len() < MAX_IDLE {
            let since = Instant::now();
            idle.push(Idle { connection, since });
        }
    }

    /// Closes what has waited for too long; to be called now and then.
    pub(super) fn sweep(&self) {
        self.idle().retain(Idle::is_useful);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn is_stale(&self) -> bool {
        self.since.elapsed() >= IDLE_TIMEOUT
    }

    fn is_useful(&self) -> bool {
        !self.connection.is_closed() && !self.is_stale()
    }
}

/// Below nginx's idle timeout of 75 s. Servers that close sooner are no harm: a request that was
/// not begun to be written goes to another connection.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Enough for a burst to find its connections again, few enough for an upstream with a process
/// for each.
const MAX_IDLE: usize = 256;
