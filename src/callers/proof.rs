use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use http::header::{AUTHORIZATION, HeaderMap};
use percent_encoding::percent_decode;
use secrecy::zeroize::Zeroizing;

use crate::endpoint::SharedSecret;

/// The credential of a request, by which a caller proves who it is.
pub(crate) enum Proof<'a> {
    /// The secret alone, as a bearer token.
    Bearer(&'a [u8]),
    /// Id and secret, as they came and decoded. RFC 6749 §2.3.1 has both form-encoded first, which
    /// half of the clients leave out.
    Basic([Pair; 2]),
}

/// An id and a secret.
pub(crate) struct Pair(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl<'a> Proof<'a> {
    /// Reads the only credential of a request; none is there if it is in no form that callers use.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (line, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        let (scheme, rest) = scheme_of(line)?;
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return Some(Self::Bearer(rest));
        }
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return None;
        }
        let pair = Zeroizing::new(BASE64_STANDARD.decode(rest).ok()?);
        let colon = pair.iter().position(|&b| b == b':')?;
        let (id, secret) = (&pair[..colon], &pair[colon + 1..]);
        let plain = Pair(id.to_vec().into(), secret.to_vec().into());
        let decoded = Pair(form_decoded(id), form_decoded(secret));
        Some(Self::Basic([plain, decoded]))
    }

    /// Tells whether it is that of the caller with this id and this secret.
    pub(crate) fn is_of(&self, id: &str, secret: &SharedSecret) -> bool {
        match self {
            Self::Bearer(text) => secret.is(text),
            Self::Basic(pairs) => pairs.iter().fold(false, |is_it, Pair(name, text)| {
                is_it | (secret.is(text) & (id.as_bytes() == name.as_slice()))
            }),
        }
    }
}

fn scheme_of(line: &HeaderValue) -> Option<(&[u8], &[u8])> {
    let line = line.as_bytes();
    let space = line.iter().position(|&b| b == b' ')?;
    Some((&line[..space], line[space..].trim_ascii()))
}

/// Reads a part of a form as a browser writes it; what is not in that form stays as it is.
fn form_decoded(part: &[u8]) -> Zeroizing<Vec<u8>> {
    let spaced: Vec<u8> = part
        .iter()
        .map(|&b| if b == b'+' { b' ' } else { b })
        .collect();
    let spaced = Zeroizing::new(spaced);
    Zeroizing::new(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_form_is_decoded_and_anything_else_stays() {
        for (part, decoded) in [
            ("a%2Bb", "a+b"),
            ("a+b", "a b"),
            ("plain-secret", "plain-secret"),
            ("100%", "100%"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(*form_decoded(part.as_bytes()), decoded.as_bytes());
        }
    }
}
