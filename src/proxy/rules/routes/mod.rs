//! Which upstream a request is for, and what it takes to get there.

mod described;
mod gate;

use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body::Body;

use super::assertion::UpstreamAssertion;
use crate::assertion::Signer;
use crate::config::{
    Admittance, Config, IdentityHeaders, RouteConfig, RouteMode, StrippedHeader, UpstreamHost,
};
use crate::gatekeeper::Guard;
use crate::metrics::RouteCounts;
use crate::proxy::Check;
use crate::proxy::doors::clients::access_log::RouteNames;
use crate::proxy::rules::admissions::Admissions;
use crate::proxy::runtime::Runtime;
use crate::proxy::runtime::issuers::IssuerApp;
use crate::upstream::{Observer, Seal, Tool, Upstream};

pub use self::described::RouteTrace;
pub(in crate::proxy) use crate::routing::table::Miss;

use self::gate::Gates;
use crate::routing::RouteFinder;
use crate::routing::cors::{Cors, preflight};
use crate::routing::prefix::Prefix;
use crate::routing::rules::Rules;

/// All routes.
#[derive(Debug)]
pub(in crate::proxy) struct Routes {
    finder: RouteFinder,
    routes: Vec<Route>,
    reads_methods: bool,
    /// Those that any route names, and one that none does.
    methods: Vec<Method>,
}

/// The configuration of one route's requests.
#[derive(Debug)]
pub(in crate::proxy) struct Route {
    /// None if the route is for those who ask alone.
    pub(in crate::proxy) upstream: Option<Upstream>,
    /// What the upstream is told of a person, signed.
    pub(in crate::proxy) assertion: Option<UpstreamAssertion>,
    /// What stands before the upstream. None for anonymous routes: everybody passes, without a
    /// credential and without an identity.
    pub(in crate::proxy) gate: Option<Guard<Check>>,
    /// Whether the token of a WebSocket may stand among its subprotocols.
    pub(in crate::proxy) websocket_protocol: bool,
    /// Whether browsers come with a session, and are sent to get one.
    pub(in crate::proxy) logs_in: bool,
    /// Whether the gate only observes.
    pub(in crate::proxy) observes: bool,
    /// By which names the upstream is told the login.
    pub(in crate::proxy) identity_headers: IdentityHeaders,
    /// The apps whose tokens are good here, in the order in which they are asked.
    pub(in crate::proxy) apps: Vec<IssuerApp>,
    /// Headers that are removed for this upstream, beyond those that are removed for all.
    pub(in crate::proxy) stripped: Vec<StrippedHeader>,
    /// The host that the upstream gets.
    pub(in crate::proxy) host: UpstreamHost,
    /// Whether redirects in responses and paths in requests are rewritten.
    pub(in crate::proxy) rewrites_redirects: bool,
    /// The prefix that is removed from the path.
    pub(in crate::proxy) prefix: Option<Prefix>,
    pub(in crate::proxy) cors: Cors,
    /// The gate's rules.
    pub(in crate::proxy) rules: Rules,
    /// What the log calls it.
    pub(in crate::proxy) names: Arc<RouteNames>,
    /// What is counted of it, also by the configuration before, if it has the same name there.
    pub(in crate::proxy) counts: Arc<RouteCounts>,
    /// The route as written in the configuration.
    pub(in crate::proxy) described: RouteTrace,
}

/// The route of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Found<'r> {
    pub(in crate::proxy) route: &'r Route,
    /// Whether the request is a preflight, which the route forwards or answers.
    pub(in crate::proxy) is_preflight: bool,
    /// Whether the method decides anything, here or on the way here.
    pub(in crate::proxy) reads_methods: bool,
}

impl Routes {
    pub(in crate::proxy) fn new(
        config: &Config,
        admissions: Admissions<'_>,
        signer: Option<&Signer>,
        runtime: &Runtime,
    ) -> Self {
        let gates = Gates::new(config, admissions);
        let routes = config.routes.iter();
        Self {
            finder: RouteFinder::new(&config.routes),
            routes: routes
                .enumerate()
                .map(|(at, route)| Route::new(at, route, &gates, signer, runtime))
                .collect(),
            reads_methods: config.routes.iter().any(|r| !r.matches.methods.is_empty()),
            methods: methods(config),
        }
    }

    /// Returns whether any route is for some hosts only.
    pub(in crate::proxy) fn read_hosts(&self) -> bool {
        self.finder.reads_hosts()
    }

