//! A person's own token as the credentials of a call.

use bytes::Bytes;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;

use crate::ghes::error::ApiError;
use crate::token::AccessToken;

/// Writes it as RFC 6750 §2.1 has it, in memory that is overwritten when the last clone of it is dropped.
pub(super) fn bearer(token: &AccessToken) -> Result<HeaderValue, ApiError> {
    let scheme = b"Bearer ";
    let token = token.expose().as_bytes();
    let mut line = Zeroizing::new(Vec::with_capacity(scheme.len() + token.len()));
    line.extend_from_slice(scheme);
    line.extend_from_slice(token);
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(line))
        .map_err(|_| ApiError::request("the token cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
