//! What every outcome of a check means for somebody who is new, somebody who is known, and
//! somebody whose last answer is past its age, with a grace period and without.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest};
use ghes_gatekeeper::emulator::{Emulator, Fault};
use ghes_gatekeeper::policy::RequireScopes;
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

use super::{CLIENT_ID, SECRET, TOKEN, bearer, client, seconds, settle};

/// What GHES, or the way to it, does with a check.
#[derive(Clone)]
enum Outcome {
    Reply(Fault),
    Fails(CheckErrorKind),
    Silence,
}

/// The statuses that somebody gets who…
struct Means {
    /// … is new.
    cold: u16,
    /// … is known, and whose answer was due for renewal.
    warm: u16,
    /// … was known, and has no grace.
    stale_off: u16,
    /// … was known, and has grace.
    stale_on: u16,
}

const ALLOWED: Means = means(200, 200, 200, 200);
/// A good token whose person may not do this.
const FORBIDDEN: Means = means(403, 403, 403, 403);
/// GHES says no.
const REFUSED: Means = means(401, 401, 401, 401);
/// GHES is out of reach, and what is known may bridge that.
const OUTAGE: Means = means(503, 200, 503, 200);
/// GHES answers, but not the question.
const NO_ANSWER: Means = means(503, 200, 503, 503);
/// What GHES says cannot be true, so what is known is not to be believed either.
const CONTRADICTION: Means = means(503, 503, 503, 503);

const fn means(cold: u16, warm: u16, stale_off: u16, stale_on: u16) -> Means {
    Means {
        cold,
        warm,
        stale_off,
        stale_on,
    }
}

/// A gate whose checks are answered truly until `outcome` takes over.
struct World {
    ghes: Emulator,
    fails: Arc<Mutex<Option<Outcome>>>,
    gate: BoxCloneSyncService<Request<()>, Response<()>, std::convert::Infallible>,
}

impl World {
    fn new(scope: &str, grace: u64) -> Self {
        let ghes = Emulator::default();
        let fails = Arc::new(Mutex::new(None));
        let (client, script) = (client(&ghes), Arc::clone(&fails));
        let check = service_fn(move |request: CheckRequest| {
            let script = script
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let client = client.clone();
            async move {
                match script {
                    Some(Outcome::Fails(kind)) => Err(CheckError::new(kind)),
                    Some(Outcome::Silence) => pending().await,
                    Some(Outcome::Reply(_)) | None => client.oneshot(request).await,
                }
            }
        });
        let options = CacheOptions::default().with_stale_if_error(seconds(grace));
        let validator = Validator::builder(check).with_cache(options).build();
        let inner = service_fn(async |_: Request<()>| Ok(Response::new(())));
        let layer = GatekeeperLayer::new(validator)
            .with_policy(RequireScopes::new(scope.parse().expect("a scope")));
        Self {
            ghes,
            fails,
            gate: BoxCloneSyncService::new(layer.layer(inner)),
        }
    }

    fn bring_about(&self, outcome: Outcome) {
        if let Outcome::Reply(fault) = &outcome {
            self.ghes.fail(fault.clone().times(u64::MAX));
        }
        *self.fails.lock().expect("no panic") = Some(outcome);
    }

    async fn status(&self) -> u16 {
        let Ok(response) = self.gate.clone().oneshot(bearer(TOKEN)).await;
        let status = response.status().as_u16();
        // RFC 6750 §3: what is no fault of the token is no reason to look for another.
        let is_challenged = response.headers().contains_key("www-authenticate");
        assert_eq!(is_challenged, [401, 403].contains(&status));
        assert_eq!(
            response.headers().contains_key("retry-after"),
            status == 503
        );
        status
    }
}

async fn cold(scope: &str, outcome: Outcome, means: &Means) {
    let world = World::new(scope, 0);
    world.bring_about(outcome);
    assert_eq!(world.status().await, means.cold);
}

async fn warm(scope: &str, outcome: Outcome, means: &Means) {
    let world = World::new(scope, 0);
    let known = world.status().await;
    world.bring_about(outcome);
    assert_eq!(world.status().await, known, "before the renewal is due");
    tokio::time::advance(seconds(48)).await;
    assert_eq!(world.status().await, known, "the renewal holds nobody up");
    settle().await;
    assert_eq!(world.status().await, means.warm);
}

async fn stale(scope: &str, outcome: Outcome, grace: u64, expected: u16) {
    let world = World::new(scope, grace);
    world.status().await;
    world.bring_about(outcome);
    tokio::time::advance(seconds(60)).await;
    assert_eq!(world.status().await, expected);
    // And nothing of it is remembered as what it is not.
    world.ghes.clear_faults();
    *world.fails.lock().expect("no panic") = None;
    tokio::time::advance(seconds(10)).await;
    let known = World::new(scope, 0).status().await;
    assert_eq!(world.status().await, known);
}

fn reply(status: u16, body: impl Into<String>) -> Outcome {
    let status = StatusCode::from_u16(status).expect("a status");
    Outcome::Reply(Fault::status(status).with_body(body))
}

/// GHES's own reply about the token, but for one place.
fn with(pointer: &str, value: Value) -> Outcome {
    let request = Request::post(format!(
        "http://ghes.test/api/v3/applications/{CLIENT_ID}/token"
    ))
    .header("authorization", basic())
    .body(Full::new(Bytes::from(
        json!({ "access_token": TOKEN }).to_string(),
    )));
    let reply = futures_util::FutureExt::now_or_never(async {
        let reply = Emulator::default()
            .oneshot(request.expect("a request"))
            .await;
        reply.expect("a reply").into_body().collect().await
    });
    let body = reply.expect("at once").expect("a body").to_bytes();
    let mut body: Value = serde_json::from_slice(&body).expect("JSON");
    *body.pointer_mut(pointer).expect("the place") = value;
    self::reply(200, body.to_string())
}

