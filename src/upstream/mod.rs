//! The way to an upstream and back.
//!
//! 1. **No connection is shared by mistake.** A connection goes back to its pool only after both
//!    messages were sent and read to the end; any other end closes it. A connection on which bytes
//!    have arrived before the next request is closed, too.
//! 2. **No request is sent twice**, with two exceptions: none of it was written, or its method is
//!    idempotent (RFC 9110 §9.2.2), it has no body, and the upstream may have been about to close
//!    the connection. Then it is sent once more, over a new connection.
//! 3. **An upstream that cannot be reached is 502**, one that takes too long 504.
//! 4. **Interim responses end**: after some hundred kilobytes of them it is 502.
//!
//! The connections are `hyper::client::conn`'s, without hyper-util's client around them: no task
//! for each request, one small box, no lookup of the address.

mod addresses;
pub(crate) mod body;
mod deadline;
mod download;
mod endpoint;
mod exchange;
mod failure;
mod host;
mod limits;
pub(crate) mod redirects;
mod timeouts;
mod tls;
mod tunnel;
mod upload;
mod url;
mod websocket;

use std::fmt;
use std::mem::{self, Discriminant, discriminant};
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Extensions, Request, Response, Uri, Version};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tower::Service;

pub use self::download::Download;
pub(crate) use self::exchange::Exchange;
pub(crate) use self::failure::FailureReason;
pub use self::host::{UnknownUpstreamHost, UpstreamHost};
pub use self::limits::UpstreamLimits;
pub use self::timeouts::UpstreamTimeouts;
pub use self::tls::UpstreamTls;
pub(crate) use self::tunnel::Tunnels;
pub(crate) use self::upload::Upload;
pub use self::url::{InvalidUpstreamUrl, UpstreamUrl};
pub(crate) use self::websocket::{count_tunnel, is_handshake, note_handshake, note_offer};

use self::addresses::Addresses;
use self::body::Body;
use self::endpoint::neighbours::Neighbours;
use self::endpoint::{Endpoint, Lease};
use self::exchange::{Answered, Outgoing};
use self::failure::Failure;
use self::redirects::{Redirects, Told};
use self::upload::Sent;
use self::websocket::Handshake;
use crate::causes::Causes;
use crate::hygiene::hop_by_hop::strip_response;
use crate::hygiene::response::response_gate;
use crate::rejection::RejectionKind;
use crate::throttle::Throttle;

/// All upstreams: routes to the same address share its connections, if they speak TLS in the same
/// way or not at all.
pub(crate) struct Upstreams {
    /// Those that some route leads to. Others go with their last route.
    endpoints: Mutex<Vec<Weak<Endpoint>>>,
    tunnels: Tunnels,
    workers: NonZeroUsize,
    neighbours: Neighbours,
}

impl Upstreams {
    /// For this many workers with connections of their own, within the limits of all.
    pub(crate) fn new(workers: NonZeroUsize, limits: UpstreamLimits) -> Self {
        Self {
            endpoints: Mutex::default(),
            tunnels: Tunnels::default(),
            workers,
            neighbours: Neighbours::new(limits),
        }
    }

    /// Returns what leads to one tool.
    pub(crate) fn of(&self, tool: &Tool<'_>) -> Upstream {
        let tls = tool.tls;
        let endpoints = tool.urls.iter();
        let endpoints = endpoints.map(|url| self.shared(url, tls.filter(|_| url.is_https())));
        let addresses = Addresses::new(endpoints.collect(), tool.timeouts.connect);
        let upstream = Inner {
            addresses,
            tunnels: self.tunnels.clone(),
            seal: tool.seal.clone(),
            observer: Arc::clone(&tool.observer),
            redirects: Redirects::of(tool),
            timeouts: tool.timeouts,
            failures: Throttle::default(),
        };
        if tls.is_some_and(|tls| tls.danger_accept_invalid_certs) {
            tracing::warn!(
                upstream = %upstream.addresses,
                "danger_accept_invalid_certs is on: anybody in between can play this upstream",
            );
        }
        Upstream(Arc::new(upstream))
    }

    pub(crate) fn tunnels(&self) -> &Tunnels {
        &self.tunnels
    }

