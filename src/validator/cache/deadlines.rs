//! How long one answer is good for: plain arithmetic on the clocks, without any cache.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::CacheOptions;
use crate::token::TokenHash;

/// What the two clocks say at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) monotonic: Instant,
    pub(super) wall: SystemTime,
}

impl Now {
    pub(super) fn read() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }
}

/// When an active answer passes through its ages.
///
/// All ages count from the moment that the answer is from. Of an answer of the issuer that is when
/// it was asked, the last moment at which the answer can have been true. No age passes the token's
/// expiry. The expiry is turned into monotonic time once, here: setting the wall clock back
/// afterwards lengthens no token's life. Setting it forward does shorten it, because admission
/// compares the expiry with the wall clock as well.
///
/// Ages are whole milliseconds, rounded down: an answer is trusted for shorter, never for longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// A renewal in the background is due. Until then only a `max_age` causes another question.
    due_at: Moment,
    /// What `due_at` is later than that moment by.
    due: Milliseconds,
    /// The end of trust.
    fresh: Milliseconds,
    /// The end of trust while the issuer is out of reach.
    stale: Milliseconds,
    /// Until then a renewal is under way, or one failed a moment ago.
    renewal_paused: Milliseconds,
}

impl Deadlines {
    pub(super) fn new(
        as_of: Instant,
        expires_at: Option<SystemTime>,
        hash: &TokenHash,
        options: &CacheOptions,
        now: Now,
    ) -> Self {
        let age = jittered(options.active_max_age, hash);
        let expiry = expires_at.map_or(Duration::MAX, |at| {
            let left = at.duration_since(now.wall).unwrap_or_default();
            let since = now.monotonic.saturating_duration_since(as_of);
            since.saturating_add(left)
        });
        let until = |age: Duration| Milliseconds::of(age.min(expiry));
        let due = until(before_due(age));
        Self {
            due_at: (as_of + Duration::from(due)).into(),
            due,
            fresh: until(age),
            stale: until(options.active_max_age + options.stale_if_error),
            renewal_paused: Milliseconds::default(),
        }
    }

    /// Returns the moment that the answer is from, to the nanosecond.
    pub(super) fn as_of(&self) -> Instant {
        Instant::from(self.due_at) - Duration::from(self.due)
    }

    /// Tells how far a caller that wants an answer no older than `max_age` may rely on this one.
    #[inline]
    pub(super) fn age(&self, now: Instant, max_age: Option<Duration>) -> Age {
        if Moment::from(now) < self.due_at && max_age.is_none() {
            return Age::Fresh;
        }
        let age = self.elapsed(now);
        let passed =
            |limit: fn(Duration) -> Duration| max_age.is_some_and(|max_age| age >= limit(max_age));
        if Milliseconds::of(age) >= self.fresh || passed(|max_age| max_age) {
            Age::Over
        } else if Moment::from(now) >= self.due_at || passed(before_due) {
            Age::Due
        } else {
            Age::Fresh
        }
    }

    /// Returns how much longer an answer may be relied on that is wanted no older than `max_age`.
    #[cfg(feature = "proxy")]
    pub(super) fn left(&self, now: Instant, max_age: Option<Duration>) -> Duration {
        let end = Duration::from(self.fresh).min(max_age.unwrap_or(Duration::MAX));
        end.saturating_sub(self.elapsed(now))
    }

    /// Returns how much longer the answer may stand in for one that the issuer fails to give.
    pub(super) fn left_in_outage(
        &self,
        now: Instant,
        max_age: Option<Duration>,
        grace: Duration,
    ) -> Duration {
        if grace.is_zero() {
            return Duration::ZERO;
        }
        let wanted = max_age.map_or(Duration::MAX, |max_age| max_age.saturating_add(grace));
        let end = Duration::from(self.stale).min(wanted);
        end.saturating_sub(self.elapsed(now))
    }

    /// Tells whether no renewal of the answer is under way.
    #[inline]
    pub(super) fn may_be_renewed(&self, now: Instant) -> bool {
        Milliseconds::of(self.elapsed(now)) >= self.renewal_paused
    }

    /// Keeps others from renewing the answer for as long as `pause`.
    pub(super) fn pause_renewal(&mut self, now: Instant, pause: Duration) {
        self.renewal_paused = Milliseconds::of(self.elapsed(now) + pause);
    }

    fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.as_of())
    }
}

/// A moment of the monotonic clock, in nanoseconds from one at the beginning of the process.
///
/// Unlike an `Instant` it is one plain number: an entry is moved several times on a hit, and moving
/// an `Option` of what has an `Instant` inside waits for the stores of the one before.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Moment(i64);

/// Tests move the clock, so that there may be moments before it.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

impl From<Instant> for Moment {
    #[inline]
    fn from(at: Instant) -> Self {
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        match at.checked_duration_since(*BEGINNING) {
            Some(since) => Self(nanoseconds(since)),
            None => Self(-nanoseconds(*BEGINNING - at)),
        }
    }
}

impl From<Moment> for Instant {
    fn from(Moment(at): Moment) -> Self {
        let distance = Duration::from_nanos(at.unsigned_abs());
        if at < 0 {
            *BEGINNING - distance
        } else {
            *BEGINNING + distance
        }
    }
}

/// A time since that moment, rounded down; 49 days are all that is longer.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Milliseconds(u32);

impl Milliseconds {
    #[inline]
    fn of(time: Duration) -> Self {
        Self(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
    }
}

impl From<Milliseconds> for Duration {
    fn from(Milliseconds(time): Milliseconds) -> Self {
        Self::from_millis(time.into())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Age {
    /// As good as new.
    Fresh,
    /// Good, and time to ask again.
    Due,
    /// Nothing to act on.
    Over,
}

/// Early enough for several attempts before people would have to wait for one.
fn before_due(age: Duration) -> Duration {
    age * 4 / 5
}

/// Takes up to a tenth off `age`, so that tokens stored together do not all expire together.
///
/// Only ever shorter: `active_max_age` is the promise how long a revoked token works. The hash is
/// as evenly spread as any random number, and needs no generator.
fn jittered(age: Duration, hash: &TokenHash) -> Duration {
    let [.., high, low] = *hash.as_bytes();
    let share = f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX);
    age.mul_f64(1.0 - 0.1 * share)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLISECONDS: std::ops::Range<u64> = 0..100_000;

    fn milliseconds() -> impl Strategy<Value = Duration> {
        MILLISECONDS.prop_map(Duration::from_millis)
    }

    /// A wall clock that was set, forward or back, by as much as it likes.
    fn wall_clock() -> impl Strategy<Value = SystemTime> {
        (0..4_000_000_000_000_u64).prop_map(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at))
    }

    fn options() -> impl Strategy<Value = CacheOptions> {
        (milliseconds(), milliseconds()).prop_map(|(age, grace)| {
            CacheOptions::default()
                .with_active_max_age(age)
                .with_stale_if_error(grace)
        })
    }

    proptest! {
        #[test]
        fn no_age_outlives_what_was_promised(
            options in options(),
            answered_after in milliseconds(),
            wall in wall_clock(),
            expires_in in proptest::option::of(milliseconds()),
            max_age in proptest::option::of(milliseconds()),
            read_after in milliseconds(),
            token in any::<u64>(),
        ) {
            let asked_at = Instant::now();
            let answered_at = asked_at + answered_after;
            let now = asked_at + read_after;
            let deadlines = Deadlines::new(
                asked_at,
                expires_in.map(|left| wall + left),
                &TokenHash::of(token.to_string()),
                &options,
                Now { monotonic: answered_at, wall },
            );

            let age = deadlines.age(now, max_age);
            let bridged = deadlines.left_in_outage(now, max_age, options.stale_if_error);
            let (bridged_for, bridged) = (bridged, !bridged.is_zero());
            let left = deadlines.left(now, max_age);
            let shortest = options.active_max_age.mul_f64(0.9);
            let shortest = shortest.saturating_sub(Duration::from_millis(1));
            let wanted = max_age.unwrap_or(Duration::MAX).min(options.active_max_age);
            let is_expired = expires_in.is_some_and(|left| now >= answered_at + left);
            if is_expired || read_after >= wanted {
                prop_assert_eq!(age, Age::Over);
            } else if read_after < max_age.unwrap_or(Duration::MAX).min(shortest) {
                prop_assert_ne!(age, Age::Over);
            }
            if is_expired || read_after >= wanted + options.stale_if_error {
                prop_assert!(!bridged);
            } else if !options.stale_if_error.is_zero() {
                prop_assert!(bridged);
            }
            if age == Age::Fresh {
                prop_assert!(read_after < wanted * 4 / 5);
            }
            // What is left ends when it is over, and not a moment later.
            prop_assert_eq!(left.is_zero(), age == Age::Over);
            prop_assert_eq!(deadlines.age(now + left, max_age), Age::Over);
            let end = now + bridged_for;
            prop_assert!(deadlines.left_in_outage(end, max_age, options.stale_if_error).is_zero());
        }

        /// A token that is past its expiry when its answer comes in is good for nothing, whatever
        /// the wall clock was set to.
        #[test]
        fn an_expired_answer_has_no_age(wall in wall_clock(), past in milliseconds(), options in options()) {
            let now = Now { monotonic: Instant::now(), wall };
            let deadlines =
                Deadlines::new(now.monotonic, Some(wall - past), &TokenHash::of("a"), &options, now);
            prop_assert_eq!(deadlines.age(now.monotonic, None), Age::Over);
            let bridged = deadlines.left_in_outage(now.monotonic, None, options.stale_if_error);
            prop_assert!(bridged.is_zero());
        }
    }

