//! What is measured, for those who count time and those who count instructions.
#![allow(dead_code, reason = "each bench uses its part")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::time::Duration;

use ghes_gatekeeper::check::{CheckRequest, CheckService, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::{AccessToken, TokenHash};
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use http::{HeaderMap, HeaderValue, Request, Response};
use moka::sync::Cache;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

pub(crate) const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";

/// Longer than any bench runs: nothing is asked for again meanwhile.
pub(crate) const ALL_ALONG: Duration = Duration::from_secs(3_600);

/// A validator that has asked `check` about some tokens.
pub(crate) fn asked<C: CheckService>(
    check: C,
    tokens: impl IntoIterator<Item = impl Into<String>>,
) -> Validator<C> {
    let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
    let options = CacheOptions::default()
        .with_active_max_age(ALL_ALONG)
        .with_inactive_max_age(ALL_ALONG)
        .with_active_capacity(tokens.len().max(100_000) as u64);
    let validator = Validator::builder(check).with_cache(options).build();
    runtime().block_on(async {
        for token in tokens {
            let asked = validator.check(AccessToken::new(token)).await;
            asked.expect("a verdict");
        }
    });
    validator
}

/// A cache of the same kind as the one behind the layer, with the least that it can hold.
pub(crate) type FloorCache = Cache<TokenHash, (Identity, Instant)>;

pub(crate) fn octocat() -> Identity {
    let scopes = Scopes::parse(["public_repo", "user"]).expect("scopes of GitHub's documents");
    Identity::new(User::new("octocat", 1), "Iv1.8a61f9b3a7aba766", 1, scopes)
        .expect("the user of GitHub's documents")
}

/// What `curl` sends through one proxy, without a credential.
pub(crate) fn anonymous() -> Request<()> {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in [
        ("host", "tools.example.com"),
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip"),
        ("x-request-id", "0b9cbf6e"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request
}

/// The same with [`TOKEN`].
pub(crate) fn request() -> Request<()> {
    let mut request = anonymous();
    let credential = HeaderValue::from_static("Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a");
    request.headers_mut().insert("authorization", credential);
    request
}

pub(crate) fn nothing(request: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
    black_box(request);
    ready(Ok(Response::new(())))
}

pub(crate) fn immediate(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
    ready(Ok(Verdict::Active(octocat())))
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

pub(crate) fn floor_cache<'t>(tokens: impl IntoIterator<Item = &'t str>) -> FloorCache {
    let cache = Cache::builder()
        .max_capacity(100_000)
        .time_to_live(ALL_ALONG)
        .build();
    for token in tokens {
        cache.insert(TokenHash::of(token), (octocat(), Instant::now()));
    }
    cache
}
