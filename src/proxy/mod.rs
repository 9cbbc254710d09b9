//! The gate as a reverse proxy of its own.
//!
//! ```text
//! connection ─ server ─► request_gate ─► routes ─► headers ─► gatekeeper ─► upstream
//!                            │              │                     │             │
//!                         400, 414  400, 404, 405, 421      401, 403, 503    502, 504
//!                      417, 431, 501, 508
//! ```
//!
//! What an upstream can rely on:
//!
//! 1. A request reaches it only past the [gate](crate::gatekeeper), unless its route is
//!    configured as anonymous.
//! 2. Identity and forwarding headers come from us. What a client sent under these names, or
//!    under names that an upstream could take for them, is gone; on anonymous routes as well.
//! 3. Routes are decided by the host, the method, and the path as it will read it. A path that
//!    servers read in several ways passes if all of them lead to one route, and is refused
//!    otherwise. It gets the path as it came, or what is left of it where a route cuts its own off.
//! 4. It gets one host, one length, and the request exactly once, however a client wrote them.
//! 5. Bodies stream in both directions and are neither read nor changed; a client's trailers do
//!    not pass.
//! 6. A person is one of the route's server, and came with a token of one of the route's apps. No
//!    token is sent to another server.
//!
//! Operators, GHES, and those who ask about requests instead of sending them through come in by
//! listeners of their own: see [`admin`], [`webhook`] and [`decisions`].
//!
//! # Deployment
//!
//! Upstreams must not be reachable past the proxy: they cannot tell its headers from forged ones,
//! unless it signs and they verify [assertions](crate::assertion).

mod doors;
pub mod explain;
mod reload;
mod rules;
mod runtime;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::header::{CACHE_CONTROL, CONNECTION};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer};

pub use self::doors::{admin, decisions, webhook};
pub use self::reload::{ReloadError, Reloaded, Reloader};
pub use self::runtime::issuers::IssuerApp;
pub use crate::assertion::{KeyFileError, KeyFiles};
pub use crate::server::{
    CertificateFiles, InvalidListenAddress, Limits, ListenAddress, Listener, Peer, Server,
    Timeouts, Tls, TlsError, Workers, serve,
};
pub use crate::upstream::body::Body;
pub use crate::upstream::{Download, UpstreamLimits};

use self::doors::admin::{Admin, Probes, Readiness};
use self::doors::clients::access_log::AccessLog;
use self::doors::clients::answering::{Answer, Answering, ConnectionService};
use self::doors::clients::context::RequestContext;
use self::doors::clients::unreadable;
use self::doors::decisions::Decisions;
use self::doors::webhook::Webhook;
use self::rules::RuleSet;
use self::rules::destination::Destination;
use self::rules::routes::Found;
use self::runtime::assertion;
use self::runtime::ghes_services::GhesServices;
use self::runtime::issuers::{AppService, Services};
use self::runtime::secret_files::SecretFiles;
use self::runtime::{Connect, Runtime};
use crate::config::{Config, GhesConfig};
use crate::hygiene::provenance::Provenance;
use crate::hygiene::request::{Forwardable, Recipient, request_gate};
use crate::metrics::{Metrics, Outcome};
use crate::protection::{MeterLayer, ProtectedCheck, ProtectedMemberships};
use crate::rejection::{RejectionKind, grpc};
use crate::server::CountedRequest;

/// The check service of the proxy. Boxed once here, so that no type above depends on the layers
/// around the client; only misses pay for it.
pub type Check = ProtectedCheck;

/// The service of the proxy that is asked where people belong.
pub type Memberships = ProtectedMemberships;

/// The reverse proxy: everything between an accepted connection and the upstreams.
///
/// A handle: clones share caches, connections and routes.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    rules: ArcSwap<RuleSet>,
    /// Held while the rules are replaced, so that of two replacements one is whole.
    replacing: Mutex<()>,
}

/// A route, and the host that its request is for.
type Located<'r, 'h> = (Found<'r>, Option<&'h HeaderValue>);

impl Proxy {
    /// Builds the proxy that a configuration describes, asking each GHES that it names, and starts
    /// its [workers](Workers).
    ///
    /// # Errors
    ///
    /// Returns an error if a configured client id or CA file cannot be used, or there can be no
    /// more threads.
    ///
    /// # Panics
    ///
    /// Panics if a route names a server or apps that the configuration has not; none that was read
    /// is so.
    pub fn new(config: &Config) -> Result<Self, BoxError> {
        let metrics = Metrics::default();
        let secrets = SecretFiles::default();
        let ghes = GhesServices::new(metrics.clone(), secrets.clone());
        let connect = Box::new(move |config: &GhesConfig| ghes.connect(config));
        let workers = Workers::start(config.server.workers)?;
        let server = server_of(config).with_workers(workers);
        Self::build(config, connect, metrics, server, secrets)
    }

