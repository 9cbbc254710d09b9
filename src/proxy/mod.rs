//! The gate as a reverse proxy of its own.
//!
//! ```text
//! connection ─ server ─► well_formed ─► routes ─► headers ─► gatekeeper ─► upstream
//!                            │             │                     │             │
//!                         400, 501     400, 404           401, 403, 503     502, 504
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
//! 4. Bodies stream in both directions and are neither read nor changed.
//!
//! # Deployment
//!
//! Upstreams must not be reachable past the proxy: they cannot tell its headers from forged ones.

mod access_log;
mod body;
pub mod config;
mod decided_path;
mod headers;
mod request_id;
mod routes;
mod server;
mod upstream;
mod well_formed;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceExt};

pub use self::body::Body;
pub use self::server::serve;
pub use self::upstream::Download;

use self::access_log::AccessLog;
use self::config::{Config, GhesConfig};
use self::headers::{set_forwarding, strip_request};
use self::request_id::RequestIds;
use self::routes::{Entry, Routes};
use self::upstream::{Tunnels, Upstreams, note_handshake};
use self::well_formed::well_formed;
use crate::gatekeeper::headers::{strip_credential, strip_identity};
use crate::gatekeeper::{ClientAddr, GatekeeperLayer};
use crate::ghes::{App, GhesClient, HttpsTransport, InvalidApp};
use crate::protection::{ProtectedCheck, Protection, ProtectionMonitor};
use crate::rejection::{Realm, Rejection, RejectionKind, with_problem_json};
use crate::validator::Validator;

/// The check service of the proxy. Boxed once here, so that no type above depends on the layers
/// around the client; only misses pay for it.
pub type Check = ProtectedCheck;

/// The reverse proxy: everything between an accepted connection and the upstreams.
///
/// A handle: clones share caches, connections and routes.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    routes: Routes,
    realm: Realm,
    request_ids: RequestIds,
    protection: Option<ProtectionMonitor>,
    tunnels: Tunnels,
}

impl Proxy {
    /// Builds the proxy that a configuration describes, asking its GHES.
    ///
    /// # Errors
    ///
    /// Returns an error if the configured client id or CA file cannot be used.
    pub fn new(config: &Config) -> Result<Self, BoxError> {
        let (check, protection) = check(&config.ghes)?;
        Ok(Self::build(config, check, Some(protection)))
    }

    /// Builds the proxy that a configuration describes, asking `check` instead of GHES.
    ///
    /// Nothing limits how often; that is up to `check`.
    pub fn with_check(config: &Config, check: Check) -> Self {
        Self::build(config, check, None)
    }

    /// Returns what stands between the proxy and GHES, to be watched.
    #[must_use]
    pub fn protection(&self) -> Option<&ProtectionMonitor> {
        self.0.protection.as_ref()
    }

    fn build(config: &Config, check: Check, protection: Option<ProtectionMonitor>) -> Self {
        let validator = Validator::builder(check).with_cache(config.cache).build();
        let gate = GatekeeperLayer::new(validator)
            .with_realm(config.server.realm.clone())
            .with_identity_extension(false)
            .with_identity_headers(true)
            .with_client_limit(config.server.client_limit);
        let mut upstreams = Upstreams::default();
        let routes = Routes::new(&config.routes, &gate, &mut upstreams);
        Self(Arc::new(Inner {
            routes,
            realm: config.server.realm.clone(),
            request_ids: RequestIds::new(),
            protection,
            tunnels: upstreams.tunnels().clone(),
        }))
    }

    /// Serves clients on `listener` until `shutdown` completes, then lets requests end, as
    /// [`serve`] does. WebSockets, which have no end of their own, are cut off then.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let make_service = |peer| {
            let proxy = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let proxy = proxy.clone();
                async move { Ok::<_, Infallible>(proxy.handle(request, peer).await) }
            })
        };
        let tunnels = self.0.tunnels.clone();
        let shutdown = async {
            shutdown.await;
            tunnels.end();
        };
        serve(listener, make_service, shutdown).await;
    }

    /// Answers a request that came from `peer`.
    pub async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let request_id = self.0.request_ids.next();
        let log = AccessLog::begin(&request, &request_id);
        let response = match self.forward(request, peer, request_id).await {
            Ok(response) => response,
            Err(kind) => Rejection::new(kind).into_response(&self.0.realm),
        };
        if let Some(log) = log {
            log.end(&response, peer);
        }
        with_problem_json(response)
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        request_id: HeaderValue,
    ) -> Result<Response<Body>, RejectionKind> {
        well_formed(&request)?;
        let entry = self.0.routes.find(request.uri().path())?;
        note_handshake(&mut request);
        let headers = request.headers_mut();
        strip_request(headers);
        set_forwarding(headers, peer, request_id);
        match entry {
            Entry::Gated(gate) => {
                request.extensions_mut().insert(ClientAddr(peer.ip()));
                gate.clone().oneshot(request).await
            }
            Entry::Anonymous(upstream) => {
                strip_identity(headers);
                strip_credential(headers, false);
                upstream.clone().oneshot(request).await
            }
        }
    }
}

/// A client of the configured GHES for each of the app's secrets, and limits and breakers around
/// them.
fn check(ghes: &GhesConfig) -> Result<(Check, ProtectionMonitor), BoxError> {
    let transport = match &ghes.ca_file {
        Some(file) => HttpsTransport::with_ca_file(file)?,
        None => HttpsTransport::new()?,
    };
    let [app] = ghes.apps.as_slice() else {
        return Err("the proxy needs exactly one app; see ghes.apps".into());
    };
    let version = ghes.api_version.as_ref().map(HeaderValue::try_from);
    let version = version.transpose()?;
    let client = |secret: &SecretString| -> Result<_, InvalidApp> {
        let app = App::new(&app.client_id, secret.clone());
        let client = GhesClient::new(&ghes.url, &app, transport.clone())?;
        Ok(match &version {
            Some(version) => client.with_api_version(version.clone()),
            None => client,
        })
    };
    let current = client(&app.client_secret)?;
    let next = app.client_secret_next.as_ref().map(client).transpose()?;
    let protection = Protection::new().with_limits(ghes.limits);
    Ok(protection.protect(current, next))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("routes", &self.0.routes)
            .finish_non_exhaustive()
    }
}
