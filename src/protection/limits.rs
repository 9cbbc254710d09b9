use std::num::NonZeroU32;

/// How much one gate may ask of its issuer.
///
/// The defaults suit an appliance of the smallest size that people work with every day; a gate
/// that outgrows them sheds, and says so as `shed` among its results.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// How many calls may be under way at once; a quarter of them is for renewals only.
    ///
    /// 64 by default. An answer takes some 20 to 50 ms, so that 48 calls at once bring a
    /// thousand answers a second, more than [`rate`](Self::rate) allows; only an issuer that
    /// answers slowly meets this limit, and should not be given more to do at once.
    pub concurrency: NonZeroU32,
    /// How many calls may begin in a second; a fifth of them is for renewals only.
    ///
    /// 200 by default: with answers trusted for a minute, enough for 12,000 people at work.
    pub rate: NonZeroU32,
    /// How many calls may begin in one moment, after a rest; a fifth is for renewals only.
    ///
    /// 250 by default, so that after a cold start 200 people come in at once, and known ones
    /// beside them.
    pub burst: NonZeroU32,
    /// How many checks of each purpose may wait for one of the calls to end; more fail at once.
    ///
    /// 1,024 by default: what an issuer at its usual pace answers in a second. Each waits
    /// [2 s](super#defaults) at most, which leaves the call the last of the three seconds that
    /// the whole check may take.
    pub queue: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: limit(64),
            rate: limit(200),
            burst: limit(250),
            queue: 1_024,
        }
    }
}

impl Limits {
    /// Returns how many of the calls under way are for renewals only.
    pub(super) fn reserved_concurrency(&self) -> u32 {
        self.concurrency.get() / 4
    }

    /// Returns how many of the calls under way may be about memberships.
    pub(super) fn membership_concurrency(&self) -> u32 {
        let shared = self.concurrency.get() - self.reserved_concurrency();
        (shared / 2).max(1)
    }
}

/// Returns what of a rate or burst is left for admissions: four fifths, and at least one.
pub(super) fn for_admissions(all: NonZeroU32) -> NonZeroU32 {
    let reserved = all.get() / 5;
    NonZeroU32::new(all.get() - reserved).unwrap_or(NonZeroU32::MIN)
}

/// Returns what of a rate or burst questions about memberships may use up: half of what is left for
/// admissions, and at least one.
pub(super) fn for_memberships(all: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(for_admissions(all).get() / 2).unwrap_or(NonZeroU32::MIN)
}

const fn limit(calls: u32) -> NonZeroU32 {
    NonZeroU32::new(calls).expect("no limit is 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hundred_people_may_come_in_at_once() {
        let limits = Limits::default();
        assert!(for_admissions(limits.burst).get() >= 200);
        assert_eq!(limits.reserved_concurrency(), 16);
    }

    #[test]
    fn the_smallest_limits_let_somebody_in() {
        for all in 1..20 {
            let admitted = for_admissions(limit(all)).get();
            assert!((1..=all).contains(&admitted));
            let asked = for_memberships(limit(all)).get();
            assert!((1..=admitted).contains(&asked));
        }
    }
}
