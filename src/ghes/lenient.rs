//! How members are read that need not be as documented.

use std::time::SystemTime;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// Reads null as the empty value.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads what is not a `T`, null included, as absent.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
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
pub(super) fn lenient_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(lenient(deserializer)?.unwrap_or_default())
}

/// Reads a time as GitHub writes it, or null.
pub(super) fn timestamp<'de, D>(deserializer: D) -> Result<Option<SystemTime>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let timestamp: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    Ok(Some(timestamp.into()))
}

/// Reads what is no time as absent.
pub(super) fn lenient_timestamp<'de, D>(deserializer: D) -> Result<Option<SystemTime>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = lenient(deserializer)?;
    let timestamp: Option<jiff::Timestamp> = text.and_then(|text| text.parse().ok());
    Ok(timestamp.map(SystemTime::from))
}
