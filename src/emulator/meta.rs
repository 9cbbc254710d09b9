//! The operations about the server itself.
use serde::Serialize;

use super::api::Call;
use super::failure::Failure;
use super::reply::Success;
use super::state::Quota;

/// The schema `api-overview`, as a GHES fills it.
#[derive(Serialize)]
struct Overview {
    verifiable_password_authentication: bool,
    installed_version: String,
}

/// The schema `rate-limit-overview`.
#[derive(Serialize)]
struct RateLimitOverview {
    resources: Resources,
    rate: RateLimit,
}

#[derive(Serialize)]
struct Resources {
    core: RateLimit,
    search: RateLimit,
}

#[derive(Clone, Copy, Serialize)]
struct RateLimit {
    limit: u64,
    used: u64,
    remaining: u64,
    reset: i64,
}

/// Answers `meta/get`.
pub(super) fn get(call: &Call<'_>) -> Result<Success, Failure> {
    Ok(Success::private(&Overview {
        verifiable_password_authentication: true,
        installed_version: call.request.version().patch_release(),
    }))
}

/// Answers `rate-limit/get`; a GHES limits nobody unless it is told to.
pub(super) fn rate_limit(call: &Call<'_>) -> Result<Success, Failure> {
    let quota = call.quota.ok_or(Failure::RateLimitOff)?;
    let rate = RateLimit::from(quota);
    Ok(Success::uncached(&RateLimitOverview {
        resources: Resources {
            core: rate,
            search: rate,
        },
        rate,
    }))
}

impl From<Quota> for RateLimit {
    fn from(quota: Quota) -> Self {
        Self {
            limit: quota.limit,
            used: quota.used(),
            remaining: quota.remaining(),
            reset: quota.reset,
        }
    }
}
