//! What the headers of a reply say about asking again: rate limits and one-time passwords.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, RETRY_AFTER};

/// The [rate limit] that a call counted against.
///
/// GHES has none unless its administrator switches it on, and then sends no such headers.
///
/// [rate limit]: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/rate-limits-for-the-rest-api
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many calls there may be until `resets_at`.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: u64,
    /// How many there have been.
    pub used: Option<u64>,
    /// When the count begins anew.
    pub resets_at: Option<SystemTime>,
    /// Which of GitHub's limits it is, such as `core`.
    pub resource: Option<String>,
}

impl RateLimit {
    pub(in crate::ghes) fn of(headers: &HeaderMap) -> Option<Self> {
        let resource = headers.get("x-ratelimit-resource");
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            used: number(headers, "x-ratelimit-used"),
            resets_at: resets_at(headers),
            resource: resource.and_then(|value| Some(value.to_str().ok()?.to_owned())),
        })
    }
}

/// Where the user finds the one-time password that GHES asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OtpDelivery {
    /// In an authenticator app.
    App,
    /// In a text message, which GHES sends when it asks.
    Sms,
    /// GHES does not say, or names another way.
    Other,
}

impl OtpDelivery {
    /// Reads `X-GitHub-OTP: required; app`.
    pub(in crate::ghes) fn required_by(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get("x-github-otp")?.to_str().ok()?;
        let (required, delivery) = value.split_once(';').unwrap_or((value, ""));
        if !required.trim().eq_ignore_ascii_case("required") {
            return None;
        }
        Some(match delivery.trim() {
            "app" => Self::App,
            "sms" => Self::Sms,
            _ => Self::Other,
        })
    }
}

/// The wait that a reply asks for. GitHub sends seconds, and in rate limits the [time of the
/// reset] as well; who stands before it may send a date (RFC 9110 §10.2.3).
///
/// [time of the reset]: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/rate-limits-for-the-rest-api
pub(in crate::ghes) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(headers, RETRY_AFTER.as_str()).or_else(|| {
        let is_over = is_exhausted(headers);
        resets_at(headers).filter(|_| is_over)
    })?;
    Some(until.duration_since(SystemTime::now()).unwrap_or_default())
}

pub(in crate::ghes) fn is_exhausted(headers: &HeaderMap) -> bool {
    number(headers, "x-ratelimit-remaining") == Some(0)
}

fn resets_at(headers: &HeaderMap) -> Option<SystemTime> {
    let seconds = number(headers, "x-ratelimit-reset")?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// RFC 9110 §5.6.7: one form may be sent, and all three are read.
fn date(headers: &HeaderMap, name: &str) -> Option<SystemTime> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let number = headers.get(name)?.to_str().ok()?.parse::<u32>();
    number.ok().map(u64::from)
}
