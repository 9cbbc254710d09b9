//! The layer fits whatever it is put around.

use std::convert::Infallible;
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt;
use ghes_gatekeeper::check::{CheckRequest, Verdict};
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::gatekeeper::{Gatekeeper, ResponseFuture};
use ghes_gatekeeper::identity::User;
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::{Request, Response};
use hyper::body::Incoming;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

use super::{Body, Client, TOKEN, client};

fn layer() -> GatekeeperLayer<Client> {
    GatekeeperLayer::new(Validator::new(client(&Emulator::default())))
}

fn request<B>(token: &str, body: B) -> Request<B> {
    let credential = format!("Bearer {token}");
    let request = Request::get("/").header("authorization", credential);
    request.body(body).expect("a request")
}

#[tokio::test]
async fn axum() {
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "in" }))
        .layer(layer());
    for (token, status) in [(TOKEN, 200), ("gho_nobody", 401)] {
        let request = request(token, axum::body::Body::empty());
        let Ok(response) = app.clone().oneshot(request).await;
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn tonic() {
    let inner = service_fn(async |_: Request<tonic::body::Body>| {
        Ok::<_, Infallible>(Response::new(tonic::body::Body::empty()))
    });
    let request = request("gho_nobody", tonic::body::Body::empty());
    let Ok(response) = layer().layer(inner).oneshot(request).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_through() {
    #[derive(Debug, PartialEq)]
    struct Own(u8);
    let inner = service_fn(async |_: Request<Body>| Err::<Response<Body>, _>(Own(7)));
    let service = layer().layer(inner);
    for _ in 0..2 {
        let answer = service.clone().oneshot(request(TOKEN, Body::default()));
        assert_eq!(answer.await.expect_err("an error"), Own(7));
    }
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service_alone() {
    let (check, mut checks) = mock::pair::<CheckRequest, Verdict>();
    checks.allow(0);
    let (inner, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let mut gate = GatekeeperLayer::new(Validator::new(check)).layer(inner);

    requests.allow(0);
    assert!(gate.ready().now_or_never().is_none());
    requests.allow(1);
    assert!(gate.ready().now_or_never().is_some());
}

/// Requests that wait for a check hold nothing back from requests that are known.
#[tokio::test]
async fn only_admitted_requests_take_the_inner_services_capacity() {
    let (check, mut checks) = mock::pair::<CheckRequest, Verdict>();
    let inner =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::<Body>::default()));
    let layer = GatekeeperLayer::new(Validator::new(check));
    let mut gate = layer.layer(ConcurrencyLimit::new(inner, 1));
    let mut call = |token: &str| {
        let ready = gate.ready().now_or_never().expect("nobody is inside");
        ready.expect("ready").call(request(token, Body::default()))
    };
    let first = call("gho_known");
    let waiting = call("gho_unknown");
    let (_, reply) = checks.next_request().await.expect("a check");
    let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default());
    reply.send_response(Verdict::Active(octocat.expect("octocat")));
    assert_eq!(first.await.expect("a response").status(), 200);

    let hit = call("gho_known");
    assert_eq!(hit.await.expect("a response").status(), 200);
    drop(waiting);
}

/// A connection that idles after a 401 keeps no permit that others need.
#[tokio::test]
async fn a_rejected_request_gives_the_inner_services_capacity_back() {
    let (check, _checks) = mock::pair::<CheckRequest, Verdict>();
    let inner =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::<Body>::default()));
    let layer = GatekeeperLayer::new(Validator::new(check));
    let mut rejected = layer.layer(ConcurrencyLimit::new(inner, 1));
    let mut others = rejected.clone();
    for token in ["", "ghp_personal"] {
        let ready = rejected.ready().now_or_never().expect("a permit");
        let response = ready.expect("ready").call(request(token, Body::default()));
        assert!(
            response
                .await
                .expect("a response")
                .status()
                .is_client_error()
        );
        let ready = others.ready().now_or_never();
        let response = ready.expect("the permit is free").expect("ready");
        drop(response.call(request("", Body::default())).await);
    }
}

/// What was polled ready gets the request, on a miss too.
#[tokio::test]
async fn the_instance_that_was_ready_gets_the_request() {
    struct Numbered {
        ready: bool,
    }
    impl Clone for Numbered {
        fn clone(&self) -> Self {
            Self { ready: false }
        }
    }
    impl Service<Request<Body>> for Numbered {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
            self.ready = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            assert!(self.ready, "called without being ready");
            self.ready = false;
            std::future::ready(Ok(Response::default()))
        }
    }

    let mut gate = layer().layer(Numbered { ready: false });
    for _ in 0..2 {
        let ready = gate.ready().await.expect("ready");
        let response = ready.call(request(TOKEN, Body::default())).await;
        assert_eq!(response.expect("a response").status(), 200);
    }
}

/// Never called: it compiles, or it does not.
#[expect(dead_code, reason = "what it says is in its bounds")]
fn public_types_can_cross_threads(
    layer: &GatekeeperLayer<Client>,
    request: Request<Incoming>,
    inner: impl Service<Request<Incoming>, Response = Response<Bytes>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static,
) {
    fn both<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn one<T: Send>(_: &T) {}
    both(layer);
    let mut gate: Gatekeeper<_, Client> = layer.layer(inner);
    both(&gate);
    let future: ResponseFuture<_, _, Incoming> = gate.call(request);
    one(&future);
}
