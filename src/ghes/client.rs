use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Method, Response, Uri};
use secrecy::SecretString;
use serde::Serialize;
use tower::Service;

use super::api::verdict::verdict;
use super::credentials::{App, InvalidApp};
use super::error::ApiError;
use super::url::GhesUrl;
use super::wire::connection::{API_VERSION, Call, Connection};
use super::wire::transport::Transport;
use crate::check::{CheckError, CheckRequest, Verdict};

/// Asks GHES about tokens on behalf of one app.
///
/// A handle: clones share the transport, and with it the pool of connections.
pub struct GhesClient<T> {
    endpoints: Arc<Endpoints>,
    connection: Connection<T>,
}

/// The addresses of the app's endpoints; built once.
pub(super) struct Endpoints {
    pub(super) client_id: String,
    pub(super) token: Uri,
    pub(super) scoped: Uri,
    pub(super) grant: Uri,
}

impl<T: Transport> GhesClient<T> {
    /// Makes a client that reaches the server at `url` by `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidApp`] if the client id cannot stand in a path.
    pub fn new(url: &GhesUrl, app: &App, transport: T) -> Result<Self, InvalidApp> {
        let endpoints = Endpoints::new(url, app.client_id()?)?;
        Ok(Self {
            endpoints: Arc::new(endpoints),
            connection: Connection::new(url, app.basic()?, transport),
        })
    }

    /// Replaces the app's client secret, for all clones and from the next call on.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidApp`] if the secret cannot stand in a header.
    pub fn replace_secret(&self, secret: impl Into<SecretString>) -> Result<(), InvalidApp> {
        let app = App::new(&self.endpoints.client_id, secret);
        self.connection.replace_credentials(app.basic()?);
        Ok(())
    }

    /// Sets the `X-GitHub-Api-Version` that is asked for; by default none, which every GHES
    /// understands.
    ///
    /// GHES 3.8 and older ignore it; newer ones refuse a version they do not have, with 400.
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

    pub(super) fn connection(&self) -> &Connection<T> {
        &self.connection
    }

    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Sends `body` as JSON; returns the reply if its status is a success.
    pub(super) async fn send(
        &self,
        method: Method,
        uri: &Uri,
        body: &impl Serialize,
    ) -> Result<Response<Bytes>, ApiError> {
        let call = Call::new(method, uri.clone()).with_json(body)?;
        self.connection.send(call).await
    }
}

impl Endpoints {
    fn new(url: &GhesUrl, client_id: &str) -> Result<Self, InvalidApp> {
        let base = format!("{}/applications/{client_id}", url.api_root());
        let uri = |path: &str| format!("{base}{path}").parse().map_err(|_| InvalidApp(()));
        Ok(Self {
            client_id: client_id.to_owned(),
            token: uri("/token")?,
            scoped: uri("/token/scoped")?,
            grant: uri("/grant")?,
        })
    }
}

impl<T: Transport> Service<CheckRequest> for GhesClient<T> {
    type Response = Verdict;
    type Error = CheckError;
    type Future = Pin<Box<dyn Future<Output = Result<Verdict, CheckError>> + Send>>;

    /// Always ready: the transport is waited for in the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: CheckRequest) -> Self::Future {
        let client = self.clone();
        Box::pin(async move {
            let reply = client.checked(request.token()).await;
            verdict(reply, request.token(), &client.endpoints.client_id)
        })
    }
}

impl<T: Clone> Clone for GhesClient<T> {
    fn clone(&self) -> Self {
        Self {
            endpoints: Arc::clone(&self.endpoints),
            connection: self.connection.clone(),
        }
    }
}

impl<T> fmt::Debug for GhesClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GhesClient")
            .field("check_token", &self.endpoints.token)
            .finish_non_exhaustive()
    }
}
