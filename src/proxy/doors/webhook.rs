//! The endpoint where GHES reports a revoked authorization of the app.
//!
//! GHES sends the event `github_app_authorization` to the webhook of every GitHub App, and no such
//! event for OAuth apps. It names the user and no token, so all verdicts for the user's tokens are
//! purged.
//!
//! 1. Nothing of a delivery is trusted before its signature is verified. The signature is computed
//!    as the body arrives. The body is kept only if its event may matter; without a signature, not
//!    a byte is read.
//! 2. A delivery can only purge. An attacker with the secret can make the gate ask GHES more often,
//!    and no more.
//! 3. Repeated deliveries, under any id, and all other events are accepted and change nothing. A
//!    format that could not be read if it mattered, such as a form, is refused at the first `ping`.

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::endpoint::{DELIVERIES, Problem, each_piece, empty};
use crate::metrics::{Metrics, PurgeSource};
use crate::proxy::runtime::issuers::Issuers;
use crate::server::{Limits, Server, Timeouts};

pub use crate::webhook::{Receiver, Refused};

/// The webhook listener of a [`Proxy`](crate::proxy::Proxy). A handle: clones are the same.
#[derive(Clone)]
pub struct Webhook(Arc<Inner>);

struct Inner {
    receiver: Arc<Receiver>,
    issuers: Issuers,
    metrics: Metrics,
}

impl Webhook {
    pub(in crate::proxy) fn new(
        receiver: Arc<Receiver>,
        issuers: Issuers,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Inner {
            receiver,
            issuers,
            metrics,
        }))
    }

    /// Serves GHES on `listener` until `shutdown` completes.
    ///
    /// Works like [`serve`](crate::proxy::serve), for few connections at once. Deliveries may go to
    /// any path. They are answered with 200 if they were about a user, and with 202 if there was
    /// nothing to do.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let make_service = |_| {
            let webhook = self.clone();
            service_fn(move |request: Request<Incoming>| {
                let webhook = webhook.clone();
                async move { Ok::<_, Infallible>(webhook.handle(request).await) }
            })
        };
        let server = Server::new(limits(), timeouts());
        server.serve(listener, make_service, shutdown).await;
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
        let receiver = &self.0.receiver;
        let begun = receiver.begin(&head.headers);
        let mut delivery = begun.map_err(|Refused(problem)| problem)?;
        each_piece(body, delivery.max_bytes(), |piece| delivery.take(piece)).await?;
        let received = receiver.end(delivery);
        let Some(purge) = received.map_err(|Refused(problem)| problem)? else {
            return Ok(StatusCode::ACCEPTED);
        };
        let purged = self.0.issuers.purge(&purge);
        self.0.metrics.purged(PurgeSource::Webhook, purged);
        tracing::info!(?purge, purged, source = "webhook", "verdicts forgotten");
        Ok(StatusCode::OK)
    }
}

/// GHES answers within milliseconds and connects from few addresses. Each connection takes 100 KiB
/// at most, whatever it sends.
fn limits() -> Limits {
    Limits {
        connections: DELIVERIES,
        connections_per_client: CONNECTIONS_PER_CLIENT,
        ..Limits::default()
    }
}

/// Connections are few, so an idle one must not keep its slot for a minute.
fn timeouts() -> Timeouts {
    Timeouts {
        keep_alive: KEEP_ALIVE,
        ..Timeouts::default()
    }
}

const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
const KEEP_ALIVE: Duration = Duration::from_secs(10);

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("receiver", &self.0.receiver)
            .finish_non_exhaustive()
    }
}
