//! What both clients share: one API root, one set of headers, one time limit, one transport.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;

use super::transport::Transport;
use crate::ghes::error::ApiError;
use crate::ghes::url::GhesUrl;

/// A handle: clones share the settings, and the transport with its pool of connections.
pub(in crate::ghes) struct Connection<T> {
    settings: Arc<Settings>,
    transport: T,
}

#[derive(Clone)]
struct Settings {
    api_root: String,
    headers: HeaderMap,
    /// Shared by all clones, and replaced for all of them.
    credentials: Arc<ArcSwap<HeaderValue>>,
    timeout: Duration,
}

/// One request, but for what is the same in all of them.
pub(in crate::ghes) struct Call {
    method: Method,
    uri: Uri,
    credentials: Credentials,
    body: Option<Bytes>,
    max_reply_bytes: usize,
}

/// By what a call proves who makes it.
enum Credentials {
    OfConnection,
    Other(HeaderValue),
    /// They stand in the body.
    None,
}

impl Call {
    pub(in crate::ghes) fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            credentials: Credentials::OfConnection,
            body: None,
            max_reply_bytes: MAX_REPLY_BYTES,
        }
    }

    /// Makes a call to an address that was put together from what a caller gave.
    pub(in crate::ghes) fn to(method: Method, url: &str) -> Result<Self, ApiError> {
        let uri = url.parse().map_err(ApiError::request)?;
        Ok(Self::new(method, uri))
    }

    /// Makes the call with other credentials than those of the connection.
    pub(in crate::ghes) fn with_credentials(mut self, credentials: HeaderValue) -> Self {
        self.credentials = Credentials::Other(credentials);
        self
    }

    /// Makes the call without credentials in its head.
    pub(in crate::ghes) fn without_credentials(mut self) -> Self {
        self.credentials = Credentials::None;
        self
    }

    pub(in crate::ghes) fn with_json(mut self, body: &impl Serialize) -> Result<Self, ApiError> {
        self.body = Some(secret_json(body).map_err(ApiError::request)?);
        Ok(self)
    }

    pub(in crate::ghes) fn expecting_list(mut self) -> Self {
        self.max_reply_bytes = MAX_LIST_BYTES;
        self
    }
}

impl<T> Connection<T> {
    pub(in crate::ghes) fn new(url: &GhesUrl, credentials: HeaderValue, transport: T) -> Self {
        let settings = Settings {
            api_root: url.api_root(),
            headers: headers(),
            credentials: Arc::new(ArcSwap::from_pointee(credentials)),
            timeout: TIMEOUT,
        };
        Self {
            settings: Arc::new(settings),
            transport,
        }
    }

    pub(in crate::ghes) fn set_header(&mut self, name: HeaderName, value: HeaderValue) {
        let settings = Arc::make_mut(&mut self.settings);
        settings.headers.insert(name, value);
    }

    pub(in crate::ghes) fn set_timeout(&mut self, timeout: Duration) {
        Arc::make_mut(&mut self.settings).timeout = timeout;
    }

    /// Lets every call that begins from now on have others.
    pub(in crate::ghes) fn replace_credentials(&self, credentials: HeaderValue) {
        self.settings.credentials.store(Arc::new(credentials));
    }

    fn credentials(&self) -> HeaderValue {
        HeaderValue::clone(&self.settings.credentials.load())
    }

    pub(in crate::ghes) fn api_root(&self) -> &str {
        &self.settings.api_root
    }

    /// Returns the address of an endpoint; `path` begins with a slash.
    pub(in crate::ghes) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.api_root)
    }
}

impl<T: Transport> Connection<T> {
    /// Returns the reply if its status is a success.
    pub(in crate::ghes) async fn send(&self, call: Call) -> Result<Response<Bytes>, ApiError> {
        let mut headers = self.settings.headers.clone();
        let credentials = match call.credentials {
            Credentials::OfConnection => Some(self.credentials()),
            Credentials::Other(credentials) => Some(credentials),
            Credentials::None => None,
        };
        headers.extend(credentials.map(|credentials| (AUTHORIZATION, credentials)));
        if call.body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(CONTENT_TYPE, json);
        }
        let mut request = Request::new(Full::from(call.body.unwrap_or_default()));
        *request.method_mut() = call.method;
        *request.uri_mut() = call.uri;
        *request.headers_mut() = headers;
        let transport = self.transport.clone();
        let exchange = transport.exchange(request, call.max_reply_bytes);
        let response = tokio::time::timeout(self.settings.timeout, exchange)
            .await
            .map_err(ApiError::timeout)??;
        if !response.status().is_success() {
            return Err(ApiError::status(&response));
        }
        Ok(response)
    }
}

impl<T: Clone> Clone for Connection<T> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            transport: self.transport.clone(),
        }
    }
}

/// Writes a body that holds a token into memory that is overwritten when the last clone of it is
/// dropped. It has its full size from the start, since a buffer that grows leaves copies behind.
fn secret_json(body: &impl Serialize) -> serde_json::Result<Bytes> {
    let mut size = ByteCount(0);
    serde_json::to_writer(&mut size, body)?;
    let mut json = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *json, body)?;
    Ok(Bytes::from_owner(json))
}

struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let media_type = HeaderValue::from_static("application/vnd.github+json");
    headers.insert(ACCEPT, media_type);
    // Nothing here unpacks a body, so that no body can be a bomb.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // GitHub refuses requests without one.
    headers.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
    headers
}

pub(in crate::ghes) const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// GHES answers check-token within milliseconds. Three seconds outlast a restart of one of its
/// front ends; a client that waits longer has most likely given up itself.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A reply of check-token has about 3 KiB. Twenty times that leaves room for a GHES to come, and
/// keeps one that went wrong from filling our memory.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// A hundred authorizations, the most that a page holds, at up to 10 KiB each.
const MAX_LIST_BYTES: usize = 1024 * 1024;

const PRODUCT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
