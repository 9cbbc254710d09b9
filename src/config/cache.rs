use toml::Value;

use super::reader::duration::{Between, MaxAge};
use super::reader::kind::{Plain, Shape};
use super::reader::source::Node;
use super::reader::table::table;
use crate::validator::CacheOptions;

table! {
    /// `[cache]`: how long and how many answers of GHES are remembered. The defaults and their reasons
    /// stand with [`CacheOptions`].
    pub(super) struct Cache for CacheOptions {
        /// = how long a revoked token may still work
        active_max_age: MaxAge;
        /// = how long a new token may still be rejected
        inactive_max_age: MaxAge;
        /// how long after that a known token works while GHES is down
        stale_if_error: Between<0, { CacheOptions::LONGEST_GRACE.as_secs() }>;
        /// tokens of each app
        active_capacity: Capacity;
        /// tokens for each app
        inactive_capacity: Capacity;
        /// = how long a person removed from a team may still come in
        membership_max_age: MaxAge;
        /// people and groups, for each app
        membership_capacity: Capacity;
    }
}

/// How many answers are remembered. Nothing but memory bounds it.
struct Capacity;

impl Plain for Capacity {
    type Value = u64;

    const SHAPE: Shape = Shape::Integer {
        from: 1,
        to: i64::MAX as u64,
    };

    fn read(node: Node) -> Result<u64, String> {
        match u64::try_from(node.integer()?) {
            Ok(capacity) if capacity > 0 => Ok(capacity),
            _ => Err("must be at least 1".to_owned()),
        }
    }

    fn print(capacity: &u64) -> Value {
        i64::try_from(*capacity).unwrap_or(i64::MAX).into()
    }
}
