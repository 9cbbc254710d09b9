//! The emulator as its users see it: requests in, answers out.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its support too"
)]

mod applications;
mod authentication;
mod authorizations;
mod caching;
mod check_token;
mod client_secret;
mod control;
mod device_flow;
mod documents;
mod faults;
mod grants;
mod limit;
mod model;
mod organizations;
mod pagination;
mod rate_limit;
mod refresh;
mod refusals;
mod robustness;
mod scoped_token;
pub(crate) mod sockets;
mod tokens;
mod users;
mod web_flow;
mod world;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ghes_gatekeeper::emulator::{Emulator, Version, World};
use http::request::Builder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const GITHUB_APP: &str = "Iv1.8a61f9b3a7aba766";
pub(crate) const OAUTH_APP: &str = "abcde12345fghij67890";
pub(crate) const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
pub(crate) const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a request; an answer of the API is held against GitHub's description of it, where that is
/// at hand.
async fn send(ghes: &Emulator, request: Request<String>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = ghes.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let answer = Answer {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    };
    crate::described(&method, &path, &answer);
    answer
}

/// Calls the API; the credential is the value of `Authorization`.
async fn call(ghes: &Emulator, line: &str, credential: &str, body: Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v3{path}"))
        .header("host", "ghes.test")
        .header("authorization", credential);
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(ghes, request.body(body).unwrap()).await
}

/// Calls the API as octocat, by password.
async fn by_octocat(ghes: &Emulator, line: &str, body: Value) -> Answer {
    call(ghes, line, &basic("octocat", "octocat"), body).await
}

/// Calls an operation of the OAuth applications API about a token, as the token's app.
async fn about(ghes: &Emulator, method: &str, client_id: &str, end: &str, token: &str) -> Answer {
    let line = format!("{method} /applications/{client_id}/{end}");
    let body = serde_json::json!({ "access_token": token });
    call(ghes, &line, &basic(client_id, SECRET), body).await
}

/// A world of GitHub's documents with something added or replaced.
fn world(change: impl FnOnce(&str) -> String) -> Emulator {
    Emulator::new(World::from_toml(&change(World::DOCUMENTS)).unwrap())
}

fn version(text: &str) -> Emulator {
    Emulator::default().with_version(text.parse::<Version>().unwrap())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A check-token request of the GitHub App, still without a body.
fn as_app() -> Builder {
    path_of(GITHUB_APP).header("authorization", basic(GITHUB_APP, SECRET))
}

/// A check-token request without a credential.
fn path_of(client_id: &str) -> Builder {
    Request::post(format!("/api/v3/applications/{client_id}/token")).header("host", "ghes.test")
}

fn access_token(token: &str) -> String {
    serde_json::json!({ "access_token": token }).to_string()
}

async fn check(ghes: &Emulator, client_id: &str, token: &str) -> Answer {
    let request = path_of(client_id).header("authorization", basic(client_id, SECRET));
    send(ghes, request.body(access_token(token)).unwrap()).await
}
