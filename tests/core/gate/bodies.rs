//! What those who are turned away get to read, in process and over sockets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::gatekeeper::ClientLimit;
use ghes_gatekeeper::membership::Group;
use ghes_gatekeeper::policy::{ByPath, Policy, RequireGroup, RequireSiteAdmin};
use ghes_gatekeeper::testing::{TestIssuer, identity};
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::{Request, Response, StatusCode, Version};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use super::{TOKEN, client, header};

type Gate = GatekeeperLayer<TestIssuer>;

fn issuer() -> TestIssuer {
    TestIssuer::new().with_token(TOKEN, identity("octocat", 1, ["gist"]))
}

/// What a request with this credential gets from a service whose bodies are `B`.
async fn turned_away<B: Default + Send + 'static>(
    gate: Gate,
    credential: Option<&str>,
    content_type: Option<&'static str>,
) -> Response<B> {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(B::default())));
    let mut request = Request::post("/");
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let request = request.body(()).expect("a request");
    let Ok(response) = gate.layer(inner).oneshot(request).await;
    response
}

fn assert_problem<B>(response: &Response<B>, body: &[u8], reason: &str) {
    assert_eq!(
        header(response, "content-type"),
        Some("application/problem+json")
    );
    let problem: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(problem["reason"], reason);
    assert_eq!(problem["status"], response.status().as_u16());
}

/// Each of these was empty before.
#[tokio::test]
async fn every_kind_of_rejection_has_a_body() {
    let away = || {
        let issuer = issuer();
        issuer.set_reachable(false);
        issuer.layer()
    };
    let members = || issuer().layer().with_policy(RequireGroup::new(octo_org()));
    let good = format!("Bearer {TOKEN}");
    for (gate, credential, status, reason) in [
        (issuer().layer(), None, 401, "missing_token"),
        (issuer().layer(), Some("Bearer gho_x"), 401, "invalid_token"),
        (
            issuer().layer(),
            Some("Bearer two tokens"),
            400,
            "invalid_request",
        ),
        (members(), Some(&*good), 403, "forbidden"),
        (away(), Some(&*good), 503, "unavailable"),
    ] {
        let response = turned_away::<Full<Bytes>>(gate, credential, None).await;
        assert_eq!(response.status(), status);
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        assert_problem(&Response::from_parts(head, ()), &body, reason);
    }
}

async fn read<B>(body: B) -> Bytes
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    body.collect().await.expect("a body").to_bytes()
}

#[tokio::test]
async fn the_bodies_that_services_have_are_made_of_bytes() {
    macro_rules! bodies {
        ($($body:ty: $read:expr;)*) => { $({
            let response = turned_away::<$body>(issuer().layer(), None, None).await;
            let (head, body) = response.into_parts();
            let body: Vec<u8> = $read(body).await;
            assert_problem(&Response::from_parts(head, ()), &body, "missing_token");
        })* };
    }
    bodies! {
        Full<Bytes>: async |body| read(body).await.into();
        axum::body::Body: async |body| read(body).await.into();
        BoxBody<Bytes, Infallible>: async |body| read(body).await.into();
        BoxBody<Bytes, BoxError>: async |body| read(body).await.into();
        UnsyncBoxBody<Bytes, std::io::Error>: async |body| read(body).await.into();
        Bytes: async |body: Bytes| body.into();
        Vec<u8>: async |body| body;
        String: async |body: String| body.into();
    }
}

/// A body of an application's own.
#[derive(Debug, Default, PartialEq)]
struct Own(Option<Bytes>);

#[tokio::test]
async fn any_other_body_takes_a_function() {
    let plain = turned_away::<Own>(issuer().layer(), None, None).await;
    assert_eq!(plain.body(), &Own::default());
    assert_eq!(header(&plain, "content-type"), None);

    let gate = issuer().layer().with_body(|bytes| Own(Some(bytes)));
    let told = turned_away::<Own>(gate, None, None).await;
    let body = told.body().0.clone().expect("a body");
    assert_problem(&told, &body, "missing_token");

    // One for other bodies is in nobody's way.
    let gate = issuer().layer().with_body(|bytes| Own(Some(bytes)));
    let told = turned_away::<Bytes>(gate, None, None).await;
    assert_problem(&told, told.body(), "missing_token");
}

