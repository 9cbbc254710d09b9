//! The layer, the client and the emulated GHES together, in process and under paused time.

mod admission;
mod apps;
#[cfg(feature = "axum")]
mod basic;
mod bodies;
mod client_limit;
mod fit;
mod freshness;
mod grace;
mod memberships;
mod outage;
mod outcomes;
mod purge;
mod refusals;
mod revocation;
mod timing;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::{Emulator, Operation};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::rejection::with_problem_json;
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use http::{Request, Response};
use http_body_util::Full;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

type Client = GhesClient<Emulator>;

/// A gate in front of an inner service that keeps the requests it gets.
struct World {
    ghes: Emulator,
    validator: Validator<Client>,
    gate: BoxCloneService<Request<()>, Response<Bytes>, Infallible>,
    seen: Arc<Mutex<Vec<Request<()>>>>,
}

impl World {
    fn new() -> Self {
        Self::with_layer(|layer| layer)
    }

    fn with_layer(change: impl FnOnce(GatekeeperLayer<Client>) -> GatekeeperLayer<Client>) -> Self {
        Self::build(CacheOptions::default(), change)
    }

    fn with_cache(options: CacheOptions) -> Self {
        Self::build(options, |layer| layer)
    }

    fn build(
        options: CacheOptions,
        change: impl FnOnce(GatekeeperLayer<Client>) -> GatekeeperLayer<Client>,
    ) -> Self {
        let ghes = Emulator::default();
        let validator = Validator::builder(client(&ghes))
            .with_cache(options)
            .build();
        let layer = change(GatekeeperLayer::new(validator.clone()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let inner = service_fn(move |request: Request<()>| {
            kept.lock().expect("no panic").push(request);
            async { Ok::<_, Infallible>(Response::new(Bytes::new())) }
        });
        let gate = layer.layer(inner).map_response(with_problem_json);
        Self {
            ghes,
            validator,
            gate: BoxCloneService::new(gate),
            seen,
        }
    }

    async fn send(&self, request: Request<()>) -> Response<Bytes> {
        let Ok(response) = self.gate.clone().oneshot(request).await;
        response
    }

    async fn status(&self, token: &str) -> u16 {
        self.send(bearer(token)).await.status().as_u16()
    }

    /// A new token of octocat for our app.
    fn mint(&self) -> String {
        let token = self.ghes.mint(CLIENT_ID, "octocat", &[], None);
        token.expect("a token")
    }

    fn calls(&self) -> u64 {
        self.ghes.calls(Operation::CheckToken)
    }

    /// The only request that came through so far.
    fn seen(&self) -> Request<()> {
        let mut seen = self.seen.lock().expect("no panic");
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }
}

/// Lets whatever runs in the background end, as far as it needs no time to pass.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn client(ghes: &Emulator) -> Client {
    let url = "http://ghes.test".parse().expect("a URL");
    let app = App::new(CLIENT_ID, SECRET);
    GhesClient::new(&url, &app, ghes.clone()).expect("an app")
}

fn get(path: &str) -> http::request::Builder {
    Request::get(path)
}

fn bearer(token: &str) -> Request<()> {
    let credential = format!("Bearer {token}");
    let request = get("/").header("authorization", credential).body(());
    request.expect("a request")
}

fn header<'r, B>(response: &'r Response<B>, name: &str) -> Option<&'r str> {
    let value = response.headers().get(name)?;
    Some(value.to_str().expect("ASCII"))
}

/// Keeps the type of an unused body in one place.
type Body = Full<Bytes>;
