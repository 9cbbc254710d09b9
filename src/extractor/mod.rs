mod require_scope;

use std::convert::Infallible;
use std::fmt;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::identity::Identity;

pub use self::require_scope::{RequireScope, RequiredScopes, ScopeRejection};

/// Takes the identity that the gate left in the request.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use ghes_gatekeeper::Identity;
///
/// async fn whoami(identity: Identity) -> String {
///     identity.user().login().to_owned()
/// }
///
/// let app: Router = Router::new().route("/whoami", get(whoami));
/// // … and `.layer(GatekeeperLayer::new(validator))` around it.
/// ```
impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = MissingIdentity;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingIdentity> {
        let identity = parts.extensions.get::<Self>();
        identity.cloned().ok_or(MissingIdentity(()))
    }
}

/// Takes the identity if there is one: behind no gate there is none.
///
/// For an app that gates only some routes, such as one with a front page that greets known users.
/// To keep strangers out, take [`Identity`].
impl<S: Sync> OptionalFromRequestParts<S> for Identity {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The error for a handler that asks for an identity behind no gate.
///
/// It is a mistake of the application, so its client is told 500 and nothing more.
#[derive(Clone, Copy, Debug)]
pub struct MissingIdentity(());

impl fmt::Display for MissingIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no identity in the request; put a GatekeeperLayer around the route")
    }
}

impl std::error::Error for MissingIdentity {}

impl IntoResponse for MissingIdentity {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;
    use crate::scope::Scopes;

    async fn extract(request: http::Request<()>) -> Result<Identity, MissingIdentity> {
        let (mut parts, ()) = request.into_parts();
        <Identity as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn the_identity_comes_from_the_gate_or_not_at_all() {
        let missing = extract(http::Request::new(())).await.unwrap_err();
        assert_eq!(missing.into_response().status(), 500);

        let mut request = http::Request::new(());
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default());
        request.extensions_mut().insert(octocat.unwrap());
        let identity = extract(request).await.unwrap();
        assert_eq!(identity.user().login(), "octocat");
    }

    #[tokio::test]
    async fn an_identity_that_may_be_absent_is_no_mistake() {
        for login in [None, Some("octocat"), Some("hubot")] {
            let (mut parts, ()) = http::Request::new(()).into_parts();
            if let Some(login) = login {
                let identity = Identity::new(User::new(login, 1), "app", 1, Scopes::default());
                parts.extensions.insert(identity.unwrap());
            }
            let found = Option::<Identity>::from_request_parts(&mut parts, &())
                .await
                .unwrap();
            assert_eq!(found.as_ref().map(|found| found.user().login()), login);
        }
    }
}
