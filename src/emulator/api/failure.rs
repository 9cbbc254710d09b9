//! The reasons of the REST API to refuse a request, and what it says then.
use std::fmt::Write;

use http::StatusCode;
use serde::Serialize;

use super::operation::Operation;
use crate::emulator::version::Version;

/// A reason of the REST API to refuse a request.
#[derive(Debug)]
pub(in crate::emulator) enum Failure {
    /// The header `X-GitHub-Api-Version` has this value, which the release does not know.
    UnsupportedApiVersion(String),
    ProblemsParsingJson,
    BodyIsNoObject,
    BadCredentials,
    /// There is no credential of the kind the operation needs.
    RequiresAuthentication,
    /// There is no credential, and the server is in private mode.
    PrivateMode,
    OtpRequired,
    /// The legacy API was called with a token.
    PasswordOnly,
    Suspended,
    /// There were so many bad passwords that even the right one is refused for a while.
    TooManyLogins,
    /// The token lacks a scope; GitHub says which.
    InsufficientScope(&'static str),
    RateLimitExceeded,
    RateLimitOff,
    NotFound,
    BodyTooLarge,
    /// The body breaks the operation's schema so.
    InvalidRequest(String),
    /// The body fits the schema, and still a member cannot be so.
    ValidationFailed(Invalid),
    /// The client id and client secret in the body are no pair.
    InvalidApplication,
}

/// A member that cannot be so, in GitHub's words.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::emulator) struct Invalid {
    pub(in crate::emulator) resource: &'static str,
    pub(in crate::emulator) code: &'static str,
    pub(in crate::emulator) field: &'static str,
}

/// The member `errors`, which GitHub makes a string here and an array there.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::emulator) enum Errors {
    Text(String),
    List([Invalid; 1]),
}

impl Failure {
    pub(in crate::emulator) fn status(&self) -> StatusCode {
        match self {
            Self::UnsupportedApiVersion(_) | Self::ProblemsParsingJson | Self::BodyIsNoObject => {
                StatusCode::BAD_REQUEST
            }
            Self::BadCredentials
            | Self::RequiresAuthentication
            | Self::PrivateMode
            | Self::OtpRequired => StatusCode::UNAUTHORIZED,
            Self::PasswordOnly
            | Self::Suspended
            | Self::TooManyLogins
            | Self::InsufficientScope(_)
            | Self::RateLimitExceeded => StatusCode::FORBIDDEN,
            Self::NotFound | Self::RateLimitOff => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest(_) | Self::ValidationFailed(_) | Self::InvalidApplication => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        }
    }

    pub(in crate::emulator) fn message(&self) -> String {
        match self {
            Self::InvalidRequest(detail) => return format!("Invalid request.\n\n{detail}"),
            Self::UnsupportedApiVersion(_) => "Bad Request",
            Self::ProblemsParsingJson => "Problems parsing JSON",
            Self::BodyIsNoObject => "Body should be a JSON object",
            Self::BadCredentials => "Bad credentials",
            Self::RequiresAuthentication => "Requires authentication",
            Self::PrivateMode => "Must authenticate to access this API.",
            Self::OtpRequired => "Must specify two-factor authentication OTP code.",
            Self::PasswordOnly => {
                "This API can only be accessed with username and password Basic Auth"
            }
            Self::Suspended => "Sorry. Your account was suspended.",
            Self::TooManyLogins => {
                "Maximum number of login attempts exceeded. Please try again later."
            }
            Self::InsufficientScope(message) => message,
            Self::RateLimitExceeded => "API rate limit exceeded.",
            Self::RateLimitOff => "Rate limiting is not enabled.",
            Self::NotFound => "Not Found",
            Self::BodyTooLarge => "Payload Too Large",
            Self::ValidationFailed(_) => "Validation Failed",
            Self::InvalidApplication => "Invalid Application client_id or secret.",
        }
        .to_owned()
    }

    pub(in crate::emulator) fn errors(&self, version: Version) -> Option<Errors> {
        match self {
            Self::UnsupportedApiVersion(asked) => Some(Errors::Text(format!(
                "The version you specified in the \"X-GitHub-API-Version\" request header, \
                 \"{asked}\", is not a supported version. The following versions are currently \
                 supported: {}.",
                supported(version.api_versions()),
            ))),
            Self::ValidationFailed(invalid) => Some(Errors::List([*invalid])),
            _ => None,
        }
    }

    /// Returns where the operation is documented; the root where it is not about the operation.
    pub(in crate::emulator) fn documentation_url(
        &self,
        version: Version,
        operation: Option<Operation>,
    ) -> String {
        let about_the_operation =
            !matches!(self, Self::BadCredentials | Self::UnsupportedApiVersion(_));
        match operation {
            Some(operation) if about_the_operation => version.documentation_url(operation),
            _ => version.documentation_root(),
        }
    }
}

fn supported(api_versions: &[&str]) -> String {
    let mut text = String::new();
    for (index, api_version) in api_versions.iter().enumerate() {
        let (before, after) = if index == 0 {
            ("", " (most recent)")
        } else {
            (" and ", "")
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{before}\"{api_version}\"{after}");
    }
    text
}
