//! A token in the place of a password (RFC 7617), for clients that know no other scheme.
//!
//! GitHub takes it in three forms, and so do we:
//!
//! 1. as the password, with any user name: `octocat:TOKEN`, `x-access-token:TOKEN`;
//! 2. as the user name, with an empty password: `TOKEN:`;
//! 3. as the user name, with the password `x-oauth-basic`: `TOKEN:x-oauth-basic`.
//!
//! The user name of the first form says nothing, and goes no further: whose token it is, is said by
//! its issuer.

use secrecy::zeroize::Zeroizing;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{BearerError, is_b64token, is_in_any_case};
use crate::token::AccessToken;

/// Reads the token of a Basic credential that stands alone.
#[cold]
#[inline(never)]
pub(super) fn read(credential: &[u8], max_length: usize) -> Result<AccessToken, BearerError> {
    let encoded = token68(credential).ok_or(BearerError::Malformed)?;
    // In base64 as in RFC 4648 §4, with its padding and nothing in the bits that are left over.
    let decoded = BASE64_STANDARD.decode(encoded).map(Zeroizing::new);
    let pair = decoded.map_err(|_| BearerError::Malformed)?;
    let (user, password) = pair_of(&pair).ok_or(BearerError::Malformed)?;
    let token = match password {
        b"" | b"x-oauth-basic" => user,
        password => password,
    };
    if token.len() > max_length {
        return Err(BearerError::TooLong);
    }
    // People type passwords: one that cannot be a token is a wrong one, and they are asked again.
    let text = str::from_utf8(token).ok().filter(|_| is_b64token(token));
    text.map(AccessToken::new).ok_or(BearerError::NotAToken)
}

fn token68(credential: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = credential.split_at_checked("basic".len())?;
    let encoded = rest.trim_ascii_start();
    (is_in_any_case(scheme, b"basic") && rest.starts_with(b" ")).then_some(encoded)
}

/// RFC 7617 §2: neither part has control characters, and the first colon is between them.
fn pair_of(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = pair.iter().position(|&b| b == b':')?;
    let has_controls = pair.iter().any(u8::is_ascii_control);
    (!has_controls).then(|| (&pair[..colon], &pair[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bearer::BearerOptions;

    fn line(pair: impl AsRef<[u8]>) -> Vec<u8> {
        format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes()
    }

    fn token(credential: &[u8]) -> Result<String, BearerError> {
        let token = read(credential, BearerOptions::DEFAULT_MAX_LENGTH)?;
        Ok(token.expose().to_owned())
    }

    #[test]
    fn every_form_that_github_takes_is_a_token() {
        for pair in [
            "octocat:gho_x",
            "x-access-token:gho_x",
            ":gho_x",
            "gho_x:",
            "gho_x:x-oauth-basic",
            "o c t\u{f6}cat:gho_x",
        ] {
            assert_eq!(token(&line(pair)).as_deref(), Ok("gho_x"), "{pair}");
        }
        // A colon is no part of a token, and the first one ends the user name.
        assert_eq!(token(&line("a:b:gho_x")), Err(BearerError::NotAToken));
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_behind_it_any_spaces() {
        let encoded = BASE64_STANDARD.encode("octocat:gho_x");
        for before in ["Basic ", "BASIC ", "basic   "] {
            let line = format!("{before}{encoded}");
            assert_eq!(token(line.as_bytes()).as_deref(), Ok("gho_x"), "{before}");
        }
    }

    #[test]
    fn what_is_not_in_the_form_of_rfc_7617_is_malformed() {
        for bad in [
            &b"Basic"[..],
            b"Basic ",
            b"Basic\tYTpi",
            b"Basic YTpi,",
            b"Basic YTpi YTpi",
            b"Basic YTpi\n",
            b"Basic YTpi====",
            b"Basic \"YTpi\"",
            // No padding, and bits that are left over.
            b"Basic YTpiYw",
            b"Basic YTpiYx==",
            // The alphabet of base64url.
            b"Basic Pz8_Og==",
            b"Basic octocat:gho_x",
            b"Basic \xff",
        ] {
            let shown = bad.escape_ascii();
            assert_eq!(token(bad), Err(BearerError::Malformed), "{shown}");
        }
        for pair in [&b"gho_x"[..], b"", b"octo\0cat:gho_x", b"octocat:gho_x\n"] {
            let shown = pair.escape_ascii();
            assert_eq!(token(&line(pair)), Err(BearerError::Malformed), "{shown}");
        }
    }

    #[test]
    fn a_password_that_cannot_be_a_token_is_a_wrong_one() {
        for pair in [
            &b"octocat:correct horse"[..],
            b"octocat:\xc3\xb6",
            b"octocat:\xff",
            b"octocat:x-oauth-basic ",
            b":",
            b":x-oauth-basic",
            b"o c:",
        ] {
            let shown = pair.escape_ascii();
            assert_eq!(token(&line(pair)), Err(BearerError::NotAToken), "{shown}");
        }
    }

    #[test]
    fn the_length_of_the_token_is_bounded_and_not_that_of_the_user_name() {
        let longest = "a".repeat(BearerOptions::DEFAULT_MAX_LENGTH);
        assert!(token(&line(format!("octocat:{longest}"))).is_ok());
        assert!(token(&line(format!("{longest}a:gho_x"))).is_ok());
        for pair in [format!("octocat:{longest}a"), format!("{longest}a:")] {
            assert_eq!(token(&line(pair)), Err(BearerError::TooLong));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_a_token_comes_back_from_each_form(
            secret in "[A-Za-z0-9._~+/-]{1,60}",
            user in "[^:\\p{Cc}]{0,20}",
        ) {
            for pair in [
                format!("{user}:{secret}"),
                format!("{secret}:"),
                format!("{secret}:x-oauth-basic"),
            ] {
                prop_assume!(secret != "x-oauth-basic");
                let read = token(&line(pair));
                prop_assert_eq!(read.as_deref(), Ok(&*secret));
            }
        }

        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut basic = b"Basic ".to_vec();
            basic.extend(&line);
            let _ = token(&line);
            let _ = token(&basic);
        }
    }
}
