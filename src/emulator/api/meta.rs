//! The operations about the server itself.
use std::collections::BTreeMap;

use serde::Serialize;

use super::Call;
use super::failure::Failure;
use super::reply::Success;
use crate::emulator::state::Quota;

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

/// Answers `meta/root`: where everything is. Clients ask for it to see whether this is GitHub.
pub(in crate::emulator) fn root(call: &Call<'_>) -> Result<Success, Failure> {
    let urls = ROOT.iter().map(|(name, path)| (*name, call.url(path)));
    let mut urls: BTreeMap<&str, String> = urls.collect();
    let html = format!(
        "http://{}/settings/connections/applications{{/client_id}}",
        call.host()
    );
    urls.insert("current_user_authorizations_html_url", html);
    Ok(Success::private(&urls))
}

/// The schema `root`.
#[rustfmt::skip] // A table: one row is one line.
const ROOT: &[(&str, &str)] = &[
    ("current_user_url", "/user"),
    ("authorizations_url", "/authorizations"),
    ("code_search_url", "/search/code?q={query}{&page,per_page,sort,order}"),
    ("commit_search_url", "/search/commits?q={query}{&page,per_page,sort,order}"),
    ("emails_url", "/user/emails"),
    ("emojis_url", "/emojis"),
    ("events_url", "/events"),
    ("feeds_url", "/feeds"),
    ("followers_url", "/user/followers"),
    ("following_url", "/user/following{/target}"),
    ("gists_url", "/gists{/gist_id}"),
    ("hub_url", "/hub"),
    ("issue_search_url", "/search/issues?q={query}{&page,per_page,sort,order}"),
    ("issues_url", "/issues"),
    ("keys_url", "/user/keys"),
    ("label_search_url", "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}"),
    ("notifications_url", "/notifications"),
    ("organization_url", "/orgs/{org}"),
    ("organization_repositories_url", "/orgs/{org}/repos{?type,page,per_page,sort}"),
    ("organization_teams_url", "/orgs/{org}/teams"),
    ("public_gists_url", "/gists/public"),
    ("rate_limit_url", "/rate_limit"),
    ("repository_url", "/repos/{owner}/{repo}"),
    ("repository_search_url", "/search/repositories?q={query}{&page,per_page,sort,order}"),
    ("current_user_repositories_url", "/user/repos{?type,page,per_page,sort}"),
    ("starred_url", "/user/starred{/owner}{/repo}"),
    ("starred_gists_url", "/gists/starred"),
    ("topic_search_url", "/search/topics?q={query}{&page,per_page}"),
    ("user_url", "/users/{user}"),
    ("user_organizations_url", "/user/orgs"),
    ("user_repositories_url", "/users/{user}/repos{?type,page,per_page,sort}"),
    ("user_search_url", "/search/users?q={query}{&page,per_page,sort,order}"),
];

/// Answers `meta/get`.
pub(in crate::emulator) fn get(call: &Call<'_>) -> Result<Success, Failure> {
    Ok(Success::private(&Overview {
        verifiable_password_authentication: true,
        installed_version: call.request.version().patch_release(),
    }))
}

/// Answers `rate-limit/get`; a GHES has no limit unless one is configured.
pub(in crate::emulator) fn rate_limit(call: &Call<'_>) -> Result<Success, Failure> {
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