#[tokio::test]
async fn a_service_that_renders_rejections_itself_gets_them_empty() {
    let gate = issuer().layer().with_problem_json(false);
    let response = turned_away::<Bytes>(gate, None, None).await;
    assert_eq!(response.status(), 401);
    assert!(response.body().is_empty());
    assert_eq!(header(&response, "content-type"), None);
    let rejection = response.extensions().get::<ghes_gatekeeper::Rejection>();
    assert!(rejection.is_some());
}

#[tokio::test]
async fn a_call_of_grpc_gets_a_status_of_grpc() {
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "Application/gRPC",
    ] {
        for (credential, status, code) in [
            (None, 401, "16"),
            (Some("Bearer gho_x"), 401, "16"),
            (Some("Bearer two tokens"), 400, "13"),
        ] {
            let gate = issuer().layer();
            let response = turned_away::<Bytes>(gate, credential, Some(content_type)).await;
            assert_eq!(response.status(), status);
            assert_eq!(header(&response, "grpc-status"), Some(code));
            assert!(header(&response, "grpc-message").is_some());
            assert_eq!(header(&response, "content-type"), Some("application/grpc"));
            assert!(response.body().is_empty(), "{:?}", response.body());
        }
    }
    for content_type in ["application/grpc-web", "application/json"] {
        let response = turned_away::<Bytes>(issuer().layer(), None, Some(content_type)).await;
        assert_eq!(header(&response, "grpc-status"), None);
        assert_problem(&response, response.body(), "missing_token");
    }
}

#[tokio::test]
async fn what_the_inner_service_says_is_left_alone() {
    let inner = service_fn(async |_: Request<()>| {
        let mut response = Response::new(Bytes::from_static(b"mine"));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        Ok::<_, Infallible>(response)
    });
    let request = Request::get("/").header("authorization", format!("Bearer {TOKEN}"));
    let gate = issuer().layer().layer(inner);
    let Ok(response) = gate.oneshot(request.body(()).expect("a request")).await;
    assert_eq!(
        (response.status(), &response.body()[..]),
        (StatusCode::UNAUTHORIZED, &b"mine"[..])
    );
    assert_eq!(header(&response, "content-type"), None);
}

/// Serves an axum app over HTTP/1.1 and HTTP/2, as axum's own server does.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let make = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let Ok(app) = make.clone().call(peer).await;
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let app = TowerToHyperService::new(app);
                // The client ends it; what it saw is what counts.
                let _ = server.serve_connection(TokioIo::new(stream), app).await;
            });
        }
    });
    address
}

/// The program of the README, before an emulator.
fn readme() -> Router {
    let url = "http://ghes.test".parse().expect("a URL");
    let app = ghes_gatekeeper::ghes::App::new(super::CLIENT_ID, super::SECRET);
    let validator = Validator::for_ghes_over(&url, &app, Emulator::default());
    let one = std::num::NonZeroU32::MIN;
    let limit = ClientLimit::per_second(one).with_burst(one.saturating_add(3));
    let gate = GatekeeperLayer::new(validator.expect("a GHES")).with_client_limit(limit);
    let hello = async |who: Identity| format!("Hello, {}!", who.user().login());
    let greet = async |who: Option<Identity>| match who {
        Some(who) => format!("Hello, {}!", who.user().login()),
        None => "Hello, stranger!".to_owned(),
    };
    let gated = Router::new()
        .route("/", get(hello))
        .route("/greet", get(greet));
    gated.layer(gate).route("/open", get(greet))
}

async fn ask(
    address: SocketAddr,
    version: Version,
    path: &str,
    headers: &[(&str, &str)],
) -> (Response<()>, Bytes) {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(version == Version::HTTP_2)
        .build_http::<Empty<Bytes>>();
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::new()).expect("a request");
    let response = client.request(request).await.expect("a response");
    let (head, body) = response.into_parts();
    assert_eq!(head.version, version);
    (Response::from_parts(head, ()), read(body).await)
}

