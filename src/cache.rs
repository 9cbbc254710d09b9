//! Verdicts that are remembered, and for how long.
//!
//! 1. Active and inactive verdicts live in two caches, so that a flood of unknown tokens can
//!    never push out the people who are known.
//! 2. An entry holds what the issuer said, never what was decided with it.
//! 3. Every read compares the entry's own deadline with the clock. moka's `time_to_live` only
//!    bounds how long a dead entry may take up memory.
//! 4. Age counts from the moment the question was sent, the last at which the answer can have
//!    been true. So a token revoked at any time is dead one `active_max_age` later.

use std::time::{Duration, SystemTime};

use moka::sync::Cache;
use tokio::time::Instant;

use crate::check::{InactiveReason, Verdict};
use crate::identity::Identity;
use crate::token::TokenHash;

/// How long and how many verdicts are remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheOptions {
    /// Short enough for a revocation to bite within the minute, long enough that a busy client
    /// costs GHES one call a minute.
    pub(crate) active_max_age: Duration,
    /// Short, because a token may be tried just before it is created; long enough to absorb a
    /// client that retries in a loop.
    pub(crate) inactive_max_age: Duration,
    /// About 600 bytes an entry, so 100,000 people cost 60 MB.
    pub(crate) active_capacity: u64,
    /// A flood of unknown tokens fills this and no more.
    pub(crate) inactive_capacity: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            active_max_age: Duration::from_secs(60),
            inactive_max_age: Duration::from_secs(10),
            active_capacity: 100_000,
            inactive_capacity: 100_000,
        }
    }
}

pub(crate) struct VerdictCache {
    options: CacheOptions,
    active: Cache<TokenHash, Entry<Identity>>,
    inactive: Cache<TokenHash, Entry<InactiveReason>>,
}

#[derive(Clone)]
struct Entry<T> {
    fact: T,
    fresh_until: Instant,
}

impl VerdictCache {
    pub(crate) fn new(options: CacheOptions) -> Self {
        Self {
            options,
            active: moka_cache(options.active_capacity, options.active_max_age),
            inactive: moka_cache(options.inactive_capacity, options.inactive_max_age),
        }
    }

    /// Returns the verdict about a token if it is young enough to be acted on.
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<Verdict> {
        if let Some(entry) = self.active.get(hash) {
            return entry.fresh().map(Verdict::Active);
        }
        self.inactive.get(hash)?.fresh().map(Verdict::Inactive)
    }

    /// Remembers a verdict that was asked for at `asked_at`.
    pub(crate) fn store(&self, hash: TokenHash, verdict: &Verdict, asked_at: Instant) {
        match verdict {
            Verdict::Active(identity) => {
                let entry = Entry {
                    fact: identity.clone(),
                    fresh_until: self.active_deadline(&hash, identity, asked_at),
                };
                self.inactive.invalidate(&hash);
                self.active.insert(hash, entry);
            }
            Verdict::Inactive(reason) => {
                let entry = Entry {
                    fact: *reason,
                    fresh_until: asked_at + self.options.inactive_max_age,
                };
                // First out, then in: a reader between the two asks, and is never let in on
                // the older answer.
                self.active.invalidate(&hash);
                self.inactive.insert(hash, entry);
            }
        }
    }

    fn active_deadline(&self, hash: &TokenHash, identity: &Identity, asked_at: Instant) -> Instant {
        let aged = asked_at + jittered(self.options.active_max_age, hash);
        let Some(expires_at) = identity.expires_at() else {
            return aged;
        };
        let left = expires_at
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        Instant::now()
            .checked_add(left)
            .map_or(aged, |expired| aged.min(expired))
    }
}

impl<T> Entry<T> {
    fn fresh(self) -> Option<T> {
        (Instant::now() < self.fresh_until).then_some(self.fact)
    }
}

/// Takes up to a tenth off `age`, so that tokens stored together do not all expire together.
///
/// Only ever shorter: `max_age` is the promise how long a revoked token works. The hash is as
/// evenly spread as any random number, and needs no generator.
fn jittered(age: Duration, hash: &TokenHash) -> Duration {
    let [.., high, low] = *hash.as_bytes();
    let share = f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX);
    age.mul_f64(1.0 - 0.1 * share)
}

