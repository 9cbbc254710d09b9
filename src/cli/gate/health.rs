use std::time::Duration;

use clap::Args;
use http::{Request, StatusCode, Uri};
use http_body_util::Full;
use jiff::SignedDuration;
use serde::Deserialize;

use super::{NoAnswer, ask, http_url};
use crate::cli::Failure;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper health
  HEALTHCHECK CMD [\"ghes-gatekeeper\", \"health\"]

Exits with 0 if the answer is 200, otherwise with 1 and a line that says why. It does not ask GHES.")]
pub(in crate::cli) struct Arguments {
    /// The address to ask, on the admin or probe listener.
    #[arg(long, value_name = "URL", value_parser = url, default_value = "http://127.0.0.1:9901/readyz")]
    url: Uri,

    /// How long to wait for the answer.
    #[arg(long, value_name = "DURATION", value_parser = timeout, default_value = "2s")]
    timeout: Duration,
}

pub(in crate::cli) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { url, timeout } = arguments;
    let mut request = Request::new(Full::default());
    *request.uri_mut() = url.clone();
    let (status, report) = match ask(request, timeout).await {
        Ok(answer) => answer,
        Err(NoAnswer::Failed(error)) => return Err(Failure::running(&url.to_string(), error)),
        Err(NoAnswer::TooLate(patience)) => {
            let text = format!("{url}: no answer within {patience:?}");
            return Err(Failure::negative(text));
        }
    };
    if status == StatusCode::OK {
        return Ok(());
    }
    let mut text = format!("{url}: answered {status}");
    for reason in reasons(&report) {
        // Quoted and escaped: an unknown server must not write to the terminal.
        text.push_str(&format!(" {reason:?}"));
    }
    Err(Failure::negative(text))
}

/// Returns what the proxy says is missing; nothing if it is not our proxy that answers.
fn reasons(report: &[u8]) -> Vec<String> {
    let report: Option<Report> = serde_json::from_slice(report).ok();
    report.map(|report| report.reasons).unwrap_or_default()
}

#[derive(Deserialize)]
struct Report {
    reasons: Vec<String>,
}

fn url(text: &str) -> Result<Uri, &'static str> {
    http_url(text).ok_or(NOT_A_URL)
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
