//! What is measured, for those who count time and those who count instructions.
#![allow(dead_code, reason = "each bench uses its part")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::time::Duration;

use ghes_gatekeeper::check::{CheckRequest, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::TokenHash;
use http::{HeaderMap, HeaderValue, Request, Response};
use moka::sync::Cache;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

pub(crate) const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";

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
        .time_to_live(Duration::from_secs(60))
        .build();
    for token in tokens {
        cache.insert(TokenHash::of(token), (octocat(), Instant::now()));
    }
    cache
}
