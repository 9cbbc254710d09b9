//! Answers that are remembered, and for how long.
//!
//! 1. Active and inactive answers live in two caches, so that a flood of unknown tokens can
//!    never push out the people who are known.
//! 2. An entry holds what the issuer said, never what was decided with it.
//! 3. Every read compares the entry's own [deadlines] with the clock. moka's
//!    `time_to_live` only bounds how long a dead entry may take up memory.
//! 4. Changes are made one at a time, so that an answer never replaces a younger one, and an
//!    answer from before a purge never comes back after it. Reads never wait.

mod answer;
mod deadlines;
mod options;
mod purge;
mod purges;
mod stats;
mod subject;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::time::Duration;

use moka::sync::{Cache, SegmentedCache};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use self::deadlines::{Age, Deadlines, Now};
use self::purges::Purges;
use crate::check::Told;
use crate::counter::Counter;
use crate::identity::{Grants, Identity};

pub(crate) use self::answer::Found;
pub(crate) use self::subject::{MembershipKey, Memberships, Standing, Subject, Tokens};

pub use self::answer::{Answer, Freshness};
pub use self::options::CacheOptions;
pub use self::purge::Purge;
pub use self::stats::CacheStats;

/// What is remembered about one kind of [`Subject`].
pub(crate) struct AnswerCache<T: Subject> {
    options: CacheOptions,
    active: SegmentedCache<T::Key, Active>,
    inactive: SegmentedCache<T::Key, Inactive<T::Answer>>,
    lookups: Lookups,
    /// What the identities of active answers have in common.
    grants: Mutex<Grants>,
    /// Held for every change to the caches, never across an await.
    purges: Mutex<Purges>,
}

#[derive(Clone)]
struct Active {
    identity: Identity,
    deadlines: Deadlines,
}

#[derive(Clone)]
struct Inactive<A> {
    answer: A,
    fresh_until: Instant,
}

/// What a look at active answers finds. Two plain values, which are handed about in registers.
pub(crate) struct Sight {
    identity: Option<Identity>,
    /// Without an identity, [`Due`](Freshness::Due) says that there was one within the hour.
    freshness: Freshness,
}

/// Whether an answer that is not there was good when it was last asked for, within the hour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct IsKnown(pub(crate) bool);

impl Sight {
    #[inline(always)]
    pub(crate) fn found(self) -> Result<Found<Identity>, IsKnown> {
        match self.identity {
            Some(identity) => Ok(Found::new(identity, self.freshness)),
            None => Err(IsKnown(self.freshness == Freshness::Due)),
        }
    }

    fn nothing(is_known: bool) -> Self {
        Self {
            identity: None,
            freshness: match is_known {
                true => Freshness::Due,
                false => Freshness::Fresh,
            },
        }
    }
}

/// How lookups ended.
#[derive(Default)]
struct Lookups {
    active: Counter,
    inactive: Counter,
    missed: Counter,
    stale: Counter,
}

/// The moment at which a question was sent, which its answer is stored with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    asked_at: Instant,
    purges: u64,
}

impl Question {
    pub(crate) fn asked_at(&self) -> Instant {
        self.asked_at
    }
}

/// Why an answer is not stored, so that it has to be asked for again.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is from before a purge that is about it.
    Purged,
    /// It is from before the one that is remembered.
    Outdated,
}

impl<T: Subject> AnswerCache<T> {
    pub(crate) fn new(options: CacheOptions) -> Self {
        let options = options.capped();
        let trusted_for = options.active_max_age + options.stale_if_error;
        Self {
            options,
            active: moka_cache(options.active_capacity, trusted_for.max(KNOWN_FOR)),
            inactive: moka_cache(options.inactive_capacity, options.inactive_max_age),
            lookups: Lookups::default(),
            grants: Mutex::default(),
            purges: Mutex::default(),
        }
    }

    /// Returns the answer about `key` if it is young enough to be acted on.
    pub(crate) fn get(&self, key: &T::Key, max_age: Option<Duration>) -> Option<Found<T::Answer>> {
        match self.get_active(key, max_age) {
            Ok(found) => Some(found.map(T::answer)),
            Err(_) => self.get_inactive(key),
        }
    }

