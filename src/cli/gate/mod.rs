//! The commands that ask a running gate, at its listeners for operators and probes.

pub(super) mod health;
pub(super) mod purge;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

/// Why a gate gave no answer.
#[derive(Debug)]
enum NoAnswer {
    Failed(Error),
    TooLate(Duration),
}

/// Sends a request, and returns the status and the body of the answer. A body that is too long or
/// breaks off is returned as empty: no answer of a gate is so long.
async fn ask(
    request: Request<Full<Bytes>>,
    patience: Duration,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let asking = async {
        let response = client.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
        let body = body.collect().await.map(|body| body.to_bytes());
        Ok((status, body.unwrap_or_default()))
    };
    match timeout(patience, asking).await {
        Ok(answer) => answer.map_err(NoAnswer::Failed),
        Err(_) => Err(NoAnswer::TooLate(patience)),
    }
}

/// Reads the address of a gate. TLS is not spoken there.
fn http_url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let is_http = url.scheme_str() == Some("http") && url.host().is_some();
    is_http.then_some(url)
}

const MAX_ANSWER_BYTES: usize = 16 * 1024;