    fn shared(&self, url: &UpstreamUrl, tls: Option<&UpstreamTls>) -> Arc<Endpoint> {
        let mut endpoints = self.endpoints.lock();
        endpoints.retain(|endpoint| endpoint.strong_count() > 0);
        let mut known = endpoints.iter().filter_map(Weak::upgrade);
        if let Some(known) = known.find(|endpoint| endpoint.is_at(url, tls)) {
            return known;
        }
        let endpoint = Endpoint::new(url.clone(), tls, self.workers, &self.neighbours);
        endpoints.push(Arc::downgrade(&endpoint));
        endpoint
    }
}

/// What a request is given last, when method, path and headers are as they are sent.
pub(crate) trait Seal: Send + Sync {
    /// Adds to a request by what the gate has `noted` of it.
    fn seal(&self, request: &mut Request<Upload>, noted: &Extensions) -> Result<(), RejectionKind>;
}

/// What is told of each exchange that has ended.
pub(crate) trait Observer: Send + Sync {
    /// The head of a response was there so long after the request.
    fn answered(&self, elapsed: Duration);

    /// There is no response that can be passed on.
    fn failed(&self, reason: FailureReason);
}

/// A tool behind the gate: where it is, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Tool<'a> {
    pub(crate) urls: &'a [UpstreamUrl],
    pub(crate) tls: Option<&'a UpstreamTls>,
    pub(crate) timeouts: UpstreamTimeouts,
    pub(crate) host: UpstreamHost,
    pub(crate) rewrites_redirects: bool,
    /// Whether the route's prefix is removed before the request gets there.
    pub(crate) cuts_prefix: bool,
    /// What each request is given last; absent where it is nothing.
    pub(crate) seal: Option<Arc<dyn Seal>>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// The upstream of one route.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Inner>);

struct Inner {
    addresses: Addresses,
    tunnels: Tunnels,
    seal: Option<Arc<dyn Seal>>,
    observer: Arc<dyn Observer>,
    redirects: Option<Redirects>,
    timeouts: UpstreamTimeouts,
    failures: Throttle<Discriminant<Failure>>,
}

impl Upstream {
    /// Returns the scheme of the upstream, and the authority if there is only one.
    pub(crate) fn origin(&self) -> (&Scheme, Option<&Authority>) {
        self.0.addresses.origin()
    }
}

impl Inner {
    /// Passes on an upstream's response, or reports its failure.
    fn pass_on(
        &self,
        answered: Answered,
        elapsed: Duration,
        sent: Sent,
        handshake: Option<Box<Handshake>>,
        told: Option<Box<Told>>,
    ) -> Result<Response<Body>, RejectionKind> {
        answered
            .inspect(|_| self.observer.answered(elapsed))
            .and_then(|(response, lease)| match handshake {
                Some(handshake) if handshake.is_agreed(&response)? => {
                    Ok(self.go_on(*handshake, response, lease))
                }
                _ => pass_on(response, lease, sent),
            })
            .map(|mut response| {
                if let Some((redirects, told)) = self.redirects.as_ref().zip(told) {
                    redirects.rewrite(response.headers_mut(), &told);
                }
                response
            })
            .map_err(|failure| self.failed(&failure))
    }

    /// Makes the outgoing request from an admitted one.
    fn prepare(&self, mut request: Request<Incoming>) -> Result<Outgoing, RejectionKind> {
        if websocket::is_connect(&request) && !self.addresses.speak_http1() {
            return Err(RejectionKind::NotImplemented);
        }
        let may_upgrade = self.addresses.speak_http1();
        let handshake = may_upgrade.then(|| Handshake::of(&mut request)).flatten();
        let handshake = handshake.map(Box::new);
        let rewrites = self.redirects.is_some();
        let told = rewrites.then(|| Box::new(Told::by(request.headers())));
        let (mut request, sent) = Upload::of(request);
        if !is_origin_form(request.uri()) {
            *request.uri_mut() = origin_form(request.uri());
        }
        // What the gate noted there is for us alone.
        let noted = mem::take(request.extensions_mut());
        if let Some(handshake) = &handshake {
            handshake.ask(&mut request);
        }
        if let Some(seal) = &self.seal {
            seal.seal(&mut request, &noted)?;
        }
        Ok(Outgoing {
            request,
            sent,
            handshake,
            told,
        })
    }