    /// Looks in the active cache only: the first half of [`get`](Self::get). A caller that finds
    /// nothing looks for an inactive answer next. Apart, because an `Answer` is large and takes
    /// time to move.
    #[inline]
    pub(crate) fn get_active(
        &self,
        key: &T::Key,
        max_age: Option<Duration>,
    ) -> Result<Found<Identity>, IsKnown> {
        let found = self.peek_active(key, max_age).found()?;
        self.count_active();
        Ok(found)
    }

    /// Does the second half.
    pub(crate) fn get_inactive(&self, key: &T::Key) -> Option<Found<T::Answer>> {
        let found = self.peek_inactive(key);
        self.count(found.as_ref().map(|found| &found.answer));
        found
    }

    /// Counts a lookup that ended with an active answer.
    #[inline]
    pub(crate) fn count_active(&self) {
        self.lookups.active.increment();
    }

    /// Counts a lookup that ended with `answer`.
    pub(crate) fn count(&self, answer: Option<&T::Answer>) {
        match answer {
            Some(answer) if T::active(answer).is_some() => &self.lookups.active,
            Some(_) => &self.lookups.inactive,
            None => &self.lookups.missed,
        }
        .increment();
    }

    /// The same as [`get`](Self::get) without counting it as a lookup.
    pub(crate) fn peek(&self, key: &T::Key, max_age: Option<Duration>) -> Option<Found<T::Answer>> {
        match self.peek_active(key, max_age).found() {
            Ok(found) => Some(found.map(T::answer)),
            Err(_) => self.peek_inactive(key),
        }
    }

    /// The same as [`get_active`](Self::get_active), not counted.
    #[inline]
    pub(crate) fn peek_active(&self, key: &T::Key, max_age: Option<Duration>) -> Sight {
        // The deadlines are read where they are: to move them takes as long as to compare them.
        let Some(Active {
            identity,
            ref deadlines,
        }) = self.active.get(key)
        else {
            return Sight::nothing(false);
        };
        let now = Instant::now();
        let freshness = match deadlines.age(now, max_age) {
            Age::Over => return Sight::nothing(true),
            Age::Due if deadlines.may_be_renewed(now) => Freshness::Due,
            Age::Due | Age::Fresh => Freshness::Fresh,
        };
        Sight {
            identity: Some(identity),
            freshness,
        }
    }

    /// Looks for an inactive answer alone, not counted.
    pub(crate) fn peek_inactive(&self, key: &T::Key) -> Option<Found<T::Answer>> {
        let entry = self.inactive.get(key)?;
        (Instant::now() < entry.fresh_until).then(|| Found::new(entry.answer, Freshness::Fresh))
    }

    /// Returns the last good answer if it may stand in for one that the issuer fails to give.
    pub(crate) fn get_stale(
        &self,
        key: &T::Key,
        max_age: Option<Duration>,
    ) -> Option<Found<T::Answer>> {
        let entry = self.active.get(key)?;
        let grace = self.options.stale_if_error;
        let now = Instant::now();
        if entry
            .deadlines
            .left_in_outage(now, max_age, grace)
            .is_zero()
        {
            return None;
        }
        self.lookups.stale.increment();
        Some(Found::new(T::answer(entry.identity), Freshness::Stale))
    }

    /// Returns how much longer a good answer of this `freshness` holds; none if there is none.
    #[cfg(feature = "proxy")]
    pub(crate) fn left(
        &self,
        key: &T::Key,
        max_age: Option<Duration>,
        freshness: Freshness,
    ) -> Option<Duration> {
        let deadlines = self.active.get(key)?.deadlines;
        let now = Instant::now();
        let left = deadlines.left(now, max_age);
        match freshness {
            // One that is stale holds as long as the outage may be bridged.
            Freshness::Stale if left.is_zero() => {
                let grace = self.options.stale_if_error;
                Some(deadlines.left_in_outage(now, max_age, grace))
            }
            Freshness::Stale | Freshness::Due | Freshness::Fresh => Some(left),
        }
    }

    /// Tells whether the answer was good when it was last asked for, within the hour.
    pub(crate) fn is_known(&self, key: &T::Key) -> bool {
        self.active.contains_key(key)
    }