    /// Tells whether it depends on the method which route a path has, or whether it has one.
    pub(in crate::proxy) fn differ_by_method(
        &self,
        host: Option<&HeaderValue>,
        path: &str,
    ) -> bool {
        let find = |method| self.finder.find(host, path, method).ok();
        let of_get = find(&Method::GET);
        self.reads_methods && self.methods.iter().any(|method| find(method) != of_get)
    }

    /// Finds the route of a request, by the rules of [`RouteMatch`](crate::config::RouteMatch); for
    /// a preflight, the route of the request that it asks about.
    pub(in crate::proxy) fn find<B: Body>(
        &self,
        host: Option<&HeaderValue>,
        request: &Request<B>,
    ) -> Result<Found<'_>, Miss<'_>> {
        let find = |method: &Method| {
            let route = self.finder.find(host, request.uri().path(), method)?;
            Ok(&self.routes[route])
        };
        let found = |route, is_preflight| Found {
            route,
            is_preflight,
            reads_methods: self.reads_methods,
        };
        if let Some(method) = preflight(request)
            && let Ok(route) = find(&method)
            && !matches!(route.cors, Cors::Gate)
        {
            return Ok(found(route, true));
        }
        // RFC 8441 §5: the only CONNECT that comes this far is that of a WebSocket, which is a GET
        // elsewhere.
        let method = match *request.method() {
            Method::CONNECT => &Method::GET,
            ref method => method,
        };
        find(method).map(|route| found(route, false))
    }
}

fn methods(config: &Config) -> Vec<Method> {
    let named = config
        .routes
        .iter()
        .flat_map(|route| &route.matches.methods);
    named
        .cloned()
        .chain(Method::from_bytes(b"UNNAMED"))
        .collect()
}

fn names(route: &RouteConfig) -> RouteNames {
    let upstreams: Vec<_> = route.upstreams.iter().map(ToString::to_string).collect();
    RouteNames {
        route: route.name.to_string().into(),
        upstream: (!upstreams.is_empty()).then(|| upstreams.join(", ").into()),
        ghes: route
            .tokens
            .as_ref()
            .map(|tokens| tokens.ghes.as_str().into()),
    }
}

fn tool_of<'a>(
    route: &'a RouteConfig,
    assertion: Option<&UpstreamAssertion>,
    counts: &Arc<RouteCounts>,
) -> Tool<'a> {
    Tool {
        urls: &route.upstreams,
        tls: route.upstream_tls.as_ref(),
        timeouts: route.timeouts,
        host: route.host,
        rewrites_redirects: route.rewrite_redirects,
        cuts_prefix: route.strip_prefix,
        seal: assertion.map(|assertion| Arc::new(assertion.clone()) as Arc<dyn Seal>),
        observer: Arc::clone(counts) as Arc<dyn Observer>,
    }
}

impl Route {
    /// Returns the names that a tool may not get from a client: those of the route that are in the
    /// request, and those that could be in what a proxy has not told of it.
    pub(in crate::proxy) fn stripped_in(&self, headers: &HeaderMap) -> Vec<HeaderName> {
        let is_stripped = |name: &&HeaderName| self.stripped.iter().any(|s| s.is_named(name));
        let there = headers.keys().filter(is_stripped).cloned();
        let exact = self.stripped.iter().filter_map(StrippedHeader::name);
        there.chain(exact).collect()
    }

    fn new(
        at: usize,
        config: &RouteConfig,
        gates: &Gates<'_>,
        signer: Option<&Signer>,
        runtime: &Runtime,
    ) -> Self {
        let audience = config.audience.as_deref();
        let assertion = signer.cloned().zip(audience);
        let assertion = assertion.map(|(signer, to)| UpstreamAssertion::new(signer, to));
        let counts = runtime.metrics.of_route(config.name.as_str());
        let upstream = (!config.upstreams.is_empty()).then(|| {
            let tool = tool_of(config, assertion.as_ref(), &counts);
            runtime.upstreams.of(&tool)
        });
        let rules = Rules::of(&Admittance::of(config));
        let is_gated = !config.anonymous;
        Self {
            gate: is_gated.then(|| gates.of_route(config, &rules)),
            observes: config.mode == RouteMode::Observe,
            logs_in: config.login,
            websocket_protocol: config.websocket_protocol,
            identity_headers: config.identity_headers,
            apps: match is_gated {
                true => gates.apps_of_route(config),
                false => Vec::new(),
            },
            upstream,
            assertion,
            stripped: config.strip_headers.clone(),
            host: config.host,
            rewrites_redirects: config.rewrite_redirects,
            prefix: config
                .strip_prefix
                .then(|| Prefix::new(&config.matches.path)),
            cors: Cors::of(config),
            rules,
            names: Arc::new(names(config)),
            counts,
            described: RouteTrace::new(at, config),
        }
    }
}
