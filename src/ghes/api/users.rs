//! The [users] API, as far as an app needs it.
//!
//! [users]: https://docs.github.com/en/enterprise-server/rest/users/users#get-a-user

use http::Method;

use super::authorization_request::percent_encoded;
use super::model::SimpleUser;
use crate::ghes::client::GhesClient;
use crate::ghes::error::ApiError;
use crate::ghes::wire::connection::Call;
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;

impl<T: Transport> GhesClient<T> {
    /// Looks a person up by login: `GET /users/{username}`.
    ///
    /// It is asked as the app. A GHES in private mode may show nobody to an app.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if no user has this login, 401 if the app's own credentials are
    /// wrong. A reply about another user is an error, too.
    pub async fn get_user(&self, login: &str) -> Result<SimpleUser, ApiError> {
        let path = format!("/users/{}", percent_encoded(login));
        let call = Call::to(Method::GET, &self.connection().url(&path))?;
        let response = self.connection().send(call).await?;
        let user: SimpleUser = reply::json(&response)?;
        match user.login.eq_ignore_ascii_case(login) {
            true => Ok(user),
            false => Err(ApiError::doubtful(&response, "it is about another user")),
        }
    }
}
