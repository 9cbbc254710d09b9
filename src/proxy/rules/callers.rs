//! Those who ask whose a token is, by what they prove themselves, and what is active for each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::HeaderMap;

use super::admissions::Admissions;
use crate::admission::{Admission, Admitted, Asked, Client, CountAs, Decided};
use crate::bearer::{BearerError, BearerOptions, BearerToken};
use crate::callers::{Active, Proof};
use crate::config::{Admittance, CallerConfig, Config, TokenReviewConfig};
use crate::endpoint::SharedSecret;
use crate::policy::{All, Learn, Policy};
use crate::proxy::Check;
use crate::proxy::runtime::secret_files::{SecretFiles, WatchedSecret};
use crate::rejection::{Rejection, RejectionKind};
use crate::routing::rules::Rules;
use crate::token::TokenHash;
use crate::validator::Freshness;

/// All callers of one configuration.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Callers(Vec<Arc<Caller>>);

/// One that may ask whose a token is.
pub(in crate::proxy) struct Caller {
    pub(in crate::proxy) id: Box<str>,
    /// The URL of the GHES that its tokens are of.
    pub(in crate::proxy) issuer: String,
    /// How people are told to Kubernetes.
    pub(in crate::proxy) naming: TokenReviewConfig,
    secret: Arc<SharedSecret>,
    _watched: Option<WatchedSecret>,
    bearer: BearerOptions,
    admission: Admission<Check>,
    /// The same, by answers that are not remembered.
    anew: Admission<Check>,
    /// The same, with the groups that Kubernetes is told.
    review: Admission<Check>,
    /// An answer that holds for less is asked for anew.
    least_left: Duration,
}

impl Callers {
    pub(in crate::proxy) fn new(
        config: &Config,
        admissions: &Admissions<'_>,
        secrets: &SecretFiles,
    ) -> Self {
        let Some(decisions) = &config.decisions else {
            return Self::default();
        };
        let callers = decisions.callers.iter().enumerate();
        let callers = callers.map(|(at, caller)| {
            let watched = Watched::new(at, caller, secrets);
            Arc::new(Caller::new(
                config,
                &decisions.token_review,
                admissions,
                caller,
                watched,
            ))
        });
        Self(callers.collect())
    }

    /// Tells whether there are none.
    pub(in crate::proxy) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the caller that the credential of a request is of: id and secret by Basic, or the
    /// secret alone as a bearer token.
    ///
    /// Looks at all of them, so that the time tells nothing of their number.
    pub(in crate::proxy) fn authenticate(&self, headers: &HeaderMap) -> Option<&Arc<Caller>> {
        let proof = Proof::of(headers)?;
        let callers = self.0.iter();
        let found = callers.filter(|caller| proof.is_of(&caller.id, &caller.secret));
        found.fold(None, |first, next| first.or(Some(next)))
    }
}

/// Its secret, which is read again where it comes from a file.
struct Watched {
    secret: Arc<SharedSecret>,
    watched: Option<WatchedSecret>,
}

impl Watched {
    fn new(at: usize, caller: &CallerConfig, secrets: &SecretFiles) -> Self {
        let secret = Arc::new(SharedSecret::new(&caller.secret));
        let replaced = Arc::clone(&secret);
        let key = format!("decisions.callers[{at}].secret_file");
        let file = caller.secret_file.as_ref();
        let watched = secrets.watch(key, file, move |secret| replaced.replace(&secret));
        Self { secret, watched }
    }
}

impl Caller {
    fn new(
        config: &Config,
        naming: &TokenReviewConfig,
        admissions: &Admissions<'_>,
        caller: &CallerConfig,
        secret: Watched,
    ) -> Self {
        let admittance = &caller.admittance;
        let policy = || Rules::of(admittance).policy();
        let longest = longest_age(config, admittance, policy().needs_memberships());
        let admission = admissions.of(admittance, policy()).with_groups(true);
        let review = All::default().with(policy());
        let review = review.with(Learn(naming.groups.clone()));
        let tokens = admittance.tokens.as_ref();
        let issuer = tokens.and_then(|tokens| config.issuer_of_tokens(tokens));
        let token_bytes = config.server.token_bytes.get() as usize;
        Self {
            id: caller.id.as_str().into(),
            issuer: issuer.map_or_else(String::new, |(ghes, _)| ghes.url.to_string()),
            naming: naming.clone(),
            secret: secret.secret,
            _watched: secret.watched,
            bearer: BearerOptions::default().with_max_length(token_bytes),
            anew: admission.clone().with_max_age(Duration::ZERO),
            admission,
            review: admissions.of(admittance, review).with_groups(true),
            least_left: LEAST_LEFT.min(longest / 2),
        }
    }

