use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::body::Body;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::MissingIdentity;
use crate::identity::Identity;
use crate::policy::Denial;
use crate::rejection::{Realm, Rejection, with_problem_json};
use crate::scope::Scopes;

/// Scopes that a handler needs, as a type to name in its signature.
pub trait RequiredScopes {
    /// The scopes, all of which are needed.
    const SCOPES: &'static [&'static str];
}

/// Takes the identity that the gate left in the request, if its token grants some scopes.
///
/// For the handlers of one route that needs more than the rest. If many routes need it, use a
/// [policy](crate::policy) of the gate, which knows memberships, too. A request without a scope
/// gets the answer of the gate: 403, `insufficient_scope` and the scopes. The user tokens of GitHub
/// Apps have no scopes.
///
/// A gate [with a realm](crate::GatekeeperLayer::with_realm) of its own is not known here; if a
/// [`Realm`] is in the request's extensions, by `axum::Extension(realm)` as a layer, its challenge is
/// for that.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use ghes_gatekeeper::{RequireScope, RequiredScopes};
///
/// struct ReadOrg;
///
/// impl RequiredScopes for ReadOrg {
///     const SCOPES: &[&str] = &["read:org"];
/// }
///
/// async fn members(identity: RequireScope<ReadOrg>) -> String {
///     format!("{} may see who is in it", identity.user().login())
/// }
///
/// let app: Router = Router::new().route("/members", get(members));
/// // … and `.layer(GatekeeperLayer::new(validator))` around it.
/// ```
pub struct RequireScope<S> {
    identity: Identity,
    scopes: PhantomData<fn() -> S>,
}

impl<S> RequireScope<S> {
    /// Returns the identity.
    #[must_use]
    pub fn into_identity(self) -> Identity {
        self.identity
    }
}

impl<S> Deref for RequireScope<S> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl<S> fmt::Debug for RequireScope<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequireScope").field(&self.identity).finish()
    }
}

impl<R: RequiredScopes, S: Sync> FromRequestParts<S> for RequireScope<R> {
    type Rejection = ScopeRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ScopeRejection> {
        let identity = <Identity as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(ScopeRejection::NoGate)?;
        let required = Scopes::parse(R::SCOPES.iter().copied())
            .map_err(|_| ScopeRejection::NoScope(std::any::type_name::<R>()))?;
        if !identity.scopes().grant_all(&required) {
            let realm = parts.extensions.get().cloned().unwrap_or_default();
            return Err(ScopeRejection::Missing(required, realm));
        }
        Ok(Self {
            identity,
            scopes: PhantomData,
        })
    }
}

/// Why a [`RequireScope`] turned a request away.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScopeRejection {
    /// The token lacks one of these scopes, which this realm asks for.
    Missing(Scopes, Realm),
    /// The handler stands behind no gate; its client is told 500 and nothing more.
    NoGate(MissingIdentity),
    /// This type names something that is no scope; its client is told 500 and nothing more.
    NoScope(&'static str),
}

impl fmt::Display for ScopeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(required, _) => write!(f, "needs scopes {}", required.join(", ")),
            Self::NoGate(missing) => missing.fmt(f),
            Self::NoScope(name) => write!(f, "{name}::SCOPES has something that is no scope"),
        }
    }
}

impl std::error::Error for ScopeRejection {}

impl IntoResponse for ScopeRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Missing(required, realm) => {
                let rejection = Rejection::from(Denial::InsufficientScope(required));
                with_problem_json::<Body>(rejection.into_response(&realm))
            }
            Self::NoGate(missing) => missing.into_response(),
            Self::NoScope(_) => {
                tracing::error!("{self}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;

    struct Both;

    impl RequiredScopes for Both {
        const SCOPES: &[&str] = &["read:org", "gist"];
    }

    struct Broken;

    impl RequiredScopes for Broken {
        const SCOPES: &[&str] = &["read org"];
    }

    async fn extract<R: RequiredScopes>(held: Option<&[&str]>) -> Result<String, Response> {
        let mut request = http::Request::new(());
        if let Some(held) = held {
            let scopes = Scopes::parse(held.iter().copied()).unwrap();
            let octocat = Identity::new(User::new("octocat", 1), "app", 1, scopes);
            request.extensions_mut().insert(octocat.unwrap());
        }
        let (mut parts, ()) = request.into_parts();
        let extracted = RequireScope::<R>::from_request_parts(&mut parts, &()).await;
        let login = |identity: RequireScope<R>| identity.user().login().to_owned();
        extracted.map(login).map_err(IntoResponse::into_response)
    }

    #[tokio::test]
    async fn all_scopes_are_needed_and_wider_ones_do() {
        let admin = extract::<Both>(Some(&["admin:org", "gist"])).await;
        assert_eq!(admin.unwrap(), "octocat");
        for held in [&["gist"][..], &["read:org"], &[]] {
            let response = extract::<Both>(Some(held)).await.unwrap_err();
            assert_eq!(response.status(), 403);
            assert_eq!(
                response.headers()["www-authenticate"],
                "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"gist read:org\""
            );
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
            assert!(response.extensions().get::<Rejection>().is_some());
        }
    }

    #[tokio::test]
    async fn the_challenge_is_for_the_realm_of_the_application() {
        let mut request = http::Request::new(());
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default());
        request.extensions_mut().insert(octocat.unwrap());
        request
            .extensions_mut()
            .insert(Realm::new("tools").unwrap());
        let (mut parts, ()) = request.into_parts();
        let extracted = RequireScope::<Both>::from_request_parts(&mut parts, &()).await;
        let response = extracted.unwrap_err().into_response();
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(
            challenge.starts_with("Bearer realm=\"tools\", "),
            "{challenge}"
        );
    }

    #[tokio::test]
    async fn mistakes_of_the_application_are_500() {
        let ungated = extract::<Both>(None).await.unwrap_err();
        assert_eq!(ungated.status(), 500);
        let broken = extract::<Broken>(Some(&["repo"])).await.unwrap_err();
        assert_eq!(broken.status(), 500);
    }
}
