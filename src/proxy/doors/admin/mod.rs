//! The listener for operators of the proxy: probes, metrics, purging.
//!
//! | request | answer |
//! |---|---|
//! | `GET /healthz`, `/ping` | 200: the process is alive |
//! | `GET /readyz`, `/ready` | 200 or 503, with reasons: `{"ready": false, "reasons": ["…"]}` |
//! | `GET /metrics` | for Prometheus: OpenMetrics if `Accept` asks for it, else its text format |
//! | `POST /purge` | `{"purged": n}` |
//! | `POST /reload` | 200 and what has changed, or 422 and `{"errors": ["…"]}`: nothing has |
//! | `GET /.well-known/jwks.json` | the public keys of [assertions](crate::assertion), if there are any |
//!
//! A purge names one of `{"hashed_token": "…"}` (hex or base64), `{"user_id": n}`,
//! `{"authorization_id": n}`, `{"client_id": "…"}` and `{"all": true}`.
//!
//! # Deployment caveat
//!
//! Without [`[admin]`](crate::config::AdminConfig) this listener has no authentication, so only the
//! operators of the proxy may be able to connect. With it, purges and reloads need
//! `Authorization: Bearer` and its secret; whoever connects may still look. A purge cannot admit a request; it only makes the gate ask GHES again. A browser on the
//! operator's machine cannot purge, not even from a page with DNS rebinding: it cannot omit
//! `Origin`, which is refused. Nor can such a page read from a listener on loopback: that accepts
//! `localhost` or an address as host, and answers 421 to every other name.

mod local_names;
mod probes;
mod purge_request;
mod readiness;

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ORIGIN, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use self::local_names::refuse_other_names;
use self::purge_request::read_purge;
use crate::endpoint::{OPERATORS, Problem, SharedSecret, empty, json, small_body};
use crate::metrics::{Format, Metrics, PurgeSource};
use crate::proxy::reload::Reloader;
use crate::proxy::runtime::assertion::{Assertions, KEYS_PATH};
use crate::proxy::runtime::snapshot::SnapshotSource;
use crate::server::{Limits, Server, Timeouts};

pub use self::probes::Probes;
pub(in crate::proxy) use self::readiness::Readiness;

/// The admin listener of a [`Proxy`](crate::proxy::Proxy). A handle: clones are the same.
#[derive(Clone)]
pub struct Admin {
    inner: Arc<Inner>,
    reloader: Option<Reloader>,
}

struct Inner {
    snapshots: SnapshotSource,
    metrics: Metrics,
    readiness: Readiness,
    assertions: Option<Assertions>,
    /// What whoever changes something has to know.
    secret: Option<Arc<SharedSecret>>,
}

/// The requests that a listener accepts.
#[derive(Clone, Copy)]
enum Audience {
    Operators,
    /// Probes and metrics only.
    Probes,
}

#[derive(Clone, Copy, PartialEq)]
enum Endpoint {
    Alive,
    Keys,
    Metrics,
    Purge,
    Ready,
    Reload,
}

impl Admin {
    pub(in crate::proxy) fn new(
        snapshots: SnapshotSource,
        metrics: Metrics,
        readiness: Readiness,
        assertions: Option<Assertions>,
        secret: Option<Arc<SharedSecret>>,
    ) -> Self {
        let inner = Inner {
            snapshots,
            metrics,
            readiness,
            assertions,
            secret,
        };
        Self {
            inner: Arc::new(inner),
            reloader: None,
        }
    }

    /// Lets operators reload the configuration.
    #[must_use]
    pub fn with_reloader(self, reloader: Reloader) -> Self {
        let reloader = Some(reloader);
        Self { reloader, ..self }
    }

