//! Layers around services that ask an issuer, which keep it from being asked too much.
//!
//! ```text
//! check ─► refusals counted
//!            └► hold-back: a pause for a subject whose last call failed
//!                 └► concurrency: at most 64 at once, a quarter for renewals; a bounded line
//!                      └► retry: once, where nothing can have been done
//!                           └► credentials: the accepted ones, and the next if they are refused
//!                                ├► suspension ─► availability ─► rate ─► calls counted ─► client, with one secret
//!                                └► suspension ─► availability ─► rate ─► calls counted ─► client, with the next
//! ```
//!
//! Why in this order:
//!
//! 1. *Hold-back* is outermost: a subject with a call that failed last takes no place from others,
//!    nor from the rate. *Availability* sees how calls end, and tells it which subjects to hold
//!    back.
//! 2. *Concurrency* is outside of the breakers, so that what waits in its line meets them as they
//!    are when its turn comes, not as they were when it came. Behind an open breaker the line moves
//!    on at once.
//! 3. *Retry* is outside of the breakers and of the rate, so that a second attempt is a call like
//!    any other: counted, limited, and held back.
//! 4. *Credentials* is outside of availability, so that a call that an open breaker has refused
//!    says nothing about the credentials, and so that a refusal of credentials is known to
//!    availability for what it is: an answer. What was refused here has not used up the rate.
//! 5. *Availability* is outside of the rate, for the same reason, and all its clients share it.
//!    What the issuer has against the app alone, such as its suspension, is for a breaker around
//!    it: that is an answer, too.
//! 6. *Rate* is next to the client. Whatever is sent, the calls of the breakers' own included, has
//!    passed it.
//!
//! # What is wrong with one subject
//!
//! An issuer may fail for one token, one person or one group alone, and its client asks again and
//! again. Only that subject gets 503. Breakers count *different* subjects, or connections that
//! cannot be made; a subject that fails is held back by itself, and gets the same failure again.
//!
//! # Several apps
//!
//! [`of_issuer`](Protection::of_issuer) puts the layers around the clients of several apps of one
//! issuer. Places, line, retries, rate and availability are those of the issuer, and all apps share
//! them. Credentials and suspension are those of each app: a wrong secret of one keeps no user of
//! another out.
//!
//! # Memberships
//!
//! [`protect_with_memberships`](Protection::protect_with_memberships) puts the same layers around
//! the service that asks where people belong. Places and rate are the same for both, and
//! memberships take half at most of what is not for renewals, so that a route that asks about them
//! keeps no one out elsewhere. They have an availability breaker of their own: an issuer that fails
//! to answer them may well answer checks. It counts failures that differ in person and in group,
//! and tries a question every 5 s while it is open; so does one more around each group, in which
//! different people count, and one around each person. A rate limit is that of the person who was
//! asked for, and opens no breaker.
//!
//! # Defaults
//!
//! | | |
//! |---|---|
//! | calls under way | 64, of which 16 for renewals only |
//! | questions about memberships under way | 24 of the 48 that are not for renewals |
//! | checks in line | 1,024 of each purpose, 2 s each |
//! | calls per second | 200, of which 40 for renewals only |
//! | calls at once after a rest | 250, of which 50 for renewals only |
//! | of which about memberships | 80 per second, 100 at once after a rest |
//! | retries | 1 per check, 10 % of all calls and 1 per second |
//! | one subject that fails is held back | for 1 s, doubled up to 2 s, or 6 s for a membership |
//! | availability breaker opens | after 5 subjects failed in a row, or half of 20 in 10 s |
//! | and is open for | 5 s, doubled up to 60 s, and up to a tenth more |
//! | a wish for quiet is kept | as told: 60 s at least for a rate limit, an hour at most |
//! | probes while it is open | 2 per second, one at a time, none in a quiet |
//! | suspension breaker | as the availability breaker, for each app |
//! | credential breaker opens | when all of the app's secrets were refused, for each app |
//! | and is open for | 30 s, doubled up to 5 min, and up to a tenth more |
//!
//! What is refused here fails with [`Shed`](crate::check::CheckErrorKind::Shed) by a limit, with
//! [`Outage`](crate::check::CheckErrorKind::Outage) by an open availability breaker, with
//! [`CredentialsRefused`](crate::check::CheckErrorKind::CredentialsRefused) by the credential
//! breaker, and with the last failure once more where a subject is held back. It says when to come
//! back.
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
mod for_ghes;
mod issuer;
mod limits;
mod meter;
mod monitor;
mod question;
mod rate;
mod refusal;
mod retry;
mod state;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use tower::Service;
use tower::util::BoxCloneSyncService;

use self::question::Guarded;
use crate::check::{CheckError, CheckRequest, Question, Verdict};
use crate::membership::{Membership, MembershipRequest};

pub use self::for_ghes::GhesSetupError;
#[cfg(feature = "session")]
pub(crate) use self::for_ghes::transport_to;
pub use self::issuer::IssuerProtection;
pub use self::limits::Limits;
pub use self::meter::CheckObserver;
#[cfg(feature = "proxy")]
pub(crate) use self::meter::MeterLayer;
pub use self::monitor::ProtectionMonitor;
pub use self::state::BreakerState;
pub use crate::check::CheckOutcome;

/// A check service with all layers around it. Boxed, because only misses pay for it.
pub type ProtectedCheck = BoxCloneSyncService<CheckRequest, Verdict, CheckError>;

/// A service that asks about memberships, with all layers around it.
pub type ProtectedMemberships = BoxCloneSyncService<MembershipRequest, Membership, CheckError>;

/// What each layer returns; a miss may allocate.
type StackFuture<A> = Pin<Box<dyn Future<Output = Result<A, CheckError>> + Send>>;

/// A service that can stand inside of a layer.
///
/// None of the layers passes on `poll_ready`: waiting is part of the call, where it is bounded.
trait Stack<Q: Question>:
    Service<Q, Response = Q::Answer, Error = CheckError, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<Q: Question, S> Stack<Q> for S where
    S: Service<Q, Response = Q::Answer, Error = CheckError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Puts the layers around services that ask an issuer.
///
/// Each use makes limits and breakers of its own, so use one for each issuer.
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
        self.of_issuer().protect_as(None, client, others)
    }

    /// Does the same, and wraps `memberships`, which asks the same issuer where people belong.
    ///
    /// ```
    /// # use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
    /// # use ghes_gatekeeper::ghes::{App, GhesClient, HttpsTransport};
    /// # use ghes_gatekeeper::protection::Protection;
    /// # use ghes_gatekeeper::validator::Validator;
    /// # fn f(client: GhesClient<HttpsTransport>) {
    /// let (check, memberships, monitor) =
    ///     Protection::new().protect_with_memberships(client.clone(), [], client);
    /// let validator = Validator::builder(check).with_memberships(memberships).build();
    /// # }
    /// ```
    pub fn protect_with_memberships<S, M>(
        self,
        client: S,
        others: impl IntoIterator<Item = S>,
        memberships: M,
    ) -> (ProtectedCheck, ProtectedMemberships, ProtectionMonitor)
    where
        S: Service<CheckRequest, Response = Verdict, Error = CheckError, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        M: Service<MembershipRequest, Response = Membership, Error = CheckError, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let issuer = self.of_issuer();
        let (check, monitor) = issuer.protect_as(None, client, others);
        (check, issuer.protect_memberships(memberships), monitor)
    }

    /// Makes the limits and breakers of an issuer that is asked about several apps.
    pub fn of_issuer(self) -> IssuerProtection {
        IssuerProtection::new(&self.limits, self.observer)
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
