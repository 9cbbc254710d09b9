use std::fmt;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::Service;

use super::future::ResponseFuture;
use super::guard::{Delay, Guard};
use crate::check::CheckService;

/// Middleware that lets in only requests with a good token.
///
/// See the [module docs](crate::gatekeeper) for an example.
pub struct Gatekeeper<S, C> {
    inner: S,
    guard: Guard<C>,
}

impl<S, C> Gatekeeper<S, C> {
    pub(super) fn new(inner: S, guard: Guard<C>) -> Self {
        Self { inner, guard }
    }
}

impl<S, C, B, ResBody> Service<Request<B>> for Gatekeeper<S, C>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
    C: CheckService,
    ResBody: Default + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, B>;

    /// Asks the inner service only: a busy issuer must not hold back tokens that are known.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.guard.let_in(&mut request) {
            Ok(()) => ResponseFuture::forwarding(self.inner.call(request)),
            Err(delay) => self.delay(request, delay),
        }
    }
}

impl<S, C> Gatekeeper<S, C> {
    /// Keeps a request until something is known, or turns it away.
    ///
    /// Drops the instance that was polled ready, and what it holds, such as a permit: an unverified
    /// request must not use capacity that known users need.
    #[cold]
    #[inline(never)]
    fn delay<B, ResBody>(&mut self, request: Request<B>, delay: Delay) -> ResponseFuture<S, C, B>
    where
        S: Service<Request<B>, Response = Response<ResBody>> + Clone,
        C: CheckService,
        ResBody: Default + 'static,
    {
        self.inner = self.inner.clone();
        match delay {
            Delay::Rejected(rejection) => {
                ResponseFuture::rejected(self.guard.reject(rejection, request.headers()))
            }
            Delay::Waiting(deciding, credential) => {
                let pending = self.guard.hold(request, credential, deciding);
                ResponseFuture::waiting(pending, self.inner.clone())
            }
        }
    }
}

impl<S: Clone, C> Clone for Gatekeeper<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.guard.clone())
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Gatekeeper<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatekeeper")
            .field("inner", &self.inner)
            .field("guard", &self.guard)
            .finish()
    }
}
