//! Reading the bearer token of a request (RFC 6750 §2.1).
//!
//! 1. The credential stands in exactly one `Authorization` line: a second line, or a token of
//!    GitHub's as `access_token` in the query beside it, is an error (RFC 6750 §2, one method only).
//!    What else a query calls so is a tool's own.
//! 2. The scheme is `Bearer` in any case, or GitHub's `token`, which Octokit sends.
//! 3. One or more spaces follow, then a `b64token` and nothing else.
//! 4. Another scheme counts as no token, as RFC 6750 §3.1 wants it.
//! 5. Where [`BearerOptions::with_basic`] says so, a token may also be the password of the scheme
//!    Basic, for clients such as git that know no other.
//! 6. A WebSocket of the proxy may carry it among its subprotocols.
//! 7. A token in the query or the body alone counts as no credential: RFC 6750 §2.2 and §2.3 are
//!    not supported, since such tokens end up in logs.

mod basic;
mod credential;
mod error;
mod options;
#[cfg(feature = "proxy")]
pub(crate) mod subprotocol;

use std::fmt;

use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap};

use crate::token::{AccessToken, TokenHash, TokenKind};

pub(crate) use self::credential::Credential;
pub use self::error::BearerError;
pub(crate) use self::options::BasicScheme;
pub use self::options::BearerOptions;

/// A well-formed token that still lies in the request's headers.
pub struct BearerToken<'r>(&'r [u8]);

impl<'r> BearerToken<'r> {
    /// Reads a token that stands alone, as in a form.
    #[cfg(feature = "session")]
    pub(crate) fn alone(text: &'r str, options: &BearerOptions) -> Result<Self, BearerError> {
        let token = text.as_bytes();
        if token.len() > options.max_length {
            return Err(BearerError::TooLong);
        }
        match is_b64token(token) {
            true => Ok(Self(token)),
            false => Err(BearerError::Malformed),
        }
    }

    /// Lends a token that was copied out of a request.
    pub(crate) fn lent(token: &'r AccessToken) -> Self {
        Self(token.expose().as_bytes())
    }

    /// Returns the hash under which the answer about this token is kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0)
    }

    /// Returns what the token's prefix says that it is.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        TokenKind::of(self.0)
    }

    /// Does the same as [`to_access_token`](Self::to_access_token) where its `hash` is known.
    #[cold]
    pub(crate) fn to_hashed(&self, hash: TokenHash) -> AccessToken {
        AccessToken::hashed(String::from_utf8_lossy(self.0), hash)
    }

    /// Copies the secret out of the request.
    #[must_use]
    pub fn to_access_token(&self) -> AccessToken {
        // Every byte of a b64token is ASCII, so nothing is lost.
        AccessToken::new(String::from_utf8_lossy(self.0))
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// Finds the bearer token in a request's headers; `query` is the request's, without the `?`.
///
/// # Errors
///
/// Returns [`BearerError`] if there is not exactly one well-formed token.
/// [`BearerError::Missing`], [`BearerError::Basic`] and [`BearerError::OtherScheme`] mean that the
/// client did not try.
pub fn bearer<'r>(
    headers: &'r HeaderMap,
    query: Option<&str>,
    options: &BearerOptions,
) -> Result<BearerToken<'r>, BearerError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(credential) = lines.next() else {
        return Err(BearerError::Missing);
    };
    if lines.next().is_some() || query.is_some_and(has_github_token) {
        return Err(BearerError::Multiple);
    }
    read(credential, options)
}

/// Reads the token of a credential that stands alone.
fn read<'r>(
    credential: &'r HeaderValue,
    options: &BearerOptions,
) -> Result<BearerToken<'r>, BearerError> {
    let credential = credential.as_bytes();
    // As almost everybody writes it. Whatever else there is to say is said below.
    if let Some(token) = credential.strip_prefix(b"Bearer ")
        && token.len() <= options.max_length
        && is_b64token(token)
    {
        return Ok(BearerToken(token));
    }
    read_carefully(credential, options)
}

