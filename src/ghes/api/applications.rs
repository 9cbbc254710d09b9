//! The [OAuth applications] API.
//!
//! [OAuth applications]: https://docs.github.com/en/enterprise-server/rest/apps/oauth-applications

use http::{Method, StatusCode};
use serde::Serialize;

use super::checked_token::CheckedToken;
use super::model::{Authorization, IssuedToken};
use super::scope_request::ScopeRequest;
use crate::ghes::client::GhesClient;
use crate::ghes::error::ApiError;
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;
use crate::token::AccessToken;

impl<T: Transport> GhesClient<T> {
    /// Checks a token: `POST /applications/{client_id}/token`.
    ///
    /// To decide whether to let a user in, use the client as a
    /// [`CheckService`](crate::check::CheckService): it also tells a refusal from a failure.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is unknown, expired, revoked or another app's, 401
    /// if the app's own credentials are wrong.
    pub async fn check_token(&self, token: &AccessToken) -> Result<Authorization, ApiError> {
        let uri = &self.endpoints().token;
        let body = AccessTokenBody::new(token);
        reply::json(&self.send(Method::POST, uri, &body).await?)
    }

    /// The same call. It reads only the part of the reply that a verdict needs.
    pub(in crate::ghes) async fn checked(
        &self,
        token: &AccessToken,
    ) -> Result<CheckedToken, ApiError> {
        let uri = &self.endpoints().token;
        let body = AccessTokenBody::new(token);
        let response = self.send(Method::POST, uri, &body).await?;
        // 202 and its like say nothing about the token.
        if response.status() != StatusCode::OK {
            return Err(ApiError::doubtful(&response, "the status is not 200"));
        }
        reply::json(&response)
    }

    /// Replaces a token by a new one: `PATCH /applications/{client_id}/token`.
    ///
    /// The authorization keeps its id; the old token is dead at once. If the reply is lost, or is
    /// not the documented one, so is the new token.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is none of the app's, 401 if the app's own
    /// credentials are wrong.
    pub async fn reset_token(&self, token: &AccessToken) -> Result<IssuedToken, ApiError> {
        let uri = &self.endpoints().token;
        let body = AccessTokenBody::new(token);
        reply::issued(&self.send(Method::PATCH, uri, &body).await?)
    }

    /// Revokes one token: `DELETE /applications/{client_id}/token`.
    ///
    /// GHES may go on to confirm the token for a moment.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is none of the app's, or no longer, 401 if the
    /// app's own credentials are wrong.
    pub async fn delete_token(&self, token: &AccessToken) -> Result<(), ApiError> {
        let uri = &self.endpoints().token;
        let body = AccessTokenBody::new(token);
        reply::no_content(&self.send(Method::DELETE, uri, &body).await?)
    }

    /// Revokes the grant behind a token: `DELETE /applications/{client_id}/grant`.
    ///
    /// That deletes all tokens that the app has for the token's user, not only this one, and the
    /// SSH keys that the app made.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is none of the app's, or no longer, 401 if the
    /// app's own credentials are wrong.
    pub async fn delete_authorization(&self, token: &AccessToken) -> Result<(), ApiError> {
        let uri = &self.endpoints().grant;
        let body = AccessTokenBody::new(token);
        reply::no_content(&self.send(Method::DELETE, uri, &body).await?)
    }

    /// Makes a token that may do less: `POST /applications/{client_id}/token/scoped`.
    ///
    /// Only for the user access tokens of GitHub Apps that have not been narrowed yet.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is none of the app's, 403 or 422 if it cannot be
    /// narrowed to what is asked for, 401 if the app's own credentials are wrong.
    pub async fn scope_token(
        &self,
        token: &AccessToken,
        scope: &ScopeRequest,
    ) -> Result<IssuedToken, ApiError> {
        let uri = &self.endpoints().scoped;
        let body = ScopeBody {
            token: AccessTokenBody::new(token),
            scope,
        };
        reply::issued(&self.send(Method::POST, uri, &body).await?)
    }
}

#[derive(Serialize)]
struct AccessTokenBody<'t> {
    access_token: &'t str,
}

impl<'t> AccessTokenBody<'t> {
    fn new(token: &'t AccessToken) -> Self {
        Self {
            access_token: token.expose(),
        }
    }
}

#[derive(Serialize)]
struct ScopeBody<'t> {
    #[serde(flatten)]
    token: AccessTokenBody<'t>,
    #[serde(flatten)]
    scope: &'t ScopeRequest,
}
