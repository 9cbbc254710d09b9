use std::collections::HashMap;
use std::mem::{Discriminant, discriminant, take};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;

/// Decides which failures are logged: of each kind one a second. While an upstream is down,
/// thousands of requests fail in the same way.
#[derive(Default)]
pub(super) struct FailureLog(Mutex<HashMap<Discriminant<Failure>, Quiet>>);

struct Quiet {
    until: Instant,
    /// How many were not logged since the last that was.
    untold: u64,
}

impl FailureLog {
    /// Returns how many of its kind went untold if it is time to tell one.
    pub(super) fn turn(&self, failure: &Failure) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let quiet = kinds.entry(discriminant(failure)).or_insert(Quiet {
            until: now,
            untold: 0,
        });
        if now < quiet.until {
            quiet.untold += 1;
            return None;
        }
        quiet.until = now + PAUSE;
        Some(take(&mut quiet.untold))
    }
}

const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_each_kind_one_a_second_is_told_and_the_rest_counted() {
        let log = FailureLog::default();
        assert_eq!(log.turn(&Failure::ConnectTimeout), Some(0));
        assert_eq!(log.turn(&Failure::Malformed("two lengths")), Some(0));
        assert_eq!(log.turn(&Failure::ConnectTimeout), None);
        assert_eq!(log.turn(&Failure::ConnectTimeout), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(log.turn(&Failure::ConnectTimeout), Some(2));
        assert_eq!(log.turn(&Failure::ConnectTimeout), None);
        assert_eq!(log.turn(&Failure::Malformed("a status")), Some(0));
    }
}
