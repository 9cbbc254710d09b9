//! `POST /token-review`: a `TokenReview`, as a Kubernetes API server sends it to its webhook.
//!
//! Tokens of GHES are meant for no audience in particular, so `status.audiences` is left out. That
//! says, by the documentation of [TokenReview], that the token is good for the API server itself,
//! and lets a client that asks about another audience see that nobody has looked at it.
//!
//! [TokenReview]: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/

use http::Response;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use super::refused::{Refused, is_no, noted, of_json};
use crate::admission::Admitted;
use crate::config::{RESERVED, TokenReviewConfig};
use crate::membership::Groups;
use crate::rejection::{Rejection, RejectionKind};
use crate::upstream::body::Body;

/// A question, without its token.
pub(crate) struct Asked {
    api_version: ApiVersion,
    kind: Kind,
}

/// Reads a question, and its token.
pub(crate) fn read(body: &[u8]) -> Result<(Asked, Zeroizing<String>), Refused> {
    let review: Review = serde_json::from_slice(body).map_err(|_| Refused::Malformed(NO_REVIEW))?;
    let Review {
        api_version,
        kind,
        spec,
    } = review;
    Ok((Asked { api_version, kind }, Zeroizing::new(spec.token)))
}

impl Asked {
    /// Answers by what was decided about the token.
    pub(crate) fn answer(
        self,
        decided: Result<Admitted, Rejection>,
        naming: &TokenReviewConfig,
    ) -> Result<Response<Body>, Refused> {
        let answer = |status| {
            of_json(&Reviewed {
                api_version: self.api_version,
                kind: self.kind,
                spec: NoSpec { token: "" },
                status,
            })
        };
        match decided.and_then(|admitted| user_of(&admitted, naming)) {
            Ok(user) => Ok(answer(Status::of(user))),
            Err(why) if is_no(&why) => Ok(noted(answer(Status::refused(&why)), why)),
            Err(why) => Err(Refused::Unanswered(why)),
        }
    }
}

/// The version is answered that was asked in. The two are the same but for their names, and API
/// servers ask in the older one unless told otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum ApiVersion {
    #[serde(rename = "authentication.k8s.io/v1")]
    V1,
    #[serde(rename = "authentication.k8s.io/v1beta1")]
    V1Beta1,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
enum Kind {
    TokenReview,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: ApiVersion,
    kind: Kind,
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reviewed {
    api_version: ApiVersion,
    kind: Kind,
    /// The published schema requires it.
    spec: NoSpec,
    status: Status,
}

/// The question has been answered, and its token need go nowhere.
#[derive(Serialize)]
struct NoSpec {
    token: &'static str,
}

#[derive(Serialize)]
struct Status {
    authenticated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct UserInfo {
    username: String,
    uid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    extra: Extra,
}

/// What authorizers and audit logs may want to know, under the names of our headers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Extra {
    oauth_client_id: [String; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    oauth_scopes: Vec<String>,
}

impl Status {
    fn of(user: UserInfo) -> Self {
        Self {
            authenticated: true,
            user: Some(user),
            error: None,
        }
    }

    fn refused(why: &Rejection) -> Self {
        Self {
            authenticated: false,
            user: None,
            error: Some(why.to_string()),
        }
    }
}

/// Refuses a name that Kubernetes gives to itself, which no login of GHES can be.
fn user_of(admitted: &Admitted, naming: &TokenReviewConfig) -> Result<UserInfo, Rejection> {
    let identity = &admitted.identity;
    let username = format!("{}{}", naming.username_prefix, identity.user().login());
    if username.starts_with(RESERVED) {
        return Err(RejectionKind::Forbidden.into());
    }
    let scopes = identity.scopes().iter().map(ToString::to_string);
    Ok(UserInfo {
        username,
        uid: identity.user().id().to_string(),
        groups: groups_of(admitted.groups.as_deref(), naming),
        extra: Extra {
            oauth_client_id: [identity.client_id().to_owned()],
            oauth_scopes: scopes.collect(),
        },
    })
}

/// Those that Kubernetes is told about, in the order of the configuration, as far as the person
/// belongs to them.
fn groups_of(belongs_to: Option<&Groups>, naming: &TokenReviewConfig) -> Vec<String> {
    let is_one_of = |group: &&_| {
        let mut groups = belongs_to.into_iter().flat_map(Groups::iter);
        groups.any(|other| other == *group)
    };
    let groups = naming.groups.iter().filter(is_one_of);
    groups.map(|group| naming.name_of(group)).collect()
}

const NO_REVIEW: &str = "not a TokenReview of authentication.k8s.io/v1 with spec.token";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, User};
    use crate::validator::Freshness;

    fn read(body: &str) -> Option<(ApiVersion, String)> {
        let review: Review = serde_json::from_str(body).ok()?;
        Some((review.api_version, review.spec.token))
    }

    #[test]
    fn a_review_is_read_as_an_api_server_writes_it() {
        let body = r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1",
            "metadata":{"creationTimestamp":null},"spec":{"token":"gho_a","audiences":["a"]},
            "status":{"user":{}}}"#;
        assert_eq!(read(body), Some((ApiVersion::V1, "gho_a".to_owned())));
        let older = body.replace("/v1", "/v1beta1");
        assert_eq!(
            read(&older),
            Some((ApiVersion::V1Beta1, "gho_a".to_owned()))
        );
        for (from, to) in [
            ("TokenReview", "SubjectAccessReview"),
            ("authentication.k8s.io/v1", "authentication.k8s.io/v2"),
            ("authentication.k8s.io/v1", "v1"),
            ("\"token\"", "\"tokens\""),
            ("\"gho_a\"", "null"),
            ("\"spec\"", "\"specs\""),
        ] {
            let wrong = body.replacen(from, to, 1);
            assert_ne!(wrong, body);
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }

    fn admitted(login: &str, groups: &[&str]) -> Admitted {
        let identity = Identity::new(User::new(login, 1), "app", 1, Default::default());
        let groups = groups.iter().map(|group| group.parse().unwrap());
        Admitted {
            identity: identity.unwrap(),
            freshness: Freshness::Fresh,
            groups: Some(Box::new(groups.collect())),
        }
    }

    fn naming(username_prefix: &str, groups_prefix: &str) -> TokenReviewConfig {
        let groups = ["octo-org", "octo-org/platform"];
        TokenReviewConfig {
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            username_prefix: username_prefix.to_owned(),
            groups_prefix: groups_prefix.to_owned(),
        }
    }

    #[test]
    fn names_have_their_prefixes_and_groups_are_those_of_the_configuration() {
        let octocat = admitted("octocat", &["octo-org/platform", "others", "octo-org"]);
        let user = user_of(&octocat, &naming("", "")).unwrap();
        assert_eq!(user.username, "octocat");
        assert_eq!(user.groups, ["octo-org", "octo-org:platform"]);
        let user = user_of(&octocat, &naming("ghes:", "team:")).unwrap();
        assert_eq!(user.username, "ghes:octocat");
        assert_eq!(user.groups, ["team:octo-org", "team:octo-org:platform"]);
        let user = user_of(&admitted("octocat", &["others"]), &naming("", "")).unwrap();
        assert_eq!(user.groups, [""; 0]);
    }

    #[test]
    fn nobody_has_a_name_of_kubernetes_itself() {
        let admin = admitted("system:admin", &[]);
        let refused = user_of(&admin, &naming("", "")).unwrap_err();
        assert_eq!(refused.kind(), RejectionKind::Forbidden);
        let user = user_of(&admin, &naming("ghes:", "")).unwrap();
        assert_eq!(user.username, "ghes:system:admin");
    }
}
