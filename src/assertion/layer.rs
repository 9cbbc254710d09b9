use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project::pin_project;
use tower::{Layer, Service};

use super::verifier::{InvalidAssertion, Verifier};
use crate::gatekeeper::headers::strip_identity;

/// Layer that admits only requests that came through a gate.
///
/// The service inside finds the [`Claims`](super::Claims) in the request's extensions. The
/// assertion itself is removed, and so is every plain header that names a user, because those are
/// not signed. Every other request gets 401 with a problem (RFC 9457) that does not give the
/// reason; the reason is the [`InvalidAssertion`] in the response's extensions.
///
/// Put it outermost: it compares the path, and nested routers shorten it.
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifyingLayer {
    verifier: Verifier,
    allow_anonymous: bool,
}

impl VerifyingLayer {
    /// Admits requests whose assertions `verifier` accepts.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            allow_anonymous: false,
        }
    }

    /// Sets whether requests without an assertion pass, without [`Claims`](super::Claims).
    ///
    /// Off by default. The gate signs nothing on its anonymous routes. So this also admits every
    /// client that reaches the upstream directly; serve only public content to requests without
    /// claims. An invalid assertion is refused either way.
    pub fn with_allow_anonymous(self, allow_anonymous: bool) -> Self {
        Self {
            allow_anonymous,
            ..self
        }
    }
}

impl<S> Layer<S> for VerifyingLayer {
    type Service = Verifying<S>;

    fn layer(&self, inner: S) -> Verifying<S> {
        Verifying {
            inner,
            layer: self.clone(),
        }
    }
}

/// Middleware that admits only requests that came through a gate.
///
/// See [`VerifyingLayer`].
#[derive(Clone, Debug)]
pub struct Verifying<S> {
    inner: S,
    layer: VerifyingLayer,
}

impl<S> Verifying<S> {
    fn admit<B>(&self, request: &mut Request<B>) -> Result<(), InvalidAssertion> {
        let (method, path) = (request.method(), request.uri().path());
        let claims = match self.layer.verifier.verify(request.headers(), method, path) {
            Ok(claims) => Some(claims),
            Err(InvalidAssertion::Missing) if self.layer.allow_anonymous => None,
            Err(error) => return Err(error),
        };
        // The assertion's own name is one of them.
        strip_identity(request.headers_mut());
        if let Some(claims) = claims {
            request.extensions_mut().insert(claims);
        }
        Ok(())
    }
}

impl<S, B, ResBody> Service<Request<B>> for Verifying<S>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = VerifyingFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let state = match self.admit(&mut request) {
            Ok(()) => State::Admitted(self.inner.call(request)),
            Err(error) => State::Refused(Some(refuse(error))),
        };
        VerifyingFuture { state }
    }
}

/// Response future of [`Verifying`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct VerifyingFuture<F, ResBody> {
    #[pin]
    state: State<F, ResBody>,
}

#[pin_project(project = StateProj)]
enum State<F, ResBody> {
    /// The inner service has the request.
    Admitted(#[pin] F),
    /// Refused; taken by the first poll.
    Refused(Option<Response<ResBody>>),
}

impl<F, E, ResBody> Future for VerifyingFuture<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProj::Admitted(future) => future.poll(cx),
            StateProj::Refused(response) => {
                let response = response.take();
                Poll::Ready(Ok(
                    response.expect("VerifyingFuture polled after completion")
                ))
            }
        }
    }
}

impl<F, ResBody> fmt::Debug for VerifyingFuture<F, ResBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Admitted(_) => "Admitted",
            State::Refused(_) => "Refused",
        };
        f.debug_tuple("VerifyingFuture").field(&state).finish()
    }
}

fn refuse<ResBody: From<Bytes>>(error: InvalidAssertion) -> Response<ResBody> {
    tracing::debug!(%error, "a request did not come through the gate");
    let mut response = Response::new(ResBody::from(Bytes::from_static(PROBLEM)));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "no-store"),
        // RFC 9110 §15.5.2 requires a challenge. `Bearer` would ask clients to send their tokens
        // here.
        (WWW_AUTHENTICATE, "GatekeeperAssertion"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response.extensions_mut().insert(error);
    response
}

/// RFC 9457 §3. The reason is only for the operator of the upstream.
const PROBLEM: &[u8] = br#"{"type":"urn:ghes-gatekeeper:problem:not_through_gate","title":"Not through the gate","status":401,"detail":"This service takes only requests that its gate has signed.","reason":"not_through_gate"}"#;