    /// Notes that a question is about to be sent.
    pub(crate) fn question(&self) -> Question {
        Question {
            purges: self.changing().count(),
            asked_at: Instant::now(),
        }
    }

    /// Remembers the answer that a question brought, unless there is a younger one.
    ///
    /// `then` runs before any purge can come between: it collects the callers that may still get
    /// this answer.
    pub(crate) fn store<R>(
        &self,
        key: &T::Key,
        told: &Told<T::Answer>,
        question: Question,
        then: impl FnOnce() -> R,
    ) -> Result<R, Unfit> {
        let purges = self.changing();
        if purges.cover::<T>(question.purges, key, told) {
            return Err(Unfit::Purged);
        }
        let answer = told.answer();
        let as_of = told.as_of().unwrap_or(question.asked_at);
        // Of two answers, the later one is true.
        if self.last_as_of(key) <= Some(as_of) {
            match T::active(answer) {
                Some(identity) => self.store_active(key, identity, as_of),
                None if T::is_lasting(answer) => self.store_inactive(key, answer, as_of),
                None => self.active.invalidate(key),
            }
        } else if told.as_of().is_some() {
            return Err(Unfit::Outdated);
        }
        Ok(then())
    }

    /// Looks once more, and runs `then` before any purge can come between if there is an answer.
    pub(crate) fn look_again<R>(
        &self,
        key: &T::Key,
        max_age: Option<Duration>,
        then: impl FnOnce() -> R,
    ) -> Option<(Told<T::Answer>, R)> {
        let _changing = self.changing();
        let found = self.peek(key, max_age)?;
        let as_of = self.last_as_of(key)?;
        Some((Told::at(as_of, found.answer), then()))
    }

    /// Returns how far an answer may be relied on that was told just now, if it is young enough.
    ///
    /// One as new as its question may be in any case.
    pub(crate) fn judge(
        &self,
        key: &T::Key,
        told: Told<T::Answer>,
        max_age: Option<Duration>,
    ) -> Option<Found<T::Answer>> {
        let freshness = match told.as_of() {
            Some(as_of) => self.freshness(key, told.answer(), as_of, max_age)?,
            None => Freshness::Fresh,
        };
        Some(Found::new(told.into_answer(), freshness))
    }

    fn freshness(
        &self,
        key: &T::Key,
        answer: &T::Answer,
        as_of: Instant,
        max_age: Option<Duration>,
    ) -> Option<Freshness> {
        let now = Now::read();
        let Some(identity) = T::active(answer) else {
            let is_fresh = now.monotonic < as_of + self.options.inactive_max_age;
            return is_fresh.then_some(Freshness::Fresh);
        };
        let (expires_at, hash) = (identity.expires_at(), T::token(key));
        let deadlines = Deadlines::new(as_of, expires_at, hash, &self.options, now);
        match deadlines.age(now.monotonic, max_age) {
            Age::Over => None,
            Age::Due => Some(Freshness::Due),
            Age::Fresh => Some(Freshness::Fresh),
        }
    }

    /// Forgets what the issuer said, because it says things that cannot be true.
    pub(crate) fn forget(&self, key: &T::Key) {
        let mut changing = self.changing();
        // A check that is under way may bring what the issuer said before.
        changing.push(Purge::Token(*T::token(key)), Instant::now());
        self.active.invalidate(key);
    }

    /// Tells whether the caller is to renew an answer that is due; for a while no other caller is
    /// told so.
    pub(crate) fn claim_renewal(&self, key: &T::Key) -> bool {
        // A purge may take its time, and this is on the way of a request that need not wait.
        let Some(_changing) = self.purges.try_lock() else {
            return false;
        };
        let now = Instant::now();
        match self.active.get(key) {
            Some(mut entry) if entry.deadlines.may_be_renewed(now) => {
                entry.deadlines.pause_renewal(now, RENEWAL_PAUSE);
                self.active.insert(key.clone(), entry);
                true
            }
            _ => false,
        }
    }

