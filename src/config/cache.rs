use std::time::Duration;

use super::reader::duration::{duration, max_age};
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

fn grace(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(grace) if grace <= CacheOptions::LONGEST_GRACE => Ok(grace),
        _ => Err("must be at least 0s and at most 15m".to_owned()),
    }
}

fn capacity(node: Node) -> Result<u64, String> {
    match u64::try_from(node.integer()?) {
        Ok(capacity) if capacity > 0 => Ok(capacity),
        _ => Err("must be at least 1".to_owned()),
    }
}
