//! The headers that say who is asking: a client's are removed, ours are set.
//!
//! Names are compared [folded](crate::fold), as the sloppiest upstream reads them.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::bearer::Credential;
use crate::fold::{is_listed, remove_where};
use crate::identity::Identity;

/// The login.
pub(crate) static X_FORWARDED_USER: HeaderName = HeaderName::from_static("x-forwarded-user");
/// The numeric id of the user.
static X_GITHUB_USER_ID: HeaderName = HeaderName::from_static("x-github-user-id");
/// The scopes, in GitHub's own header.
static X_OAUTH_SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
/// The app that the token was issued to.
static X_OAUTH_CLIENT_ID: HeaderName = HeaderName::from_static("x-oauth-client-id");
/// Set to 1 where the identity is past its age and GHES out of reach.
static X_GATEKEEPER_STALE: HeaderName = HeaderName::from_static("x-gatekeeper-stale");

/// What is told of a person beside the login, and of the answer about them.
#[cfg(feature = "proxy")]
pub(crate) static OF_GITHUB: [&HeaderName; 4] = [
    &X_GITHUB_USER_ID,
    &X_OAUTH_SCOPES,
    &X_OAUTH_CLIENT_ID,
    &X_GATEKEEPER_STALE,
];

/// Names, after folding, that upstreams take an identity from, behind us or behind another gate.
///
/// What ends in a dash is a family of such names, by how they begin: oauth2-proxy's, ours, those
/// that begin like ours, and those by which Authelia, Kubernetes, Grafana, authentik, Pomerium, TLS
/// terminators and load balancers tell a user. `x-userinfo` is APISIX's.
///
/// Listed by the first byte, the third and the fifth, since every header of every request is looked
/// up here: the second is a separator in all that begin with `x`, and `x-request-id` is in none.
fn reserved(first: u8, third: u8, fifth: u8) -> &'static [&'static str] {
    match (first, third, fifth) {
        (b'i', b'p', b'r') => &["impersonate-"],
        (b'r', b'm', b't') => &["remote-"],
        (b'x', b'a', b't') => &["x-auth-request-", "x-authenticated-", "x-authentik-"],
        (b'x', b'a', b'z') => &["x-amzn-oidc-"],
        (b'x', b'f', b'r') => &[
            "x-forwarded-access-token",
            "x-forwarded-email",
            "x-forwarded-groups",
            "x-forwarded-preferred-username",
            "x-forwarded-user",
        ],
        (b'x', b'g', b't') => &["x-gatekeeper-", "x-github-"],
        (b'x', b'o', b'u') => &["x-oauth-"],
        (b'x', b'p', b'm') => &["x-pomerium-"],
        (b'x', b'r', b'm') => &["x-remote-"],
        (b'x', b's', b'l') => &["x-ssl-client-"],
        (b'x', b'u', b'e') => &["x-userinfo"],
        (b'x', b'w', b'b') => &["x-webauth-"],
        _ => &[],
    }
}

/// Names that GitHub's own clients and webhooks send, to the letter. They name no user, and a
/// receiver of webhooks behind the gate needs them.
#[cold]
#[inline(never)]
fn is_githubs_own(name: &str) -> bool {
    matches!(
        name,
        "x-github-api-version"
            | "x-github-delivery"
            | "x-github-enterprise-host"
            | "x-github-enterprise-version"
            | "x-github-event"
            | "x-github-hook-id"
            | "x-github-hook-installation-target-id"
            | "x-github-hook-installation-target-type"
    )
}

/// Removes every header that an upstream could take for an identity of ours.
pub(crate) fn strip_identity(headers: &mut HeaderMap) {
    // Almost every request has nothing to remove; then this is all.
    if headers.keys().any(is_reserved) {
        remove_where(headers, is_reserved);
    }
}

/// Returns the names that an upstream could take for an identity of ours, as they are written.
#[cfg(feature = "proxy")]
pub(crate) fn reserved_in(headers: &HeaderMap) -> impl Iterator<Item = &HeaderName> {
    headers.keys().filter(|name| is_reserved(name))
}

/// Tells an upstream who is asking.
pub(crate) fn set_identity(headers: &mut HeaderMap, identity: &Identity) {
    let values = identity.headers();
    headers.insert(X_FORWARDED_USER.clone(), values.login.clone());
    headers.insert(X_GITHUB_USER_ID.clone(), values.user_id.clone());
    headers.insert(X_OAUTH_SCOPES.clone(), values.scopes.clone());
    headers.insert(X_OAUTH_CLIENT_ID.clone(), values.client_id.clone());
}