    /// Serves operators on `listener` until `shutdown` completes.
    ///
    /// Works like [`serve`](crate::proxy::serve), for few connections at once: their file
    /// descriptors are kept back from clients.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.serve_for(Audience::Operators, listener, shutdown)
            .await;
    }

    async fn serve_for(
        self,
        audience: Audience,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) {
        let address = listener.local_addr();
        let is_on_loopback = address.is_ok_and(|address| address.ip().is_loopback());
        let make_service = |_| {
            let admin = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let admin = admin.clone();
                async move {
                    let response = admin.handle(audience, request, is_on_loopback).await;
                    Ok::<_, Infallible>(response)
                }
            })
        };
        let server = Server::new(limits(), Timeouts::default());
        server.serve(listener, make_service, shutdown).await;
    }

    async fn handle(
        &self,
        audience: Audience,
        request: Request<Incoming>,
        is_on_loopback: bool,
    ) -> Response<Full<Bytes>> {
        let answer = async {
            if is_on_loopback {
                refuse_other_names(request.headers())?;
            }
            self.answer(audience, request).await
        };
        answer.await.unwrap_or_else(Problem::into_response)
    }

    async fn answer(
        &self,
        audience: Audience,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        let endpoint = Endpoint::find(request.uri().path());
        let endpoint = endpoint.filter(|endpoint| audience.may_ask(*endpoint));
        let endpoint = endpoint.ok_or_else(|| audience.not_found())?;
        endpoint.check_method(request.method())?;
        match endpoint {
            Endpoint::Alive => Ok(empty(StatusCode::OK)),
            Endpoint::Keys => self.keys(),
            Endpoint::Metrics => Ok(self.metrics(request.headers())),
            Endpoint::Purge => self.purge(request).await,
            Endpoint::Ready => Ok(self.inner.readiness.to_response()),
            Endpoint::Reload => self.reload(request.headers()).await,
        }
    }

    fn keys(&self) -> Result<Response<Full<Bytes>>, Problem> {
        let assertions = self.inner.assertions.as_ref();
        assertions.map(Assertions::published).ok_or(NO_KEYS)
    }

    fn metrics(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let format = Format::asked_for(headers);
        let now = self.inner.snapshots.snapshot(self.inner.readiness.holds());
        let text = self.inner.metrics.exposition(now, format);
        let mut response = empty(StatusCode::OK).map(|_| Full::from(text));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, format.content_type());
        headers.insert(VARY, HeaderValue::from_name(ACCEPT));
        response
    }

    async fn purge(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Problem> {
        refuse_browsers(request.headers())?;
        refuse_forms(request.headers())?;
        self.check_secret(request.headers())?;
        let body = small_body(request.into_body(), MAX_PURGE_BYTES).await?;
        let purge = read_purge(&body)?;
        let purged = self.inner.snapshots.issuers.purge(&purge);
        self.inner.metrics.purged(PurgeSource::Admin, purged);
        tracing::info!(?purge, purged, source = "admin", "verdicts forgotten");
        Ok(json(StatusCode::OK, &Purged { purged }))
    }

    async fn reload(&self, headers: &HeaderMap) -> Result<Response<Full<Bytes>>, Problem> {
        refuse_browsers(headers)?;
        self.check_secret(headers)?;
        let reloader = self.reloader.clone().ok_or(NO_RELOADER)?;
        let reloaded = spawn_blocking(move || reloader.reload()).await;
        Ok(match reloaded.map_err(|_| NO_RELOADER)? {
            Ok(reloaded) => json(StatusCode::OK, &reloaded),
            Err(error) => {
                let errors = error.iter().collect();
                json(StatusCode::UNPROCESSABLE_ENTITY, &NotReloaded { errors })
            }
        })
    }

    fn check_secret(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(secret) = &self.inner.secret else {
            return Ok(());
        };
        let line = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let bearer = line.and_then(|line| line.split_first_chunk::<7>());
        let presented = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
        match presented {
            Some((_, presented)) if secret.is(presented) => Ok(()),
            _ => Err(NO_SECRET),
        }
    }
}

impl Audience {
    fn may_ask(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Operators => true,
            Self::Probes => {
                [Endpoint::Alive, Endpoint::Metrics, Endpoint::Ready].contains(&endpoint)
            }
        }
    }

    const fn not_found(self) -> Problem {
        match self {
            Self::Operators => NOT_FOUND,
            Self::Probes => NOT_FOUND_BY_PROBES,
        }
    }
}

impl Endpoint {
    fn find(path: &str) -> Option<Self> {
        match path {
            "/healthz" | "/ping" => Some(Self::Alive),
            KEYS_PATH => Some(Self::Keys),
            "/metrics" => Some(Self::Metrics),
            "/purge" => Some(Self::Purge),
            "/readyz" | "/ready" => Some(Self::Ready),
            "/reload" => Some(Self::Reload),
            _ => None,
        }
    }

    /// A resource for GET has HEAD, too (RFC 9110 §9.3.2).
    fn check_method(&self, method: &Method) -> Result<(), Problem> {
        match (self, method) {
            (Self::Purge | Self::Reload, &Method::POST) => Ok(()),
            (Self::Purge | Self::Reload, _) => Err(Problem::method_not_allowed("POST")),
            (_, &Method::GET | &Method::HEAD) => Ok(()),
            (_, _) => Err(Problem::method_not_allowed("GET, HEAD")),
        }
    }
}

/// Keeps pages of other sites from changing anything through their visitor's browser: it sends
/// `Origin` with every POST (Fetch §3.2).
fn refuse_browsers(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.contains_key(ORIGIN) {
        true => Err(FROM_BROWSER),
        false => Ok(()),
    }
}

/// A browser sends a preflight before JSON, and none before what a form could send.
fn refuse_forms(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |kind| kind.as_bytes());
    let essence = kind.split(|b| *b == b';').next().unwrap_or_default();
    if !essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
    {
        return Err(NOT_JSON);
    }
    Ok(())
}

/// What is wrong with the configuration, one line each.
#[derive(Serialize)]
struct NotReloaded<'e> {
    errors: Vec<&'e str>,
}

#[derive(Serialize)]
struct Purged {
    purged: u64,
}

fn limits() -> Limits {
    Limits {
        connections: OPERATORS,
        connections_per_client: CONNECTIONS_PER_CLIENT,
        ..Limits::default()
    }
}

const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(32).expect("not zero");

/// Far longer than any purge.
const MAX_PURGE_BYTES: usize = 8 * 1024;

const NOT_FOUND: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "there are /healthz, /readyz, /metrics, /purge and /reload",
);

const NOT_FOUND_BY_PROBES: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "there are /healthz, /readyz and /metrics",
);

const NO_KEYS: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "nothing is signed; there is no [assertion] in the configuration",
);

const FROM_BROWSER: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "web pages may change nothing here; leave out Origin",
);

const NO_SECRET: Problem = Problem::unauthorized(
    "send Authorization: Bearer and the secret of [admin]",
    "Bearer realm=\"admin\"",
);

const NO_RELOADER: Problem = Problem::new(
    StatusCode::NOT_IMPLEMENTED,
    "this proxy has no configuration to read again",
);

const NOT_JSON: Problem = Problem::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "send Content-Type: application/json",
);

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("readiness", &self.inner.readiness)
            .finish_non_exhaustive()
    }
}
