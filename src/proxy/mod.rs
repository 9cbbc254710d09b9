//! The gate as a reverse proxy of its own.
//!
//! ```text
//! connection ─ server ─► request_gate ─► routes ─► headers ─► gatekeeper ─► upstream
//!                            │              │                     │             │
//!                         400, 414       400, 404           401, 403, 503    502, 504
//!                      417, 431, 501, 508
//! ```
//!
//! What an upstream can rely on:
//!
//! 1. A request reaches it only past the [gate](crate::gatekeeper), unless its route is
//!    configured as anonymous.
//! 2. Identity and forwarding headers come from us. What a client sent under these names, or
//!    under names that an upstream could take for them, is gone; on anonymous routes as well.
//! 3. Routes are decided by the path as it will read it, decoded; paths that could be read in
//!    two ways are refused wherever a route depends on them. It gets the path as it came.
//! 4. It gets one host, one length, and the request exactly once, however a client wrote them.
//! 5. Bodies stream in both directions and are neither read nor changed; a client's trailers do
//!    not pass.
//!
//! # Deployment
//!
//! Upstreams must not be reachable past the proxy: they cannot tell its headers from forged ones.

mod access_log;
mod body;
pub mod config;
mod decided_path;
mod headers;
mod provenance;
mod request_gate;
mod request_id;
mod response_gate;
mod routes;
mod server;
mod trailers;
mod upload;
mod upstream;
mod via;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONNECTION};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

pub use self::body::Body;
pub use self::server::serve;

use self::access_log::AccessLog;
use self::config::{Config, GhesConfig, TrustedProxies};
use self::headers::{set_forwarding, strip_request};
use self::provenance::Provenance;
use self::request_gate::{Onward, Passage, request_gate};
use self::request_id::RequestIds;
use self::routes::{Entry, Routes};
use self::upstream::Upstreams;
use crate::check::{CheckError, CheckRequest, Verdict};
use crate::gatekeeper::headers::{strip_credential, strip_identity};
use crate::gatekeeper::{ClientAddr, GatekeeperLayer};
use crate::ghes::{App, GhesClient, HttpsTransport};
use crate::rejection::{Realm, Rejection, RejectionKind, with_problem_json};
use crate::validator::Validator;

/// The check service of the proxy. Boxed once here, so that no type above depends on the layers
/// around the client; only misses pay for it.
pub type Check = BoxCloneSyncService<CheckRequest, Verdict, CheckError>;

/// The reverse proxy: everything between an accepted connection and the upstreams.
///
/// A handle: clones share caches, connections and routes.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    routes: Routes,
    realm: Realm,
    trusted_proxies: TrustedProxies,
    request_ids: RequestIds,
}

impl Proxy {
    /// Builds the proxy that a configuration describes, asking its GHES.
    ///
    /// # Errors
    ///
    /// Returns an error if the configured client id or CA file cannot be used.
    pub fn new(config: &Config) -> Result<Self, BoxError> {
        Ok(Self::with_check(config, check(&config.ghes)?))
    }

    /// Builds the proxy that a configuration describes, asking `check` instead of GHES.
    pub fn with_check(config: &Config, check: Check) -> Self {
        let validator = Validator::builder(check).with_cache(config.cache).build();
        let gate = GatekeeperLayer::new(validator)
            .with_realm(config.server.realm.clone())
            .with_identity_extension(false)
            .with_identity_headers(true)
            .with_client_limit(config.server.client_limit);
        let routes = Routes::new(&config.routes, &gate, &Upstreams::new());
        Self(Arc::new(Inner {
            routes,
            realm: config.server.realm.clone(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            request_ids: RequestIds::new(),
        }))
    }

    /// Serves clients on `listener` until `shutdown` completes, then lets requests end, as
    /// [`serve`] does.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let make_service = |peer| {
            let proxy = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let proxy = proxy.clone();
                async move { Ok::<_, Infallible>(proxy.handle(request, peer).await) }
            })
        };
        serve(listener, make_service, shutdown).await;
    }

    /// Answers a request that came from `peer`.
    pub async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let request_id = self.0.request_ids.next();
        let log = AccessLog::begin(&request, &request_id);
        let provenance = Provenance::of(request.headers(), peer.ip(), &self.0.trusted_proxies);
        let client = provenance.client();
        let response = match request_gate(&request) {
            Ok(Passage::Onward(onward)) => self
                .forward(request, provenance, onward, request_id)
                .await
                .unwrap_or_else(|kind| self.reject(kind)),
            Ok(Passage::Here) => about_this_server(),
            Err(kind) => close_after(self.reject(kind), request.version()),
        };
        if let Some(log) = log {
            log.end(&response, client);
        }
        with_problem_json(response)
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        provenance: Provenance,
        onward: Onward,
        request_id: HeaderValue,
    ) -> Result<Response<Body>, RejectionKind> {
        let entry = self.0.routes.find(request.uri().path())?;
        let version = request.version();
        let headers = request.headers_mut();
        strip_request(headers);
        set_forwarding(headers, &provenance, onward, request_id);
        via::append(headers, version);
        match entry {
            Entry::Gated(gate) => {
                let client = ClientAddr(provenance.client());
                request.extensions_mut().insert(client);
                gate.clone().oneshot(request).await
            }
            Entry::Anonymous(upstream) => {
                strip_identity(headers);
                strip_credential(headers, false);
                upstream.clone().oneshot(request).await
            }
        }
    }

    fn reject(&self, kind: RejectionKind) -> Response<Body> {
        Rejection::new(kind).into_response(&self.0.realm)
    }
}

/// RFC 9110 §9.3.7: whoever asks `OPTIONS *` learns that there is a server, and nothing of what
/// stands behind it.
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

/// The client of the configured GHES. Layers around it belong here.
fn check(ghes: &GhesConfig) -> Result<Check, BoxError> {
    let transport = match &ghes.ca_file {
        Some(file) => HttpsTransport::with_ca_file(file)?,
        None => HttpsTransport::new()?,
    };
    let [app] = ghes.apps.as_slice() else {
        return Err("the proxy needs exactly one app; see ghes.apps".into());
    };
    let app = App::new(&app.client_id, app.client_secret.clone());
    let mut client = GhesClient::new(&ghes.url, &app, transport)?;
    if let Some(version) = &ghes.api_version {
        client = client.with_api_version(HeaderValue::try_from(version)?);
    }
    Ok(BoxCloneSyncService::new(client))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("routes", &self.0.routes)
            .finish_non_exhaustive()
    }
}
