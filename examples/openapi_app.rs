//! An axum app that describes itself with OpenAPI: which operations need a token, with which
//! scopes, and where a person gets one. Everybody may read the description; the rest is gated.
//!
//! Run it with `cargo run --example openapi_app`. GHES is an emulator in this process; against
//! your own, write `Validator::for_ghes(&url, &app)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use ghes_gatekeeper::check::CheckService;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesUrl};
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity, RequireScope, RequiredScopes};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;
use tower::{BoxError, ServiceExt};
use utoipa::openapi::security::{AuthorizationCode, Flow, OAuth2, Scopes, SecurityScheme};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(info(title = "Notes", version = "1.0.0"))]
struct Description;

#[derive(Serialize, ToSchema)]
struct Reader {
    id: u64,
    login: String,
}

/// Who is asking.
#[utoipa::path(
    get,
    path = "/whoami",
    responses((status = 200, body = Reader), (status = 401, description = "no good token")),
    security(("ghes" = []))
)]
async fn whoami(identity: Identity) -> Json<Reader> {
    let (id, login) = (identity.user().id(), identity.user().login().to_owned());
    Json(Reader { id, login })
}

struct ReadOrg;

impl RequiredScopes for ReadOrg {
    const SCOPES: &[&str] = &["read:org"];
}

/// Notes of the organization.
#[utoipa::path(
    get,
    path = "/notes",
    responses((status = 200, body = String), (status = 403, description = "a scope is missing")),
    security(("ghes" = ["read:org"]))
)]
async fn notes(_: RequireScope<ReadOrg>) -> &'static str {
    "notes"
}

/// Where clients such as Swagger UI send people to get a token of our app.
fn login(ghes: &GhesUrl) -> SecurityScheme {
    let scopes = Scopes::from_iter([("read:org", "see who belongs to your organizations")]);
    let login = |page| format!("{ghes}/login/oauth/{page}");
    let code = AuthorizationCode::new(login("authorize"), login("access_token"), scopes);
    SecurityScheme::OAuth2(OAuth2::new([Flow::AuthorizationCode(code)]))
}

/// What is described is gated, and the description is open.
fn app<C: CheckService>(gate: GatekeeperLayer<C>, ghes: &GhesUrl) -> Router {
    let (gated, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(whoami))
        .routes(routes!(notes))
        .split_for_parts();
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("ghes", login(ghes));
    let describe = async move || Json(description.clone());
    gated.layer(gate).route("/openapi.json", get(describe))
}

async fn ask(app: &Router, path: &str, token: Option<&str>) -> Result<(u16, String), BoxError> {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let Ok(response): Result<Response<Body>, _> =
        app.clone().oneshot(request.body(Body::empty())?).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    let body = String::from_utf8(body.into())?;
    println!("GET {path}: {status}: {body}");
    Ok((status, body))
}

const CLIENT_ID: &str = "abcde12345fghij67890";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let ghes = Emulator::default();
    let url = "https://ghes.example.com".parse()?;
    let token = ghes.mint(CLIENT_ID, "octocat", &["gist"], None)?;
    let our_app = App::new(CLIENT_ID, "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f");
    let validator = Validator::for_ghes_over(&url, &our_app, ghes)?;
    let app = app(GatekeeperLayer::new(validator), &url);

    let (status, description) = ask(&app, "/openapi.json", None).await?;
    let description: Value = serde_json::from_str(&description)?;
    let notes = &description["paths"]["/notes"]["get"];
    assert_eq!(status, 200);
    assert_eq!(notes["security"][0]["ghes"][0], "read:org");

    // What it promises is what happens.
    assert_eq!(ask(&app, "/whoami", None).await?.0, 401);
    assert_eq!(ask(&app, "/whoami", Some(&token)).await?.0, 200);
    assert_eq!(ask(&app, "/notes", Some(&token)).await?.0, 403);
    Ok(())
}
