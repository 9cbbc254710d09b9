//! Rows of the table of outcomes: a reply, and what is to be made of it.

use bytes::Bytes;
use ghes_gatekeeper::check::CheckErrorKind;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::Full;

use super::outcome::Outcome;
use super::{json, judge};

pub(crate) const HTML: &str = "<html><title>Sign in</title></html>";
pub(crate) const LIMITED: &str = r#"{"message":"You have exceeded a secondary rate limit."}"#;
pub(crate) const SPAMMED: &str =
    r#"{"message":"The endpoint has been spammed.","documentation_url":"x"}"#;
pub(crate) const INVALID: &str = r#"{"message":"Validation Failed","errors":[{"resource":"OauthAccess","code":"invalid"}],"documentation_url":"x"}"#;

pub(crate) struct Row {
    name: &'static str,
    pub(crate) reply: Response<Full<Bytes>>,
    outcome: Outcome,
}

pub(crate) fn row(
    name: &'static str,
    status: u16,
    body: impl Into<Bytes>,
    outcome: Outcome,
) -> Row {
    let reply = json(status, body);
    Row {
        name,
        reply,
        outcome,
    }
}

impl Row {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a value");
        let name = HeaderName::from_static(name);
        self.reply.headers_mut().insert(name, value);
        self
    }

    pub(crate) async fn holds(self) {
        let answer = judge(self.reply).await;
        assert_eq!(Outcome::of(&answer), self.outcome, "{}", self.name);
    }
}

pub(crate) async fn all_hold(rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        row.holds().await;
    }
}

pub(crate) fn unexpected() -> Outcome {
    Outcome::outage(CheckErrorKind::UnexpectedResponse, "bad_response")
}

pub(crate) fn doubtful() -> Outcome {
    Outcome::alarm(CheckErrorKind::DoubtfulResponse, "bad_response")
}

pub(crate) fn server_error() -> Outcome {
    Outcome::outage(CheckErrorKind::ServerError, "ghes_5xx")
}

pub(crate) fn limited(seconds: u64) -> Outcome {
    Outcome::outage(CheckErrorKind::RateLimited, "rate_limited").after(seconds)
}
