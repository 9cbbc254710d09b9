use std::time::Duration;

/// How long and how many answers are remembered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// How long a good token is trusted; 60 s by default.
    ///
    /// This is the longest that a revoked token still works: short enough for a revocation to
    /// bite within the minute, long enough that a busy client costs GHES one call a minute. Each
    /// token gets up to a tenth less, so that tokens checked together are not all checked again
    /// together.
    pub active_max_age: Duration,
    /// How long a bad token is refused without asking again, and who belongs to no group is not
    /// asked about again; 10 s by default.
    ///
    /// Short, because a token may be tried just before it is created, and people are added to a
    /// team because they have just been turned away; long enough to absorb a
    /// client that retries in a loop.
    pub inactive_max_age: Duration,
    /// How long after its age a good token, or a membership, is still trusted while GHES is out of
    /// reach; 0 s by default, which is never. At most 15 minutes.
    ///
    /// Never past the token's expiry, and never once GHES has refused the token.
    pub stale_if_error: Duration,
    /// How many good tokens are remembered; 100,000 by default.
    ///
    /// About 700 bytes an entry, so 100,000 people cost 70 MB. More where hardly any two tokens are
    /// of one app and have the same scopes. More tokens than this may be remembered, 6 % at 100,000
    /// and a sixth at 16,000, because they are kept in segments that do not fill evenly; so it is
    /// with the other capacities.
    pub active_capacity: u64,
    /// How many bad tokens are remembered; 100,000 by default.
    ///
    /// A flood of unknown tokens fills this and no more: about 400 bytes an entry, 40 MB.
    pub inactive_capacity: u64,
    /// How long a membership of an organization or a team is remembered; 60 s by default.
    ///
    /// This is the longest that a removed member still comes in: like a revoked
    /// token, within the minute. A busy person costs GHES one call a minute for each group that a
    /// route needs. Never past the token's expiry.
    pub membership_max_age: Duration,
    /// How many memberships are remembered, and as many of people who belong to no group;
    /// 100,000 by default.
    pub membership_capacity: u64,
}

impl CacheOptions {
    /// The longest that [`stale_if_error`](Self::stale_if_error) may be.
    pub const LONGEST_GRACE: Duration = Duration::from_secs(15 * 60);

    /// Sets how long a good token is trusted; more than a day is taken for a day.
    #[must_use]
    pub fn with_active_max_age(mut self, age: Duration) -> Self {
        self.active_max_age = age;
        self
    }

    /// Sets how long a bad token is refused without asking again; a day at most.
    #[must_use]
    pub fn with_inactive_max_age(mut self, age: Duration) -> Self {
        self.inactive_max_age = age;
        self
    }

    /// Sets how long an outage of GHES is bridged; 15 minutes at most.
    #[must_use]
    pub fn with_stale_if_error(mut self, grace: Duration) -> Self {
        self.stale_if_error = grace;
        self
    }

    /// Sets how many good tokens are remembered.
    #[must_use]
    pub fn with_active_capacity(mut self, tokens: u64) -> Self {
        self.active_capacity = tokens;
        self
    }

    /// Sets how many bad tokens are remembered.
    #[must_use]
    pub fn with_inactive_capacity(mut self, tokens: u64) -> Self {
        self.inactive_capacity = tokens;
        self
    }

    /// Sets how long a membership is remembered; a day at most.
    #[must_use]
    pub fn with_membership_max_age(mut self, age: Duration) -> Self {
        self.membership_max_age = age;
        self
    }

    /// Sets how many memberships are remembered.
    #[must_use]
    pub fn with_membership_capacity(mut self, memberships: u64) -> Self {
        self.membership_capacity = memberships;
        self
    }

    /// Returns what these are for a cache of memberships.
    pub(crate) fn of_memberships(mut self) -> Self {
        self.active_max_age = self.membership_max_age;
        self.active_capacity = self.membership_capacity;
        self.inactive_capacity = self.membership_capacity;
        self
    }

    /// Whatever was asked for, no answer outlives what anybody should trust it for.
    pub(super) fn capped(mut self) -> Self {
        self.active_max_age = self.active_max_age.min(LONGEST_AGE);
        self.inactive_max_age = self.inactive_max_age.min(LONGEST_AGE);
        self.stale_if_error = self.stale_if_error.min(Self::LONGEST_GRACE);
        self
    }
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            active_max_age: Duration::from_secs(60),
            inactive_max_age: Duration::from_secs(10),
            stale_if_error: Duration::ZERO,
            active_capacity: 100_000,
            inactive_capacity: 100_000,
            membership_max_age: Duration::from_secs(60),
            membership_capacity: 100_000,
        }
    }
}

/// Longer than anybody should trust an answer, and short enough for every clock below us.
const LONGEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);
