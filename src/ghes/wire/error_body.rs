//! GitHub's `basic-error` and `validation-error`.

use std::fmt;

use serde::Deserialize;

use super::lenient::lenient;

/// What an error of GHES's says; `message` is what all of them have in common.
pub(in crate::ghes) struct ErrorBody {
    pub(in crate::ghes) message: String,
    pub(in crate::ghes) documentation_url: Option<String>,
    pub(in crate::ghes) errors: Vec<FieldError>,
}

impl ErrorBody {
    /// Reads a body; none if it is no error of GHES's, whatever its status.
    pub(in crate::ghes) fn parse(body: &[u8]) -> Option<Self> {
        let Message { message } = serde_json::from_slice(body).ok()?;
        // Read apart, so that nothing about the details can hide that GHES has spoken.
        let details: Details = serde_json::from_slice(body).unwrap_or_default();
        Some(Self {
            message,
            documentation_url: details.documentation_url,
            errors: details.errors.map(Errors::into_list).unwrap_or_default(),
        })
    }
}

/// One of GitHub's reasons for refusing what was sent.
///
/// `Debug` shows nothing of it: it may quote a token.
#[derive(Clone, Default, Deserialize, Eq, PartialEq)]
pub struct FieldError {
    #[serde(default, deserialize_with = "lenient")]
    resource: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    field: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
}

impl FieldError {
    /// Returns the kind of thing that is wrong, such as `OauthAccess`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Returns the member that is wrong, in GHES's own words: a missing `note` is a
    /// `description` here.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns what is wrong with it: `missing_field`, `already_exists`, `invalid` and the like.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns a sentence about it. It may quote what was sent: keep it out of logs.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    fn from_message(message: String) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }
}

impl fmt::Debug for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldError").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "lenient")]
    documentation_url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    errors: Option<Errors>,
}

/// `validation-error` has objects, `validation-error-simple` strings, and the refusal of an API
/// version one string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Errors {
    Text(String),
    List(Vec<OneError>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneError {
    Text(String),
    Field(FieldError),
}

impl Errors {
    fn into_list(self) -> Vec<FieldError> {
        match self {
            Self::Text(message) => vec![FieldError::from_message(message)],
            Self::List(errors) => errors.into_iter().map(OneError::into_field).collect(),
        }
    }
}

impl OneError {
    fn into_field(self) -> FieldError {
        match self {
            Self::Text(message) => FieldError::from_message(message),
            Self::Field(error) => error,
        }
    }
}
