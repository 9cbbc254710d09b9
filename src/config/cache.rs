use std::time::Duration;

use jiff::SignedDuration;

use super::reader::section::Section;
use super::reader::source::Node;
use crate::validator::CacheOptions;

/// Reads `[cache]`: how long and how many answers of GHES are remembered.
pub(super) fn read(cache: &mut Section<'_>) -> Option<CacheOptions> {
    let mut options = CacheOptions::default();
    let ages = [
        ("active_max_age", &mut options.active_max_age),
        ("inactive_max_age", &mut options.inactive_max_age),
        ("membership_max_age", &mut options.membership_max_age),
    ];
    for (key, age) in ages {
        *age = cache.optional(key, max_age).unwrap_or(*age);
    }
    let grace = cache.optional("stale_if_error", grace);
    options.stale_if_error = grace.unwrap_or(options.stale_if_error);
    let capacities = [
        ("active_capacity", &mut options.active_capacity),
        ("inactive_capacity", &mut options.inactive_capacity),
        ("membership_capacity", &mut options.membership_capacity),
    ];
    for (key, tokens) in capacities {
        *tokens = cache.optional(key, capacity).unwrap_or(*tokens);
    }
    Some(options)
}

/// Reads an age after which an answer is not trusted any more.
pub(super) fn max_age(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(age) if !age.is_zero() && age <= MAX_AGE => Ok(age),
        _ => Err("must be more than 0s and at most 1h".to_owned()),
    }
}

fn grace(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(grace) if grace <= CacheOptions::LONGEST_GRACE => Ok(grace),
        _ => Err("must be at least 0s and at most 15m".to_owned()),
    }
}

/// Reads a duration; none if it is negative.
pub(super) fn duration(node: Node) -> Result<Option<Duration>, String> {
    let with_unit = "a duration is a string with units, like \"60s\" or \"1m 30s\"";
    let duration: SignedDuration = node
        .text()
        .map_err(|found| format!("{found}; {with_unit}"))?
        .parse()
        .map_err(|_| format!("not a duration; {with_unit}"))?;
    Ok(Duration::try_from(duration).ok())
}

fn capacity(node: Node) -> Result<u64, String> {
    match u64::try_from(node.integer()?) {
        Ok(capacity) if capacity > 0 => Ok(capacity),
        _ => Err("must be at least 1".to_owned()),
    }
}

/// Who revokes a token expects it to be dead; an hour is the most that can still be explained.
const MAX_AGE: Duration = Duration::from_secs(3600);
