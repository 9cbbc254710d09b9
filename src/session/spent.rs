//! What is good once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// States and hand-overs that were used, for as long as they would be good. A handle.
#[derive(Clone)]
pub(super) struct Spent(Arc<Mutex<Cache<[u8; 32], ()>>>);

impl Spent {
    pub(super) fn for_life(life: Duration) -> Self {
        let cache = Cache::builder().max_capacity(MOST).time_to_live(life);
        Self(Arc::new(Mutex::new(cache.build())))
    }

    /// Uses up `what`. Returns whether that is the first time.
    #[must_use]
    pub(super) fn spend(&self, what: &str) -> bool {
        // Under a lock: of two that insert at once, moka may call both the first.
        let cache = self.0.lock();
        let key = Sha256::digest(what).into();
        let is_first = !cache.contains_key(&key);
        cache.insert(key, ());
        is_first
    }
}

/// Each is of a login that a person has ended: nobody fills this with what we did not seal.
const MOST: u64 = 100_000;

impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spent").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_spent_whoever_tries() {
        let spent = Spent::for_life(Duration::from_secs(600));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let spent = spent.clone();
                std::thread::spawn(move || {
                    (0..1_000)
                        .filter(|at| spent.spend(&format!("{at}")))
                        .count()
                })
            })
            .collect();
        let first: usize = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum();
        assert_eq!(first, 1_000);
    }
}
