//! A login that has begun and has not ended.
//!
//! It stands in a cookie of the browser that began it, sealed, for ten minutes, and is good once.
//! What comes back from elsewhere names it by its state, which is random: who has only a link has
//! not the cookie, and who has only the cookie has not the state.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cookie;
use super::seal::random;

/// A login of one browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    id: String,
    secret: String,
    /// In seconds since 1970.
    pub(super) started: u64,
    pub(super) then: Then,
}

/// What happens when it has succeeded.
#[derive(Serialize, Deserialize)]
pub(super) enum Then {
    /// The login host shows this path. It has the PKCE verifier (RFC 7636 §4.1).
    Stay { path: String, verifier: String },
    /// The login host hands over to another, which began it with this state.
    HandOver {
        host: String,
        state: String,
        verifier: String,
    },
    /// Another host waits for the hand-over, and shows this path.
    Await { path: String },
}

impl Attempt {
    pub(super) fn new(then: Then, now: u64) -> Self {
        Self {
            id: BASE64.encode(random::<6>()),
            secret: BASE64.encode(random::<32>()),
            started: now,
            then,
        }
    }

    /// Returns the name of its cookie.
    pub(super) fn cookie(&self) -> String {
        format!("{}{}", cookie::PENDING, self.id)
    }

    /// Returns what GHES and the login host pass on.
    pub(super) fn state(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// Tells whether this is the state of it, in the same time whatever it is.
    pub(super) fn has_state(&self, state: &str) -> bool {
        // As digests, of which an attacker knows no part.
        Sha256::digest(self.state()) == Sha256::digest(state)
    }

    /// Tells whether it can still succeed.
    pub(super) fn is_pending(&self, now: u64) -> bool {
        let age = now.checked_sub(self.started);
        age.is_some_and(|age| age < LIFE.as_secs())
    }
}

/// Returns a new PKCE verifier.
pub(super) fn verifier() -> String {
    BASE64.encode(random::<32>())
}

/// Returns the challenge of a verifier, by the method S256 (RFC 7636 §4.2).
pub(super) fn challenge(verifier: &str) -> String {
    BASE64.encode(Sha256::digest(verifier))
}

/// A code of GHES lives as long.
pub(super) const LIFE: Duration = Duration::from_secs(600);

/// As many logins as one browser has pending. Each tab that is restored begins one.
pub(super) const MOST_PENDING: usize = 3;

/// Three that began within this time and did not end are a loop.
pub(super) const LOOP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_of_one_attempt() {
        let stay = || Then::Stay {
            path: "/".into(),
            verifier: verifier(),
        };
        let (attempt, other) = (Attempt::new(stay(), 100), Attempt::new(stay(), 100));
        assert!(attempt.has_state(&attempt.state()));
        for state in [
            other.state(),
            String::new(),
            attempt.id.clone(),
            format!("{}.", attempt.id),
            format!("{}x", attempt.state()),
            attempt.state().to_lowercase(),
        ] {
            assert!(!attempt.has_state(&state), "{state}");
        }
        assert_ne!(attempt.cookie(), other.cookie());
    }

    #[test]
    fn an_attempt_is_pending_for_ten_minutes() {
        let path = "/".to_owned();
        let attempt = Attempt::new(Then::Await { path }, 1_000);
        for (now, expected) in [(1_000, true), (1_599, true), (1_600, false), (999, false)] {
            assert_eq!(attempt.is_pending(now), expected, "{now}");
        }
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier), expected);
        assert_eq!(super::verifier().len(), 43);
    }
}
