//! From a call that brought no result to a line that names the cure.

use std::error::Error;

use ghes_gatekeeper::config::GhesConfig;
use ghes_gatekeeper::ghes::{ApiError, FieldError, GhesUrl};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};

use crate::cli::Failure;
use crate::cli::failure::chain;
use crate::cli::terminal::escaped;

/// Who asks.
pub(super) enum Caller {
    /// An app, about a token.
    App,
    /// A user, about what is the user's own.
    User(String),
}

/// A GHES that is being asked.
pub(super) struct Asked {
    url: GhesUrl,
    caller: Caller,
    /// What was sent and must not come back in an error.
    secrets: Vec<SecretString>,
}

impl Asked {
    pub(super) fn new(config: &GhesConfig, caller: Caller) -> Self {
        let secrets = config.apps.iter().map(|app| app.client_secret.clone());
        Self {
            url: config.url.clone(),
            caller,
            secrets: secrets.collect(),
        }
    }

    pub(super) fn withhold(&mut self, secret: SecretString) {
        self.secrets.push(secret);
    }

    /// Tells why `what` could not be done: GHES said no, or could not be asked.
    pub(super) fn failure(&self, what: &str, error: &ApiError) -> Failure {
        let (Some(status), Some(said)) = (error.status_code(), said(error)) else {
            return self.no_answer(what, error);
        };
        let (said, cure) = (self.without_secrets(said), self.cure(status, error));
        let text = format!("{what}: GHES answered {status}: {said}{cure}");
        let text = escaped(&text);
        match self.is_answer(status, error) {
            true => Failure::refused(text),
            false => Failure::unavailable(text),
        }
    }

    /// Tells the same of a call that was to change something: it may have done so unless GHES
    /// refused it or was never reached.
    pub(super) fn failure_of_change(&self, what: &str, error: &ApiError) -> Failure {
        if said(error).is_some() || was_not_sent(error) {
            return self.failure(what, error);
        }
        let what = format!("{what}, as far as is known");
        let text = self.told(&what, error);
        Failure::unavailable(format!("{text}; it may be done all the same"))
    }

    fn no_answer(&self, what: &str, error: &ApiError) -> Failure {
        let text = self.told(what, error);
        match error.status_code() {
            Some(_) => Failure::unavailable(text),
            None => {
                let cure = "check that it is up and that ghes.url is right";
                Failure::unavailable(format!("{text}; {cure}"))
            }
        }
    }

    fn told(&self, what: &str, error: &ApiError) -> String {
        let what = format!("{what}: GHES at {} could not be asked", self.url);
        escaped(&chain(&what, error)).into_owned()
    }

    /// Tells whether GHES has decided about what was asked for. The app's own credentials, limits
    /// and outages say nothing about that.
    fn is_answer(&self, status: StatusCode, error: &ApiError) -> bool {
        match status {
            StatusCode::UNAUTHORIZED => matches!(self.caller, Caller::User(_)),
            StatusCode::TOO_MANY_REQUESTS => false,
            StatusCode::FORBIDDEN => error.retry_after().is_none(),
            status => status.is_client_error(),
        }
    }

    fn cure(&self, status: StatusCode, error: &ApiError) -> String {
        if let Some(wait) = error.retry_after() {
            return format!("; try again in {} s", wait.as_secs());
        }
        let cure = match (&self.caller, status) {
            (Caller::App, StatusCode::UNAUTHORIZED) => {
                "; check client_id and client_secret in ghes.apps"
            }
            (Caller::App, StatusCode::NOT_FOUND) => {
                "; the token is wrong, expired, revoked or another app's"
            }
            (Caller::User(_), StatusCode::UNAUTHORIZED) if error.otp_required().is_some() => {
                "; give a one-time password by --otp"
            }
            (Caller::User(login), StatusCode::UNAUTHORIZED) => {
                return format!("; check the login {login} and the password (a token will not do)");
            }
            (Caller::User(login), StatusCode::NOT_FOUND) => {
                return format!("; {login} has none with this id, or no longer; see list");
            }
            (_, status) if status.is_server_error() => "; try again later",
            _ => "",
        };
        cure.to_owned()
    }

    /// GHES may quote what was sent.
    fn without_secrets(&self, said: String) -> String {
        self.secrets.iter().fold(said, |said, secret| {
            said.replace(secret.expose_secret(), "[redacted]")
        })
    }
}

fn was_not_sent(error: &ApiError) -> bool {
    let cause = error.source();
    let cause = cause.and_then(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>());
    cause.is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// What GHES says about it. Gateways in between write a message too, but none of them links to
/// GitHub's documentation.
fn said(error: &ApiError) -> Option<String> {
    let (message, page) = (error.message()?, error.documentation_url()?);
    let errors: Vec<String> = error.errors().iter().map(field).collect();
    let errors = match errors.as_slice() {
        [] => String::new(),
        errors => format!(" [{}]", errors.join("; ")),
    };
    Some(format!("{message}{errors} ({page})"))
}

fn field(error: &FieldError) -> String {
    let parts = [
        error.resource(),
        error.field(),
        error.code(),
        error.message(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join(" ")
}
