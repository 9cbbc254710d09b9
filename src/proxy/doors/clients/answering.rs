use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project::{pin_project, pinned_drop};

use super::access_log::CutOff;
use super::context::RequestContext;
use super::forward::Forwarding;
use crate::hygiene::provenance::Hop;
use crate::metrics::Outcome;
use crate::proxy::Proxy;
use crate::proxy::rules::login::Visiting;
use crate::routing::cors::Marking;
use crate::server::{Client, Peer};
use crate::upstream::body::Body;

/// The service of one connection.
pub(in crate::proxy) struct ConnectionService {
    proxy: Proxy,
    pub(in crate::proxy) peer: Hop,
    /// The client of the requests, if no trusted proxy names another; none if there could be
    /// several.
    pub(in crate::proxy) client: Option<Client>,
}

impl ConnectionService {
    pub(in crate::proxy) fn new(proxy: Proxy, peer: Peer) -> Self {
        let requests = proxy.0.runtime.server.requests();
        let client = peer.is_remote().then(|| requests.client(peer.ip()));
        Self {
            client,
            peer: peer.into(),
            proxy,
        }
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.proxy.answer(request, self)
    }
}

/// A request that is being answered. Every step that does not wait is done before this exists, so
/// it has no room for the request itself.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub(in crate::proxy) struct Answering {
    proxy: Proxy,
    context: RequestContext,
    #[pin]
    answer: Answer,
}

#[pin_project(project = AnswerProj)]
pub(in crate::proxy) enum Answer {
    /// Ready at once; taken by the first poll.
    Ready(Option<(Outcome, Response<Body>)>),
    Forwarded(#[pin] Forwarding, Option<Marking>, Option<Box<Visiting>>),
    /// By an endpoint of the login.
    Login(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

impl Answering {
    pub(in crate::proxy) fn new(proxy: Proxy, context: RequestContext, answer: Answer) -> Self {
        Self {
            proxy,
            context,
            answer,
        }
    }
}

impl Answer {
    pub(in crate::proxy) fn ready(outcome: Outcome, response: Response<Body>) -> Self {
        Self::Ready(Some((outcome, response)))
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (outcome, mut response) = match this.answer.project() {
            AnswerProj::Ready(answer) => {
                let answer = answer.take();
                answer.expect("Answering polled after completion")
            }
            AnswerProj::Login(answering) => {
                let response = ready!(answering.as_mut().poll(cx));
                (Outcome::Anonymous, response)
            }
            AnswerProj::Forwarded(mut forwarding, marking, visiting) => {
                let log = this.context.log.as_deref_mut();
                let (outcome, mut response) = match ready!(forwarding.as_mut().poll(cx, log)) {
                    Ok(response) => (forwarding.outcome(&response), response),
                    // What an upstream does is not about a credential, so there is no realm.
                    Err(kind) => this.proxy.0.rules.load().reject(kind),
                };
                if let Some(observed) = forwarding.noted() {
                    this.proxy.0.runtime.metrics.observed(observed.0.kind());
                    response.extensions_mut().insert(observed.clone());
                }
                if let Some(visiting) = visiting {
                    visiting.show(&mut response);
                }
                if let Some(marking) = marking {
                    marking.mark(&mut response);
                }
                (outcome, response)
            }
        };
        this.context.answered(this.proxy, outcome, &mut response);
        Poll::Ready(Ok(response))
    }
}

/// hyper drops a response that is no longer needed, and so does the server when it stops.
#[pinned_drop]
impl PinnedDrop for Answering {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(log) = this.context.log.take() {
            let why = match this.proxy.0.runtime.listening.any() {
                true => CutOff::ClientGone,
                false => CutOff::Shutdown,
            };
            log.cut_off(why, this.context.client, this.context.at.elapsed());
        }
    }
}
