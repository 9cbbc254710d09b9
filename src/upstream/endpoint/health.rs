use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// Whether an address accepts connections, as far as requests have shown.
///
/// There are no probes: one request finds out that an address is down, and one at a time whether it
/// is back.
#[derive(Default)]
pub(in crate::upstream) struct Health {
    /// Failures to connect since the last success.
    failures: AtomicU32,
    down_until: Mutex<Option<Instant>>,
}

impl Health {
    pub(in crate::upstream) fn is_down(&self) -> bool {
        // A healthy address is decided by this alone.
        self.failures.load(Ordering::Relaxed) > 0
            && (*self.down_until()).is_some_and(|until| Instant::now() < until)
    }

    /// Keeps other requests away while one tries whether the address is back.
    pub(in crate::upstream) fn begin_attempt(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.stay_down();
        }
    }

    pub(in crate::upstream) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.stay_down();
    }

    pub(in crate::upstream) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    fn stay_down(&self) {
        let doublings = self.failures.load(Ordering::Relaxed).saturating_sub(1);
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(doublings.min(5));
        *self.down_until() = Some(Instant::now() + pause.min(LONGEST_PAUSE));
    }

    fn down_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.down_until.lock()
    }
}

/// A restart takes about this long; and it is no shorter than an attempt to connect.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long an address stays unused at most after it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_failure_keeps_an_address_out_for_longer() {
        let health = Health::default();
        assert!(!health.is_down());
        for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
            health.failed();
            tokio::time::advance(Duration::from_millis(seconds * 1000 - 1)).await;
            assert!(health.is_down(), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!health.is_down(), "{seconds}");
        }
        health.succeeded();
        health.failed();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!health.is_down(), "a success is a new beginning");
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_finds_out_whether_an_address_is_back() {
        let health = Health::default();
        health.begin_attempt();
        assert!(!health.is_down(), "nothing has failed");
        health.failed();
        tokio::time::advance(Duration::from_secs(1)).await;
        health.begin_attempt();
        assert!(health.is_down());
        health.succeeded();
        assert!(!health.is_down());
    }
}
