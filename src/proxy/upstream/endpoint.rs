use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;

use super::connector::Connector;
use super::failure::Failure;
use super::pool::{IDLE_TIMEOUT, Pool};
use super::upload::Upload;
use crate::proxy::config::UpstreamUrl;

/// One address of an upstream, and the connections to it.
///
/// The address comes from the configuration alone; nothing in a request can change it.
pub(super) struct Endpoint {
    url: UpstreamUrl,
    host: HeaderValue,
    connector: Connector,
    pool: Pool,
    is_swept: AtomicBool,
}

/// A connection for one exchange.
///
/// It goes back to its pool only by [`give_back`](Self::give_back); whoever drops it closes it.
pub(super) struct Lease {
    connection: SendRequest<Upload>,
    endpoint: Arc<Endpoint>,
}

impl Endpoint {
    pub(super) fn new(url: UpstreamUrl) -> Self {
        let authority = url.authority();
        // An authority is always visible ASCII.
        let host = HeaderValue::from_str(authority.as_str())
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(authority.clone());
        uri.path_and_query = Some(PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(uri).expect("scheme, authority and path make a URI");
        Self {
            url,
            host,
            connector: Connector::new(uri),
            pool: Pool::default(),
            is_swept: AtomicBool::new(false),
        }
    }

    pub(super) fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// Takes a connection that was used before, if one is free.
    pub(super) fn used(self: &Arc<Self>) -> Option<Lease> {
        let connection = self.pool.take()?;
        Some(self.lease(connection))
    }

    /// Makes a new connection.
    pub(super) async fn fresh(self: &Arc<Self>) -> Result<Lease, Failure> {
        let connection = self.connector.connect().await?;
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        Ok(self.lease(connection))
    }

    fn lease(self: &Arc<Self>, connection: SendRequest<Upload>) -> Lease {
        Lease {
            connection,
            endpoint: Arc::clone(self),
        }
    }
}

impl Lease {
    /// Sends a request and waits for the head of the response.
    ///
    /// # Errors
    ///
    /// Returns the request with the error if nothing of it was written.
    ///
    /// # Cancel safety
    ///
    /// Whoever drops the future has to drop the connection; hyper closes it.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        let host = self.endpoint.host.clone();
        request.headers_mut().insert(HOST, host);
        self.connection.try_send_request(request).await
    }

    /// Lets others use the connection. Both messages must have been read and sent to their ends.
    pub(super) fn give_back(self) {
        self.endpoint.pool.put(self.connection);
    }
}

/// Closes connections that nobody wants any more, for as long as the endpoint is there.
async fn sweep(endpoint: Weak<Endpoint>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let Some(endpoint) = endpoint.upgrade() else {
            return;
        };
        endpoint.pool.sweep();
    }
}
