//! Answers that are late, wrong or missing, on request.
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::api::reply;
use super::person::Person;
use super::world::Secret;

/// A way for the next API answers to go wrong.
///
/// Without [`times`](Self::times) it spoils one answer.
///
/// ```
/// use std::time::Duration;
/// use ghes_gatekeeper::emulator::{Emulator, Fault};
/// use http::StatusCode;
///
/// let ghes = Emulator::default();
/// ghes.fail(Fault::slow(Duration::from_secs(5)));
/// ghes.fail(Fault::status(StatusCode::BAD_GATEWAY).with_body("<h1>Bad Gateway</h1>").times(3));
/// ghes.fail(Fault::dropped());
/// ghes.fail(Fault::dropped().times(u64::MAX).for_user("octocat"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to `Emulator::fail`"]
pub struct Fault {
    outcome: Outcome,
    delay: Duration,
    times: u64,
    whose: Whose,
}

/// The callers that a fault concerns.
#[derive(Clone, Debug)]
enum Whose {
    Everybodys,
    /// By login, in lower case.
    User(String),
    Token(Secret),
}

/// What comes of a request that meets a fault.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The true answer.
    Truth,
    /// Another answer; the operation does not take place.
    Instead(Replacement),
    /// No answer; the operation does not take place.
    Dropped,
}

/// The answer of a fault.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    status: StatusCode,
    /// Absent for the message that goes with the status.
    body: Option<String>,
    headers: HeaderMap,
}

impl Fault {
    /// Gives the true answer, but late.
    pub fn slow(delay: Duration) -> Self {
        Self::new(Outcome::Truth).with_delay(delay)
    }

    /// Answers with this status instead, and a JSON message that names it.
    pub fn status(status: StatusCode) -> Self {
        let headers = HeaderMap::new();
        Self::new(Outcome::Instead(Replacement {
            status,
            body: None,
            headers,
        }))
    }

    /// Closes the connection without an answer.
    pub fn dropped() -> Self {
        Self::new(Outcome::Dropped)
    }

    /// Waits before the outcome, whatever that is.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Answers with exactly this body: HTML if it starts with `<`, else JSON.
    ///
    /// Only a fault with a status has a body.
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        if let Outcome::Instead(replacement) = &mut self.outcome {
            replacement.body = Some(body.into());
        }
        self
    }

    /// Answers with one more header, such as `Retry-After`.
    ///
    /// Only a fault with a status has headers.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Outcome::Instead(replacement) = &mut self.outcome {
            replacement.headers.append(name, value);
        }
        self
    }

    /// Spoils this many answers.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Spoils only what a user asks, with a password or a token of theirs, or an app about such a
    /// token.
    pub fn for_user(mut self, login: &str) -> Self {
        self.whose = Whose::User(login.to_ascii_lowercase());
        self
    }

    /// Spoils only what is asked with this token, or about it.
    pub fn for_token(mut self, token: impl Into<String>) -> Self {
        self.whose = Whose::Token(Secret::new(token));
        self
    }

    /// Tells whether it spoils what this person asks, or is asked about.
    pub(super) fn is_for(&self, person: &Person) -> bool {
        match &self.whose {
            Whose::Everybodys => true,
            Whose::User(login) => person.login() == Some(login),
            Whose::Token(token) => person.token() == Some(token.expose()),
        }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.times == 0
    }

    pub(super) fn spend_one(&mut self) {
        self.times = self.times.saturating_sub(1);
    }

    pub(super) fn into_parts(self) -> (Outcome, Duration) {
        (self.outcome, self.delay)
    }

    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            delay: Duration::ZERO,
            times: 1,
            whose: Whose::Everybodys,
        }
    }
}

impl Replacement {
    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let body = self.body.unwrap_or_else(|| reply::message(self.status));
        let content_type = if body.starts_with('<') {
            "text/html"
        } else {
            reply::JSON
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.extend(self.headers);
        response
    }
}
