use std::time::Duration;

use http::Uri;
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use super::failure::Failure;
use super::upload::Upload;

/// Makes connections to one address. Each step has a limit.
pub(super) struct Connector {
    tcp: HttpConnector,
    uri: Uri,
}

impl Connector {
    pub(super) fn new(uri: Uri) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        Self { tcp, uri }
    }

    pub(super) async fn connect(&self) -> Result<http1::SendRequest<Upload>, Failure> {
        let connecting = self.tcp.clone().oneshot(self.uri.clone());
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::connect)?;
        http1(stream.into_inner()).await
    }
}

async fn http1<S>(stream: S) -> Result<http1::SendRequest<Upload>, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(Failure::connect)?;
    // Ends with the sender, or with the connection.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("connection to an upstream ended: {error}");
        }
    });
    Ok(sender)
}

/// An upstream in the same network accepts within milliseconds; after a second it is down, and a
/// client is better told so.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The largest head of a response, and the most that is read at once of its body. hyper's own limit is
/// 400 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;
