//! What one connection is doing, and until when it may.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::timeouts::Timeouts;
use super::uptake::Uptake;

/// The state of one connection, told by its stream and by its requests.
#[derive(Debug)]
pub(super) struct Activity {
    timeouts: Timeouts,
    uptake: Uptake,
    /// Guards the state; never held while waiting.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// In HTTP/2 bytes come in between requests as well, so that they tell nothing.
    is_multiplexed: bool,
    /// Nothing was asked yet.
    is_new: bool,
    requests: usize,
    /// The last request had a body, which nobody may have read.
    has_body: bool,
    /// When the last request ended, or when the first could begin.
    quiet_since: Instant,
    /// When the first byte of the next head came.
    head_since: Option<Instant>,
    draining_since: Option<Instant>,
}

/// One request under way; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct RequestUnderWay(Arc<Activity>);

/// What a client has not done in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdue {
    Head,
    NextRequest,
    Reading,
}

impl Activity {
    /// For a connection whose first request can have come since `began_at`.
    pub(super) fn new(
        timeouts: Timeouts,
        uptake: Uptake,
        is_multiplexed: bool,
        began_at: Instant,
    ) -> Arc<Self> {
        let state = State {
            is_multiplexed,
            is_new: true,
            requests: 0,
            has_body: false,
            quiet_since: began_at,
            head_since: None,
            draining_since: None,
        };
        Arc::new(Self {
            timeouts,
            uptake,
            state: Mutex::new(state),
        })
    }

    pub(super) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(super) fn bytes_came(&self) {
        let mut state = self.state();
        if state.requests == 0 && !state.is_multiplexed && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    pub(super) fn begin_request(self: &Arc<Self>) -> RequestUnderWay {
        let mut state = self.state();
        state.requests += 1;
        state.is_new = false;
        state.has_body = false;
        state.head_since = None;
        RequestUnderWay(Arc::clone(self))
    }

    pub(super) fn begin_body(&self) {
        self.state().has_body = true;
    }

    /// Tells whether the client may still be sending what nobody reads.
    pub(super) fn may_send_body(&self) -> bool {
        self.state().has_body
    }

    /// From now on the connection is to end as soon as it can.
    pub(super) fn drain(&self) {
        self.state().draining_since = Some(Instant::now());
    }

    pub(super) fn is_draining(&self) -> bool {
        self.state().draining_since.is_some()
    }

    /// Returns until when the client has to do something, and what; none if it is our turn.
    pub(super) fn due(&self) -> Option<(Instant, Overdue)> {
        if let Some(since) = self.uptake.stalled_since() {
            return Some((since + self.timeouts.response, Overdue::Reading));
        }
        let state = self.state();
        if state.requests > 0 {
            return None;
        }
        let next = match state.draining_since {
            Some(since) => since.max(state.quiet_since) + LAST_REQUEST,
            None => state.quiet_since + self.timeouts.keep_alive,
        };
        let head = |since| Some((since + self.timeouts.head, Overdue::Head));
        match (state.is_new, state.head_since) {
            (true, None) if state.draining_since.is_some() => Some((next, Overdue::NextRequest)),
            (true, _) => head(state.quiet_since),
            (false, Some(since)) => head(since),
            (false, None) => Some((next, Overdue::NextRequest)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        if state.requests == 0 {
            state.quiet_since = Instant::now();
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

/// A client that is about to send its next request cannot know that we stop, and would lose it if
/// we closed under its feet. After this long it is idle.
const LAST_REQUEST: Duration = Duration::from_secs(1);
