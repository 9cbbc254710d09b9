use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::Full;
use pin_project::pin_project;
use tower::Service;

use super::SessionLayer;
use crate::rejection::{Realm, Rejection, RejectionDetail};
use crate::session::browser::is_navigation;
use crate::session::{Endpoint, Opens, Visit, Visitor, now};

/// Middleware that lets browsers log in.
///
/// See [`SessionLayer`] for an example.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    layer: SessionLayer,
}

impl<S> SessionService<S> {
    pub(super) fn new(inner: S, layer: SessionLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, ResBody> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    ResBody: Default + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let host = host_of(&request);
        let state = match self.layer.endpoint(host.as_ref(), &request) {
            Some((endpoint, host)) => State::Answering(self.layer.answer(endpoint, host, request)),
            None => match self.layer.enter(&mut request, host.as_ref()) {
                Ok(visitor) => State::Inner {
                    future: self.inner.call(request),
                    visitor,
                },
                Err(detail) => {
                    let rejection = Rejection::from(detail);
                    let bodies = &self.layer.bodies;
                    let response = rejection.answer(&Realm::default(), request.headers(), bodies);
                    State::Rejected(Some(response))
                }
            },
        };
        SessionFuture {
            state,
            layer: self.layer.clone(),
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

impl SessionLayer {
    fn endpoint<B>(
        &self,
        host: Option<&HeaderValue>,
        request: &Request<B>,
    ) -> Option<(Endpoint, String)> {
        let sessions = &self.login.sessions;
        let host = host?.to_str().ok().filter(|host| sessions.has(host))?;
        let endpoint = sessions.endpoint(request.uri().path())?;
        Some((endpoint, host.to_owned()))
    }

    fn answer<B>(&self, endpoint: Endpoint, host: String, request: Request<B>) -> Answering {
        let login = Arc::clone(&self.login);
        let navigates = is_navigation(&request);
        let (head, _) = request.into_parts();
        Box::pin(async move {
            let visit = Visit {
                host: &host,
                headers: &head.headers,
                query: head.uri.query().unwrap_or_default(),
                navigates,
                now: now(),
            };
            let answered = login
                .sessions
                .answer(endpoint, &head.method, &visit, &*login.accounts);
            answered.await
        })
    }

    /// Gives the gate inside the token of a session.
    fn enter<B>(
        &self,
        request: &mut Request<B>,
        host: Option<&HeaderValue>,
    ) -> Result<Option<Box<Visitor>>, RejectionDetail> {
        let headers = request.headers();
        // Whatever the request turns into, what is said on it later may change anything.
        let upgrades = headers.contains_key(SEC_WEBSOCKET_VERSION) || headers.contains_key(UPGRADE);
        let opens = match upgrades {
            true => Opens::Stream,
            false => Opens::Nothing,
        };
        self.login.sessions.enter(request, host, opens)
    }
}

/// Response future of [`SessionService`].
///
/// # Cancel safety
///
/// Dropping it drops the request. A login that was about to end has to begin again.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct SessionFuture<F, B> {
    #[pin]
    state: State<F, B>,
    layer: SessionLayer,
}

#[pin_project(project = StateProj)]
enum State<F, B> {
    /// The login itself answers.
    Answering(Answering),
    /// A page of another site asks; taken by the first poll.
    Rejected(Option<Response<B>>),
    Inner {
        #[pin]
        future: F,
        visitor: Option<Box<Visitor>>,
    },
}

impl<F, ResBody, E> Future for SessionFuture<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Default + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let body = |page| this.layer.bodies.make(bytes_of(page)).unwrap_or_default();
        Poll::Ready(match this.state.project() {
            StateProj::Answering(answering) => Ok(ready!(answering.as_mut().poll(cx)).map(body)),
            StateProj::Rejected(response) => Ok(response
                .take()
                .expect("SessionFuture polled after completion")),
            StateProj::Inner { future, visitor } => {
                let mut response = ready!(future.poll(cx));
                if let (Ok(response), Some(visitor)) = (&mut response, visitor) {
                    this.layer.login.sessions.show_page(visitor, response, body);
                }
                response
            }
        })
    }
}

impl<F, B> std::fmt::Debug for SessionFuture<F, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}

/// Returns the host that the request is for; none if it names none, or several.
fn host_of<B>(request: &Request<B>) -> Option<HeaderValue> {
    if let Some(authority) = request.uri().authority() {
        return HeaderValue::from_str(authority.as_str()).ok();
    }
    let mut lines = request.headers().get_all(HOST).iter();
    let host = lines.next().cloned();
    host.filter(|_| lines.next().is_none())
}

/// Takes all that such a body has: it never waits.
fn bytes_of(mut page: Full<Bytes>) -> Bytes {
    let polled = Pin::new(&mut page).poll_frame(&mut Context::from_waker(Waker::noop()));
    match polled {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    }
}
