use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// The OAuth app or GitHub App that asks about its tokens.
///
/// Give the gate an app of its own: its secret allows not only checking its tokens, but also
/// resetting and deleting them.
#[derive(Clone)]
pub struct App {
    client_id: String,
    client_secret: SecretString,
}

impl App {
    /// Names an app by its client id and client secret.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<SecretString>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
        }
    }

    /// RFC 7617 §2: user-id and password, joined by a colon.
    pub(super) fn basic(&self) -> Result<HeaderValue, InvalidApp> {
        basic(&self.client_id, &self.client_secret).ok_or(InvalidApp(()))
    }

    /// Returns the client id if it can stand in a path.
    pub(crate) fn client_id(&self) -> Result<&str, InvalidApp> {
        let client_id = self.client_id.as_str();
        is_client_id(client_id)
            .then_some(client_id)
            .ok_or(InvalidApp(()))
    }

    pub(super) fn client_secret(&self) -> &str {
        self.client_secret.expose_secret()
    }

    pub(super) fn with_secret(&self, client_secret: SecretString) -> Self {
        Self::new(&self.client_id, client_secret)
    }
}

/// Tells whether GitHub can have given out such a client id.
///
/// It stands before the colon of Basic credentials, in a path, and in a header beside other
/// values; all that GitHub gave out so far is harmless in each.
pub(crate) fn is_client_id(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    // Without anything but dots, it would be empty or lead up the path.
    text.len() <= 255 && text.bytes().all(legal) && !text.bytes().all(|b| b == b'.')
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The error for a client id that GitHub cannot have given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidApp(pub(super) ());

impl fmt::Display for InvalidApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a client id consists of letters, digits, dots, dashes and underscores")
    }
}

impl std::error::Error for InvalidApp {}

/// A user's login and password, which the OAuth authorizations API asks for.
///
/// A token is not accepted there, and neither is a password where people sign in elsewhere, by
/// SAML or CAS.
#[derive(Clone)]
pub struct UserCredentials {
    login: String,
    password: SecretString,
}

impl UserCredentials {
    /// Names a user by login and password.
    pub fn new(login: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            login: login.into(),
            password: password.into(),
        }
    }

    /// Returns none if there is no such login: RFC 7617 would read its colon as the end of it.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        let illegal = |c: char| c == ':' || c.is_control();
        if self.login.is_empty() || self.login.contains(illegal) {
            return None;
        }
        basic(&self.login, &self.password)
    }
}

impl fmt::Debug for UserCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserCredentials")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

fn basic(user_id: &str, password: &SecretString) -> Option<HeaderValue> {
    let pair = Zeroizing::new(format!("{user_id}:{}", password.expose_secret()));
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*pair));
    let line = Zeroizing::new(format!("Basic {}", *encoded));
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}
