//! The OAuth authorizations API, which github.com closed in 2020 and GHES still has.
//!
//! GHES may answer 304 here where a request has a condition. No request has one, so 304 does not
//! come; if it does, it is an error like every status that is no success.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::authorization_request::{
    AuthorizationUpdate, ListOptions, NewAuthorization, percent_encoded,
};
use super::model::{Authorization, GetOrCreate, Grant, IssuedToken};
use super::pages::Pages;
use crate::ghes::credentials::{App, UserCredentials};
use crate::ghes::error::ApiError;
use crate::ghes::url::GhesUrl;
use crate::ghes::wire::connection::{API_VERSION, Call, Connection};
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;

/// Manages a user's own authorizations and grants, by login and password.
///
/// This is GitHub's old way to tokens: the *OAuth authorizations API*, which only GHES still has.
/// Apps use the web flow instead. A handle: clones share the transport.
///
/// A user with two-factor authentication needs a one-time password for every call. GHES tells so
/// by an error with [`otp_required`](ApiError::otp_required); the call is then made again:
///
/// ```no_run
/// # use ghes_gatekeeper::ghes::{AuthorizationsClient, HttpsTransport, NewAuthorization};
/// # fn ask_user() -> String { String::new() }
/// # async fn f(client: AuthorizationsClient<HttpsTransport>) -> Result<(), Box<dyn std::error::Error>> {
/// let wanted = NewAuthorization::new().with_scopes(["gist"]).with_note("gists");
/// let issued = match client.create_authorization(None, &wanted).await {
///     Err(error) if error.otp_required().is_some() => {
///         let client = client.clone().with_otp(ask_user())?;
///         client.create_authorization(None, &wanted).await?
///     }
///     issued => issued?,
/// };
/// # Ok(())
/// # }
/// ```
pub struct AuthorizationsClient<T> {
    connection: Connection<T>,
}

impl<T: Transport> AuthorizationsClient<T> {
    /// Makes a client that reaches the server at `url` by `transport`.
    ///
    /// A password crosses the network: see [`GhesUrl::is_exposed`].
    ///
    /// # Errors
    ///
    /// Returns [`AuthorizationsSetupError`] if `url` is github.com or a tenant of GHE.com, which
    /// do not have this API, or if the login cannot be one.
    pub fn new(
        url: &GhesUrl,
        user: &UserCredentials,
        transport: T,
    ) -> Result<Self, AuthorizationsSetupError> {
        if !url.is_enterprise_server() {
            return Err(AuthorizationsSetupError::NoSuchApi);
        }
        let credentials = user.basic().ok_or(AuthorizationsSetupError::Login)?;
        Ok(Self {
            connection: Connection::new(url, credentials, transport),
        })
    }

