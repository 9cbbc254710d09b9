//! The entrance of those who ask about requests that they hold: other people's proxies.
//!
//! ```text
//! question ─ dialect ─► request ─► request_gate ─► routes ─► gate ─► answer in the dialect
//!    │                                │             │         │
//!   403, 404                         400, 414, …  404, 405  401, 403, 503
//! ```
//!
//! 1. What is asked about goes the way of all requests, by the same rules, and is turned away in
//!    the same words.
//! 2. Who asks is one of `server.trusted_proxies`: anybody else could try out tokens, and learn
//!    whose they are, or take all connections.
//! 3. Each question has one deadline, so that an outage is said before a proxy has given up, and
//!    made of it whatever it is configured to.
//! 4. Admitted is exactly 200. Envoy, and the Gateway API's `ExternalAuth`, take any other status as
//!    the answer for the client.
//! 5. Nothing of a body is read.
//!
//! Where browsers log in, a proxy may send them here for that, too: a site has one address for all that
//! it asks.
//!
//! Beside them, [callers] ask whose a token is, by RFC 7662 or as Kubernetes does.

mod admitted;
mod asking;
mod callers;
mod check;
mod decide;

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;

use http::{Request, Response};
use http_body::Body as _;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::service::service_fn;

use self::asking::Asking;
use self::callers::Endpoint;
use self::check::Message;
use self::decide::Decision;
use super::clients::unreadable;
use crate::config::DecisionsConfig;
use crate::fronts::{Dialect, Question, ext_authz};
use crate::hygiene::provenance::Hop;
use crate::metrics::Door;
use crate::proxy::Proxy;
use crate::proxy::rules::RuleSet;
use crate::rejection::{RejectionDetail, with_problem_json};
use crate::server::{Limits, Listener, Peer};
use crate::upstream::body::Body;

/// The listener of a [`Proxy`] for other people's proxies. A handle: clones are the same.
#[derive(Clone)]
pub struct Decisions(Proxy);

impl Decisions {
    pub(in crate::proxy) fn new(proxy: Proxy) -> Self {
        Self(proxy)
    }

    /// Serves those who ask on `listener` until `shutdown` completes, over HTTP/1.1 and HTTP/2.
    ///
    /// Works like [`Proxy::serve`], with the same limits, but for the number of connections: all
    /// may come from one trusted proxy, and few from anybody else.
    pub async fn serve(self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        let make_service = |peer: Peer| {
            let (decisions, peer) = (self.clone(), Hop::from(peer));
            service_fn(move |request| {
                let (decisions, peer) = (decisions.clone(), peer.clone());
                async move { Ok::<_, Infallible>(decisions.answer(request, &peer).await) }
            })
        };
        let listener = listener.into();
        self.0.0.runtime.certificates.add(listener.tls());
        let server = self.0.0.runtime.server.beside(for_proxies).with_h2c(true);
        let server = server.with_refusals(unreadable::refusals(&self.0));
        let proxy = self.0.clone();
        let is_trusted = move |peer| proxy.0.rules.load().fronts.trust(&Hop::from(peer));
        let server = server.with_trusted(is_trusted);
        server.serve(listener, make_service, shutdown).await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: &Hop) -> Response<Reply> {
        // One set of rules for the whole answer, whatever is replaced meanwhile.
        let rules = self.0.0.rules.load_full();
        let path = request.uri().path();
        if path == ext_authz::CHECK {
            return self.check(request, &rules, peer).await;
        }
        let endpoint = Endpoint::of_path(path).filter(|_| !rules.callers.is_empty());
        if let Some(endpoint) = endpoint {
            let asking = Asking::by(endpoint.door(), &self.0, &rules, peer, &request);
            let asking = asking.about(&request, &rules, peer);
            let (caller, response) = endpoint.answer(request, &rules).await;
            return asking
                .answered(caller.as_deref(), response)
                .map(Reply::Left);
        }
        let dialect = Dialect::of_path(path, rules.oauth2_auth);
        if dialect.is_none()
            && let Some(login) = &rules.login
            && let Some((endpoint, host)) = login.asked_by(&request, peer, &rules)
        {
            let asking = Asking::by(Door::Login, &self.0, &rules, peer, &request);
            let response = login.answer(endpoint, &host, request).await;
            return asking.logged_in(response).map(Reply::Left);
        }
        let response = match dialect {
            Some(dialect) => self.answer_in(dialect, request, &rules, peer).await,
            None => {
                let asking = Asking::by(Door::None, &self.0, &rules, peer, &request);
                let nothing = rules.reject(RejectionDetail::NoSuchQuestion).1;
                asking.answered(None, with_problem_json(nothing))
            }
        };
        response.map(Reply::Left)
    }

    /// Answers in the form for a proxy. The body of its request is not read.
    async fn answer_in(
        &self,
        dialect: Dialect,
        request: Request<Incoming>,
        rules: &RuleSet,
        peer: &Hop,
    ) -> Response<Body> {
        let mut asking = Asking::by(dialect.into(), &self.0, rules, peer, &request);
        let deadline = asking.deadline(None);
        let decision = match question(dialect, request, rules, peer) {
            Ok(question) => {
                asking = asking.about(&question.request, rules, peer);
                self.0
                    .decide(rules, question, peer, deadline, asking.log())
                    .await
            }
            Err(mistake) => Decision::rejected(rules.reject(mistake)),
        };
        let request_id = asking.request_id();
        match asking.end(decision) {
            Ok(admitted) => admitted.into_response(dialect, request_id),
            Err(response) => *response,
        }
    }
}

fn question(
    dialect: Dialect,
    request: Request<Incoming>,
    rules: &RuleSet,
    peer: &Hop,
) -> Result<Question, RejectionDetail> {
    if !rules.fronts.trust(peer) {
        return Err(RejectionDetail::UntrustedProxy);
    }
    let (head, body) = request.into_parts();
    let question = dialect.question(head)?;
    Ok(Question {
        has_body: question.has_body || !body.is_end_stream(),
        ..question
    })
}

/// An answer over HTTP, or a message of gRPC.
type Reply = Either<Body, Message>;

/// The request of a proxy has what it asks about beside the head of the client's.
fn for_proxies(limits: Limits) -> Limits {
    let more = |limit: NonZeroU32, by: NonZeroU32| limit.saturating_add(by.get());
    Limits {
        connections: DecisionsConfig::CONNECTIONS,
        connections_per_client: limits
            .connections_per_client
            .min(DecisionsConfig::CONNECTIONS_OF_A_STRANGER),
        head_fields: more(limits.head_fields, FIELDS_OF_A_QUESTION),
        head_bytes: more(limits.head_bytes, limits.target_bytes)
            .saturating_add(BYTES_OF_A_QUESTION),
        target_bytes: limits.target_bytes.saturating_add(BYTES_OF_A_QUESTION),
        h2_head_bytes: None,
        ..limits
    }
}

const FIELDS_OF_A_QUESTION: NonZeroU32 = NonZeroU32::new(16).expect("not zero");
const BYTES_OF_A_QUESTION: u32 = 1024;

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decisions").field(&self.0).finish()
    }
}