/// Tells an upstream that GHES could not be asked lately whether this still holds.
pub(crate) fn set_stale(headers: &mut HeaderMap) {
    headers.insert(X_GATEKEEPER_STALE.clone(), HeaderValue::from_static("1"));
}

/// Keeps the credential from the upstream.
#[cfg(feature = "proxy")]
pub(crate) fn strip_credential(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
}

/// Sets the credential again, marked so that no log and no table shows it.
#[cold]
pub(super) fn forward_credential(headers: &mut HeaderMap, credential: Credential) {
    if let Some(mut line) = credential.into_line() {
        line.set_sensitive(true);
        headers.insert(AUTHORIZATION, line);
    }
}

#[inline]
fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    match *name.as_bytes() {
        // No other header is looked at any further.
        [first @ (b'i' | b'r' | b'x'), _, third, _, fifth, ..] => {
            let mut reserved = reserved(first, third, fifth).iter();
            reserved.any(|reserved| is_listed(name, reserved)) && !is_githubs_own(name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn survives(name: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_bytes(name).unwrap();
        headers.append(name.clone(), HeaderValue::from_static("admin"));
        headers.append(name, HeaderValue::from_static("root"));
        strip_identity(&mut headers);
        !headers.is_empty()
    }

    #[test]
    fn look_alikes_of_identity_headers_are_removed() {
        for name in [
            "X-Forwarded-User",
            "X_Forwarded_User",
            "X.FORWARDED.USER",
            "x!forwarded~user",
            "X-GitHub-User-Id",
            "x_oauth_scopes",
            "X-OAuth-Client-Id",
            "X-OAuth-User",
            "x_oauth.anything",
            "X-GitHub-Login",
            "X_GitHub_User",
            "X-GitHub-Teams",
            "X_GitHub_Event",
            "X-GitHub-Events",
            "Impersonate-User",
            "Impersonate_Group",
            "impersonate.extra-scopes",
            "X-Forwarded-Groups",
            "X-Auth-Request-User",
            "x_auth_request_anything",
            "X-Gatekeeper-Stale",
            "Remote_User",
            "Remote-Groups",
            "X-WEBAUTH-USER",
            "X-SSL-Client-CN",
            "X.Authenticated.User",
            "X-Userinfo",
        ] {
            assert!(!survives(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn other_headers_stay() {
        for name in [
            "x-forwarded-for",
            "x-request-id",
            "accept",
            "x",
            "x-auth-request",
            "xforwardeduser",
            "x-github",
            "x-oauth",
            "impersonate",
            "x-github-event",
            "x-github-delivery",
            "x-github-hook-installation-target-type",
            "x-github-api-version",
            "if-none-match",
        ] {
            assert!(survives(name.as_bytes()), "{name}");
        }
    }

    fn all_reserved() -> Vec<&'static str> {
        let letters = || b'a'..=b'z';
        letters()
            .flat_map(|first| letters().map(move |third| (first, third)))
            .flat_map(|(first, third)| letters().map(move |fifth| (first, third, fifth)))
            .flat_map(|(first, third, fifth)| reserved(first, third, fifth))
            .copied()
            .collect()
    }

    #[test]
    fn each_name_is_listed_where_it_is_looked_for() {
        let all = all_reserved();
        assert_eq!(all.len(), 19);
        for name in all {
            let name = if name.ends_with('-') {
                format!("{name}a")
            } else {
                name.to_owned()
            };
            assert!(!survives(name.as_bytes()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_separator_is_seen_through(
            name in prop::sample::select(all_reserved()),
            separators in prop::collection::vec(prop::sample::select(b"!#$%&'*+-.^_`|~".to_vec()), 8),
            upper in any::<bool>(),
        ) {
            let mut separators = separators.into_iter();
            let goes_on = if name.ends_with('-') { "user" } else { "" };
            let name: Vec<u8> = name
                .bytes()
                .chain(goes_on.bytes())
                .map(|b| if b == b'-' { separators.next().unwrap() } else { b })
                .map(|b| if upper { b.to_ascii_uppercase() } else { b })
                .collect();
            prop_assert!(!survives(&name));
        }
    }
}
