//! Rate limits: so many requests an hour for each caller.
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// What each caller has spent.
#[derive(Default)]
pub(in crate::emulator) struct Quotas {
    windows: HashMap<String, Window>,
}

/// An hour that begins with a caller's first request.
struct Window {
    ends_at: Timestamp,
    used: u64,
}

/// What a caller has spent and has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emulator) struct Quota {
    pub(in crate::emulator) limit: u64,
    /// Above the limit for a request that was refused.
    used: u64,
    /// In seconds since 1970.
    pub(in crate::emulator) reset: i64,
}

impl Quotas {
    /// Counts a request of this caller.
    pub(in crate::emulator) fn spend(&mut self, caller: &str, limit: u64, now: Timestamp) -> Quota {
        let mut quota = self.quota(caller, limit, now);
        quota.used += 1;
        let window = self.windows.entry(caller.to_owned()).or_insert(Window {
            ends_at: now,
            used: 0,
        });
        if window.ends_at <= now {
            window.ends_at = hour_after(now);
        }
        // A refused request costs nothing.
        window.used = quota.used.min(limit);
        quota
    }

    /// Returns what a caller has spent, and spends nothing.
    pub(in crate::emulator) fn quota(&self, caller: &str, limit: u64, now: Timestamp) -> Quota {
        let window = self
            .windows
            .get(caller)
            .filter(|window| window.ends_at > now);
        Quota {
            limit,
            used: window.map_or(0, |window| window.used),
            reset: window
                .map_or_else(|| hour_after(now), |window| window.ends_at)
                .as_second(),
        }
    }
}

impl Quota {
    pub(in crate::emulator) fn is_exceeded(&self) -> bool {
        self.used > self.limit
    }

    pub(in crate::emulator) fn used(&self) -> u64 {
        self.used.min(self.limit)
    }

    pub(in crate::emulator) fn remaining(&self) -> u64 {
        self.limit - self.used()
    }
}

fn hour_after(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(1))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_hour() {
        let mut quotas = Quotas::default();
        let start = Timestamp::UNIX_EPOCH;
        let used = |quota: Quota| (quota.used(), quota.remaining(), quota.is_exceeded());
        assert_eq!(used(quotas.spend("a", 2, start)), (1, 1, false));
        assert_eq!(used(quotas.spend("a", 2, start)), (2, 0, false));
        assert_eq!(used(quotas.spend("a", 2, start)), (2, 0, true));
        assert_eq!(used(quotas.spend("b", 2, start)), (1, 1, false));
        assert_eq!(quotas.quota("a", 2, start).reset, 3600);

        let later = hour_after(start);
        assert_eq!(used(quotas.quota("a", 2, later)), (0, 2, false));
        assert_eq!(used(quotas.spend("a", 2, later)), (1, 1, false));
        assert_eq!(quotas.quota("a", 2, later).reset, 7200);
    }
}
