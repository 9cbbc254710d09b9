//! The GHES client against literal replies: what it sends, and what it makes of the answers.
#![cfg(feature = "client")]

mod outcomes;
mod tls;
mod wire;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::token::AccessToken;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt, service_fn};

/// From GitHub's documents.
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// The reply that the documents of GHES 3.9 show for check-token, to the letter.
const DOCUMENTED: &str = include_str!("../fixtures/ghes-3.9-check-token.json");

/// The documented reply without its `expires_at`, which lies in 2011.
fn live() -> String {
    let expired = r#""expires_at": "2011-09-08T17:26:27Z""#;
    assert!(DOCUMENTED.contains(expired));
    DOCUMENTED.replace(expired, r#""expires_at": null"#)
}

fn json(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json; charset=utf-8")
        .body(Full::from(body.into()))
        .expect("a response")
}

fn app() -> App {
    App::new(CLIENT_ID, SECRET)
}

/// What the client makes of one reply.
async fn judge(reply: Response<Full<Bytes>>) -> Result<Verdict, CheckError> {
    let transport = service_fn(move |_: Request<Full<Bytes>>| {
        let reply = reply.clone();
        async move { Ok::<_, Infallible>(reply) }
    });
    let url = "https://ghes.example.com".parse().expect("a URL");
    let client = GhesClient::new(&url, &app(), transport).expect("an app");
    client
        .oneshot(CheckRequest::new(AccessToken::new(TOKEN)))
        .await
}

type Seen = Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>;

/// A transport that answers with the documented reply and keeps what it was sent.
fn recording() -> (
    impl Service<
        Request<Full<Bytes>>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static,
    Seen,
) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let transport = service_fn(move |request: Request<Full<Bytes>>| {
        let kept = Arc::clone(&kept);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            kept.lock().expect("no panic").push((head, body));
            Ok(json(200, live()))
        }
    });
    (transport, seen)
}
