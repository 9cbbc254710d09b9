//! Those who ask whose a token is, by what they prove themselves, and what is active for each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, Method};
use percent_encoding::percent_decode;
use secrecy::zeroize::Zeroizing;

use super::admissions::Admissions;
use crate::admission::{Admission, Admitted, Asked, Client, CountAs, Decided};
use crate::bearer::{BearerError, BearerOptions, BearerToken};
use crate::callers::Active;
use crate::config::{CallerConfig, Config, TokenReviewConfig};
use crate::endpoint::SharedSecret;
use crate::membership::{Group, Membership};
use crate::policy::{All, Decision, Facts, Policy};
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
    pub(in crate::proxy) fn authenticate(&self, headers: &HeaderMap) -> Option<&Arc<Caller>> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (line, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        let (scheme, rest) = scheme_of(line)?;
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return self.find(|caller| caller.secret.is(rest));
        }
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return None;
        }
        let pair = Zeroizing::new(BASE64_STANDARD.decode(rest).ok()?);
        let colon = pair.iter().position(|&b| b == b':')?;
        let (id, secret) = (&pair[..colon], &pair[colon + 1..]);
        // RFC 6749 §2.3.1 has both form-encoded first, which half of the clients leave out.
        let (decoded_id, decoded) = (form_decoded(id), form_decoded(secret));
        self.find(|caller| {
            let is_plain = caller.is(id, secret);
            is_plain | caller.is(&decoded_id, &decoded)
        })
    }

    /// Looks at all of them, so that the time tells nothing of their number.
    fn find(&self, is_it: impl Fn(&Caller) -> bool) -> Option<&Arc<Caller>> {
        let found = self.0.iter().filter(|caller| is_it(caller));
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
        let rules = Rules::of(admittance);
        let admission = admissions.of(admittance, rules.policy()).with_groups(true);
        let learning = Learn(naming.groups.clone());
        let review = All::default().with(rules.policy()).with(learning);
        let review = admissions.of(admittance, review).with_groups(true);
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
            review,
        }
    }

    fn is(&self, id: &[u8], secret: &[u8]) -> bool {
        self.secret.is(secret) & (self.id.as_bytes() == id)
    }

    /// Decides whether a token is active, and for how much longer that may be relied on.
    ///
    /// The caller may remember the answer until then. One that is nearly over is asked for anew, so
    /// that clocks may differ by a little; where GHES cannot be asked, the rest of it has to do.
    pub(in crate::proxy) async fn introspect(&self, text: &str) -> Result<Active, Rejection> {
        let token = BearerToken::alone(text, &self.bearer);
        let active = self.decide(&self.admission, token).await?;
        let active = self.measured(text, active);
        if active.left >= LEAST_LEFT || active.admitted.freshness == Freshness::Stale {
            return Ok(active);
        }
        let token = BearerToken::alone(text, &self.bearer);
        match self.decide(&self.anew, token).await {
            Ok(anew) => Ok(self.measured(text, anew)),
            Err(failed) if failed.kind() == RejectionKind::Unavailable => Ok(active),
            Err(refused) => Err(refused),
        }
    }

    fn measured(&self, text: &str, admitted: Admitted) -> Active {
        let hash = TokenHash::of(text);
        let left = self.admission.left(&hash, &admitted).unwrap_or_default();
        let left = match admitted.freshness {
            Freshness::Stale => left.min(LONGEST_STALE),
            Freshness::Due | Freshness::Fresh => left,
        };
        Active { admitted, left }
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

/// More than clocks that are set by NTP differ.
const LEAST_LEFT: Duration = Duration::from_secs(5);

/// GHES may be back at any moment, and say that the token is no good.
const LONGEST_STALE: Duration = Duration::from_secs(5);

/// Lets everybody in, once it is known to which of some groups they belong. One that the token may
/// not show is none of theirs.
struct Learn(Vec<Group>);

impl Policy for Learn {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let is_unknown = |group: &&Group| {
            let membership = facts.membership(group);
            matches!(membership, None | Some(Membership::TokenRefused))
        };
        let unknown: Vec<Group> = self.0.iter().filter(is_unknown).cloned().collect();
        match unknown.is_empty() {
            true => Decision::Allowed,
            false => Decision::Undecided(unknown),
        }
    }

    fn needs_memberships(&self) -> bool {
        !self.0.is_empty()
    }
}

fn scheme_of(line: &HeaderValue) -> Option<(&[u8], &[u8])> {
    let line = line.as_bytes();
    let space = line.iter().position(|&b| b == b' ')?;
    Some((&line[..space], line[space..].trim_ascii()))
}

/// Reads a part of a form as a browser writes it; what is not in that form stays as it is.
fn form_decoded(part: &[u8]) -> Zeroizing<Vec<u8>> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|&b| if b == b'+' { b' ' } else { b })
        .collect();
    let spaced = Zeroizing::new(spaced);
    Zeroizing::new(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, User};
    use crate::scope::Scopes;

    #[test]
    fn nobody_is_let_in_before_it_is_known_where_they_belong_and_everybody_is_then() {
        let groups = ["octo-org", "other"].map(|name| name.parse::<Group>().unwrap());
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default());
        let octocat = octocat.unwrap();
        let decide = |said: Option<Membership>| {
            let known = move |group: &Group| match group.as_str() {
                "octo-org" => said.clone(),
                _ => Some(Membership::NotMember),
            };
            let facts = Facts::new(&octocat, &Method::POST, "/");
            Learn(groups.to_vec()).authorize(&facts.with_memberships(&known))
        };
        let undecided = Decision::Undecided(vec![groups[0].clone()]);
        assert_eq!(decide(None), undecided);
        assert_eq!(decide(Some(Membership::TokenRefused)), undecided);
        for said in [
            Membership::Active,
            Membership::NotMember,
            Membership::NotVisible(Scopes::default()),
        ] {
            assert_eq!(decide(Some(said)), Decision::Allowed);
        }
        assert!(Learn(groups.to_vec()).needs_memberships());
        assert!(!Learn(Vec::new()).needs_memberships());
    }

    #[test]
    fn a_part_of_a_form_is_decoded_and_anything_else_stays() {
        for (part, decoded) in [
            ("a%2Bb", "a+b"),
            ("a+b", "a b"),
            ("plain-secret", "plain-secret"),
            ("100%", "100%"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(*form_decoded(part.as_bytes()), decoded.as_bytes());
        }
    }
}
