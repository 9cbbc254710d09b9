//! What a hit costs: nothing of ours is allocated, nothing is cloned, nothing is awaited.

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use allocation_counter::{AllocationInfo, measure};
use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::CheckRequest;
use ghes_gatekeeper::gatekeeper::Gatekeeper;
use ghes_gatekeeper::validator::Validator;
use http::{HeaderMap, HeaderValue, Request, Response};
use support::{everybody_is_octocat, octocat, request};
use tower::{Layer, Service, ServiceExt, service_fn};

type Check = tower::util::ServiceFn<
    fn(CheckRequest) -> Ready<Result<ghes_gatekeeper::check::Verdict, Infallible>>,
>;

fn layer() -> GatekeeperLayer<Check> {
    GatekeeperLayer::new(Validator::new(service_fn(everybody_is_octocat)))
}

/// An inner service that counts its clones.
struct Counting(Arc<AtomicUsize>);

impl Clone for Counting {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Service<Request<()>> for Counting {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}

/// A gate that already remembers the token of [`request`], and the number of clones so far.
async fn warm(layer: GatekeeperLayer<Check>) -> (Gatekeeper<Counting, Check>, Arc<AtomicUsize>) {
    let clones = Arc::new(AtomicUsize::new(0));
    let mut gate = layer.layer(Counting(Arc::clone(&clones)));
    let response = gate.ready().await.unwrap().call(request("gho_known")).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(clones.swap(0, Ordering::Relaxed), 1, "a miss clones once");
    // moka books an insertion on one of the reads that follow it, once. That is the miss's cost.
    for _ in 0..200 {
        hit(&mut gate, roomy_request());
    }
    (gate, clones)
}

/// The allocations of one hit, from the call to the response.
fn hit(gate: &mut Gatekeeper<Counting, Check>, request: Request<()>) -> AllocationInfo {
    let mut status = None;
    let info = measure(|| {
        let response = gate.call(request).now_or_never();
        status = response.map(|response| response.unwrap().status());
    });
    assert_eq!(status.expect("a hit is ready at once"), 200);
    info
}

/// A request with the headers of a browser and room for ours, as a server's parser leaves it.
fn roomy_request() -> Request<()> {
    let mut headers = HeaderMap::with_capacity(32);
    for name in ["accept", "accept-encoding", "host", "user-agent"] {
        headers.insert(name, HeaderValue::from_static("x"));
    }
    headers.insert(
        "authorization",
        HeaderValue::from_static("Bearer gho_known"),
    );
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request
}

#[tokio::test]
async fn a_hit_with_headers_allocates_nothing() {
    let layer = layer()
        .with_identity_extension(false)
        .with_identity_headers(true);
    let (mut gate, _) = warm(layer).await;
    for _ in 0..1_000 {
        assert_eq!(hit(&mut gate, roomy_request()).count_total, 0);
    }
}

#[tokio::test]
async fn a_hit_with_an_extension_allocates_what_http_stores_it_in() {
    let (mut gate, _) = warm(layer()).await;
    let identity = octocat(&[]);
    let mut plain = roomy_request();
    let stored = measure(|| {
        plain.extensions_mut().insert(identity);
    });
    assert!(stored.count_total > 0);
    for _ in 0..1_000 {
        let info = hit(&mut gate, roomy_request());
        assert_eq!(info.count_total, stored.count_total);
        assert_eq!(info.bytes_total, stored.bytes_total);
    }
}

#[tokio::test]
async fn a_hit_neither_clones_nor_waits() {
    let (mut gate, clones) = warm(layer()).await;
    for _ in 0..100 {
        let response = pin!(gate.call(request("gho_known")));
        assert!(response.now_or_never().is_some());
    }
    assert_eq!(clones.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_future_of_a_hit_stays_small() {
    let (mut gate, _) = warm(layer()).await;
    let future = gate.call(request("gho_known"));
    let response = size_of::<Option<Response<()>>>();
    assert!(size_of_val(&future) <= response + size_of::<usize>());
    assert!(future.await.is_ok());
}
