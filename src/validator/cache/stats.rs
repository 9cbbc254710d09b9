use std::iter::Sum;

/// How lookups have ended so far, and what is remembered now.
///
/// Entries that are past their age count until they are cleared away, within the hour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that found a good token.
    pub active_hits: u64,
    /// Lookups that found a refused one.
    pub inactive_hits: u64,
    /// Lookups that found nothing to act on.
    pub misses: u64,
    /// Answers past their age that stood in for GHES while it was out of reach.
    pub stale_served: u64,
    /// Good tokens remembered.
    pub active_entries: u64,
    /// Refused tokens remembered.
    pub inactive_entries: u64,
}

impl Sum for CacheStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            active_hits: sum.active_hits + next.active_hits,
            inactive_hits: sum.inactive_hits + next.inactive_hits,
            misses: sum.misses + next.misses,
            stale_served: sum.stale_served + next.stale_served,
            active_entries: sum.active_entries + next.active_entries,
            inactive_entries: sum.inactive_entries + next.inactive_entries,
        })
    }
}
