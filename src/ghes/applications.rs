//! The [OAuth applications] API.
//!
//! [OAuth applications]: https://docs.github.com/en/enterprise-server/rest/apps/oauth-applications

use http::Method;
use serde::Serialize;

use super::client::GhesClient;
use super::error::ApiError;
use super::model::Authorization;
use super::transport::Transport;
use crate::token::AccessToken;

impl<T: Transport> GhesClient<T> {
    /// Checks a token: `POST /applications/{client_id}/token`.
    ///
    /// Whoever only wants to know whether to let somebody in uses the client as a
    /// [`CheckService`](crate::check::CheckService), which also tells a refusal from a failure.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the token is unknown, expired, revoked or another app's, 401
    /// if the app's own credentials are wrong.
    pub async fn check_token(&self, token: &AccessToken) -> Result<Authorization, ApiError> {
        let body = AccessTokenBody {
            access_token: token.expose(),
        };
        self.send(Method::POST, self.check_token_uri(), &body).await
    }
}

#[derive(Serialize)]
struct AccessTokenBody<'t> {
    access_token: &'t str,
}
