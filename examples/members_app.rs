//! An axum app that asks where people belong: everybody in the organization may read notes, a team
//! may write them, and whoever looks at who is in needs a scope besides.
//!
//! Run it with `cargo run --example members_app`, and its tests with
//! `cargo test --example members_app`: they use the real gate and no network. GHES is an emulator in
//! this process; against your own, write `Validator::for_ghes(&url, &app)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use ghes_gatekeeper::check::CheckService;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::App;
use ghes_gatekeeper::membership::InvalidGroup;
use ghes_gatekeeper::policy::{Denial, Policy, RequireGroup, RequireSiteAdmin};
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity, RequireScope, RequiredScopes};
use http::{Method, Request};
use tower::{BoxError, ServiceExt};

/// Octo-org reads and its team writes; site administrators do both, and are not asked about.
fn policy() -> Result<impl Policy, InvalidGroup> {
    let reads = |_: &Identity, method: &Method, _: &str| {
        method.is_safe().then_some(()).ok_or(Denial::Forbidden)
    };
    let organization = RequireGroup::new("octo-org".try_into()?);
    let team = RequireGroup::new("octo-org/platform".try_into()?);
    Ok(RequireSiteAdmin.or(reads.and(organization)).or(team))
}

/// The application, behind whatever gate.
fn app<C: CheckService>(gate: GatekeeperLayer<C>) -> Result<Router, InvalidGroup> {
    Ok(Router::new()
        .route("/notes", get(read).post(write))
        .route("/members", get(members))
        .layer(gate.with_policy(policy()?)))
}

async fn read() -> &'static str {
    "notes"
}

async fn write(identity: Identity) -> String {
    format!("noted by {}", identity.user().login())
}

/// Beside what the policy asks for.
struct ReadOrg;

impl RequiredScopes for ReadOrg {
    const SCOPES: &[&str] = &["read:org"];
}

async fn members(identity: RequireScope<ReadOrg>) -> Json<Identity> {
    Json(identity.into_identity())
}

/// The gate in front of a GHES, with limits and breakers around what asks it.
fn gate(ghes: Emulator) -> Result<GatekeeperLayer<impl CheckService>, BoxError> {
    let app = App::new(CLIENT_ID, "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f");
    let url = "http://ghes.example.com".parse()?;
    Ok(GatekeeperLayer::new(Validator::for_ghes_over(
        &url, &app, ghes,
    )?))
}

const CLIENT_ID: &str = "abcde12345fghij67890";

async fn status(app: &Router, method: Method, path: &str, token: &str) -> u16 {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request");
    let Ok(response) = app.clone().oneshot(request).await;
    response.status().as_u16()
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let ghes = Emulator::default();
    let mint = |login, scopes: &[&str]| ghes.mint(CLIENT_ID, login, scopes, None);
    let octocat = mint("octocat", &["read:org"])?;
    let hubot = mint("hubot", &["read:org"])?;
    let monalisa = mint("monalisa", &["read:org"])?;
    // GHES does not show a membership to such a token.
    let blind = mint("octocat", &["repo"])?;
    let app = app(gate(ghes)?)?;
    for (who, token, method, path, expected) in [
        ("octocat of the team", &octocat, Method::POST, "/notes", 200),
        (
            "octocat of the team",
            &octocat,
            Method::GET,
            "/members",
            200,
        ),
        ("hubot of octo-org", &hubot, Method::GET, "/notes", 200),
        ("hubot of octo-org", &hubot, Method::POST, "/notes", 403),
        ("monalisa of nothing", &monalisa, Method::GET, "/notes", 403),
        (
            "octocat without read:org",
            &blind,
            Method::GET,
            "/notes",
            403,
        ),
    ] {
        let status = status(&app, method.clone(), path, token).await;
        println!("{who}: {method} {path}: {status}");
        assert_eq!(status, expected);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ghes_gatekeeper::testing::{TestIssuer, identity};

    use super::*;

    #[tokio::test]
    async fn the_organization_reads_and_the_team_writes() {
        let ghes = TestIssuer::new()
            .with_token("gho_octocat", identity("octocat", 1, ["read:org"]))
            .with_token("gho_hubot", identity("hubot", 2, []))
            .with_member("octocat", "octo-org/platform")
            .with_member("hubot", "octo-org");
        let app = app(ghes.layer()).expect("a policy");
        for (token, method, path, expected) in [
            ("gho_octocat", Method::POST, "/notes", 200),
            ("gho_hubot", Method::GET, "/notes", 200),
            ("gho_hubot", Method::POST, "/notes", 403),
            ("gho_hubot", Method::GET, "/members", 403),
            ("gho_nobody", Method::GET, "/notes", 401),
        ] {
            let status = status(&app, method.clone(), path, token).await;
            assert_eq!(status, expected, "{token} {method} {path}");
        }
        ghes.set_reachable(false);
        assert_eq!(status(&app, Method::GET, "/notes", "gho_hubot").await, 503);
    }
}
