//! The gate with policies about organizations and teams: who is asked about what, when, and what
//! comes of it.

mod ages;
mod directory;
mod failures;
mod purge;
mod questions;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use bytes::Bytes;
use directory::Directory;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::Group;
use ghes_gatekeeper::policy::{Policy, RequireGroup};
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use http::{Request, Response};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

type Check = fn(CheckRequest) -> Ready<Result<Verdict, Infallible>>;
type Gate = BoxCloneService<Request<()>, Response<Bytes>, Infallible>;
type Checks = Validator<tower::util::ServiceFn<Check>>;

const TEAM: &str = "octo-org/platform";

/// A gate that knows octocat by every token, and asks a directory where they belong.
struct World {
    directory: Directory,
    validator: Checks,
    gate: Gate,
}

impl World {
    fn new(policy: impl Policy) -> Self {
        Self::with_cache(CacheOptions::default(), policy)
    }

    fn with_cache(options: CacheOptions, policy: impl Policy) -> Self {
        let directory = Directory::default();
        let check: Check = everybody_is_octocat;
        let validator = Validator::builder(service_fn(check))
            .with_memberships(directory.service())
            .with_cache(options)
            .build();
        let gate = gate(&validator, policy);
        Self {
            directory,
            validator,
            gate,
        }
    }

    async fn send(&self) -> Response<Bytes> {
        send(&self.gate, "a").await
    }

    async fn status(&self) -> u16 {
        self.send().await.status().as_u16()
    }
}

fn gate(validator: &Checks, policy: impl Policy) -> Gate {
    let layer = GatekeeperLayer::new(validator.clone())
        .with_policy(policy)
        .with_identity_headers(true);
    BoxCloneService::new(layer.layer(service_fn(echo_staleness)))
}

/// An inner service that tells whether it was told that something is stale.
async fn echo_staleness(request: Request<()>) -> Result<Response<Bytes>, Infallible> {
    let mut response = Response::new(Bytes::new());
    if let Some(stale) = request.headers().get("x-gatekeeper-stale") {
        let headers = response.headers_mut();
        headers.insert("x-gatekeeper-stale", stale.clone());
    }
    Ok(response)
}

fn everybody_is_octocat(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
    ready(Ok(Verdict::Active(octocat())))
}

fn octocat() -> Identity {
    let user = User::new("octocat", 1);
    Identity::new(user, "app", 7, Default::default()).expect("an identity")
}

async fn send(gate: &Gate, token: &str) -> Response<Bytes> {
    let Ok(response) = gate.clone().oneshot(request(token)).await;
    response
}

fn request(token: &str) -> Request<()> {
    let credential = format!("Bearer {token}");
    let request = Request::get("/").header("authorization", credential);
    request.body(()).expect("a request")
}

fn group(name: &str) -> Group {
    name.parse().expect("a group")
}

fn team() -> RequireGroup {
    RequireGroup::new(group(TEAM))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets whatever runs in the background end, as far as it needs no time to pass.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
