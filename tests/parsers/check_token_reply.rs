//! A reply of check-token, and what must hold whatever it is.
//!
//! The input is a line with the status, the type and the coding, then the body:
//! `200 application/json gzip`.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::token::AccessToken;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use tower::ServiceExt;

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";

/// The shortest good reply that says everything.
#[allow(dead_code, reason = "the fuzz target has its corpus")]
pub(crate) const GOOD: &str = r#"{"id":1,"app":{"client_id":"Iv1.8a61f9b3a7aba766"},"token_last_eight":"Ae178B4a","hashed_token":null,"scopes":["repo"],"expires_at":"2999-01-01T00:00:00Z","user":{"login":"octocat","id":1}}"#;

/// Asserts the promises of the client about one reply.
///
/// # Panics
///
/// Panics if one is broken.
pub(crate) fn check(data: &[u8]) {
    let reply = reply(data);
    let status = reply.status().as_u16();
    let is_json = is_json(&reply);
    let answer = judge(reply);
    match &answer {
        Ok(Verdict::Active(identity)) => {
            assert_eq!(status, 200);
            assert!(is_json);
            let named: Named = serde_json::from_slice(body(data)).expect("an authorization");
            assert_eq!(named.app.client_id, CLIENT_ID);
            assert_eq!(named.user.login, identity.user().login());
            assert!(!identity.user().login().is_empty());
            assert!(
                identity
                    .user()
                    .login()
                    .bytes()
                    .all(|b| b.is_ascii_graphic())
            );
        }
        Ok(Verdict::Inactive(_)) => assert!([200, 404, 422].contains(&status), "{status}"),
        Err(error) => assert_shows_nothing(error, body(data)),
    }
}

/// Returns what came of a reply, as one word.
#[allow(dead_code, reason = "the fuzz target does not look at it")]
pub(crate) fn outcome(data: &[u8]) -> &'static str {
    match judge(reply(data)) {
        Ok(Verdict::Active(_)) => "active",
        Ok(Verdict::Inactive(reason)) => reason.as_str(),
        Err(error) => error.kind().as_str(),
    }
}

/// A word that occurs in no error but could occur in a body.
fn assert_shows_nothing(error: &CheckError, body: &[u8]) {
    for word in ["octocat", TOKEN] {
        if body.windows(word.len()).any(|part| part == word.as_bytes()) {
            let mut next: Option<&dyn std::error::Error> = Some(error);
            while let Some(error) = next {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains(word), "{shown}");
                next = error.source();
            }
        }
    }
}

fn judge(reply: Response<Full<Bytes>>) -> Result<Verdict, CheckError> {
    let transport =
        tower::service_fn(move |_: Request<Full<Bytes>>| ready(Ok::<_, Infallible>(reply.clone())));
    let url = "https://ghes.example.com".parse().expect("a URL");
    let app = App::new(CLIENT_ID, "secret");
    let client = GhesClient::new(&url, &app, transport).expect("an app");
    let request = CheckRequest::new(AccessToken::new(TOKEN));
    RUNTIME.with(|runtime| runtime.block_on(client.oneshot(request)))
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
}

fn reply(data: &[u8]) -> Response<Full<Bytes>> {
    let line = data.split(|&b| b == b'\n').next().unwrap_or_default();
    let mut words = line.split(|&b| b == b' ');
    let mut reply = Response::new(Full::from(body(data).to_vec()));
    let status = words
        .next()
        .and_then(|word| StatusCode::from_bytes(word).ok());
    *reply.status_mut() = status.unwrap_or_default();
    let mut set = |name: HeaderName| {
        let word = words.next().filter(|word| !word.is_empty())?;
        let value = HeaderValue::from_bytes(word).ok()?;
        reply.headers_mut().insert(name, value)
    };
    set(CONTENT_TYPE);
    set(CONTENT_ENCODING);
    reply
}

fn body(data: &[u8]) -> &[u8] {
    let end = data.iter().position(|&b| b == b'\n');
    end.map_or(&[], |end| &data[end + 1..])
}

fn is_json<B>(reply: &Response<B>) -> bool {
    let is = |name: HeaderName, prefix: &str| {
        let value = reply.headers().get(name).map(HeaderValue::as_bytes);
        value.map(|value| value.to_ascii_lowercase().starts_with(prefix.as_bytes()))
    };
    is(CONTENT_TYPE, "application/json") == Some(true)
        && is(CONTENT_ENCODING, "identity") != Some(false)
}

#[derive(Deserialize)]
struct Named {
    app: NamedApp,
    user: NamedUser,
}

#[derive(Deserialize)]
struct NamedApp {
    client_id: String,
}

#[derive(Deserialize)]
struct NamedUser {
    login: String,
}
