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
#[cfg(feature = "proxy")]
pub(crate) mod subprotocol;

use std::fmt;

use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap};

use crate::token::{AccessToken, TokenHash, TokenKind};

pub(crate) use self::credential::Credential;

/// What is accepted as a bearer token.
#[derive(Clone, Copy, Debug)]
pub struct BearerOptions {
    token_scheme: bool,
    basic: bool,
    max_length: usize,
}

impl BearerOptions {
    /// Decides whether GitHub's `Authorization: token …` is read like `Bearer`.
    ///
    /// On by default: Octokit's clients and `curl` lines from GitHub's older documents send it.
    #[must_use]
    pub fn with_token_scheme(mut self, accepted: bool) -> Self {
        self.token_scheme = accepted;
        self
    }

    /// Decides whether the [gate](crate::gatekeeper) also takes a token as the password of
    /// `Authorization: Basic …` (RFC 7617), and names that scheme in its challenges; off by default.
    ///
    /// For git, pip, npm, Maven and whatever else reads a `.netrc`. The user name may be any; or it
    /// is the token, and the password is empty or `x-oauth-basic`, as GitHub has it. Browsers ask
    /// their users for a password where this is on, and remember it.
    ///
    /// [`bearer`] lends a token from the headers, where this one does not lie, and has
    /// [`BearerError::Basic`] for it in any case.
    #[must_use]
    pub fn with_basic(mut self, accepted: bool) -> Self {
        self.basic = accepted;
        self
    }

    /// Tells whether the scheme Basic is accepted.
    pub(crate) const fn take_basic(&self) -> bool {
        self.basic
    }

    /// The longest token, in bytes, that is looked at by default.
    ///
    /// GitHub's user tokens have 40 bytes today, and it has announced some of 520. A token is
    /// hashed before anything is known of it, so this stays near.
    pub const DEFAULT_MAX_LENGTH: usize = 1024;

    /// Sets the longest token, in bytes, that is looked at;
    /// [`DEFAULT_MAX_LENGTH`](Self::DEFAULT_MAX_LENGTH) by default.
    ///
    /// A longer one is no token of GitHub's, and is answered like any that the issuer does not
    /// know. A longer limit costs hashing time on hostile input, a shorter one might refuse a
    /// future format.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    fn is_accepted_scheme(&self, scheme: &[u8]) -> bool {
        is_in_any_case(scheme, b"bearer") || (self.token_scheme && is_in_any_case(scheme, b"token"))
    }
}

impl Default for BearerOptions {
    fn default() -> Self {
        Self {
            token_scheme: true,
            basic: false,
            max_length: Self::DEFAULT_MAX_LENGTH,
        }
    }
}

/// A well-formed token that still lies in the request's headers.
pub struct BearerToken<'r>(&'r [u8]);

impl<'r> BearerToken<'r> {
    /// Reads a token that stands alone, as in a form.
    #[cfg(feature = "proxy")]
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

/// Why a request has no usable bearer token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BearerError {
    /// The request carries no credential.
    Missing,
    /// The credential is one of the scheme Basic.
    Basic,
    /// The credential is one of a scheme that is neither accepted nor Basic.
    OtherScheme,
    /// A WebSocket offers the token as its only subprotocol, so that nothing else could be answered.
    LoneProtocol,
    /// The credential does not have the form of RFC 6750 §2.1.
    Malformed,
    /// The subprotocols of a WebSocket announce a token, and there is none.
    MalformedProtocol,
    /// The password of a Basic credential cannot be a token.
    NotAToken,
    /// The token is in quotes.
    Quoted,
    /// The token is longer than [`BearerOptions::with_max_length`] allows.
    TooLong,
    /// There are two credentials, and any of them might be the one that was meant.
    Multiple,
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the request carries no bearer token",
            Self::Basic => "the request carries Basic credentials and no bearer token",
            Self::OtherScheme => "the request carries a credential of another scheme",
            Self::NotAToken => "the Basic credential's password is no token",
            Self::Quoted => "the bearer token is in quotes",
            Self::LoneProtocol => "the token is the only subprotocol",
            Self::MalformedProtocol => "the subprotocols announce a token, and have none",
            Self::Malformed => "the Authorization header is not a well-formed bearer credential",
            Self::TooLong => "the bearer token is too long",
            Self::Multiple => "the request carries more than one credential",
        })
    }
}