    /// Connects the client and the upstream in the protocol they have agreed on.
    fn go_on(
        &self,
        handshake: Handshake,
        mut response: Response<Incoming>,
        lease: Lease,
    ) -> Response<Body> {
        let upstream = hyper::upgrade::on(&mut response);
        let mut response = response.map(|_| Body::default());
        handshake.agree(&mut response);
        let (client, held) = handshake.into_client();
        let idle = self.timeouts.idle;
        self.tunnels.open(client, upstream, idle, (lease, held));
        response
    }

    fn failed(&self, failure: &Failure) -> RejectionKind {
        if failure.is_of_the_client() {
            return RejectionKind::InvalidRequest;
        }
        self.observer.failed(failure.reason());
        if let Some(turn) = self.failures.turn(discriminant(failure)) {
            tracing::warn!(
                upstream = %self.addresses,
                error.causes = %Causes(failure),
                suppressed = turn.suppressed,
                "upstream failed: {failure}",
            );
        }
        failure.kind()
    }
}

impl Service<Request<Incoming>> for Upstream {
    type Response = Response<Body>;
    type Error = RejectionKind;
    type Future = Exchange;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RejectionKind>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Exchange {
        let upstream = Arc::clone(&self.0);
        match upstream.prepare(request) {
            Ok(outgoing) => Exchange::begin(upstream, outgoing),
            Err(kind) => Exchange::refused(upstream, kind),
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.0.addresses)
    }
}

fn is_origin_form(requested: &Uri) -> bool {
    requested.authority().is_none() && requested.path_and_query().is_some()
}

/// The same path and query, byte by byte.
fn origin_form(requested: &Uri) -> Uri {
    let root = || PathAndQuery::from_static("/");
    Uri::from(requested.path_and_query().cloned().unwrap_or_else(root))
}

fn pass_on(
    mut response: Response<Incoming>,
    lease: Lease,
    sent: Sent,
) -> Result<Response<Body>, Failure> {
    response_gate(&mut response)?;
    let mut response = response.map(|body| Body::Streaming(Download::new(body, lease, sent)));
    // Each hop has its own (RFC 9110 §2.5).
    *response.version_mut() = Version::HTTP_11;
    strip_response(response.headers_mut());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool<'a>(urls: &'a [UpstreamUrl], tls: Option<&'a UpstreamTls>) -> Tool<'a> {
        Tool {
            urls,
            tls,
            timeouts: UpstreamTimeouts::default(),
            host: UpstreamHost::default(),
            rewrites_redirects: true,
            cuts_prefix: false,
            seal: None,
            observer: Arc::new(Unobserved),
        }
    }

    struct Unobserved;

    impl Observer for Unobserved {
        fn answered(&self, _: Duration) {}

        fn failed(&self, _: FailureReason) {}
    }

    fn tls(server_name: &'static str) -> UpstreamTls {
        let name = server_name.try_into().unwrap();
        UpstreamTls::new(None, None, Some(name), false).unwrap()
    }

    #[test]
    fn an_address_is_kept_while_something_leads_to_it() {
        let one = NonZeroUsize::MIN;
        let upstreams = Upstreams::new(one, UpstreamLimits::default());
        let count = || upstreams.endpoints.lock().len();
        let [plain, other, secure] =
            ["http://a", "http://b", "https://a"].map(|url| [url.parse::<UpstreamUrl>().unwrap()]);
        let first = upstreams.of(&tool(&plain, None));
        let again = upstreams.of(&tool(&plain, None));
        assert_eq!(count(), 1, "the same address");
        let _other = upstreams.of(&tool(&other, None));
        assert_eq!(count(), 2, "another address");
        let (a, b) = (tls("a"), tls("b"));
        let _secure = upstreams.of(&tool(&secure, Some(&a)));
        let _same = upstreams.of(&tool(&secure, Some(&tls("a"))));
        assert_eq!(count(), 3, "the same TLS");
        let _unlike = upstreams.of(&tool(&secure, Some(&b)));
        assert_eq!(count(), 4, "another name in TLS");
        drop((first, again));
        let _last = upstreams.of(&tool(&other, None));
        assert_eq!(count(), 3, "nothing leads to the first any more");
    }
}
