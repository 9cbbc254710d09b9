//! One line for each request: what it was, who it was from, and what became of it.
//!
//! 1. Nothing of it is secret: no query, no token, no more than twelve digits of its hash.
//! 2. Everything is noted where it is decided, and looked up nowhere again.
//! 3. What a client writes is bounded; the log's own format makes it printable.
//! 4. The target of all lines is [`TARGET`], so that they can be had apart from others.

mod line;
mod trace_id;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use tokio::time::Instant;

use self::line::Line;
use self::trace_id::TraceId;
use crate::gatekeeper::{Observed, Subject};
use crate::metrics::Outcome;
use crate::proxy::runtime::floods::Floods;
use crate::rejection::Rejection;
use crate::throttle::Turn;

/// The target of the access log's lines.
const TARGET: &str = "access";

/// The access log's data of a request, taken before the request is moved.
///
/// The query is left out: people put tokens there.
pub(in crate::proxy) struct AccessLog {
    at: Instant,
    request_id: HeaderValue,
    trace_id: Option<TraceId>,
    method: Method,
    host: Option<HeaderValue>,
    path: Box<str>,
    version: Version,
    user_agent: Option<HeaderValue>,
    /// None for clients.
    door: Option<&'static str>,
    /// The id of a caller.
    caller: Option<Box<str>>,
    route: Option<Arc<RouteNames>>,
    subject: Subject,
    /// When the upstream was asked.
    forwarded_at: Option<Instant>,
}

/// What the log calls a route, and what belongs to it.
#[derive(Debug)]
pub(in crate::proxy) struct RouteNames {
    pub(in crate::proxy) route: Box<str>,
    /// Its addresses; none if it has none.
    pub(in crate::proxy) upstream: Option<Box<str>>,
    /// The server whose tokens are good; none if no token is asked for.
    pub(in crate::proxy) ghes: Option<Box<str>>,
}

impl AccessLog {
    /// Begins with a request that came `at` this time, if anybody wants its line.
    pub(in crate::proxy) fn begin<B>(
        request: &Request<B>,
        request_id: &HeaderValue,
        at: Instant,
    ) -> Option<Self> {
        let is_wanted = tracing::enabled!(target: TARGET, tracing::Level::WARN);
        is_wanted.then(|| Self {
            at,
            request_id: request_id.clone(),
            trace_id: TraceId::of(request.headers()),
            method: request.method().clone(),
            host: host(request),
            path: request.uri().path().into(),
            version: request.version(),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            door: None,
            caller: None,
            route: None,
            subject: Subject::default(),
            forwarded_at: None,
        })
    }

    /// Says by which door others ask about the request.
    pub(in crate::proxy) fn at_door(self, door: &'static str) -> Self {
        let door = Some(door);
        Self { door, ..self }
    }

    /// Says who asks about a token, as far as that is known.
    pub(in crate::proxy) fn of_caller(self, id: Option<&str>) -> Self {
        let caller = id.map(Into::into);
        Self { caller, ..self }
    }

    pub(in crate::proxy) fn found(&mut self, route: &Arc<RouteNames>) {
        self.route = Some(Arc::clone(route));
    }

    /// Returns where the gate notes whom the request is about.
    pub(in crate::proxy) fn subject(&mut self) -> &mut Subject {
        &mut self.subject
    }

    /// Notes that the gate's part is done.
    pub(in crate::proxy) fn forwarded(&mut self) {
        self.forwarded_at = Some(Instant::now());
    }

    /// Logs a response in the form in which the client gets it, unless it is part of a flood.
    pub(in crate::proxy) fn end<B: Body>(
        &self,
        outcome: Outcome,
        response: &Response<B>,
        client: IpAddr,
        elapsed: Duration,
        floods: &Floods,
    ) {
        let Some(turn) = line::turn(floods, client, outcome) else {
            return;
        };
        let extensions = response.extensions();
        let observed = extensions.get::<Observed>();
        let rejection = extensions.get::<Rejection>();
        let rejection = rejection.or_else(|| observed.map(|observed| &observed.0));
        Line {
            status: Some(response.status()),
            response_bytes: response.body().size_hint().exact(),
            outcome: Some(outcome),
            rejection,
            suppressed: turn.suppressed,
            ..Line::about(self, client, elapsed)
        }
        .answered();
    }

    /// Logs a request whose client gets no response any more, and the reason.
    pub(in crate::proxy) fn cut_off(&self, why: CutOff, client: IpAddr, elapsed: Duration) {
        Line {
            cut_off: Some(why.as_str()),
            ..Line::about(self, client, elapsed)
        }
        .cut_off();
    }

    /// How much of the time until the end was the gate's.
    fn gate_time(&self, elapsed: Duration) -> Duration {
        self.forwarded_at.map_or(elapsed, |at| at - self.at)
    }
}

/// The host as the client wrote it: in the target, in `:authority`, or in `Host`.
fn host<B>(request: &Request<B>) -> Option<HeaderValue> {
    match request.uri().authority() {
        Some(authority) => HeaderValue::try_from(authority.as_str()).ok(),
        None => request.headers().get(HOST).cloned(),
    }
}

/// Why a request ended without a response.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) enum CutOff {
    /// The client closed the connection, or reset the stream.
    ClientGone,
    /// The time to drain after the order to stop was over.
    Shutdown,
}

impl CutOff {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Logs a request that could not be read, and so has neither method nor path.
pub(in crate::proxy) fn unreadable(
    response: &Response<Bytes>,
    request_id: &HeaderValue,
    client: IpAddr,
    turn: Turn,
) {
    let rejection = response.extensions().get::<Rejection>();
    Line {
        status: Some(response.status()),
        response_bytes: Some(response.body().len() as u64),
        outcome: rejection.map(|rejection| Outcome::Rejected(rejection.kind())),
        rejection,
        suppressed: turn.suppressed,
        ..Line::of(request_id, client)
    }
    .answered();
}
