//! What one connection is doing, and the deadline for its client.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::server::connections::{Connections, Event};
use crate::server::timeouts::Timeouts;
use crate::server::uptake::Uptake;

/// The state of one connection, updated by its stream and by its requests.
#[derive(Debug)]
pub(in crate::server) struct Activity {
    timeouts: Timeouts,
    uptake: Uptake,
    /// Where it is counted whether it is busy.
    connections: Connections,
    /// The body framing of the last parsed request, until `is_parsed` takes it.
    parsed: AtomicU64,
    /// The connection was upgraded from HTTP/1 to another protocol.
    is_tunnel: AtomicBool,
    /// Guards the state; never held while waiting.
    state: Mutex<State>,
}

/// How HTTP/1 marks the end of a request's body, as hyper has understood it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Framing {
    Length(u64),
    Chunked,
}

#[derive(Debug)]
struct State {
    /// In HTTP/2, bytes arrive between requests as well, so received bytes show nothing.
    is_multiplexed: bool,
    /// No request has been parsed yet.
    is_new: bool,
    requests: usize,
    /// The last request had a body that may still be unread.
    has_body: bool,
    /// When the last request ended, or when the first could begin. `None` if it was not recorded at
    /// once: `times` fills it in when asked, because most requests are followed by another before.
    quiet_since: Option<Instant>,
    /// Whether the first byte of the next head has arrived. `times` records when.
    has_head: bool,
    head_since: Option<Instant>,
    draining_since: Option<Instant>,
}

/// One request under way; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::server) struct RequestUnderWay(Arc<Activity>);

/// The step that a client has not completed in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Overdue {
    Head,
    NextRequest,
    Reading,
}

impl Activity {
    /// For a connection whose first request can have begun at `began_at`.
    pub(in crate::server) fn new(
        timeouts: Timeouts,
        uptake: Uptake,
        connections: Connections,
        is_multiplexed: bool,
        began_at: Instant,
    ) -> Arc<Self> {
        let state = State {
            is_multiplexed,
            is_new: true,
            requests: 0,
            has_body: false,
            quiet_since: Some(began_at),
            has_head: false,
            head_since: None,
            draining_since: None,
        };
        Arc::new(Self {
            timeouts,
            uptake,
            connections,
            parsed: AtomicU64::new(NOT_PARSED),
            is_tunnel: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    pub(in crate::server) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(in crate::server) fn bytes_came(&self) {
        let mut state = self.state();
        state.has_head = state.requests == 0 && !state.is_multiplexed;
    }

    pub(in crate::server) fn begin_request(self: &Arc<Self>) -> RequestUnderWay {
        let mut state = self.state();
        if state.requests == 0 {
            self.connections.note(Event::Busy);
        }
        state.requests += 1;
        state.is_new = false;
        state.has_body = false;
        state.has_head = false;
        state.head_since = None;
        RequestUnderWay(Arc::clone(self))
    }

    /// Records a request that hyper has parsed. In HTTP/1 the same task records and reads this.
    pub(in crate::server) fn parsed(&self, framing: Framing) {
        let parsed = match framing {
            Framing::Length(bytes) => bytes.min(CHUNKED - 1),
            Framing::Chunked => CHUNKED,
        };
        self.parsed.store(parsed, Ordering::Relaxed);
    }

    /// Takes the framing of the last parsed request, and returns whether there was one.
    pub(in crate::server) fn is_parsed(&self) -> bool {
        self.parsed.load(Ordering::Relaxed) != NOT_PARSED
    }

    pub(in crate::server) fn take_parsed(&self) -> Option<Framing> {
        let parsed = self.parsed.load(Ordering::Relaxed);
        self.parsed.store(NOT_PARSED, Ordering::Relaxed);
        match parsed {
            NOT_PARSED => None,
            CHUNKED => Some(Framing::Chunked),
            bytes => Some(Framing::Length(bytes)),
        }
    }

    /// The connection carries another protocol than HTTP from now on.
    pub(in crate::server) fn begin_tunnel(&self) {
        self.is_tunnel.store(true, Ordering::Relaxed);
    }

    pub(in crate::server) fn is_tunnel(&self) -> bool {
        self.is_tunnel.load(Ordering::Relaxed)
    }

    /// Tells whether a request is under way.
    pub(in crate::server) fn is_busy(&self) -> bool {
        self.state().requests > 0
    }

    pub(in crate::server) fn begin_body(&self) {
        self.state().has_body = true;
    }

    /// Returns whether the client may still be sending a body that is not read.
    pub(in crate::server) fn may_send_body(&self) -> bool {
        self.state().has_body
    }

    /// Asks the connection to end as soon as it can.
    pub(in crate::server) fn drain(&self) {
        self.state().draining_since = Some(Instant::now());
    }

    fn is_draining(&self) -> bool {
        self.state().draining_since.is_some()
    }

    /// Returns the client's deadline and what it has to do by then; none if it is our turn.
    pub(in crate::server) fn due(&self) -> Option<(Instant, Overdue)> {
        if let Some(since) = self.uptake.stalled_since() {
            return Some((since + self.timeouts.response, Overdue::Reading));
        }
        let mut state = self.state();
        if state.requests > 0 {
            return None;
        }
        let (quiet_since, head_since) = state.times();
        let next = match state.draining_since {
            Some(since) => since.max(quiet_since) + LAST_REQUEST,
            None => quiet_since + self.timeouts.keep_alive,
        };
        let head = |since| Some((since + self.timeouts.head, Overdue::Head));
        match (state.is_new, head_since) {
            (true, None) if state.draining_since.is_some() => Some((next, Overdue::NextRequest)),
            (true, _) => head(quiet_since),
            (false, Some(since)) => head(since),
            (false, None) => Some((next, Overdue::NextRequest)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock()
    }
}

impl State {
    /// Returns when the connection became quiet, and when the next head began to arrive.
    fn times(&mut self) -> (Instant, Option<Instant>) {
        let quiet_since = *self.quiet_since.get_or_insert_with(Instant::now);
        if self.has_head && self.head_since.is_none() {
            self.head_since = Some(Instant::now());
        }
        (quiet_since, self.head_since)
    }
}

impl RequestUnderWay {
    pub(in crate::server) fn begin_tunnel(&self) {
        self.0.begin_tunnel();
    }

    pub(in crate::server) fn is_draining(&self) -> bool {
        self.0.is_draining()
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        if state.requests == 0 {
            self.0.connections.note(Event::Quiet);
            // The streams of HTTP/2 end in tasks of their own, and the connection notices later.
            state.quiet_since = state.is_multiplexed.then(Instant::now);
        }
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "the client sent no whole head in time",
            Self::NextRequest => "the client sent no further request in time",
            Self::Reading => "the client took nothing of the response for too long",
        })
    }
}

/// A client that is about to send its next request cannot know that the server stops. It would lose
/// the request if the connection closed now. After this long it counts as idle.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// hyper knows no length beyond these two.
const NOT_PARSED: u64 = u64::MAX;
const CHUNKED: u64 = u64::MAX - 1;
