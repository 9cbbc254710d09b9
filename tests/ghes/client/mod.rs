//! The GHES client against literal replies: what it sends, and what it makes of the answers.

mod applications;
mod authorizations;
mod connections;
mod device_flow;
mod documented;
mod errors;
mod memberships;
mod outcome;
mod outcomes;
mod pages;
mod proxy;
mod refusals;
mod row;
mod sockets;
mod successes;
mod tls;
mod users;
mod wire;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{App, AuthorizationsClient, GhesClient, UserCredentials};
use ghes_gatekeeper::token::AccessToken;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt};

/// From GitHub's documents.
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// The reply that the documents of GHES 3.9 show for check-token, to the letter.
const DOCUMENTED: &str = include_str!("../../fixtures/ghes-3.9-check-token.json");

/// The documented reply about the token of the documented request, and without its
/// `expires_at`, which lies in 2011.
///
/// The documents ask about one token, answer with the last letters of another, and give the hash
/// of a third.
fn live() -> String {
    const EDITS: [(&str, &str); 3] = [
        ("\"2011-09-08T17:26:27Z\"", "null"),
        ("\"Ae178B4a\"", "\"ae178b4a\""),
        (
            "25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8",
            // printf e72e16c7e42f292c6912e7710c838347ae178b4a | sha256sum
            "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200",
        ),
    ];
    EDITS
        .iter()
        .fold(DOCUMENTED.to_owned(), |reply, (old, new)| {
            assert!(reply.contains(old), "{old}");
            reply.replace(old, new)
        })
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

fn no_content() -> Response<Full<Bytes>> {
    let mut reply = Response::default();
    *reply.status_mut() = http::StatusCode::NO_CONTENT;
    reply
}

/// What the client makes of one reply.
async fn judge(reply: Response<Full<Bytes>>) -> Result<Verdict, CheckError> {
    Stub::new([reply])
        .client()
        .oneshot(CheckRequest::new(AccessToken::new(TOKEN)))
        .await
}

/// A transport that gives one reply after the other, the last again and again, and keeps what
/// it was sent.
#[derive(Clone)]
struct Stub {
    replies: Arc<Mutex<VecDeque<Response<Full<Bytes>>>>>,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Stub {
    fn new(replies: impl IntoIterator<Item = Response<Full<Bytes>>>) -> Self {
        Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            seen: Arc::default(),
        }
    }

    /// One that answers with the documented reply.
    fn documented() -> Self {
        Self::new([json(200, live())])
    }

    fn client(&self) -> GhesClient<Self> {
        let url = "https://ghes.example.com".parse().expect("a URL");
        GhesClient::new(&url, &app(), self.clone()).expect("an app")
    }

    fn authorizations(&self) -> AuthorizationsClient<Self> {
        let url = "https://ghes.example.com".parse().expect("a URL");
        let user = UserCredentials::new("octocat", PASSWORD);
        AuthorizationsClient::new(&url, &user, self.clone()).expect("a user")
    }

    /// The requests so far; forgets them.
    fn seen(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.seen.lock().expect("no panic"))
    }

    /// The one request so far, all of it.
    fn wire(&self) -> String {
        let [request] = &self.seen()[..] else {
            panic!("one request");
        };
        assert!(request.headers()["authorization"].is_sensitive());
        wire(request)
    }
}

/// A request as text: method and address, headers in the order of the alphabet, body.
fn wire(request: &Request<Bytes>) -> String {
    let mut headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    headers.sort();
    let body = std::str::from_utf8(request.body()).expect("UTF-8");
    let (method, uri) = (request.method(), request.uri());
    format!("{method} {uri}\n{}\n\n{body}", headers.join("\n"))
}

impl Service<Request<Full<Bytes>>> for Stub {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let (head, body) = request.into_parts();
        let body = body.collect().now_or_never().expect("a full body");
        let body = body.expect("a full body").to_bytes();
        let request = Request::from_parts(head, body);
        self.seen.lock().expect("no panic").push(request);
        let mut replies = self.replies.lock().expect("no panic");
        let reply = match replies.len() {
            1 => replies[0].clone(),
            _ => replies.pop_front().expect("a reply"),
        };
        ready(Ok(reply))
    }
}

/// Everything that an error shows, its sources included.
fn shown(error: &dyn std::error::Error) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    shown
}
