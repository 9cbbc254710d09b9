use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::service::Shared;
use crate::check::{CheckError, CheckService};
use crate::rejection::Rejection;
use crate::validator::{Answer, Checking};

/// Response future of [`Gatekeeper`](super::Gatekeeper).
///
/// # Cancel safety
///
/// Dropping it drops the request. A check that was under way goes on for others who wait for the
/// same token, and its verdict is remembered.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S: Service<Request<B>>, C, B> {
    #[pin]
    state: State<S, C, B>,
}

#[pin_project(project = StateProj)]
enum State<S: Service<Request<B>>, C, B> {
    /// The token's verdict is not known yet.
    Checking(Checking, Option<Box<Held<S, C, B>>>),
    /// Admitted after a check; waits until the inner service is ready, and then for it.
    Admitted(Pin<Box<Oneshot<S, Request<B>>>>),
    /// The inner service has the request.
    Forwarding(#[pin] S::Future),
    /// Turned away; taken by the first poll.
    Rejected(Option<S::Response>),
}

/// A request that waits for a verdict. Boxed, so that a hit does not carry its size about.
pub(super) struct Held<S, C, B> {
    request: Request<B>,
    inner: S,
    shared: Arc<Shared<C>>,
}

impl<S, C, B> Held<S, C, B> {
    pub(super) fn new(request: Request<B>, inner: S, shared: Arc<Shared<C>>) -> Self {
        Self {
            request,
            inner,
            shared,
        }
    }
}

impl<S, C, B, ResBody> Held<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    ResBody: Default,
{
    fn proceed(mut self, outcome: Result<Answer, CheckError>) -> State<S, C, B> {
        let admitted = match outcome {
            Ok(answer) => self.shared.admit(answer, &mut self.request),
            Err(error) => Err(Rejection::from(&error)),
        };
        match admitted {
            Ok(()) => State::Admitted(Box::pin(Oneshot::new(self.inner, self.request))),
            Err(rejection) => State::Rejected(Some(self.shared.reject(rejection))),
        }
    }
}

impl<S: Service<Request<B>>, C, B> ResponseFuture<S, C, B> {
    pub(super) fn forwarding(future: S::Future) -> Self {
        Self {
            state: State::Forwarding(future),
        }
    }

    pub(super) fn rejected(response: S::Response) -> Self {
        Self {
            state: State::Rejected(Some(response)),
        }
    }

    pub(super) fn checking(checking: Checking, held: Held<S, C, B>) -> Self {
        Self {
            state: State::Checking(checking, Some(Box::new(held))),
        }
    }
}

impl<S, C, B, ResBody> Future for ResponseFuture<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    C: CheckService,
    ResBody: Default,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Checking(checking, held) => {
                    let outcome = ready!(Pin::new(checking).poll(cx));
                    held.take()
                        .expect("ResponseFuture polled after completion")
                        .proceed(outcome)
                }
                StateProj::Admitted(future) => return future.as_mut().poll(cx),
                StateProj::Forwarding(future) => return future.poll(cx),
                StateProj::Rejected(response) => {
                    let response = response.take();
                    return Poll::Ready(Ok(
                        response.expect("ResponseFuture polled after completion")
                    ));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S: Service<Request<B>>, C, B> fmt::Debug for ResponseFuture<S, C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Admitted(_) => "Admitted",
            State::Checking(..) => "Checking",
            State::Forwarding(_) => "Forwarding",
            State::Rejected(_) => "Rejected",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
