use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::guard::Pending;

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
    state: State<S, B>,
    /// Who is asked is of no matter once there is a request to wait for.
    check: PhantomData<fn() -> C>,
}

#[pin_project(project = StateProj)]
enum State<S: Service<Request<B>>, B> {
    /// The request waits for its decision, and the inner service for the request. Boxed, so that a
    /// hit does not carry their size about.
    Waiting(Box<(Pending<B>, Option<S>)>),
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

    pub(super) fn waiting(pending: Pending<B>, inner: S) -> Self {
        State::Waiting(Box::new((pending, Some(inner)))).into()
    }
}

impl<S: Service<Request<B>>, C, B> From<State<S, B>> for ResponseFuture<S, C, B> {
    fn from(state: State<S, B>) -> Self {
        Self {
            state,
            check: PhantomData,
        }
    }
}

impl<S, C, B, ResBody> Future for ResponseFuture<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
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

impl<S, B, ResBody> State<S, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
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
                StateProj::Waiting(waiting) => {
                    let (pending, inner) = &mut **waiting;
                    match ready!(pending.poll(cx)) {
                        Ok(request) => {
                            let inner = inner.take().expect("one decision");
                            Self::Admitted(Box::pin(Oneshot::new(inner, request)))
                        }
                        Err(response) => Self::Rejected(Some(response)),
                    }
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
            State::Waiting(_) => "Waiting",
            State::Admitted(_) => "Admitted",
            State::Forwarding(_) => "Forwarding",
            State::Rejected(_) => "Rejected",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
