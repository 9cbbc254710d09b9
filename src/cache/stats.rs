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
