//! The time of the emulated server.
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A wall clock that starts at the true time and then follows tokio's clock.
///
/// Under paused time a test moves it with `tokio::time::advance`, so tokens expire without waiting.
pub(super) struct Clock {
    started_at: Timestamp,
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started_at: Timestamp::now(),
            started: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        SignedDuration::try_from(self.started.elapsed())
            .ok()
            .and_then(|elapsed| self.started_at.checked_add(elapsed).ok())
            // Paused time can be moved beyond the last year a timestamp can hold.
            .unwrap_or(Timestamp::MAX)
    }
}

/// Writes a time as GitHub does: UTC, whole seconds.
pub(super) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes a time as GitHub does in headers.
pub(super) fn header_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds() {
        let time: Timestamp = "2011-09-06T17:26:27.987Z".parse().unwrap();
        assert_eq!(rfc3339(time), "2011-09-06T17:26:27Z");
        assert_eq!(header_time(time), "2011-09-06 17:26:27 UTC");
    }
}