    /// Builds the proxy that a configuration describes, asking `check` instead of GHES: as each of
    /// the configured apps, one after the other, if there are several.
    ///
    /// Nothing limits how often; that is up to `check`. There are no workers: all happens in the
    /// runtime that [serves](Self::serve).
    ///
    /// # Panics
    ///
    /// Panics if a route is for organizations or teams: there is no membership service.
    pub fn with_check(config: &Config, check: Check) -> Self {
        Self::with_services(config, check, None)
    }

    /// Does the same, and asks `memberships` where people belong.
    pub fn with_check_and_memberships(
        config: &Config,
        check: Check,
        memberships: Memberships,
    ) -> Self {
        Self::with_services(config, check, Some(memberships))
    }

    fn with_services(config: &Config, check: Check, memberships: Option<Memberships>) -> Self {
        let metrics = Metrics::default();
        let counted = metrics.clone();
        let connect = Box::new(move |ghes: &GhesConfig| {
            let calls = MeterLayer::observed_by(counted.of_server(&ghes.name));
            let check: Check = BoxCloneSyncService::new(calls.layer(check.clone()));
            let memberships = memberships.clone();
            let memberships = memberships
                .map(|service| -> Memberships { BoxCloneSyncService::new(calls.layer(service)) });
            let apps = ghes.apps.iter().map(|_| AppService {
                check: check.clone(),
                protection: None,
                login: None,
                server: None,
                secrets: Vec::new(),
            });
            Ok(Services {
                apps: apps.collect(),
                memberships,
            })
        });
        let secrets = SecretFiles::default();
        let proxy = Self::build(config, connect, metrics, server_of(config), secrets);
        proxy.expect("services that are there need not be made")
    }

    /// Returns the apps whose tokens are good on some route, as the servers of the configuration
    /// and their apps are in order.
    #[must_use]
    pub fn apps(&self) -> Vec<IssuerApp> {
        self.0.runtime.issuers.now().apps().to_vec()
    }

    fn build(
        config: &Config,
        connect: Connect,
        metrics: Metrics,
        server: Server,
        secrets: SecretFiles,
    ) -> Result<Self, BoxError> {
        let runtime = Runtime::new(config, connect, metrics, server, secrets)?;
        let rules = RuleSet::new(config, &runtime.issuers.now(), &runtime);
        Ok(Self(Arc::new(Inner {
            runtime,
            rules: ArcSwap::from_pointee(rules),
            replacing: Mutex::default(),
        })))
    }

    /// Replaces routes, apps, limits and timeouts by those of another configuration, all of them or
    /// none, for each request that begins from now on. Requests under way end by the old ones.
    ///
    /// What is the same in both stays: what is remembered of an app's tokens, the connections to an
    /// upstream's address, how many unknown tokens a client has brought. An app whose secret, ages
    /// or server are others begins anew, and a server with other `[ghes.limits]` is another.
    ///
    /// Connections that are there keep their timeouts, and the limits of hyper and h2. The listeners,
    /// the workers, `h2c`, how many connections there may be in all and to one upstream, and
    /// `[webhook]` stay as they are. Call [`Config::fit_descriptors`] before, as before
    /// [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// Returns an error if a configured client id or CA file cannot be used, or if `[assertion]` is
    /// another. Nothing has changed then.
    ///
    /// # Panics
    ///
    /// Panics where [`new`](Self::new) does.
    pub fn replace_rules(&self, config: &Config) -> Result<(), BoxError> {
        let Inner {
            runtime,
            rules,
            replacing,
        } = &*self.0;
        let _replacing = replacing.lock();
        runtime.check_assertion(config)?;
        let apps = runtime.apps_of(config)?;
        let new = RuleSet::new(config, &apps, runtime);
        // The apps first: a purge must reach the tokens of every app that a new rule accepts.
        runtime.issuers.replace(apps);
        rules.store(Arc::new(new));
        let routes = config.routes.iter();
        runtime
            .metrics
            .keep_routes(routes.map(|route| route.name.as_str()));
        let server = &config.server;
        runtime
            .server
            .replace_settings(server.limits, server.timeouts);
        Ok(())
    }

