use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::held::Held;
use crate::check::CheckService;
use crate::validator::{Asking, CheckingEach};

/// Response future of [`Gatekeeper`](super::Gatekeeper).
///
/// # Cancel safety
///
/// Dropping it drops the request. A check that was under way goes on for others who wait for the
/// same token, and its verdict is remembered; so do questions about memberships.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<S: Service<Request<B>>, C, B> {
    #[pin]
    state: State<S, C, B>,
}

#[pin_project(project = StateProj)]
pub(super) enum State<S: Service<Request<B>>, C, B> {
    /// The token's verdict is not known yet.
    Checking(Box<CheckingEach<C>>, Option<Box<Held<S, C, B>>>),
    /// The decision depends on where the token's person belongs.
    Asking(Pin<Box<Asking>>, Option<Box<Held<S, C, B>>>),
    /// Admitted after a wait; waits until the inner service is ready, and then for it.
    Admitted(Pin<Box<Oneshot<S, Request<B>>>>),
    /// The inner service has the request.
    Forwarding(#[pin] S::Future),
    /// Turned away; taken by the first poll.
    Rejected(Option<S::Response>),
}

impl<S: Service<Request<B>>, C, B> ResponseFuture<S, C, B> {
    pub(super) fn forwarding(future: S::Future) -> Self {
        State::Forwarding(future).into()
    }

    pub(super) fn rejected(response: S::Response) -> Self {
        State::Rejected(Some(response)).into()
    }

    pub(super) fn checking(checking: CheckingEach<C>, held: Box<Held<S, C, B>>) -> Self {
        State::Checking(Box::new(checking), Some(held)).into()
    }
}

impl<S: Service<Request<B>>, C, B> From<State<S, C, B>> for ResponseFuture<S, C, B> {
    fn from(state: State<S, C, B>) -> Self {
        Self { state }
    }
}

impl<S, C, B, ResBody> Future for ResponseFuture<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    C: CheckService,
    ResBody: Default + 'static,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        match state.as_mut().project() {
            StateProj::Forwarding(future) => future.poll(cx),
            _ => state.poll_delayed(cx),
        }
    }
}

impl<S, C, B, ResBody> State<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    C: CheckService,
    ResBody: Default + 'static,
{
    /// Apart, so that a hit has no part in what this takes of the stack.
    #[inline(never)]
    fn poll_delayed(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<S::Response, S::Error>> {
        loop {
            let next = match self.as_mut().project() {
                StateProj::Checking(checking, held) => {
                    let outcome = ready!(Pin::new(checking).poll(cx));
                    let held = held.take();
                    held.expect("ResponseFuture polled after completion")
                        .checked(outcome)
                }
                StateProj::Asking(asking, held) => {
                    let asked = ready!(asking.as_mut().poll(cx));
                    let held = held.take();
                    held.expect("ResponseFuture polled after completion")
                        .told(asked)
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
            self.set(next);
        }
    }
}

impl<S: Service<Request<B>>, C, B> fmt::Debug for ResponseFuture<S, C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Admitted(_) => "Admitted",
            State::Asking(..) => "Asking",
            State::Checking(..) => "Checking",
            State::Forwarding(_) => "Forwarding",
            State::Rejected(_) => "Rejected",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