    /// Decides whether a token is active, and for how much longer that may be relied on.
    ///
    /// The caller may remember the answer until then. One that is nearly over is asked for anew, so
    /// that clocks may differ by a little; where GHES cannot be asked, the rest of it has to do. Of
    /// one that was forgotten since it was given, by a purge, there is no rest.
    pub(in crate::proxy) async fn introspect(&self, text: &str) -> Result<Active, Rejection> {
        let token = BearerToken::alone(text, &self.bearer);
        let admitted = self.decide(&self.admission, token).await?;
        let rest = match self.left(text, &admitted) {
            Some(left) if left >= self.least_left || admitted.freshness == Freshness::Stale => {
                return Ok(Active { admitted, left });
            }
            Some(left) => Some(Active { admitted, left }),
            None => None,
        };
        let token = BearerToken::alone(text, &self.bearer);
        match (self.decide(&self.anew, token).await, rest) {
            (Ok(admitted), _) => {
                // GHES has just said so, whatever was forgotten in this moment.
                let left = self.left(text, &admitted).unwrap_or_default();
                Ok(Active { admitted, left })
            }
            (Err(failed), Some(rest)) if failed.kind() == RejectionKind::Unavailable => Ok(rest),
            (Err(refused), _) => Err(refused),
        }
    }

    /// Returns how much longer an answer holds; none if it is forgotten.
    fn left(&self, text: &str, admitted: &Admitted) -> Option<Duration> {
        let left = self.admission.left(&TokenHash::of(text), admitted)?;
        Some(match admitted.freshness {
            Freshness::Stale => left.min(LONGEST_STALE),
            Freshness::Due | Freshness::Fresh => left,
        })
    }

    /// Decides whether a token is good, and finds out to which groups its person belongs.
    pub(in crate::proxy) async fn review(&self, text: &str) -> Result<Admitted, Rejection> {
        let token = BearerToken::alone(text, &self.bearer);
        self.decide(&self.review, token).await
    }

    async fn decide(
        &self,
        admission: &Admission<Check>,
        token: Result<BearerToken<'_>, BearerError>,
    ) -> Result<Admitted, Rejection> {
        let decided = {
            let asked = Asked {
                // No rule looks at what the token is for.
                method: &Method::POST,
                path: "/",
                client: self,
            };
            admission.decide(token, &asked)
        };
        match decided {
            Decided::Admitted(admitted) => Ok(admitted),
            Decided::Rejected(rejection) => Err(rejection),
            Decided::Waiting(deciding) => deciding.await,
        }
    }
}

/// It has proved who it is. Behind its address there may be others, and it may have several.
impl Client for Caller {
    fn count_as(&self) -> Option<CountAs<'_>> {
        Some(CountAs::Caller(&self.id))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.id).finish()
    }
}

/// Returns how long an answer for a caller holds at most.
fn longest_age(config: &Config, admittance: &Admittance, needs_memberships: bool) -> Duration {
    let cache = &config.cache;
    let of_memberships = needs_memberships.then_some(cache.membership_max_age);
    let limits = [admittance.max_age, of_memberships];
    limits
        .into_iter()
        .flatten()
        .fold(cache.active_max_age, Duration::min)
}

/// More than clocks that are set by NTP differ. Where answers hold for less than twice as long, it
/// is half of that: all of them would be asked for anew.
const LEAST_LEFT: Duration = Duration::from_secs(5);

/// GHES may be back at any moment, and say that the token is no good.
const LONGEST_STALE: Duration = Duration::from_secs(5);