    /// Sends a one-time password, `X-GitHub-OTP`, from now on.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorizationsSetupError`] if it is empty or cannot stand in a header.
    pub fn with_otp(
        mut self,
        otp: impl Into<SecretString>,
    ) -> Result<Self, AuthorizationsSetupError> {
        let otp = otp.into();
        let otp = otp.expose_secret();
        if otp.is_empty() || !otp.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(AuthorizationsSetupError::Otp);
        }
        let mut value = HeaderValue::from_str(otp).map_err(|_| AuthorizationsSetupError::Otp)?;
        value.set_sensitive(true);
        self.connection.set_header(OTP, value);
        Ok(self)
    }

    /// Sets the `X-GitHub-Api-Version` that is asked for; by default none, which every GHES
    /// understands.
    #[must_use]
    pub fn with_api_version(mut self, version: HeaderValue) -> Self {
        self.connection.set_header(API_VERSION, version);
        self
    }

    /// Sets how long one call may take, from the connection to the last byte; 3 s by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.connection.set_timeout(timeout);
        self
    }

    /// Lists the user's grants: `GET /applications/grants`.
    pub fn grants(&self, options: &ListOptions) -> Pages<T, Grant> {
        let path = format!("/applications/grants{}", options.query());
        Pages::new(self.connection.clone(), self.connection.url(&path))
    }

    /// Returns a grant: `GET /applications/grants/{grant_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the user has no such grant, 401 if the user's credentials are
    /// wrong or a one-time password is missing.
    pub async fn grant(&self, grant_id: u64) -> Result<Grant, ApiError> {
        let path = format!("/applications/grants/{grant_id}");
        reply::json(&self.send(Method::GET, &path).await?)
    }

    /// Deletes a grant, and with it all tokens and SSH keys that the app has for the user:
    /// `DELETE /applications/grants/{grant_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the user has no such grant, 401 if the user's credentials are
    /// wrong or a one-time password is missing.
    pub async fn delete_grant(&self, grant_id: u64) -> Result<(), ApiError> {
        let path = format!("/applications/grants/{grant_id}");
        reply::no_content(&self.send(Method::DELETE, &path).await?)
    }

    /// Lists the user's authorizations, without their tokens: `GET /authorizations`.
    pub fn authorizations(&self, options: &ListOptions) -> Pages<T, Authorization> {
        let path = format!("/authorizations{}", options.query());
        Pages::new(self.connection.clone(), self.connection.url(&path))
    }

    /// Returns an authorization, without its token: `GET /authorizations/{authorization_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the user has no such authorization, 401 if the user's
    /// credentials are wrong or a one-time password is missing.
    pub async fn authorization(&self, authorization_id: u64) -> Result<Authorization, ApiError> {
        let path = format!("/authorizations/{authorization_id}");
        reply::json(&self.send(Method::GET, &path).await?)
    }

    /// Makes a token: `POST /authorizations`. Without an `app`, it is a personal access token.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 422 if something is missing or there is the like already (see
    /// [`errors`](ApiError::errors)), 410 if the server no longer has the API, 401 if the user's
    /// credentials are wrong or a one-time password is missing.
    pub async fn create_authorization(
        &self,
        app: Option<&App>,
        authorization: &NewAuthorization,
    ) -> Result<IssuedToken, ApiError> {
        let body = AuthorizationBody {
            client_id: app
                .map(App::client_id)
                .transpose()
                .map_err(ApiError::request)?,
            client_secret: app.map(App::client_secret),
            authorization,
        };
        let response = self.send_json(Method::POST, "/authorizations", &body);
        reply::issued(&response.await?)
    }

    /// Makes a token for an app, unless the app has one already:
    /// `PUT /authorizations/clients/{client_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 422 if the app's credentials or what is asked for are wrong, 401 if
    /// the user's credentials are wrong or a one-time password is missing.
    pub async fn get_or_create_authorization_for_app(
        &self,
        app: &App,
        authorization: &NewAuthorization,
    ) -> Result<GetOrCreate, ApiError> {
        let path = client_path(app)?;
        self.put(&path, app, authorization).await
    }

    /// Makes a token for an app, unless the app has one with this fingerprint already:
    /// `PUT /authorizations/clients/{client_id}/{fingerprint}`.
    ///
    /// A fingerprint in `authorization` is left out; the endpoint does not have it.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 422 if the app's credentials or what is asked for are wrong, 401 if
    /// the user's credentials are wrong or a one-time password is missing. Without a status, if
    /// the fingerprint is empty, `.` or `..`, which no path can hold.
    pub async fn get_or_create_authorization_for_app_and_fingerprint(
        &self,
        app: &App,
        fingerprint: &str,
        authorization: &NewAuthorization,
    ) -> Result<GetOrCreate, ApiError> {
        if matches!(fingerprint, "" | "." | "..") {
            return Err(ApiError::request("no path can hold the fingerprint"));
        }
        let path = format!("{}/{}", client_path(app)?, percent_encoded(fingerprint));
        let authorization = authorization.without_fingerprint();
        self.put(&path, app, &authorization).await
    }

    /// Changes an authorization: `PATCH /authorizations/{authorization_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the user has no such authorization, 422 if it cannot be
    /// changed so, 401 if the user's credentials are wrong or a one-time password is missing.
    pub async fn update_authorization(
        &self,
        authorization_id: u64,
        update: &AuthorizationUpdate,
    ) -> Result<Authorization, ApiError> {
        let path = format!("/authorizations/{authorization_id}");
        reply::json(&self.send_json(Method::PATCH, &path, update).await?)
    }

    /// Deletes an authorization and its token: `DELETE /authorizations/{authorization_id}`.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`]: 404 if the user has no such authorization, 401 if the user's
    /// credentials are wrong or a one-time password is missing.
    pub async fn delete_authorization(&self, authorization_id: u64) -> Result<(), ApiError> {
        let path = format!("/authorizations/{authorization_id}");
        reply::no_content(&self.send(Method::DELETE, &path).await?)
    }

    async fn put(
        &self,
        path: &str,
        app: &App,
        authorization: &NewAuthorization,
    ) -> Result<GetOrCreate, ApiError> {
        let body = AuthorizationBody {
            client_id: None,
            client_secret: Some(app.client_secret()),
            authorization,
        };
        reply::get_or_create(&self.send_json(Method::PUT, path, &body).await?)
    }

    async fn send(&self, method: Method, path: &str) -> Result<Response<Bytes>, ApiError> {
        let call = Call::to(method, &self.connection.url(path))?;
        self.connection.send(call).await
    }

    async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response<Bytes>, ApiError> {
        let call = Call::to(method, &self.connection.url(path))?;
        self.connection.send(call.with_json(body)?).await
    }
}

fn client_path(app: &App) -> Result<String, ApiError> {
    let client_id = app.client_id().map_err(ApiError::request)?;
    Ok(format!("/authorizations/clients/{client_id}"))
}

#[derive(Serialize)]
struct AuthorizationBody<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'r str>,
    #[serde(flatten)]
    authorization: &'r NewAuthorization,
}

const OTP: HeaderName = HeaderName::from_static("x-github-otp");

impl<T: Clone> Clone for AuthorizationsClient<T> {
    fn clone(&self) -> Self {
        Self {
            connection: self.connection.clone(),
        }
    }
}

impl<T> fmt::Debug for AuthorizationsClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationsClient")
            .field("api_root", &self.connection.api_root())
            .finish_non_exhaustive()
    }
}

/// The error for an [`AuthorizationsClient`] that cannot be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthorizationsSetupError {
    /// The server is github.com or a tenant of GHE.com.
    NoSuchApi,
    /// The login is empty, or has a colon or a control character.
    Login,
    /// The one-time password is empty, or has something but visible ASCII.
    Otp,
}

impl fmt::Display for AuthorizationsSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchApi => {
                "github.com and GHE.com have no OAuth authorizations API; only GHES has it"
            }
            Self::Login => "a login is not empty and has no colon",
            Self::Otp => "a one-time password consists of digits",
        })
    }
}

impl std::error::Error for AuthorizationsSetupError {}
