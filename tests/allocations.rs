//! What a hit allocates: nothing of ours.
//!
//! One test in a file of its own: moka's garbage collection is shared by a process, and what it
//! allocates for one test's cache would be counted in another.

mod support;

use std::convert::Infallible;

use allocation_counter::{AllocationInfo, measure};
use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::CheckService;
use ghes_gatekeeper::membership::{Membership, MembershipRequest};
use ghes_gatekeeper::policy::{Policy, RequireGroup, RequireUser};
use ghes_gatekeeper::validator::Validator;
use http::{HeaderMap, HeaderValue, Request, Response};
use support::{everybody_is_octocat, layer, layer_of_three, octocat, request};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn a_hit_allocates_nothing_but_what_http_needs() {
    let in_headers = layer(service_fn(everybody_is_octocat))
        .with_identity_extension(false)
        .with_identity_headers(true);
    for hit in hits(in_headers).await {
        assert_eq!(hit.count_total, 0);
    }

    let identity = octocat(&[]);
    let mut plain = roomy_request();
    let http_own = measure(|| {
        plain.extensions_mut().insert(identity);
    });
    assert!(http_own.count_total > 0);
    for hit in hits(layer(service_fn(everybody_is_octocat))).await {
        assert_eq!(hit.count_total, http_own.count_total);
        assert_eq!(hit.bytes_total, http_own.bytes_total);
    }
    // No more for several apps.
    for hit in hits(layer_of_three()).await {
        assert_eq!(hit.count_total, http_own.count_total);
        assert_eq!(hit.bytes_total, http_own.bytes_total);
    }
    // No more for policies about scopes, people and memberships that are known.
    for hit in hits(members_only()).await {
        assert_eq!(hit.count_total, http_own.count_total);
        assert_eq!(hit.bytes_total, http_own.bytes_total);
    }
}

fn members_only() -> GatekeeperLayer<impl CheckService> {
    let directory =
        service_fn(async |_: MembershipRequest| Ok::<_, Infallible>(Membership::Active));
    let validator = Validator::builder(service_fn(everybody_is_octocat))
        .with_memberships(directory)
        .build();
    let member = |name: &str| RequireGroup::new(name.parse().expect("a group"));
    let policy =
        RequireUser::by_login(["hubot"]).or(member("octo-org").and(member("octo-org/web")));
    GatekeeperLayer::new(validator).with_policy(policy)
}

/// The allocations of a thousand hits, each from the call to the response.
async fn hits<C: CheckService>(layer: GatekeeperLayer<C>) -> Vec<AllocationInfo> {
    let mut gate = layer.layer(service_fn(support::accept));
    let miss = gate.ready().await.unwrap().call(request("gho_known"));
    assert_eq!(miss.await.unwrap().status(), 200);
    // moka books an insertion on one of the reads that follow it, once: the miss's cost.
    for _ in 0..200 {
        hit(&mut gate);
    }
    (0..1_000).map(|_| hit(&mut gate)).collect()
}

fn hit<S>(gate: &mut S) -> AllocationInfo
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
{
    let request = roomy_request();
    let mut response = None;
    let info = measure(|| response = gate.call(request).now_or_never());
    let response = response.expect("a hit is ready at once").unwrap();
    assert_eq!(response.status(), 200);
    info
}

/// A request with the headers of a browser, and room for ours.
fn roomy_request() -> Request<()> {
    let mut headers = HeaderMap::with_capacity(32);
    for name in ["accept", "accept-encoding", "host", "user-agent"] {
        headers.insert(name, HeaderValue::from_static("x"));
    }
    let credential = HeaderValue::from_static("Bearer gho_known");
    headers.insert("authorization", credential);
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request
}
