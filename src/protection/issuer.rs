use std::fmt;
use std::iter::once;
use std::sync::Arc;

use tokio::time::Instant;
use tower::retry::RetryLayer;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder};

use super::availability::{AvailabilityLayer, Concern, HoldBackLayer, SharedBreakers};
use super::concurrency::ConcurrencyLayer;
use super::credentials::{Credentials, SharedRotation};
use super::meter::{Counts, MeterLayer};
use super::rate::RateLayer;
use super::retry::{RetryUnprocessed, retry_unprocessed};
use super::{
    CheckObserver, Limits, ProtectedCheck, ProtectedMemberships, ProtectionMonitor, Stack,
};
use crate::check::{CheckError, CheckRequest, Verdict};
use crate::membership::{Membership, MembershipRequest};

/// Puts the layers around the clients of several apps of one issuer, which share what is the
/// issuer's: limits, line and availability. Made by [`Protection::of_issuer`].
///
/// ```
/// # use ghes_gatekeeper::ghes::{App, GhesClient, HttpsTransport};
/// # use ghes_gatekeeper::protection::Protection;
/// # use ghes_gatekeeper::validator::{Validator, Validators};
/// # fn f(web: GhesClient<HttpsTransport>, cli: GhesClient<HttpsTransport>) {
/// let issuer = Protection::new().of_issuer();
/// let (web, _) = issuer.protect("Iv1.8a61f9b3a7aba766", web, []);
/// let (cli, _) = issuer.protect("abcde12345fghij67890", cli, []);
/// let validators = Validators::from(Validator::new(web)).or(Validator::new(cli));
/// # }
/// ```
///
/// [`Protection::of_issuer`]: super::Protection::of_issuer
pub struct IssuerProtection {
    availability: Arc<SharedBreakers>,
    memberships: Arc<SharedBreakers>,
    counts: Arc<Counts>,
    around_all: AroundAll,
    around_calls: AroundCalls,
    retry: RetryLayer<RetryUnprocessed>,
}

/// The outermost layers.
struct AroundAll {
    refusals: MeterLayer,
    concurrency: ConcurrencyLayer,
}

/// The innermost layers.
struct AroundCalls {
    availability: AvailabilityLayer,
    rate: RateLayer,
    calls: MeterLayer,
}

impl IssuerProtection {
    pub(super) fn new(limits: &Limits, observer: Option<Arc<dyn CheckObserver>>) -> Self {
        let now = Instant::now();
        let availability = Arc::new(SharedBreakers::new(now));
        let counts = Arc::new(Counts::new(observer));
        Self {
            around_all: AroundAll {
                refusals: MeterLayer::of_refusals(&counts),
                concurrency: ConcurrencyLayer::new(limits),
            },
            around_calls: AroundCalls {
                availability: AvailabilityLayer::new(Concern::Issuer, &availability),
                rate: RateLayer::new(limits),
                calls: MeterLayer::of_calls(&counts),
            },
            retry: retry_unprocessed(),
            memberships: Arc::new(SharedBreakers::unprobed(now)),
            availability,
            counts,
        }
    }

    /// Wraps the clients of one app: `client`, and `others` with other secrets, to be used when the
    /// issuer refuses those before. Logs call the app by its `client_id`.
    ///
    /// Needs no runtime; calling the service does. The breakers' own tasks end with the last clone
    /// of the services and of this.
    pub fn protect<S>(
        &self,
        client_id: &str,
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
        self.protect_as(Some(client_id.into()), client, others)
    }

    pub(super) fn protect_as<S: Stack<CheckRequest>>(
        &self,
        client_id: Option<Arc<str>>,
        client: S,
        others: impl IntoIterator<Item = S>,
    ) -> (ProtectedCheck, ProtectionMonitor) {
        let clients: Vec<S> = once(client).chain(others).collect();
        let monitor = ProtectionMonitor {
            availability: Arc::clone(&self.availability),
            memberships: Arc::clone(&self.memberships),
            suspension: Arc::new(SharedBreakers::new(Instant::now())),
            credentials: Arc::new(SharedRotation::new(clients.len(), client_id.clone())),
            counts: Arc::clone(&self.counts),
        };
        let suspension = AvailabilityLayer::new(Concern::App(client_id), &monitor.suspension);
        let around_each = ServiceBuilder::new()
            .layer(suspension)
            .layer(self.around_calls.availability.clone())
            .layer(self.around_calls.rate.clone())
            .layer(self.around_calls.calls.clone());
        let clients = clients
            .into_iter()
            .map(|client| around_each.service(client));
        let check = ServiceBuilder::new()
            .layer(self.around_all.refusals.clone())
            .layer(HoldBackLayer::new([
                Arc::clone(&monitor.suspension),
                Arc::clone(&self.availability),
            ]))
            .layer(self.around_all.concurrency.clone())
            .layer(self.retry.clone())
            .service(Credentials::new(clients.collect(), &monitor.credentials));
        (BoxCloneSyncService::new(check), monitor)
    }

    /// Wraps `memberships`, which asks the issuer where people belong, whatever app their token is
    /// of: a person's own token takes the place of the app's credentials.
    pub fn protect_memberships<M>(&self, memberships: M) -> ProtectedMemberships
    where
        M: Service<MembershipRequest, Response = Membership, Error = CheckError, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let memberships = ServiceBuilder::new()
            .layer(self.around_all.refusals.clone())
            .layer(HoldBackLayer::new([Arc::clone(&self.memberships)]))
            .layer(self.around_all.concurrency.clone())
            .layer(retry_unprocessed())
            .layer(AvailabilityLayer::new(Concern::Issuer, &self.memberships))
            .layer(self.around_calls.rate.clone())
            .layer(self.around_calls.calls.clone())
            .service(memberships);
        BoxCloneSyncService::new(memberships)
    }
}

impl fmt::Debug for IssuerProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerProtection").finish_non_exhaustive()
    }
}
