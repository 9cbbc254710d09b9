use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT,
};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::Service;

use super::error::ApiError;
use super::transport::Transport;
use super::url::GhesUrl;
use super::verdict::verdict;
use crate::check::{CheckError, CheckRequest, Verdict};

/// The OAuth app or GitHub App on whose behalf tokens are checked.
///
/// Use an app of the gate's own: whoever holds its secret can not only check its tokens, but
/// also reset and delete them.
#[derive(Clone)]
pub struct App {
    client_id: String,
    client_secret: SecretString,
}

impl App {
    /// Names an app by its client id and client secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
        }
    }

    /// RFC 7617 §2: user-id and password, joined by a colon.
    fn basic_credentials(&self) -> Result<HeaderValue, InvalidApp> {
        let Self {
            client_id,
            client_secret,
        } = self;
        let pair = format!("{client_id}:{}", client_secret.expose_secret());
        let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))
            .map_err(|_| InvalidApp(()))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn token_path(&self) -> Result<String, InvalidApp> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if self.client_id.is_empty() || !self.client_id.bytes().all(legal) {
            return Err(InvalidApp(()));
        }
        Ok(format!("/applications/{}/token", self.client_id))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The error for a client id that GitHub cannot have given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidApp(());

impl fmt::Display for InvalidApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a client id consists of letters, digits, dots, dashes and underscores")
    }
}

impl std::error::Error for InvalidApp {}

/// Asks GHES about tokens on behalf of one app.
///
/// A handle: clones share the transport, and with it the pool of connections.
pub struct GhesClient<T> {
    endpoint: Arc<Endpoint>,
    transport: T,
}

/// What is the same in every request; built once.
#[derive(Clone)]
struct Endpoint {
    client_id: String,
    check_token: Uri,
    headers: HeaderMap,
    timeout: Duration,
}

impl<T: Transport> GhesClient<T> {
    /// Makes a client that reaches the server at `url` by `transport`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidApp`] if the client id cannot stand in a path.
    pub fn new(url: &GhesUrl, app: &App, transport: T) -> Result<Self, InvalidApp> {
        let check_token = format!("{}{}", url.api_root(), app.token_path()?);
        let endpoint = Endpoint {
            client_id: app.client_id.clone(),
            check_token: check_token.parse().map_err(|_| InvalidApp(()))?,
            headers: headers(app.basic_credentials()?),
            timeout: TIMEOUT,
        };
        Ok(Self {
            endpoint: Arc::new(endpoint),
            transport,
        })
    }

    /// Sets the `X-GitHub-Api-Version` that is asked for; by default none, which every GHES
    /// understands.
    ///
    /// GHES 3.8 and older ignore it; newer ones refuse a version they do not have, with 400.
    #[must_use]
    pub fn with_api_version(mut self, version: HeaderValue) -> Self {
        let endpoint = Arc::make_mut(&mut self.endpoint);
        endpoint.headers.insert("x-github-api-version", version);
        self
    }

    /// Sets how long one call may take, from the connection to the last byte; 3 s by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.endpoint).timeout = timeout;
        self
    }

    pub(super) fn check_token_uri(&self) -> Uri {
        self.endpoint.check_token.clone()
    }

    /// Sends `body` as JSON and reads a success as JSON.
    pub(super) async fn send<R: DeserializeOwned>(
        &self,
        method: Method,
        uri: Uri,
        body: &impl Serialize,
    ) -> Result<R, ApiError> {
        let body = serde_json::to_vec(body).map_err(ApiError::transport)?;
        let mut request = Request::new(Full::from(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.endpoint.headers.clone();
        let exchange = self.transport.clone().exchange(request);
        let response = tokio::time::timeout(self.endpoint.timeout, exchange)
            .await
            .map_err(ApiError::timeout)??;
        if !response.status().is_success() {
            return Err(ApiError::status(&response));
        }
        parse(response)
    }
}

fn parse<R: DeserializeOwned>(response: Response<Bytes>) -> Result<R, ApiError> {
    let (head, body) = response.into_parts();
    let content_type = head.headers.get(CONTENT_TYPE);
    // A login page or a captive portal answers 200 as well.
    if !content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json")) {
        return Err(ApiError::reply(&head, "the body is no JSON"));
    }
    // serde's message may quote the body, which holds the token; its position may not.
    serde_json::from_slice(&body).map_err(|error| {
        let category = error.classify();
        ApiError::reply(
            &head,
            format!("{category:?} error at byte {}", error.column()),
        )
    })
}

fn headers(credentials: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, credentials);
    let media_type = HeaderValue::from_static("application/vnd.github+json");
    headers.insert(ACCEPT, media_type);
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json);
    // Nothing here unpacks a body, so that no body can be a bomb.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // GitHub refuses requests without one.
    headers.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
    headers
}

/// GHES answers check-token within milliseconds. Three seconds outlast a restart of one of its
/// front ends; a client that waits longer has most likely given up itself.
const TIMEOUT: Duration = Duration::from_secs(3);

const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

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
            let reply = client.check_token(request.token()).await;
            verdict(reply, &client.endpoint.client_id)
        })
    }
}

impl<T: Clone> Clone for GhesClient<T> {
    fn clone(&self) -> Self {
        Self {
            endpoint: Arc::clone(&self.endpoint),
            transport: self.transport.clone(),
        }
    }
}

impl<T> fmt::Debug for GhesClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GhesClient")
            .field("check_token", &self.endpoint.check_token)
            .finish_non_exhaustive()
    }
}
