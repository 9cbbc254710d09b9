//! Layers around a check service that keep its issuer from being asked too much.
//!
//! ```text
//! check ─► refusals counted
//!            └► concurrency: at most 64 at once, a quarter for renewals; a bounded line
//!                 └► retry: once, where nothing can have been done
//!                      └► credentials: the accepted ones, and the next if they are refused
//!                           ├► availability ─► rate ─► calls counted ─► client, with one secret
//!                           └► availability ─► rate ─► calls counted ─► client, with the next
//! ```
//!
//! Why in this order:
//!
//! 1. *Concurrency* is outermost, so that what waits in its line meets the breakers as they are
//!    when its turn comes, not as they were when it came. Behind an open breaker the line moves on
//!    at once.
//! 2. *Retry* is outside of the breakers and of the rate, so that a second attempt is a call like
//!    any other: counted, limited, and held back.
//! 3. *Credentials* is outside of availability, so that a call that an open breaker has refused
//!    says nothing about the credentials, and so that a refusal of credentials is known to
//!    availability for what it is: an answer. What was refused here has not used up the rate.
//! 4. *Availability* is outside of the rate, for the same reason, and all its clients share it.
//! 5. *Rate* is next to the client. Whatever is sent, the calls of the breakers' own included, has
//!    passed it.
//!
//! # Defaults
//!
//! | | |
//! |---|---|
//! | calls under way | 64, of which 16 for renewals only |
//! | checks in line | 1,024 of each purpose, 2 s each |
//! | calls per second | 200, of which 40 for renewals only |
//! | calls at once after a rest | 250, of which 50 for renewals only |
//! | retries | 1 per check, 10 % of all calls and 1 per second |
//! | availability breaker opens | after 5 failures in a row, or half of 20 in 10 s |
//! | and is open for | 5 s, doubled up to 60 s, and up to a tenth more |
//! | a wish for quiet is kept | as told: 60 s at least for a rate limit, an hour at most |
//! | probes while it is open | 2 per second, one at a time, none in a quiet |
//! | credential breaker opens | when all of the app's secrets were refused |
//! | and is open for | 30 s, doubled up to 5 min, and up to a tenth more |
//!
//! What is refused here fails with [`Shed`](crate::check::CheckErrorKind::Shed), or with
//! [`CredentialsRefused`](crate::check::CheckErrorKind::CredentialsRefused) by the credential
//! breaker, and says when to come back.
//!
//! ```
//! use ghes_gatekeeper::check::{CheckError, CheckRequest, InactiveReason, Verdict};
//! use ghes_gatekeeper::protection::Protection;
//! use ghes_gatekeeper::token::AccessToken;
//! use tower::{ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), CheckError> {
//! let client = service_fn(async |_: CheckRequest| {
//!     Ok::<_, CheckError>(Verdict::Inactive(InactiveReason::Unknown))
//! });
//! let (check, monitor) = Protection::new().protect(client, []);
//!
//! check.oneshot(CheckRequest::new(AccessToken::new("gho_unknown"))).await?;
//! assert!(monitor.is_ready());
//! assert!(monitor.results().any(|result| result == ("invalid", 1)));
//! # Ok(())
//! # }
//! ```

mod availability;
mod background;
mod concurrency;
mod credentials;
mod limits;
mod meter;
mod monitor;
mod rate;
mod refusal;
mod retry;

use std::fmt;
use std::iter::once;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder};

use self::availability::{AvailabilityLayer, SharedBreaker};
use self::concurrency::ConcurrencyLayer;
use self::credentials::{Credentials, SharedRotation};
use self::meter::MeterLayer;
use self::monitor::Counts;
use self::rate::RateLayer;
use self::retry::retry_unprocessed;
use crate::check::{CheckError, CheckRequest, Verdict};

pub use self::limits::Limits;
pub use self::monitor::{BreakerState, CheckObserver, CheckOutcome, ProtectionMonitor};

/// A check service with all layers around it. Boxed, because only misses pay for it.
pub type ProtectedCheck = BoxCloneSyncService<CheckRequest, Verdict, CheckError>;

/// What each layer returns; a miss may allocate.
type CheckFuture = Pin<Box<dyn Future<Output = Result<Verdict, CheckError>> + Send>>;

/// A check service that can stand inside of a layer.
///
/// None of the layers passes on `poll_ready`: waiting is part of the call, where it is bounded.
trait CheckStack:
    Service<CheckRequest, Response = Verdict, Error = CheckError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> CheckStack for S where
    S: Service<CheckRequest, Response = Verdict, Error = CheckError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Puts the layers around a check service.
///
/// Each use makes limits and breakers of its own, so use one for each issuer and app.
#[derive(Clone, Default)]
#[must_use]
pub struct Protection {
    limits: Limits,
    observer: Option<Arc<dyn CheckObserver>>,
}

impl Protection {
    /// Protects with the [defaults](self#defaults).
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much may be asked.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets who is told how each check ended.
    pub fn with_observer(mut self, observer: impl CheckObserver) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Wraps `client`, and `others` that ask the same issuer about the same app with other
    /// secrets, to be used when the issuer refuses those before.
    ///
    /// Needs no runtime; calling the service does. The breakers' own tasks end with the last
    /// clone of the service.
    pub fn protect<S>(
        self,
        client: S,
        others: impl IntoIterator<Item = S>,
    ) -> (ProtectedCheck, ProtectionMonitor)
    where
        S: Service<CheckRequest, Response = Verdict, Error = CheckError, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let clients: Vec<S> = once(client).chain(others).collect();
        let monitor = ProtectionMonitor {
            availability: Arc::new(SharedBreaker::new(Instant::now())),
            credentials: Arc::new(SharedRotation::new(clients.len())),
            counts: Arc::new(Counts::new(self.observer)),
        };
        let check = layered(clients, &self.limits, &monitor);
        (BoxCloneSyncService::new(check), monitor)
    }
}

fn layered<S: CheckStack>(
    clients: Vec<S>,
    limits: &Limits,
    monitor: &ProtectionMonitor,
) -> impl CheckStack {
    let around_each = ServiceBuilder::new()
        .layer(AvailabilityLayer::new(&monitor.availability))
        .layer(RateLayer::new(limits))
        .layer(MeterLayer::of_calls(&monitor.counts));
    let clients = clients
        .into_iter()
        .map(|client| around_each.service(client));
    ServiceBuilder::new()
        .layer(MeterLayer::of_refusals(&monitor.counts))
        .layer(ConcurrencyLayer::new(limits))
        .layer(retry_unprocessed())
        .service(Credentials::new(clients.collect(), &monitor.credentials))
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
