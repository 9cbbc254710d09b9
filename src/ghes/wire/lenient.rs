//! How members are read that need not be as documented.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// Reads null as the empty value.
pub(in crate::ghes) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads what is not a `T`, null included, as absent.
pub(in crate::ghes) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Member<T> {
        Documented(T),
        Other(IgnoredAny),
    }

    Ok(match Member::deserialize(deserializer)? {
        Member::Documented(value) => Some(value),
        Member::Other(IgnoredAny) => None,
    })
}

/// Reads what is not a `T`, null included, as the empty value.
pub(in crate::ghes) fn lenient_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(lenient(deserializer)?.unwrap_or_default())
}

/// Reads a time as GitHub writes it, or null.
pub(in crate::ghes) fn timestamp<'de, D>(deserializer: D) -> Result<Option<SystemTime>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let no_time = || serde::de::Error::custom("it is no time");
    time(&text).ok_or_else(no_time).map(Some)
}

/// Reads what is no time as absent.
pub(in crate::ghes) fn lenient_timestamp<'de, D>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.and_then(|text| time(&text)))
}

/// Reads a time as RFC 3339 has it, as GitHub does, or as Ruby prints one: with `UTC` or an offset
/// after a space. One without a zone is UTC, as all of GitHub's are.
pub(in crate::ghes) fn time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.into());
    }
    if let Ok(timestamp) = Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text) {
        return Some(timestamp.into());
    }
    let local = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let at = local
        .parse::<DateTime>()
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()?;
    Some(at.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        let at: Timestamp = time(text)?.try_into().unwrap();
        Some(at.as_second())
    }

    #[test]
    fn a_time_is_read_in_every_form_that_says_one() {
        for text in [
            "2099-01-01T00:00:00Z",
            "2099-01-01T00:00:00.000Z",
            "2099-01-01 00:00:00 UTC",
            "2099-01-01 00:00:00UTC",
            "2099-01-01T00:00:00 UTC",
            "2099-01-01 00:00:00",
            "2099-01-01T00:00:00",
            " 2099-01-01T00:00:00.000 ",
            "2099-01-01T02:00:00+02:00",
            "2099-01-01 02:00:00 +0200",
            "2098-12-31 17:00:00 -0700",
            "2099-01-01 00:00:00 +0000",
        ] {
            assert_eq!(seconds(text), Some(4_070_908_800), "{text:?}");
        }
    }

    #[test]
    fn what_says_no_time_is_none() {
        for text in [
            "",
            "UTC",
            "never",
            "tomorrow",
            "4070908800",
            "00:00:00 UTC",
            "2099-13-01 00:00:00 UTC",
            "2099-01-01 00:00:00 CEST",
            "2099-01-01 00:00:00 UTC UTC",
            "2099-01-01 00:00:00 utc+2",
            "2099-01-01 24:00:00",
            "99999-01-01 00:00:00 UTC",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}
