//! Who calls the API.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::reply::Failure;
use super::state::State;
use super::world::App;

/// The caller of an operation.
pub(super) enum Caller<'a> {
    /// The request has no credential.
    Nobody,
    /// An app, by its client id and client secret.
    App(&'a App),
}

impl<'a> Caller<'a> {
    /// Identifies the caller; a credential that is not good is worse than none.
    pub(super) fn identify(headers: &HeaderMap, state: &'a State) -> Result<Self, Failure> {
        let Some(credential) = headers.get(AUTHORIZATION) else {
            return Ok(Self::Nobody);
        };
        let (client_id, client_secret) = basic(credential).ok_or(Failure::BadCredentials)?;
        state
            .app(&client_id)
            .filter(|app| app.client_secret.expose() == client_secret)
            .map(Self::App)
            .ok_or(Failure::BadCredentials)
    }

    /// Returns the app, for an operation that only apps may call.
    pub(super) fn app(self) -> Result<&'a App, Failure> {
        match self {
            Self::App(app) => Ok(app),
            Self::Nobody => Err(Failure::BadCredentials),
        }
    }
}

/// Reads the user and password of Basic authentication (RFC 7617 §2).
fn basic(credential: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = credential.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