#[inline(never)]
fn read_carefully<'r>(
    credential: &'r [u8],
    options: &BearerOptions,
) -> Result<BearerToken<'r>, BearerError> {
    let scheme_length = credential.iter().position(|&b| b == b' ');
    let (scheme, rest) = credential.split_at(scheme_length.unwrap_or(credential.len()));
    if !options.is_accepted_scheme(scheme) {
        return Err(unaccepted(scheme));
    }
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    let token = &rest[spaces..];
    if token.len() > options.max_length {
        return Err(BearerError::TooLong);
    }
    if !is_b64token(token) {
        return Err(match is_quoted(token) {
            true => BearerError::Quoted,
            false => BearerError::Malformed,
        });
    }
    Ok(BearerToken(token))
}

/// Tells what a credential is that has no accepted scheme.
fn unaccepted(scheme: &[u8]) -> BearerError {
    if scheme.is_empty() || !scheme.iter().copied().all(is_tchar) {
        BearerError::Malformed
    } else if is_in_any_case(scheme, b"basic") {
        BearerError::Basic
    } else {
        BearerError::OtherScheme
    }
}

/// What a shell or a template leaves around a token.
fn is_quoted(token: &[u8]) -> bool {
    [b'"', b'\'', b'`'].into_iter().any(|quote| {
        let inside = token.strip_prefix(&[quote]);
        let inside = inside.and_then(|token| token.strip_suffix(&[quote]));
        inside.is_some_and(is_b64token)
    })
}

/// Tells whether a query carries a token of GitHub's, by its prefix, where RFC 6750 §2.3 has it.
fn has_github_token(query: &str) -> bool {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.any(|(name, value)| {
        is_access_token(name) && {
            let mut prefix = [0; "github_pat_".len()];
            for (byte, decoded) in prefix.iter_mut().zip(percent_decoded(value)) {
                *byte = decoded;
            }
            TokenKind::of(prefix) != TokenKind::Other
        }
    })
}

#[inline]
fn is_access_token(name: &str) -> bool {
    name == "access_token" || (name.contains('%') && percent_decoded(name).eq(*b"access_token"))
}

/// As every tool decodes its query before it looks at names and values.
fn percent_decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let escaped = match *rest {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        let (byte, length) = match escaped {
            Some((high, low)) => (high << 4 | low, 3),
            None => (*rest.first()?, 1),
        };
        rest = &rest[length..];
        Some(byte)
    })
}

/// RFC 9110 §11.1: schemes are compared without regard to case; `wanted` is in lower case.
fn is_in_any_case<const N: usize>(scheme: &[u8], wanted: &[u8; N]) -> bool {
    // What differs from a small letter in this bit only is its capital.
    let differs = |scheme: &[u8; N]| {
        let pairs = scheme.iter().zip(wanted);
        pairs.fold(0, |differs, (&b, &letter)| differs | ((b | 0x20) ^ letter))
    };
    scheme.try_into().is_ok_and(|scheme| differs(scheme) == 0)
}

/// RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(token: &[u8]) -> bool {
    let Some(last) = token.iter().rposition(|&b| b != b'=') else {
        return false;
    };
    let token = &token[..=last];
    // The last block overlaps the one before it, so that no byte is looked at by itself.
    match token.last_chunk::<BLOCK>() {
        Some(end) => {
            let (blocks, _) = token.as_chunks::<BLOCK>();
            blocks.iter().all(|block| are_b64token_bytes(block)) && are_b64token_bytes(end)
        }
        None => are_b64token_bytes(token),
    }
}

/// As long as a vector of every x86-64.
const BLOCK: usize = 16;

/// Looks at every byte, even after a wrong one: without a branch in it the loop over a block
/// becomes a few vector instructions, and this runs on every request.
#[inline]
fn are_b64token_bytes(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |legal, &b| legal & is_b64token_byte(b))
}

fn is_b64token_byte(b: u8) -> bool {
    // In ASCII, "-", ".", "/" and the digits follow each other.
    (b | 0x20).is_ascii_lowercase()
        | matches!(b, b'-'..=b'9')
        | (b == b'_')
        | (b == b'~')
        | (b == b'+')
}

/// RFC 9110 §5.6.2, which also gives the form of a scheme.
fn is_tchar(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests;
