//! A tool that takes only requests that its gate has signed.
//!
//! Run it with `cargo run --example signed_identity`. A `Signer` plays the gate here; the real one
//! is the proxy with `[assertion]`, and its keys come from `/.well-known/jwks.json`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Json, Router};
use ghes_gatekeeper::assertion::{
    Claims, HEADER, KeySet, Signer, SigningKeys, Verifier, VerifyingLayer,
};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::Groups;
use ghes_gatekeeper::scope::Scopes;
use http::{Method, Request};
use http_body_util::BodyExt;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use tower::{BoxError, ServiceExt};

const GATE: &str = "https://gate.example.com";
const TOOL: &str = "http://tool.internal:3000";

/// The layer leaves what the gate asserts in the request.
async fn whoami(Extension(claims): Extension<Claims>) -> Json<Value> {
    Json(json!({ "login": claims.login, "id": claims.user_id }))
}

fn tool(keys: KeySet) -> Router {
    let verifier = Verifier::new(GATE, TOOL, keys);
    Router::new()
        .route("/whoami", get(whoami))
        // Outermost: it compares the whole path.
        .layer(VerifyingLayer::new(verifier))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?.serialize_pem();
    let signer = Signer::new(GATE, SigningKeys::from_pem(key.as_bytes())?);
    let tool = tool(KeySet::from_json(signer.key_set().to_json().as_bytes())?);

    let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default())?;
    let signed = signer.sign(&octocat, &Groups::default(), TOOL, &Method::GET, "/whoami")?;
    for (what, name, value, expected) in [
        ("through the gate", HEADER.as_str(), signed.to_str()?, 200),
        ("directly", "x-forwarded-user", "octocat", 401),
    ] {
        let request = Request::get("/whoami").header(name, value);
        let response = tool.clone().oneshot(request.body(Body::empty())?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{what}: {status}: {}", String::from_utf8_lossy(&body));
        assert_eq!(status, expected);
    }
    Ok(())
}