    /// Serves clients on `listener` until `shutdown` completes, then lets requests end, as
    /// [`Server::serve`] does. WebSockets, which have no end of their own, are cut off then.
    pub async fn serve(self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        let listener = listener.into();
        self.0.runtime.certificates.add(listener.tls());
        let make_service = |peer| ConnectionService::new(self.clone(), peer);
        let open_listener = self.0.runtime.listening.open();
        let shutdown = async {
            shutdown.await;
            drop(open_listener);
            self.0.runtime.upstreams.tunnels().end();
        };
        let server = self.0.runtime.server.clone();
        let server = server.with_refusals(unreadable::refusals(&self));
        tokio::select! {
            () = server.serve(listener, make_service, shutdown) => {}
            never = assertion::keep_fresh(self.0.runtime.assertions.as_ref()) => match never {},
            never = self.0.runtime.secret_files.keep_fresh() => match never {},
        }
    }

    /// Makes readiness probes fail from now on. Clients are served as before: a balancer has time
    /// to send them elsewhere before the listeners close.
    pub fn begin_shutdown(&self) {
        self.0.runtime.listening.announce_closing();
    }

    /// Returns what operators connect to.
    ///
    /// It says that the proxy is not ready
    ///
    /// - until a listener [serves](Self::serve) clients, once none does any more, and after
    ///   [`begin_shutdown`](Self::begin_shutdown);
    /// - until GHES has answered once. A proxy without requests learns that only if its owner
    ///   [asks](IssuerApp::ask) by each of its [`apps`](Self::apps) until there is an answer. Of
    ///   several servers, one that is merely down does not keep the others' people out;
    /// - while GHES refuses the credentials of all apps.
    #[must_use]
    pub fn admin(&self) -> Admin {
        let listening = self.0.runtime.listening.clone();
        let issuers = self.0.runtime.issuers.clone();
        let metrics = self.0.runtime.metrics.clone();
        let snapshots = self.0.runtime.snapshots();
        let (apps, asked) = (issuers.clone(), issuers);
        let readiness = Readiness::default()
            .with("not_accepting", move || listening.accepts_clients())
            .with("ghes_not_answered", move || asked.have_answered())
            .with("credentials_refused", move || apps.are_ready());
        let assertions = self.0.runtime.assertions.clone();
        let secret = self.0.runtime.admin_secret.clone();
        Admin::new(snapshots, metrics, readiness, assertions, secret)
    }

    /// Returns what balancers, kubelets and Prometheus connect to: the part of
    /// [`admin`](Self::admin) that only looks.
    #[must_use]
    pub fn probes(&self) -> Probes {
        self.admin().into()
    }

    /// Returns what other people's proxies ask about the requests that they hold.
    ///
    /// It answers any of `server.trusted_proxies`, by the rules of the routes.
    #[must_use]
    pub fn decisions(&self) -> Decisions {
        Decisions::new(self.clone())
    }

    /// Returns what GHES sends its webhooks to, if one is configured.
    #[must_use]
    pub fn webhook(&self) -> Option<Webhook> {
        let receiver = Arc::clone(self.0.runtime.webhook.as_ref()?);
        let (issuers, metrics) = (
            self.0.runtime.issuers.clone(),
            self.0.runtime.metrics.clone(),
        );
        Some(Webhook::new(receiver, issuers, metrics))
    }

