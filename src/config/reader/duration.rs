//! How long something may take or be remembered.

use std::time::Duration;

use jiff::SignedDuration;

use super::source::Node;

/// Reads a duration; none if it is negative.
pub(in crate::config) fn duration(node: Node) -> Result<Option<Duration>, String> {
    let with_unit = "a duration is a string with units, like \"60s\" or \"1m 30s\"";
    let duration: SignedDuration = node
        .text()
        .map_err(|found| format!("{found}; {with_unit}"))?
        .parse()
        .map_err(|_| format!("not a duration; {with_unit}"))?;
    Ok(Duration::try_from(duration).ok())
}

/// Reads an age after which an answer is not trusted any more.
pub(in crate::config) fn max_age(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(age) if !age.is_zero() && age <= MAX_AGE => Ok(age),
        _ => Err("must be more than 0s and at most 1h".to_owned()),
    }
}

pub(in crate::config) fn timeout(node: Node) -> Result<Duration, String> {
    match duration(node)? {
        Some(time) if !time.is_zero() && time <= LONGEST => Ok(time),
        _ => Err("must be more than 0s and at most 1h".to_owned()),
    }
}

pub(in crate::config) fn timeout_or_none(node: Node) -> Result<Option<Duration>, String> {
    match duration(node)? {
        Some(Duration::ZERO) => Ok(None),
        Some(time) if time <= LONGEST_BODY => Ok(Some(time)),
        _ => Err("must be at least 0s, which is no limit, and at most 1d".to_owned()),
    }
}

/// Who revokes a token expects it to be dead; an hour is the most that can still be explained.
const MAX_AGE: Duration = Duration::from_secs(3600);

const LONGEST_BODY: Duration = Duration::from_secs(24 * 3600);

/// More is no limit.
const LONGEST: Duration = Duration::from_secs(3600);