fn moka_cache<T: Clone + Send + Sync + 'static>(
    capacity: u64,
    time_to_live: Duration,
) -> Cache<TokenHash, Entry<T>> {
    // The default hasher stays: it is seeded at random, and clients choose what is hashed.
    Cache::builder()
        .max_capacity(capacity)
        .time_to_live(time_to_live)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;
    use crate::scope::Scopes;

    fn hash(token: &str) -> TokenHash {
        TokenHash::of(token)
    }

    fn identity() -> Identity {
        Identity::new(User::new("octocat", 1), "app", 1, Scopes::default()).unwrap()
    }

    fn cache() -> VerdictCache {
        VerdictCache::new(CacheOptions::default())
    }

    fn is_active(cache: &VerdictCache, token: &str) -> Option<bool> {
        let verdict = cache.get(&hash(token))?;
        Some(matches!(verdict, Verdict::Active(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_active_verdict_ends_with_its_age_at_the_latest() {
        let cache = cache();
        cache.store(hash("a"), &Verdict::Active(identity()), Instant::now());
        tokio::time::advance(Duration::from_secs(53)).await;
        assert_eq!(is_active(&cache, "a"), Some(true));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(is_active(&cache, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn age_counts_from_the_question() {
        let cache = cache();
        let asked_at = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        cache.store(
            hash("a"),
            &Verdict::Inactive(InactiveReason::Unknown),
            asked_at,
        );
        tokio::time::advance(Duration::from_millis(6_999)).await;
        assert_eq!(is_active(&cache, "a"), Some(false));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(is_active(&cache, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_active_verdict_does_not_outlive_the_token() {
        let cache = cache();
        let soon = SystemTime::now() + Duration::from_secs(20);
        let identity = identity().with_expires_at(soon);
        cache.store(hash("a"), &Verdict::Active(identity), Instant::now());
        tokio::time::advance(Duration::from_secs(19)).await;
        assert_eq!(is_active(&cache, "a"), Some(true));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(is_active(&cache, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_newer_verdict_replaces_the_older() {
        let cache = cache();
        let active = Verdict::Active(identity());
        let inactive = Verdict::Inactive(InactiveReason::Unknown);
        for (verdict, expected) in [(&active, true), (&inactive, false), (&active, true)] {
            cache.store(hash("a"), verdict, Instant::now());
            assert_eq!(is_active(&cache, "a"), Some(expected));
        }
    }

    /// An active verdict may be evicted; the refusal that it replaced must not come back.
    #[tokio::test(start_paused = true)]
    async fn a_replaced_refusal_is_gone() {
        let cache = cache();
        let inactive = Verdict::Inactive(InactiveReason::Unknown);
        cache.store(hash("a"), &inactive, Instant::now());
        cache.store(hash("a"), &Verdict::Active(identity()), Instant::now());
        cache.active.invalidate(&hash("a"));
        assert_eq!(is_active(&cache, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_tokens_never_push_out_known_ones() {
        let cache = VerdictCache::new(CacheOptions {
            active_capacity: 10,
            inactive_capacity: 10,
            ..CacheOptions::default()
        });
        for token in 0..10 {
            cache.store(
                hash(&format!("known{token}")),
                &Verdict::Active(identity()),
                Instant::now(),
            );
        }
        let inactive = Verdict::Inactive(InactiveReason::Unknown);
        for token in 0..1_000 {
            cache.store(hash(&format!("unknown{token}")), &inactive, Instant::now());
        }
        cache.active.run_pending_tasks();
        cache.inactive.run_pending_tasks();
        assert_eq!(cache.active.entry_count(), 10);
        assert!(cache.inactive.entry_count() <= 10);
    }

    #[test]
    fn jitter_spreads_over_a_tenth_and_never_lengthens() {
        let age = Duration::from_secs(60);
        let ages: Vec<_> = (0..1_000)
            .map(|token| jittered(age, &hash(&token.to_string())))
            .collect();
        let shortest = ages.iter().min().unwrap();
        let longest = ages.iter().max().unwrap();
        assert!(*longest <= age && *shortest >= Duration::from_secs(54));
        assert!(*longest - *shortest > Duration::from_secs(5));
    }
}
