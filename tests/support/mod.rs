//! What several tests need.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a failure here is a failure of the test"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, CheckService, InactiveReason, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::validator::{Validator, Validators};
use http::{Request, Response};
use tower::util::BoxCloneService;
use tower::{Layer, service_fn};

/// A gate over an inner service that answers with nothing.
pub(crate) type Gate = BoxCloneService<Request<()>, Response<()>, Infallible>;

/// A layer that asks `check`, with every default.
pub(crate) fn layer<C: CheckService>(check: C) -> GatekeeperLayer<C> {
    GatekeeperLayer::new(Validator::new(check))
}

/// A layer for three apps, of which the last knows octocat by every token, and the others nobody.
pub(crate) fn layer_of_three() -> GatekeeperLayer<impl CheckService> {
    let app = |verdict: Verdict| {
        Validator::new(service_fn(move |_: CheckRequest| {
            ready(Ok::<_, Infallible>(verdict.clone()))
        }))
    };
    let nobody = || app(Verdict::Inactive(InactiveReason::Unknown));
    let last = app(Verdict::Active(octocat(&[])));
    GatekeeperLayer::new(Validators::from(nobody()).or(nobody()).or(last))
}

/// Puts a gate that asks `check` before an inner service that answers with nothing.
pub(crate) fn gate<C: CheckService>(check: C) -> Gate {
    BoxCloneService::new(layer(check).layer(service_fn(accept)))
}

/// GitHub's octocat with some scopes.
pub(crate) fn octocat(scopes: &[&str]) -> Identity {
    let scopes = Scopes::parse(scopes.iter().copied()).unwrap();
    Identity::new(User::new("octocat", 1), "Iv1.8a61f9b3a7aba766", 1, scopes).unwrap()
}

/// A request for `/` with a bearer token.
pub(crate) fn request(token: &str) -> Request<()> {
    Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap()
}

/// An inner service that answers with nothing.
pub(crate) fn accept(_: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
    ready(Ok(Response::new(())))
}

/// A check service that knows octocat by every token.
pub(crate) fn everybody_is_octocat(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
    ready(Ok(Verdict::Active(octocat(&[]))))
}
