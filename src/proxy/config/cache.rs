use std::time::Duration;

use jiff::SignedDuration;

use super::section::Section;
use super::source::Node;
use crate::cache::CacheOptions;

/// `[cache]`: how long and how many answers of GHES are remembered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The longest a revoked token still works. Absent: 60 s.
    pub active_max_age: Duration,
    /// The longest a token that was just created is still refused. Absent: 10 s.
    pub inactive_max_age: Duration,
    /// How many good tokens are remembered. Absent: 100,000.
    pub active_capacity: u64,
    /// How many bad tokens are remembered. Absent: 100,000.
    pub inactive_capacity: u64,
}

impl CacheConfig {
    pub(super) fn read(cache: &mut Section<'_>) -> Option<Self> {
        let default = Self::default();
        let mut age = |key, default| cache.optional(key, age).unwrap_or(default);
        let active_max_age = age("active_max_age", default.active_max_age);
        let inactive_max_age = age("inactive_max_age", default.inactive_max_age);
        let mut capacity = |key, default| cache.optional(key, capacity).unwrap_or(default);
        Some(Self {
            active_max_age,
            inactive_max_age,
            active_capacity: capacity("active_capacity", default.active_capacity),
            inactive_capacity: capacity("inactive_capacity", default.inactive_capacity),
        })
    }
}

impl Default for CacheConfig {
    /// Returns what the library does without a configuration; the reasons stand there.
    fn default() -> Self {
        let options = CacheOptions::default();
        Self {
            active_max_age: options.active_max_age,
            inactive_max_age: options.inactive_max_age,
            active_capacity: options.active_capacity,
            inactive_capacity: options.inactive_capacity,
        }
    }
}

fn age(node: Node) -> Result<Duration, String> {
    let with_unit = "a duration is a string with units, like \"60s\" or \"1m 30s\"";
    let age: SignedDuration = node
        .text()
        .map_err(|found| format!("{found}; {with_unit}"))?
        .parse()
        .map_err(|_| format!("not a duration; {with_unit}"))?;
    match Duration::try_from(age) {
        Ok(age) if !age.is_zero() && age <= MAX_AGE => Ok(age),
        _ => Err("must be more than 0s and at most 1h".to_owned()),
    }
}

fn capacity(node: Node) -> Result<u64, String> {
    match u64::try_from(node.integer()?) {
        Ok(capacity) if capacity > 0 => Ok(capacity),
        _ => Err("must be at least 1".to_owned()),
    }
}

/// Who revokes a token expects it to be dead; an hour is the most that can still be explained.
const MAX_AGE: Duration = Duration::from_secs(3600);