#[tokio::test]
async fn the_program_of_the_readme_says_what_is_wrong_over_both_protocols() {
    let good = format!("Bearer {TOKEN}");
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let address = serve(readme()).await;
        for (credential, reason) in [
            (None, "missing_token"),
            (Some("Bearer gho_x"), "invalid_token"),
            (Some("Bearer two tokens"), "invalid_request"),
        ] {
            let headers: Vec<_> = credential
                .map(|value| ("authorization", value))
                .into_iter()
                .collect();
            let (response, body) = ask(address, version, "/", &headers).await;
            assert_problem(&response, &body, reason);
            let length = body.len().to_string();
            assert_eq!(header(&response, "content-length"), Some(&*length));
        }
        let call = [("content-type", "application/grpc"), ("te", "trailers")];
        let (response, body) = ask(address, version, "/", &call).await;
        assert_eq!(header(&response, "grpc-status"), Some("16"));
        assert!(body.is_empty());
        for (path, greeting) in [("/", "Hello, octocat!"), ("/greet", "Hello, octocat!")] {
            let (_, body) = ask(address, version, path, &[("authorization", &good)]).await;
            assert_eq!(body, greeting);
        }
        let (response, body) = ask(address, version, "/open", &[]).await;
        assert_eq!(
            (response.status().as_u16(), &body[..]),
            (200, &b"Hello, stranger!"[..])
        );
    }
}

/// Four tokens at once, and one a second: the fifth that is unknown is one too many.
#[tokio::test]
async fn clients_are_told_apart_by_the_connection_of_axums_server() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let address = serve(readme()).await;
        let mut statuses = Vec::new();
        for guess in 0..8 {
            let guess = format!("Bearer gho_{guess}");
            let (response, body) = ask(address, version, "/", &[("authorization", &guess)]).await;
            if response.status() == 429 {
                assert_problem(&response, &body, "too_many_requests");
            }
            statuses.push(response.status().as_u16());
        }
        assert_eq!(statuses[..4], [401; 4]);
        assert!(statuses[4..].contains(&429), "{statuses:?}");
    }
}

fn octo_org() -> Group {
    "octo-org".try_into().expect("an organization")
}

fn without_memberships() -> GatekeeperLayer<super::Client> {
    GatekeeperLayer::new(Validator::new(client(&Emulator::default())))
}

/// The message with which a gate with this policy refuses to be built, if it does.
fn refusal(policy: impl Policy) -> Option<String> {
    let build = std::panic::AssertUnwindSafe(|| without_memberships().with_policy(policy));
    let panic = std::panic::catch_unwind(build).err()?;
    Some(panic.downcast_ref::<String>().expect("a message").clone())
}

#[test]
fn a_policy_that_needs_memberships_is_not_built_where_nobody_can_be_asked() {
    let group = || RequireGroup::new(octo_org());
    let boxed: Box<dyn Policy> = Box::new(group());
    let shared: Arc<dyn Policy> = Arc::new(group());
    for refused in [
        refusal(group()),
        refusal(RequireSiteAdmin.and(group())),
        refusal(group().or(RequireSiteAdmin)),
        refusal(group().not()),
        refusal(ByPath::otherwise(RequireSiteAdmin).with("/notes", group())),
        refusal(ByPath::otherwise(group()).with("/notes", RequireSiteAdmin)),
        refusal(boxed),
        refusal(shared),
    ] {
        let message = refused.expect("a refusal");
        assert!(message.contains("with_memberships"), "{message}");
    }
    for allowed in [
        refusal(RequireSiteAdmin),
        refusal(
            RequireSiteAdmin
                .and(RequireSiteAdmin)
                .or(RequireSiteAdmin.not()),
        ),
        refusal(ByPath::otherwise(RequireSiteAdmin).with("/notes", RequireSiteAdmin)),
    ] {
        assert_eq!(allowed, None);
    }
    let _ = issuer().layer().with_policy(group());
}

#[test]
fn one_app_of_several_without_memberships_is_enough_to_refuse() {
    let with = || {
        let client = client(&Emulator::default());
        Validator::builder(client.clone())
            .with_memberships(client)
            .build()
    };
    let without = || Validator::new(client(&Emulator::default()));
    let build = |first, second| {
        let validators = ghes_gatekeeper::validator::Validators::from(first).or(second);
        let gate = GatekeeperLayer::new(validators);
        let build = || gate.with_policy(RequireGroup::new(octo_org()));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(build)).is_ok()
    };
    assert!(build(with(), with()));
    assert!(!build(with(), without()));
    assert!(!build(without(), with()));
}