    /// Forgets what a purge names, answers under way included; returns how many answers.
    pub(crate) fn purge(&self, purge: &Purge) -> u64 {
        let mut changing = self.changing();
        changing.push(purge.clone(), Instant::now());
        let active = remove_where(&self.active, |key, entry| {
            purge.covers(T::token(key), &entry.identity)
        });
        let inactive = remove_where(&self.inactive, |key, entry| {
            T::is_covered(purge, key, &entry.answer)
        });
        active + inactive
    }

    pub(crate) fn stats(&self) -> CacheStats {
        // moka counts entries when it clears away, and it does that in passing.
        self.active.run_pending_tasks();
        self.inactive.run_pending_tasks();
        CacheStats {
            active_hits: self.lookups.active.get(),
            inactive_hits: self.lookups.inactive.get(),
            misses: self.lookups.missed.get(),
            stale_served: self.lookups.stale.get(),
            active_entries: self.active.entry_count(),
            inactive_entries: self.inactive.entry_count(),
        }
    }

    fn last_as_of(&self, key: &T::Key) -> Option<Instant> {
        if let Some(entry) = self.active.get(key) {
            return Some(entry.deadlines.as_of());
        }
        let entry = self.inactive.get(key)?;
        Some(entry.fresh_until - self.options.inactive_max_age)
    }

    fn store_active(&self, key: &T::Key, identity: &Identity, as_of: Instant) {
        let expires_at = identity.expires_at();
        let hash = T::token(key);
        let entry = Active {
            identity: self.shared(identity),
            deadlines: Deadlines::new(as_of, expires_at, hash, &self.options, Now::read()),
        };
        self.inactive.invalidate(key);
        self.active.insert(key.clone(), entry);
    }

    fn store_inactive(&self, key: &T::Key, answer: &T::Answer, as_of: Instant) {
        let entry = Inactive {
            answer: answer.clone(),
            fresh_until: as_of + self.options.inactive_max_age,
        };
        // First out, then in: a reader between the two asks, and is never let in on the older
        // answer.
        self.active.invalidate(key);
        self.inactive.insert(key.clone(), entry);
    }

    /// Returns the same identity in less memory, if others like it are remembered.
    fn shared(&self, identity: &Identity) -> Identity {
        // The list is whole at any time, so a panic elsewhere does not spoil it.
        let mut grants = self.grants.lock();
        grants.share(identity)
    }

    fn changing(&self) -> MutexGuard<'_, Purges> {
        // Every section leaves the list whole, so a panic elsewhere does not spoil it.
        self.purges.lock()
    }
}

fn remove_where<K, T>(cache: &SegmentedCache<K, T>, is_covered: impl Fn(&K, &T) -> bool) -> u64
where
    K: Eq + Hash + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    let covered = cache.iter().filter(|(key, entry)| is_covered(key, entry));
    covered
        .map(|(key, _)| cache.invalidate(&*key))
        .fold(0, |count, ()| count + 1)
}

fn moka_cache<K, T>(capacity: u64, time_to_live: Duration) -> SegmentedCache<K, T>
where
    K: Eq + Hash + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    let segments = (capacity / LEAST_OF_SEGMENT).clamp(1, SEGMENTS);
    // Five times by how much a segment gets more than its share: none is full before all are.
    let uneven = if segments > 1 {
        5 * capacity.saturating_mul(segments).isqrt()
    } else {
        0
    };
    // The default hasher stays: it is seeded at random, and clients choose what is hashed.
    Cache::builder()
        .max_capacity(capacity.saturating_add(uneven))
        .time_to_live(time_to_live)
        .segments(usize::try_from(segments).unwrap_or(1))
        .build()
}

/// Each has its own log of reads, for which the threads that look something up at the same time
/// fight: with one log, two threads did less than one alone.
const SEGMENTS: u64 = 16;

/// Smaller ones would differ too much in how full they are.
const LEAST_OF_SEGMENT: u64 = 1_000;

/// A token that was good within the hour has a better claim to the issuer's time than one that
/// anybody may have made up, even if it may no longer be acted on.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// A failed renewal is tried again after this long: often enough for several attempts in the last
/// fifth of a minute, and no burden in an outage.
const RENEWAL_PAUSE: Duration = Duration::from_secs(2);