    /// Answers a request that came from `peer`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the request, and the connection to the upstream where HTTP/1.1 needs that.
    /// A check that was under way goes on for others who wait for the same token.
    pub async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let connection = ConnectionService::new(self.clone(), peer);
        let Ok(response) = self.answer(request, &connection).await;
        response
    }

    fn answer(&self, request: Request<Incoming>, connection: &ConnectionService) -> Answering {
        let at = Instant::now();
        // One set of rules from here to the upstream, whatever is replaced meanwhile.
        let rules = self.0.rules.load();
        let provenance = Provenance::of(request.headers(), &connection.peer, &rules.fronts);
        let request_id = provenance.request_id().cloned();
        let request_id = request_id.unwrap_or_else(|| self.0.runtime.request_ids.next());
        let log = AccessLog::begin(&request, &request_id, at).map(Box::new);
        let (counted, refused) = match self.count(&provenance, connection) {
            Ok(counted) => (counted, None),
            Err(kind) => (None, Some(kind)),
        };
        let mut context = RequestContext {
            at,
            request_id,
            client: provenance.client(),
            is_grpc: grpc::is_call(request.headers()),
            log,
            counted,
            route: None,
        };
        if let Some(kind) = refused {
            let (outcome, response) = rules.reject(kind);
            return Answering::new(self.clone(), context, Answer::ready(outcome, response));
        }
        let answer = match request_gate(&request, &rules.limits) {
            Ok(Recipient::Upstream(forwardable)) => {
                self.route(&rules, request, &provenance, forwardable, &mut context)
            }
            Ok(Recipient::ThisServer) => Answer::ready(Outcome::Anonymous, about_this_server()),
            Err(kind) => {
                let version = request.version();
                let (outcome, response) = rules.reject(kind);
                Answer::ready(outcome, close_after(response, version))
            }
        };
        Answering::new(self.clone(), context, answer)
    }

    /// Counts a request among those of its client; none where clients cannot be told apart.
    fn count(
        &self,
        provenance: &Provenance,
        connection: &ConnectionService,
    ) -> Result<Option<CountedRequest>, RejectionKind> {
        let requests = self.0.runtime.server.requests();
        let told = provenance.told_client();
        let client = told
            .map(|address| requests.client(address))
            .or(connection.client);
        let counted = client.map(|client| {
            let begun = requests.begin(client);
            begun.ok_or(RejectionKind::TooManyAtOnce)
        });
        counted.transpose()
    }

    fn route(
        &self,
        rules: &RuleSet,
        mut request: Request<Incoming>,
        provenance: &Provenance,
        forwardable: Forwardable,
        context: &mut RequestContext,
    ) -> Answer {
        if let Some(login) = &rules.login
            && let Ok(Some(host)) = rules.asked_host(provenance, &forwardable)
            && let Some(endpoint) = login.endpoint(host, request.uri().path())
        {
            return Answer::Login(login.answer(endpoint, host, request));
        }
        let (found, host) = match self.locate(rules, &request, provenance, &forwardable) {
            Ok(located) => located,
            Err((outcome, response)) => return Answer::ready(outcome, *response),
        };
        context.found(found.route);
        let login = rules.login.as_ref();
        let visiting = login.map(|login| login.enter(&found, host, &mut request));
        let visiting = match visiting.transpose() {
            Ok(visiting) => visiting.flatten(),
            Err(detail) => {
                let (outcome, response) = rules.reject(detail);
                return Answer::ready(outcome, response);
            }
        };
        let Some(upstream) = &found.route.upstream else {
            let (outcome, response) = rules.reject(RejectionKind::NoRoute);
            return Answer::ready(outcome, response);
        };
        if let Some(answer) = found.answer(&request) {
            return Answer::ready(Outcome::Anonymous, answer);
        }
        let settled = rules.routes.settle_destination(&found, host, &mut request);
        if let Err(detail) = settled {
            let (outcome, response) = rules.reject(detail);
            return Answer::ready(outcome, response);
        }
        let marking = found.route.cors.marking(&request);
        let forwarding = found.forward(upstream, request, provenance, forwardable, context);
        match forwarding {
            Ok(forwarding) => Answer::Forwarded(forwarding, marking, visiting),
            Err(kind) => {
                let (outcome, response) = rules.reject(kind);
                Answer::ready(outcome, response)
            }
        }
    }

    /// Finds the route of a well-formed request, and the host that it is for; or what is answered
    /// where there is none.
    fn locate<'r, 'h, B: http_body::Body>(
        &self,
        rules: &'r RuleSet,
        request: &Request<B>,
        provenance: &'h Provenance,
        forwardable: &'h Forwardable,
    ) -> Result<Located<'r, 'h>, (Outcome, Box<Response<Body>>)> {
        let boxed = |(outcome, response)| (outcome, Box::new(response));
        let host = rules.asked_host(provenance, forwardable);
        let host = host.map_err(|rejection| boxed(rules.reject(rejection)))?;
        match rules.destination(host, request, self.0.runtime.assertions.as_ref()) {
            Destination::Route(found) => Ok((found, host)),
            Destination::Here(response) => Err((Outcome::Anonymous, response)),
            Destination::Nowhere(miss) => Err(boxed(rules.miss(&miss))),
        }
    }
}

fn server_of(config: &Config) -> Server {
    let server = &config.server;
    Server::new(server.limits, server.timeouts).with_h2c(server.h2c)
}

/// Answers `OPTIONS *` (RFC 9110 §9.3.7): there is a server. Says nothing of what stands behind it.
fn about_this_server() -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// Where one request ends and the next begins may be just what was wrong with this one (RFC 9112
/// §6.1). In HTTP/2 the frames tell.
fn close_after(mut response: Response<Body>, version: Version) -> Response<Body> {
    if version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("routes", &self.0.rules.load().routes)
            .finish_non_exhaustive()
    }
}
