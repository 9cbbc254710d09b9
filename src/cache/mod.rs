//! Verdicts that are remembered, and for how long.
//!
//! 1. Active and inactive verdicts live in two caches, so that a flood of unknown tokens can
//!    never push out the people who are known.
//! 2. An entry holds what the issuer said, never what was decided with it.
//! 3. Every read compares the entry's own [deadlines] with the clock. moka's
//!    `time_to_live` only bounds how long a dead entry may take up memory.
//! 4. Changes are made one at a time, so that an answer never replaces a younger one, and an
//!    answer that was asked for before a purge never comes back after it. Reads wait for nobody.

mod answer;
mod deadlines;
mod options;
mod purge;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use self::deadlines::{Age, Deadlines, Now};
use self::purge::Purges;
use crate::check::{InactiveReason, Verdict};
use crate::counter::Counter;
use crate::identity::Identity;
use crate::token::TokenHash;

pub use self::answer::{Answer, Freshness};
pub use self::options::CacheOptions;
pub use self::purge::Purge;
pub use self::stats::CacheStats;

pub(crate) struct VerdictCache {
    options: CacheOptions,
    active: Cache<TokenHash, Active>,
    inactive: Cache<TokenHash, Inactive>,
    lookups: Lookups,
    /// Held for every change to the caches, never across an await.
    purges: Mutex<Purges>,
}

#[derive(Clone)]
struct Active {
    identity: Identity,
    deadlines: Deadlines,
    /// Somebody is renewing, or failed to a moment ago.
    renew_after: Instant,
}

#[derive(Clone)]
struct Inactive {
    reason: InactiveReason,
    asked_at: Instant,
    fresh_until: Instant,
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

/// The answer was asked for before a purge that is about it; it has to be asked for again.
#[derive(Debug)]
pub(crate) struct Purged(());

impl VerdictCache {
    pub(crate) fn new(options: CacheOptions) -> Self {
        let options = options.capped();
        let trusted_for = options.active_max_age + options.stale_if_error;
        Self {
            options,
            active: moka_cache(options.active_capacity, trusted_for.max(KNOWN_FOR)),
            inactive: moka_cache(options.inactive_capacity, options.inactive_max_age),
            lookups: Lookups::default(),
            purges: Mutex::default(),
        }
    }

    /// Returns the verdict about a token if it is young enough to be acted on.
    pub(crate) fn get(&self, hash: &TokenHash, max_age: Option<Duration>) -> Option<Answer> {
        let answer = self.peek(hash, max_age);
        match &answer {
            Some(answer) if matches!(answer.verdict, Verdict::Active(_)) => &self.lookups.active,
            Some(_) => &self.lookups.inactive,
            None => &self.lookups.missed,
        }
        .increment();
        answer
    }

    /// The same without counting it as a lookup.
    fn peek(&self, hash: &TokenHash, max_age: Option<Duration>) -> Option<Answer> {
        let now = Instant::now();
        let Some(entry) = self.active.get(hash) else {
            let entry = self.inactive.get(hash)?;
            let verdict = Verdict::Inactive(entry.reason);
            return (now < entry.fresh_until).then(|| Answer::new(verdict, Freshness::Fresh));
        };
        let freshness = match entry.deadlines.age(now, max_age) {
            Age::Over => return None,
            Age::Due if now >= entry.renew_after => Freshness::Due,
            Age::Due | Age::Fresh => Freshness::Fresh,
        };
        Some(Answer::new(Verdict::Active(entry.identity), freshness))
    }

    /// Returns the last good answer if it may stand in for one that the issuer fails to give.
    pub(crate) fn get_stale(&self, hash: &TokenHash, max_age: Option<Duration>) -> Option<Answer> {
        let entry = self.active.get(hash)?;
        let grace = self.options.stale_if_error;
        let now = Instant::now();
        if !entry.deadlines.bridges_outage(now, max_age, grace) {
            return None;
        }
        self.lookups.stale.increment();
        let verdict = Verdict::Active(entry.identity);
        Some(Answer::new(verdict, Freshness::Stale))
    }

    /// Tells whether the token was good when it was last asked about, within the hour.
    pub(crate) fn is_known(&self, hash: &TokenHash) -> bool {
        self.active.contains_key(hash)
    }

    /// Notes that a question is about to be sent.
    pub(crate) fn question(&self) -> Question {
        Question {
            purges: self.changing().count(),
            asked_at: Instant::now(),
        }
    }

