use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::SignedDuration;
use serde::Deserialize;

use super::Failure;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper health
  HEALTHCHECK CMD [\"ghes-gatekeeper\", \"health\"]

Exits with 0 if the answer is 200, otherwise with 1 and a line that says why. It does not ask GHES.")]
pub(super) struct Arguments {
    /// The address to ask, on the admin or probe listener.
    #[arg(long, value_name = "URL", value_parser = url, default_value = "http://127.0.0.1:9901/readyz")]
    url: Uri,

    /// How long to wait for the answer.
    #[arg(long, value_name = "DURATION", value_parser = timeout, default_value = "2s")]
    timeout: Duration,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { url, timeout } = arguments;
    let asking = tokio::time::timeout(timeout, ask(url.clone()));
    let (status, reasons) = match asking.await {
        Ok(answer) => answer.map_err(|error| Failure::running(&url.to_string(), error))?,
        Err(_) => {
            let text = format!("{url}: no answer within {timeout:?}");
            return Err(Failure::negative(text));
        }
    };
    if status == StatusCode::OK {
        return Ok(());
    }
    let mut text = format!("{url}: answered {status}");
    for reason in reasons {
        // Quoted and escaped: an unknown server must not write to the terminal.
        text.push_str(&format!(" {reason:?}"));
    }
    Err(Failure::negative(text))
}

async fn ask(url: Uri) -> Result<(StatusCode, Vec<String>), hyper_util::client::legacy::Error> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(url).await?;
    Ok((response.status(), reasons(response).await))
}

/// Returns what the proxy says is missing; nothing if it is not our proxy that answers.
async fn reasons(response: Response<Incoming>) -> Vec<String> {
    let Ok(body) = Limited::new(response.into_body(), MAX_REPORT_BYTES)
        .collect()
        .await
    else {
        return Vec::new();
    };
    let report: Option<Report> = serde_json::from_slice(&body.to_bytes()).ok();
    report.map(|report| report.reasons).unwrap_or_default()
}

#[derive(Deserialize)]
struct Report {
    reasons: Vec<String>,
}

fn url(text: &str) -> Result<Uri, &'static str> {
    let url: Uri = text.parse().map_err(|_| NOT_A_URL)?;
    match (url.scheme_str(), url.host()) {
        (Some("http"), Some(_)) => Ok(url),
        _ => Err(NOT_A_URL),
    }
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    let duration: SignedDuration = text.parse().map_err(|_| NOT_A_DURATION)?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be more than 0s"),
    }
}

const NOT_A_URL: &str = "write it like http://127.0.0.1:9901/readyz";

const NOT_A_DURATION: &str = "write it with units, like 2s or 500ms";

const MAX_REPORT_BYTES: usize = 4 * 1024;
