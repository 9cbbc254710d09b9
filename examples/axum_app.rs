//! An axum app that only people with a good GHES token get into.
//!
//! Run it with `cargo run --example axum_app`. GHES is an emulator in this process; against your
//! own, write `Validator::for_ghes(&url, &app)?`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use axum::body::Bytes;
use axum::routing::get;
use axum::{Json, Router};
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::App;
use ghes_gatekeeper::validator::Validator;
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tower::BoxError;

/// The extractor finds what the gate left in the request.
async fn whoami(identity: Identity) -> Json<Value> {
    Json(json!({
        "login": identity.user().login(),
        "id": identity.user().id(),
        "scopes": identity.scopes().join(", "),
    }))
}

fn app(ghes: Emulator) -> Result<Router, BoxError> {
    let url = "http://ghes.example.com".parse()?;
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let validator = Validator::for_ghes_over(&url, &app, ghes)?;
    Ok(Router::new()
        .route("/whoami", get(whoami))
        .layer(GatekeeperLayer::new(validator)))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(axum::serve(listener, app(Emulator::default())?).into_future());

    for (token, expected) in [
        ("e72e16c7e42f292c6912e7710c838347ae178b4a", 200),
        ("gho_unknown", 401),
    ] {
        let request = Request::get(format!("http://{address}/whoami"))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{status}: {}", String::from_utf8_lossy(&body));
        assert_eq!(status, expected);
    }
    server.abort();
    Ok(())
}