    #[test]
    fn a_moment_is_kept_to_the_nanosecond_on_both_sides_of_the_beginning() {
        let distance = Duration::new(86_400, 123_456_789);
        for at in [*BEGINNING, *BEGINNING + distance, *BEGINNING - distance] {
            assert_eq!(Instant::from(Moment::from(at)), at);
            let later = at + Duration::from_nanos(1);
            assert!(Moment::from(at) < Moment::from(later));
        }
    }

    #[test]
    fn an_expiry_beyond_every_clock_is_none() {
        let now = Now::read();
        let never = SystemTime::UNIX_EPOCH + Duration::from_secs(i64::MAX as u64 / 2);
        let options = CacheOptions::default();
        let deadlines = Deadlines::new(
            now.monotonic,
            Some(never),
            &TokenHash::of("a"),
            &options,
            now,
        );
        let later = now.monotonic + Duration::from_secs(53);
        assert_eq!(deadlines.age(later, None), Age::Due);
        assert_eq!(
            deadlines.age(later + Duration::from_secs(7), None),
            Age::Over
        );
    }

    #[test]
    fn a_renewal_is_paused_for_as_long_as_was_said() {
        let now = Now::read();
        let (hash, options) = (TokenHash::of("a"), CacheOptions::default());
        let mut deadlines = Deadlines::new(now.monotonic, None, &hash, &options, now);
        assert!(deadlines.may_be_renewed(now.monotonic));
        let claimed_at = now.monotonic + Duration::from_secs(50);
        deadlines.pause_renewal(claimed_at, Duration::from_secs(2));
        assert!(!deadlines.may_be_renewed(claimed_at + Duration::from_millis(1_999)));
        assert!(deadlines.may_be_renewed(claimed_at + Duration::from_secs(2)));
    }

    #[test]
    fn ages_are_rounded_down_and_have_an_end() {
        let now = Now::read();
        let hash = TokenHash::of("a");
        let options = CacheOptions::default()
            .with_active_max_age(Duration::from_micros(999))
            .with_stale_if_error(Duration::from_secs(u64::MAX / 2));
        let deadlines = Deadlines::new(now.monotonic, None, &hash, &options, now);
        assert_eq!(deadlines.age(now.monotonic, None), Age::Over);
        let days = now.monotonic + Duration::from_secs(50 * 24 * 60 * 60);
        let bridged = deadlines.left_in_outage(days, None, Duration::from_secs(1));
        assert!(bridged.is_zero());
        assert_eq!(size_of::<Deadlines>(), 24);
    }

    #[test]
    fn jitter_spreads_over_a_tenth_and_never_lengthens() {
        let age = Duration::from_secs(60);
        let ages: Vec<_> = (0..1_000)
            .map(|token| jittered(age, &TokenHash::of(token.to_string())))
            .collect();
        let shortest = ages.iter().min().unwrap();
        let longest = ages.iter().max().unwrap();
        assert!(*longest <= age && *shortest >= Duration::from_secs(54));
        assert!(*longest - *shortest > Duration::from_secs(5));
    }
}
