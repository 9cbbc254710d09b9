//! One log line a second of each kind.
//!
//! In an outage or a flood, thousands of events are alike. The first of each second is logged, and
//! the next logged one has the number of those left out.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem::take;
use std::num::NonZeroU64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Decides which events are logged. `K` is their kind, and has to be a closed set: each kind that
/// ever occurred is kept.
pub(crate) struct Throttle<K>(Mutex<HashMap<K, Kind>>);

struct Kind {
    quiet_until: Instant,
    suppressed: u64,
}

/// The permission to log one event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Turn {
    /// How many of the same kind were left out since the last one; none instead of 0, so that a log
    /// line has no field for it.
    pub(crate) suppressed: Option<NonZeroU64>,
}

impl<K: Eq + Hash> Throttle<K> {
    /// Returns none if one of this kind was logged less than a second ago.
    pub(crate) fn turn(&self, kind: K) -> Option<Turn> {
        let mut kinds = self.0.lock();
        let now = Instant::now();
        let kind = kinds.entry(kind).or_insert(Kind {
            quiet_until: now,
            suppressed: 0,
        });
        if now < kind.quiet_until {
            kind.suppressed += 1;
            return None;
        }
        kind.quiet_until = now + PAUSE;
        let suppressed = NonZeroU64::new(take(&mut kind.suppressed));
        Some(Turn { suppressed })
    }
}

impl<K> Default for Throttle<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn told(suppressed: u64) -> Option<Turn> {
        let suppressed = NonZeroU64::new(suppressed);
        Some(Turn { suppressed })
    }

    #[tokio::test(start_paused = true)]
    async fn of_each_kind_one_a_second_is_told_and_the_rest_counted() {
        let throttle = Throttle::default();
        assert_eq!(throttle.turn("shed"), told(0));
        assert_eq!(throttle.turn("timeout"), told(0));
        assert_eq!(throttle.turn("shed"), None);
        assert_eq!(throttle.turn("shed"), None);
        tokio::time::advance(PAUSE - Duration::from_millis(1)).await;
        assert_eq!(throttle.turn("shed"), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(throttle.turn("shed"), told(3));
        assert_eq!(throttle.turn("shed"), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(throttle.turn("timeout"), told(0));
        assert_eq!(throttle.turn("shed"), told(1));
        tokio::time::advance(PAUSE).await;
        assert_eq!(throttle.turn("shed"), told(0));
    }

    #[test]
    fn what_was_not_suppressed_is_no_field() {
        assert_eq!(told(0).unwrap().suppressed, None);
        assert_eq!(told(2).unwrap().suppressed.map(NonZeroU64::get), Some(2));
    }
}
