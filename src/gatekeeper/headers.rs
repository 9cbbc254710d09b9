//! The headers that say who is asking: a client's are removed, ours are set.
//!
//! Names are compared [folded](crate::fold), as the sloppiest upstream reads them.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::fold::{folds_to, remove_where, starts_folded};
use crate::identity::Identity;

/// The login.
static X_FORWARDED_USER: HeaderName = HeaderName::from_static("x-forwarded-user");
/// The numeric id of the user.
static X_GITHUB_USER_ID: HeaderName = HeaderName::from_static("x-github-user-id");
/// The scopes, in GitHub's own header.
static X_OAUTH_SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
/// The app that the token was issued to.
static X_OAUTH_CLIENT_ID: HeaderName = HeaderName::from_static("x-oauth-client-id");
/// Set to 1 where the identity is past its age and GHES out of reach.
static X_GATEKEEPER_STALE: HeaderName = HeaderName::from_static("x-gatekeeper-stale");

/// Names, after folding, that upstreams take an identity from, behind us or behind another gate.
const RESERVED: [&str; 9] = [
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-github-user-id",
    "x-oauth-client-id",
    "x-oauth-scopes",
    // APISIX.
    "x-userinfo",
];

/// Families of such names, by how they begin: oauth2-proxy's, ours, and those by which Authelia,
/// Kubernetes, Grafana, authentik, Pomerium, TLS terminators and load balancers tell a user.
const FAMILIES: [&str; 10] = [
    "remote-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-authenticated-",
    "x-authentik-",
    "x-gatekeeper-",
    "x-pomerium-",
    "x-remote-",
    "x-ssl-client-",
    "x-webauth-",
];

/// Removes every header that an upstream could take for an identity of ours.
pub(crate) fn strip_identity(headers: &mut HeaderMap) {
    remove_where(headers, is_reserved);
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

/// Keeps the credential from the upstream, or marks it so that no log and no table shows it.
pub(crate) fn strip_credential(headers: &mut HeaderMap, forward: bool) {
    if !forward {
        headers.remove(AUTHORIZATION);
    } else if let Some(credential) = headers.get_mut(AUTHORIZATION) {
        credential.set_sensitive(true);
    }
}

fn is_reserved(name: &HeaderName) -> bool {
    // All of them begin so, most other headers do not.
    name.as_str().starts_with(['x', 'r'])
        && (RESERVED.iter().any(|reserved| folds_to(name, reserved))
            || FAMILIES.iter().any(|prefix| starts_folded(name, prefix)))
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
        ] {
            assert!(survives(name.as_bytes()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_separator_is_seen_through(
            which in 0..RESERVED.len(),
            separators in prop::collection::vec(prop::sample::select(b"!#$%&'*+-.^_`|~".to_vec()), 8),
            upper in any::<bool>(),
        ) {
            let mut separators = separators.into_iter();
            let name: Vec<u8> = RESERVED[which]
                .bytes()
                .map(|b| if b == b'-' { separators.next().unwrap() } else { b })
                .map(|b| if upper { b.to_ascii_uppercase() } else { b })
                .collect();
            prop_assert!(!survives(&name));
        }
    }
}