    /// Remembers the verdict that a question brought, unless there is that of a later one.
    ///
    /// `then` runs before any purge can come between: whoever may still be answered with this
    /// verdict is known by then.
    pub(crate) fn store<T>(
        &self,
        hash: TokenHash,
        verdict: &Verdict,
        question: Question,
        then: impl FnOnce() -> T,
    ) -> Result<T, Purged> {
        let purges = self.changing();
        match verdict {
            _ if purges.cover(question.purges, &hash, verdict) => return Err(Purged(())),
            _ if self.last_asked_at(&hash) > Some(question.asked_at) => {}
            Verdict::Active(identity) => self.store_active(hash, identity, question.asked_at),
            Verdict::Inactive(reason) => self.store_inactive(hash, *reason, question.asked_at),
        }
        Ok(then())
    }

    /// Looks once more, and runs `then` before any purge can come between if there is an answer.
    pub(crate) fn look_again<T>(
        &self,
        hash: &TokenHash,
        max_age: Option<Duration>,
        then: impl FnOnce() -> T,
    ) -> Option<(Verdict, T)> {
        let _changing = self.changing();
        let answer = self.peek(hash, max_age)?;
        Some((answer.verdict, then()))
    }

    /// Forgets a token of which the issuer says things that cannot be true.
    pub(crate) fn forget(&self, hash: &TokenHash) {
        let _changing = self.changing();
        self.active.invalidate(hash);
    }

    /// Tells whether the caller is the one to renew an answer that is due; for a while nobody
    /// else will be.
    pub(crate) fn claim_renewal(&self, hash: &TokenHash) -> bool {
        // A purge may take its time, and this is on the way of a request that need not wait.
        let Ok(_changing) = self.purges.try_lock() else {
            return false;
        };
        let now = Instant::now();
        match self.active.get(hash) {
            Some(entry) if now >= entry.renew_after => {
                let renew_after = now + RENEWAL_PAUSE;
                self.active.insert(
                    *hash,
                    Active {
                        renew_after,
                        ..entry
                    },
                );
                true
            }
            _ => false,
        }
    }

    /// Forgets what a purge names, answers under way included; returns how many verdicts.
    pub(crate) fn purge(&self, purge: &Purge) -> u64 {
        let mut changing = self.changing();
        changing.push(purge.clone());
        let active = remove_where(&self.active, |hash, entry| {
            purge.covers(hash, &entry.identity)
        });
        active + remove_where(&self.inactive, |hash, _| purge.covers_refusal(hash))
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

    fn last_asked_at(&self, hash: &TokenHash) -> Option<Instant> {
        let active = self.active.get(hash).map(|entry| entry.deadlines.asked_at);
        active.or_else(|| self.inactive.get(hash).map(|entry| entry.asked_at))
    }

    fn store_active(&self, hash: TokenHash, identity: &Identity, asked_at: Instant) {
        let expires_at = identity.expires_at();
        let entry = Active {
            identity: identity.clone(),
            deadlines: Deadlines::new(asked_at, expires_at, &hash, &self.options, Now::read()),
            renew_after: asked_at,
        };
        self.inactive.invalidate(&hash);
        self.active.insert(hash, entry);
    }

    fn store_inactive(&self, hash: TokenHash, reason: InactiveReason, asked_at: Instant) {
        let entry = Inactive {
            reason,
            asked_at,
            fresh_until: asked_at + self.options.inactive_max_age,
        };
        // First out, then in: a reader between the two asks, and is never let in on the older
        // answer.
        self.active.invalidate(&hash);
        self.inactive.insert(hash, entry);
    }

    fn changing(&self) -> MutexGuard<'_, Purges> {
        // Every section leaves the list whole, so a panic elsewhere does not spoil it.
        self.purges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove_where<T: Clone + Send + Sync + 'static>(
    cache: &Cache<TokenHash, T>,
    is_covered: impl Fn(&TokenHash, &T) -> bool,
) -> u64 {
    let covered = cache.iter().filter(|(hash, entry)| is_covered(hash, entry));
    covered
        .map(|(hash, _)| cache.invalidate(&*hash))
        .fold(0, |count, ()| count + 1)
}

fn moka_cache<T: Clone + Send + Sync + 'static>(
    capacity: u64,
    time_to_live: Duration,
) -> Cache<TokenHash, T> {
    // The default hasher stays: it is seeded at random, and clients choose what is hashed.
    Cache::builder()
        .max_capacity(capacity)
        .time_to_live(time_to_live)
        .build()
}

/// A token that was good within the hour has a better claim to the issuer's time than one that
/// anybody may have made up, even if it may no longer be acted on.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// A failed renewal is tried again after this long: often enough for several attempts in the last
/// fifth of a minute, and no burden in an outage.
const RENEWAL_PAUSE: Duration = Duration::from_secs(2);
