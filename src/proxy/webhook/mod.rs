//! Where GHES reports that somebody revoked the app's authorization.
//!
//! GHES sends the event `github_app_authorization` to the webhook of every GitHub App, and nothing
//! of the kind for OAuth apps. It names the user and no token, so all that is remembered about the
//! user's tokens is forgotten.
//!
//! 1. Nothing of a delivery is read before its signature is found good.
//! 2. A delivery can only make the proxy forget. Whoever steals the secret can make GHES be asked
//!    more often, and no more.
//! 3. Deliveries that are repeated, and all other events, are taken and change nothing.

mod receiver;
mod signature;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::issuers::Issuers;
use super::metrics::{Metrics, PurgeSource};
use super::problem::{Problem, empty};
use super::serve;
use super::small_body::small_body;

pub use self::receiver::{Receiver, Refused};

/// The webhook listener of a [`Proxy`](super::Proxy). A handle: clones are the same.
#[derive(Clone)]
pub struct Webhook(Arc<Inner>);

struct Inner {
    receiver: Arc<Receiver>,
    issuers: Issuers,
    metrics: Metrics,
}

impl Webhook {
    pub(super) fn new(receiver: Arc<Receiver>, issuers: Issuers, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            receiver,
            issuers,
            metrics,
        }))
    }

    /// Serves GHES on `listener` until `shutdown` completes, as [`serve`] does.
    ///
    /// Deliveries may go to any path. They are answered with 200 if they were about a user, and
    /// with 202 if there was nothing to do.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let make_service = |_| {
            let webhook = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let webhook = webhook.clone();
                async move { Ok::<_, Infallible>(webhook.handle(request).await) }
            })
        };
        serve(listener, make_service, shutdown).await;
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.take(request).await {
            Ok(status) => empty(status),
            Err(problem) => {
                tracing::warn!("webhook delivery refused: {problem}");
                problem.into_response()
            }
        }
    }

    async fn take(&self, request: Request<Incoming>) -> Result<StatusCode, Problem> {
        if request.method() != Method::POST {
            return Err(Problem::method_not_allowed("POST"));
        }
        let (head, body) = request.into_parts();
        let body = small_body(body, MAX_PAYLOAD_BYTES).await?;
        let received = self.0.receiver.receive(&head.headers, &body);
        let Some(purge) = received.map_err(|Refused(problem)| problem)? else {
            return Ok(StatusCode::ACCEPTED);
        };
        let purged = self.0.issuers.purge(&purge);
        self.0.metrics.purged(PurgeSource::Webhook, purged);
        tracing::info!(?purge, purged, source = "webhook", "verdicts forgotten");
        Ok(StatusCode::OK)
    }
}

/// GitHub sends up to 25 MB; the one event that matters has about 1 KB.
const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("receiver", &self.0.receiver)
            .finish_non_exhaustive()
    }
}
