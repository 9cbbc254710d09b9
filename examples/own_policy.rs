//! A policy of one's own: everybody may read notes, maintainers may write them, admins do the rest.
//!
//! Run it with `cargo run --example own_policy`. GHES is an emulator in this process; against
//! your own, write `Validator::for_ghes(&url, &app)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::collections::HashSet;
use std::convert::Infallible;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::App;
use ghes_gatekeeper::policy::{Decision, Denial, Facts, Policy};
use ghes_gatekeeper::scope::{Scope, Scopes};
use ghes_gatekeeper::validator::Validator;
use http::{Method, Request, Response};
use tower::{BoxError, ServiceBuilder, ServiceExt};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// Decides by person for writing, and by scope for administration.
struct Maintained {
    /// User ids, since logins can be renamed and taken by somebody else.
    maintainers: HashSet<u64>,
    admin: Scope,
}

impl Policy for Maintained {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let (identity, path) = (facts.identity(), facts.path());
        // What is open is named, and not what is closed: a path can be written in many ways.
        let is_note = path == "/notes" || path.starts_with("/notes/");
        if !is_note && !identity.scopes().grant(&self.admin) {
            // The client is told which scope another token would need.
            let required = Scopes::from_iter([self.admin.clone()]);
            return Decision::Denied(Denial::InsufficientScope(required));
        }
        if !facts.method().is_safe() && !self.maintainers.contains(&identity.user().id()) {
            return Decision::Denied(Denial::Forbidden);
        }
        Decision::Allowed
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let ghes = Emulator::default();
    let octocat = ghes.mint(CLIENT_ID, "octocat", &["admin:org"], None)?;
    let hubot = ghes.mint(CLIENT_ID, "hubot", &["repo"], None)?;

    let app = App::new(CLIENT_ID, "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f");
    let validator = Validator::for_ghes_over(&"http://ghes.example.com".parse()?, &app, ghes)?;
    let policy = Maintained {
        maintainers: HashSet::from([1]),
        admin: "read:org".parse()?,
    };
    let service = ServiceBuilder::new()
        .layer(GatekeeperLayer::new(validator).with_policy(policy))
        .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Bytes::new())));

    for (login, token, method, path, expected) in [
        ("octocat", &octocat, Method::POST, "/notes", 200),
        // admin:org contains read:org.
        ("octocat", &octocat, Method::GET, "/members", 200),
        ("hubot", &hubot, Method::GET, "/notes", 200),
        ("hubot", &hubot, Method::POST, "/notes", 403),
        ("hubot", &hubot, Method::GET, "/members", 403),
        ("hubot", &hubot, Method::GET, "/%6dembers", 403),
    ] {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(())?;
        let response = service.clone().oneshot(request).await?;
        let challenge = response.headers().get("www-authenticate");
        println!(
            "{login} {method} {path}: {} {challenge:?}",
            response.status()
        );
        assert_eq!(response.status(), expected);
    }
    Ok(())
}
