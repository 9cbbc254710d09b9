//! A hit is decided in `call`: it clones nothing and waits for nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use crate::support::{everybody_is_octocat, layer, layer_of_three, request};
use futures_util::FutureExt;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::CheckService;
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

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

#[tokio::test]
async fn a_hit_neither_clones_nor_waits() {
    only_a_miss_clones_and_waits(layer(service_fn(everybody_is_octocat))).await;
}

#[tokio::test]
async fn a_hit_neither_clones_nor_waits_with_several_apps() {
    only_a_miss_clones_and_waits(layer_of_three()).await;
}

async fn only_a_miss_clones_and_waits<C: CheckService>(layer: GatekeeperLayer<C>) {
    let clones = Arc::new(AtomicUsize::new(0));
    let mut gate = layer.layer(Counting(Arc::clone(&clones)));
    let miss = gate.ready().await.unwrap().call(request("gho_known"));
    assert_eq!(miss.await.unwrap().status(), 200);
    assert_eq!(clones.swap(0, Ordering::Relaxed), 2, "a miss clones");

    for _ in 0..100 {
        let hit = gate.call(request("gho_known")).now_or_never();
        assert_eq!(hit.expect("ready at once").unwrap().status(), 200);
    }
    assert_eq!(clones.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_future_of_a_hit_stays_small() {
    let mut gate =
        layer(service_fn(everybody_is_octocat)).layer(service_fn(crate::support::accept));
    let future = gate.call(request("gho_known"));
    let response = size_of::<Option<Response<()>>>();
    assert!(size_of_val(&future) <= response + size_of::<usize>());
    assert!(future.await.is_ok());
}
