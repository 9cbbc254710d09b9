use std::task::{Context, Poll};

use http::Request;
use tower::Service;

use crate::config::IdentityHeaders;

/// An upstream that is told the login by the names it looks for.
///
/// Stands behind the gate, which has removed what the client sent under any of these names.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Presented<S> {
    inner: S,
    headers: IdentityHeaders,
}

impl<S> Presented<S> {
    pub(in crate::proxy) fn new(inner: S, headers: IdentityHeaders) -> Self {
        Self { inner, headers }
    }

    /// Presents to another upstream in the same way.
    pub(in crate::proxy) fn to<T>(&self, inner: T) -> Presented<T> {
        Presented::new(inner, self.headers)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Presented<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        // The gate's own name for it needs no change.
        if self.headers != IdentityHeaders::XForwarded {
            rename(&mut request, self.headers);
        }
        self.inner.call(request)
    }
}

fn rename<B>(request: &mut Request<B>, preset: IdentityHeaders) {
    let gates_own = &IdentityHeaders::XForwarded.of_the_login()[0];
    let headers = request.headers_mut();
    if let Some(login) = headers.remove(gates_own) {
        for name in preset.of_the_login() {
            headers.insert(name.clone(), login.clone());
        }
    }
}
