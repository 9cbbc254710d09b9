//! `POST /introspect`: token introspection (RFC 7662).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Response;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;

use super::Active;
use super::refused::{Refused, is_no, noted, of_json};
use crate::identity::Identity;
use crate::rejection::Rejection;
use crate::upstream::body::Body;

/// Answers by what was decided about the token; `issuer` is the URL of its GHES.
pub(crate) fn answer(
    decided: Result<Active, Rejection>,
    issuer: &str,
) -> Result<Response<Body>, Refused> {
    match decided {
        Ok(active) => Ok(of_json(&Answer::of(&active, issuer, SystemTime::now()))),
        Err(why) if is_no(&why) => Ok(noted(of_json(&Inactive { active: false }), why)),
        Err(why) => Err(Refused::Unanswered(why)),
    }
}

/// Reads the token of a form. Whatever else is in it, such as `token_type_hint`, changes nothing
/// (RFC 7662 §2.1).
pub(crate) fn token_in(form: &[u8]) -> Result<Zeroizing<String>, Refused> {
    only_token(form).map_err(Refused::Malformed)
}

fn only_token(form: &[u8]) -> Result<Zeroizing<String>, &'static str> {
    let pairs = form_urlencoded::parse(form);
    let mut tokens = pairs.filter(|(name, _)| name == "token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) if !token.is_empty() => Ok(Zeroizing::new(token.into_owned())),
        (None, _) => Err("the form has no token"),
        (Some(_), None) => Err("the token of the form is empty"),
        (Some(_), Some(_)) => Err("the form has more than one token"),
    }
}

/// The answer about a token that is good (RFC 7662 §2.2).
#[derive(Serialize)]
struct Answer<'a> {
    active: bool,
    /// None of a GitHub App's token, which never has any.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    client_id: &'a str,
    username: &'a str,
    /// The id: another person can take a login that is given up.
    sub: String,
    iss: &'a str,
    token_type: &'static str,
    exp: u64,
}

/// All that is said about any other.
#[derive(Serialize)]
struct Inactive {
    active: bool,
}

impl<'a> Answer<'a> {
    fn of(active: &'a Active, issuer: &'a str, now: SystemTime) -> Self {
        let identity = &active.admitted.identity;
        Self {
            active: true,
            scope: identity.scopes().join(" "),
            client_id: identity.client_id(),
            username: identity.user().login(),
            sub: identity.user().id().to_string(),
            iss: issuer,
            token_type: "Bearer",
            exp: expiry(identity, active.left, now),
        }
    }
}

/// Until when the answer may be remembered. Clients remember only what has such an end, and tokens
/// of GHES mostly have none; this way what they remember is no older than what the gate would.
///
/// In whole seconds, and rounded down, but for what would be over at once. Never past the expiry of
/// the token itself.
fn expiry(identity: &Identity, left: Duration, now: SystemTime) -> u64 {
    let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let until = seconds(now + left).max(seconds(now) + 1);
    identity
        .expires_at()
        .map_or(until, |expires_at| until.min(seconds(expires_at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;

    fn read(form: &str) -> Result<String, &'static str> {
        only_token(form.as_bytes()).map(|token| token.to_string())
    }

    #[test]
    fn a_form_has_exactly_one_token() {
        for form in [
            "token=gho_a",
            "token=gho_a&token_type_hint=refresh_token",
            "client_id=a&client_secret=b&token=gho_a&token_type_hint=",
            "token=%67ho%5Fa",
        ] {
            assert_eq!(read(form).as_deref(), Ok("gho_a"), "{form}");
        }
        assert_eq!(read("token=a+b%2B").as_deref(), Ok("a b+"));
        for form in [
            "",
            "token",
            "token=",
            "token=&token=",
            "token=gho_a&token=gho_a",
            "token=gho_a&%74oken=gho_b",
            "Token=gho_a",
            "access_token=gho_a",
            "{\"token\":\"gho_a\"}",
        ] {
            assert!(read(form).is_err(), "{form}");
        }
    }

    #[test]
    fn an_answer_may_be_remembered_until_its_age_ends() {
        let at = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
        let left = Duration::from_millis;
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default()).unwrap();
        for (now, left, exp) in [
            (1_000_000, left(60_000), 1_060),
            (1_000_900, left(59_000), 1_059),
            (1_000_900, left(59_100), 1_060),
            // Over at once would be no answer.
            (1_000_000, left(0), 1_001),
            (1_000_900, left(50), 1_001),
        ] {
            assert_eq!(expiry(&octocat, left, at(now)), exp, "{now} {left:?}");
        }
        let expiring = octocat.with_expires_at(at(1_030_000));
        assert_eq!(expiry(&expiring, left(60_000), at(1_000_000)), 1_030);
        assert_eq!(expiry(&expiring, left(10_000), at(1_000_000)), 1_010);
        assert_eq!(expiry(&expiring, left(0), at(1_029_500)), 1_030);
    }
}
