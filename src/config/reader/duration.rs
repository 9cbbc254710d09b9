//! How long something may take or be remembered.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use toml::Value;

use super::kind::{Plain, Shape};
use super::source::Node;

/// Reads a duration; none if it is negative.
fn duration(node: Node) -> Result<Option<Duration>, String> {
    let with_unit = "a duration is a string with units, like \"60s\" or \"1m 30s\"";
    let text = node.text();
    let text = text.map_err(|found| format!("{found}; {with_unit}"))?;
    let days = SpanRelativeTo::days_are_24_hours();
    let duration = text.parse().and_then(|span: Span| span.to_duration(days));
    let duration = duration.map_err(|_| format!("not a duration; {with_unit}"))?;
    Ok(Duration::try_from(duration).ok())
}

/// Writes it as people do.
pub(in crate::config) fn friendly(time: Duration) -> String {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    format!("{time:#}")
}

/// Some time, up to so many seconds.
pub(in crate::config) struct Positive<const MOST: u64>;

impl<const MOST: u64> Plain for Positive<MOST> {
    type Value = Duration;

    const SHAPE: Shape = Shape::Duration;

    fn read(node: Node) -> Result<Duration, String> {
        let most = Duration::from_secs(MOST);
        match duration(node)? {
            Some(time) if !time.is_zero() && time <= most => Ok(time),
            _ => Err(format!(
                "must be more than 0s and at most {}",
                friendly(most)
            )),
        }
    }

    fn print(time: &Duration) -> Value {
        friendly(*time).into()
    }
}

/// From so many seconds to so many.
pub(in crate::config) struct Between<const LEAST: u64, const MOST: u64>;

impl<const LEAST: u64, const MOST: u64> Plain for Between<LEAST, MOST> {
    type Value = Duration;

    const SHAPE: Shape = Shape::Duration;

    fn read(node: Node) -> Result<Duration, String> {
        let (least, most) = (Duration::from_secs(LEAST), Duration::from_secs(MOST));
        match duration(node)? {
            Some(time) if (least..=most).contains(&time) => Ok(time),
            _ => Err(format!(
                "must be at least {} and at most {}",
                friendly(least),
                friendly(most)
            )),
        }
    }

    fn print(time: &Duration) -> Value {
        friendly(*time).into()
    }
}

/// A time after which something is given up; 0 s for never.
pub(in crate::config) struct TimeoutOrNone;

impl Plain for TimeoutOrNone {
    type Value = Option<Duration>;

    const SHAPE: Shape = Shape::Duration;

    fn read(node: Node) -> Result<Option<Duration>, String> {
        match duration(node)? {
            Some(Duration::ZERO) => Ok(None),
            Some(time) if time <= LONGEST_BODY => Ok(Some(time)),
            _ => Err("must be at least 0s, which is no limit, and at most 1d".to_owned()),
        }
    }

    fn print(time: &Option<Duration>) -> Value {
        friendly(time.unwrap_or_default()).into()
    }
}

/// An age after which an answer is not trusted any more. Who revokes a token expects it to be dead;
/// an hour is the most that can still be explained.
pub(in crate::config) type MaxAge = Positive<HOUR>;

/// More is no limit.
pub(in crate::config) type Timeout = Positive<HOUR>;

const HOUR: u64 = 3600;

const LONGEST_BODY: Duration = Duration::from_secs(24 * HOUR);
