//! The credentials that a request is sent with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// Returns the user and password of Basic authentication, if a request has them.
pub(in crate::emulator) fn basic_pair(headers: &HeaderMap) -> Option<(String, String)> {
    match Credential::read(headers.get(AUTHORIZATION)?)? {
        Credential::Pair(user, password) => Some((user, password)),
        Credential::Token(_) => None,
    }
}

/// Returns the token that a request is sent with, if it has one.
pub(in crate::emulator) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    match Credential::read(headers.get(AUTHORIZATION)?)? {
        Credential::Token(token) => Some(token),
        Credential::Pair(..) => None,
    }
}

/// What the header `Authorization` says.
pub(super) enum Credential<'a> {
    /// The user and password of Basic authentication (RFC 7617 §2).
    Pair(String, String),
    Token(&'a str),
}

impl<'a> Credential<'a> {
    pub(super) fn read(value: &'a HeaderValue) -> Option<Self> {
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            let (user, password) = pair.split_once(':')?;
            return Some(Self::Pair(user.to_owned(), password.to_owned()));
        }
        ["bearer", "token"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
            .then_some(Self::Token(rest))
    }
}

pub(in crate::emulator) const OTP: &str = "x-github-otp";