impl std::error::Error for BearerError {}

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
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(credentials: &[&[u8]]) -> Result<String, BearerError> {
        let mut headers = HeaderMap::new();
        for credential in credentials {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(credential).unwrap());
        }
        let token = bearer(&headers, None, &BearerOptions::default())?;
        Ok(token.to_access_token().expose().to_owned())
    }

    #[test]
    fn both_schemes_are_read_in_any_case() {
        for scheme in ["Bearer", "bearer", "BEARER", "token", "Token"] {
            assert_eq!(
                read(&[format!("{scheme}   gho_x").as_bytes()]).unwrap(),
                "gho_x"
            );
        }
        assert_eq!(read(&[b"Bearer a-._~+/Z9=="]).unwrap(), "a-._~+/Z9==");
    }

    #[test]
    fn githubs_scheme_can_be_switched_off() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("token gho_x"));
        let strict = BearerOptions::default().with_token_scheme(false);
        assert_eq!(
            bearer(&headers, None, &strict).unwrap_err(),
            BearerError::OtherScheme
        );
    }

    #[test]
    fn no_credential_and_other_schemes_are_no_token() {
        for other in [
            &b"Digest realm=\"a, b\""[..],
            b"Negotiate",
            b"gho_x",
            b"Basics a",
        ] {
            assert_eq!(read(&[other]), Err(BearerError::OtherScheme));
        }
        for basic in [&b"Basic YTpi"[..], b"BASIC", b"basic  \xff"] {
            assert_eq!(read(&[basic]), Err(BearerError::Basic));
        }
        assert_eq!(read(&[]), Err(BearerError::Missing));
    }

    #[test]
    fn a_token_between_quotes_is_told_from_other_mistakes() {
        for quoted in ["\"gho_x\"", "'gho_x'", "`a==`"] {
            let line = format!("bearer {quoted}");
            assert_eq!(read(&[line.as_bytes()]), Err(BearerError::Quoted), "{line}");
        }
        for other in ["\"gho_x", "gho_x\"", "\"\"", "\"", "\"a b\"", "\"a'", "<a>"] {
            let line = format!("Bearer {other}");
            assert_eq!(
                read(&[line.as_bytes()]),
                Err(BearerError::Malformed),
                "{line}"
            );
        }
    }

    #[test]
    fn what_rfc_6750_does_not_allow_is_malformed() {
        for bad in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer =",
            b"Bearer a=b",
            b"Bearer a b",
            b"Bearer a, Bearer b",
            b"Bearer a,",
            b"Bearer\ta",
            b"Bearer a\t",
            b" Bearer a",
            b"Bearer a ",
            b"Bearer \xff",
            b"Bearer: a",
        ] {
            let shown = bad.escape_ascii();
            assert_eq!(read(&[bad]), Err(BearerError::Malformed), "{shown}");
        }
    }

    #[test]
    fn two_credentials_are_refused_even_when_alike() {
        let twice = [&b"Bearer a"[..], b"Bearer a"];
        assert_eq!(read(&twice), Err(BearerError::Multiple));
        assert_eq!(
            read(&[b"Basic YTpi", b"Bearer a"]),
            Err(BearerError::Multiple)
        );

        let mut headers = HeaderMap::new();
        let options = BearerOptions::default();
        let query = Some("page=2&access_token=gho_b");
        assert_eq!(
            bearer(&headers, query, &options).unwrap_err(),
            BearerError::Missing
        );
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        assert_eq!(
            bearer(&headers, query, &options).unwrap_err(),
            BearerError::Multiple
        );
        for tokens in [
            "access_token=ghp_b",
            "access_token=ghu_",
            "a&access_token=ghs_b&c",
            "access_token=ghr_b",
            "access_token=github_pat_b",
            "access_token=%67ho_b",
            "access%5ftoken=gho%5Fb",
            "access_token=b&access_token=gho_b",
        ] {
            let read = bearer(&headers, Some(tokens), &options);
            assert_eq!(read.unwrap_err(), BearerError::Multiple, "{tokens}");
        }
    }

    #[test]
    fn a_tools_own_access_token_is_its_own() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        for own in [
            "access_token=b",
            "access_token=",
            "access_token",
            "access_token=gho",
            "access_token=GHO_b",
            "access_token=xgho_b",
            "access_token=github_pa",
            "access_token=eyJhbGciOiJIUzI1NiJ9.e30.e30",
            "access_token=%",
            "access_token=%6",
            "access_token=%zzgho_",
            "x_access_token=gho_b",
            "access_token_=gho_b",
            "token=gho_b",
            "gho_b",
        ] {
            assert!(
                bearer(&headers, Some(own), &BearerOptions::default()).is_ok(),
                "{own}"
            );
        }
    }

    #[test]
    fn the_length_is_bounded() {
        let longest = format!("Bearer {}", "a".repeat(BearerOptions::DEFAULT_MAX_LENGTH));
        assert!(read(&[longest.as_bytes()]).is_ok());
        let longer = format!("{longest}a");
        assert_eq!(read(&[longer.as_bytes()]), Err(BearerError::TooLong));
    }

    #[test]
    fn the_characters_are_those_of_rfc_6750() {
        for b in 0..=255_u8 {
            let expected = b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
            assert_eq!(is_b64token_byte(b), expected, "{b:#x}");
        }
    }

    #[test]
    fn one_wrong_byte_is_found_wherever_it_stands() {
        for length in 1..=3 * BLOCK + 1 {
            let token = vec![b'a'; length];
            assert!(is_b64token(&token), "{length}");
            for at in 0..length {
                let mut token = token.clone();
                token[at] = b',';
                assert!(!is_b64token(&token), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_scheme_is_its_letters_and_nothing_like_them() {
        for bit in 0..8 {
            for at in 0.."bearer".len() {
                let mut scheme = *b"bearer";
                scheme[at] ^= 1 << bit;
                let is_case = bit == 5;
                assert_eq!(is_in_any_case(&scheme, b"bearer"), is_case, "{scheme:?}");
            }
        }
        assert!(!is_in_any_case(b"bearers", b"bearer"));
        assert!(!is_in_any_case(b"beare", b"bearer"));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_b64token_of_the_input(bytes in prop::collection::vec(32_u8..=255, 0..80)) {
            let value = [b"Bearer ", &bytes[..]].concat();
            prop_assume!(HeaderValue::from_bytes(&value).is_ok());
            if let Ok(token) = read(&[&value]) {
                prop_assert!(is_b64token(token.as_bytes()));
                prop_assert!(value.ends_with(token.as_bytes()));
            }
        }
    }
}