fn basic() -> HeaderValue {
    use base64::Engine as _;
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    HeaderValue::try_from(format!("Basic {pair}")).expect("a value")
}

fn of_ghes(message: &str) -> String {
    json!({ "message": message, "documentation_url": "https://docs.github.com/rest" }).to_string()
}

const HTML: &str = "<html><title>nginx</title></html>";

/// A row of the table: its name, the scope that the route needs, what happens, what it means.
macro_rules! outcomes {
    ($($name:ident: $scope:literal, $outcome:expr => $means:expr;)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn cold() {
                super::cold($scope, $outcome, &$means).await;
            }

            #[tokio::test(start_paused = true)]
            async fn warm() {
                super::warm($scope, $outcome, &$means).await;
            }

            #[tokio::test(start_paused = true)]
            async fn stale_off() {
                super::stale($scope, $outcome, 0, $means.stale_off).await;
            }

            #[tokio::test(start_paused = true)]
            async fn stale_on() {
                super::stale($scope, $outcome, 300, $means.stale_on).await;
            }
        }
    )+};
}

outcomes! {
    well_formed: "user", with("/note", json!("another")) => ALLOWED;
    scopes_insufficient: "admin:org", with("/note", json!("another")) => FORBIDDEN;
    scopes_null: "repo", with("/scopes", Value::Null) => FORBIDDEN;
    user_null: "user", with("/user", Value::Null) => REFUSED;
    malformed_json: "user", reply(200, "{\"id\": 1") => OUTAGE;
    missing_app: "user", with("/app", Value::Null) => OUTAGE;
    login_with_illegal_bytes: "user", with("/user/login", json!("a\nb")) => OUTAGE;
    another_app: "user", with("/app/client_id", json!("Iv1.another")) => CONTRADICTION;
    another_token: "user", with("/token_last_eight", json!("00000000")) => CONTRADICTION;
    expired: "user", with("/expires_at", json!("2011-09-08T17:26:27Z")) => REFUSED;
    expiry_unparseable: "user", with("/expires_at", json!("soon")) => NO_ANSWER;
    html_200: "user", reply(200, HTML) => NO_ANSWER;
    not_found_by_ghes: "user", reply(404, of_ghes("Not Found")) => REFUSED;
    not_found_by_another: "user", reply(404, HTML) => OUTAGE;
    unprocessable: "user", reply(422, of_ghes("Validation Failed")) => REFUSED;
    // Anybody may make up a token for GHES to quote.
    unprocessable_quoting: "user", reply(422, of_ghes("'gho_spam.abuse' is no token")) => REFUSED;
    forbidden_quoting: "user", reply(403, of_ghes("'gho_abuse' is blocked")) => NO_ANSWER;
    spammed: "user", reply(422, of_ghes("The endpoint has been spammed.")) => OUTAGE;
    credentials_refused: "user", reply(401, of_ghes("Bad credentials")) => NO_ANSWER;
    rate_limited_403: "user", reply(403, of_ghes("API rate limit exceeded for user.")) => OUTAGE;
    forbidden: "user", reply(403, of_ghes("Your application was suspended.")) => NO_ANSWER;
    too_many_requests: "user", reply(429, "") => OUTAGE;
    redirect: "user", reply(302, "") => NO_ANSWER;
    server_error_500: "user", reply(500, "") => OUTAGE;
    server_error_502: "user", reply(502, HTML) => OUTAGE;
    maintenance_503: "user", reply(503, HTML) => OUTAGE;
    server_error_504: "user", reply(504, "") => OUTAGE;
    other_success: "user", reply(202, "{}") => NO_ANSWER;
    other_refusal: "user", reply(418, of_ghes("no")) => NO_ANSWER;
    connection_refused: "user", Outcome::Fails(CheckErrorKind::Connect) => OUTAGE;
    tls_failed: "user", Outcome::Fails(CheckErrorKind::Tls) => OUTAGE;
    name_not_resolved: "user", Outcome::Fails(CheckErrorKind::Dns) => OUTAGE;
    timeout: "user", Outcome::Silence => OUTAGE;
    closed: "user", Outcome::Fails(CheckErrorKind::Closed) => OUTAGE;
    truncated: "user", Outcome::Fails(CheckErrorKind::Truncated) => OUTAGE;
    too_large: "user", reply(200, "x".repeat(65_537)) => NO_ANSWER;
    shed: "user", Outcome::Fails(CheckErrorKind::Shed) => OUTAGE;
}

/// The last row: whoever asked is gone, and the answer is kept for those who come later.
#[tokio::test(start_paused = true)]
async fn client_gone() {
    let world = World::new("user", 0);
    let mut request = Box::pin(world.gate.clone().oneshot(bearer(TOKEN)));
    assert!(futures_util::poll!(&mut request).is_pending());
    drop(request);
    settle().await;
    world.bring_about(Outcome::Fails(CheckErrorKind::Connect));
    assert_eq!(world.status().await, 200);
}

/// Also of those that only another check service would give.
#[tokio::test(start_paused = true)]
async fn no_kind_of_failure_is_a_refusal() {
    for kind in CheckErrorKind::ALL {
        let world = World::new("user", 0);
        world.bring_about(Outcome::Fails(kind));
        assert_eq!(world.status().await, 503, "{kind:?}");
    }
}
