//! A token among the subprotocols of a WebSocket (RFC 6455 §1.9): a page in a browser can set no
//! other field of the handshake.
//!
//! Two forms are known, and each names the token in the list that the client offers:
//!
//! 1. `bearer, TOKEN`: the token follows the marker `bearer`;
//! 2. `base64url.bearer.authorization.k8s.io.TOKEN`, where the token is in base64url without padding,
//!    as Kubernetes has it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use secrecy::zeroize::Zeroizing;

use super::{BearerError, is_b64token};
use crate::token::AccessToken;

/// What a handshake offered beside its token.
pub(crate) struct Offer {
    token: AccessToken,
    /// What is left for the service to choose from.
    pub(crate) others: Vec<Box<str>>,
    /// What is answered where the service chooses none of these: the client would take no answer for
    /// a refusal, and the token must not be one.
    pub(crate) marker: Option<HeaderValue>,
}

impl Offer {
    /// Returns the token as the line of a header.
    pub(crate) fn line(&self) -> Option<HeaderValue> {
        let line = HeaderValue::try_from(format!("Bearer {}", self.token.expose()));
        let mut line = line.ok()?;
        line.set_sensitive(true);
        Some(line)
    }
}

/// Takes the token out of the subprotocols of a handshake; none if there is none.
///
/// # Errors
///
/// Returns [`BearerError`] if there is not exactly one well-formed token, or nothing beside it that
/// could be answered. The field is gone then.
pub(crate) fn take(headers: &mut HeaderMap) -> Result<Option<Offer>, BearerError> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let read = read(headers);
    match &read {
        Ok(None) => {}
        Ok(Some(offer)) => set(headers, &offer.others),
        Err(_) => set(headers, &[]),
    }
    read
}

fn read(headers: &HeaderMap) -> Result<Option<Offer>, BearerError> {
    let (mut found, mut others) = (None, Vec::new());
    let mut offered = offered(headers)?.into_iter();
    while let Some(protocol) = offered.next() {
        let token = if protocol == MARKER {
            let token = offered.next().ok_or(BearerError::MalformedProtocol)?;
            Some((
                AccessToken::new(token),
                Some(HeaderValue::from_static(MARKER)),
            ))
        } else if let Some(encoded) = protocol.strip_prefix(KUBERNETES) {
            Some((decoded(encoded)?, None))
        } else {
            others.push(protocol.into());
            None
        };
        if token.is_some() && found.is_some() {
            return Err(BearerError::Multiple);
        }
        found = found.or(token);
    }
    let Some((token, marker)) = found else {
        return Ok(None);
    };
    if !is_b64token(token.expose().as_bytes()) {
        return Err(BearerError::MalformedProtocol);
    }
    // Kubernetes refuses it as well: there would be nothing to answer but the token.
    if marker.is_none() && others.is_empty() {
        return Err(BearerError::LoneProtocol);
    }
    Ok(Some(Offer {
        token,
        others,
        marker,
    }))
}

/// All lines are one list (RFC 6455 §11.3.4).
fn offered(headers: &HeaderMap) -> Result<Vec<&str>, BearerError> {
    let mut offered = Vec::new();
    for line in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let line = line.to_str().map_err(|_| BearerError::MalformedProtocol)?;
        offered.extend(
            line.split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty()),
        );
    }
    Ok(offered)
}

fn decoded(encoded: &str) -> Result<AccessToken, BearerError> {
    let token = BASE64_URL_SAFE_NO_PAD.decode(encoded).map(Zeroizing::new);
    let token = token.map_err(|_| BearerError::MalformedProtocol)?;
    let text = str::from_utf8(&token).map_err(|_| BearerError::MalformedProtocol)?;
    Ok(AccessToken::new(text))
}

fn set(headers: &mut HeaderMap, protocols: &[Box<str>]) {
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if !protocols.is_empty()
        && let Ok(line) = HeaderValue::try_from(protocols.join(", "))
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, line);
    }
}

const MARKER: &str = "bearer";

const KUBERNETES: &str = "base64url.bearer.authorization.k8s.io.";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The token, what is left, and whether the marker is answered.
    type Taken = (String, Option<String>, bool);

    fn taken(lines: &[&str]) -> Result<Option<Taken>, BearerError> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(SEC_WEBSOCKET_PROTOCOL, line);
        }
        let taken = take(&mut headers);
        let left = headers.get(SEC_WEBSOCKET_PROTOCOL);
        let left = left.map(|left| left.to_str().unwrap().to_owned());
        if taken.is_err() {
            assert_eq!(left, None, "{lines:?}");
        }
        Ok(taken?.map(|offer| {
            let token = offer.token.expose().to_owned();
            (token, left, offer.marker.is_some())
        }))
    }

    fn kubernetes(token: &str) -> String {
        format!("{KUBERNETES}{}", BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    #[test]
    fn both_forms_are_read_wherever_they_stand() {
        for (lines, left) in [
            (&["bearer, gho_x"][..], None),
            (&["bearer,gho_x,chat"], Some("chat")),
            (&["chat, bearer, gho_x, v2"], Some("chat, v2")),
            (&["chat", "bearer", "gho_x"], Some("chat")),
            (&["chat, bearer", "gho_x, v2"], Some("chat, v2")),
        ] {
            let expected = ("gho_x".to_owned(), left.map(str::to_owned), true);
            assert_eq!(taken(lines), Ok(Some(expected)), "{lines:?}");
        }
        let form = kubernetes("gho_x");
        for (line, left) in [
            (format!("{form}, v4.channel.k8s.io"), "v4.channel.k8s.io"),
            (format!("a, {form}, b"), "a, b"),
        ] {
            let expected = ("gho_x".to_owned(), Some(left.to_owned()), false);
            assert_eq!(taken(&[&line]), Ok(Some(expected)), "{line}");
        }
    }

    #[test]
    fn other_protocols_are_no_token() {
        for lines in [
            &[][..],
            &["chat"],
            &["Bearer, gho_x"],
            &["bearers, gho_x"],
            &["base64url.bearer.authorization.k8s.io"],
        ] {
            assert_eq!(taken(lines), Ok(None), "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for line in [
            "bearer",
            "chat, bearer",
            "bearer, \"gho_x\"",
            "bearer, gho x",
            "bearer, gho_x\u{e9}",
            "base64url.bearer.authorization.k8s.io., chat",
            "base64url.bearer.authorization.k8s.io.gho_, chat",
            "base64url.bearer.authorization.k8s.io.Z2hvX3g=, chat",
            "base64url.bearer.authorization.k8s.io.Pz8/, chat",
            "base64url.bearer.authorization.k8s.io._w, chat",
            "base64url.bearer.authorization.k8s.io.YSBi, chat",
        ] {
            assert_eq!(
                taken(&[line]),
                Err(BearerError::MalformedProtocol),
                "{line}"
            );
        }
    }

    #[test]
    fn two_tokens_are_refused_even_when_alike() {
        let form = kubernetes("gho_x");
        for line in [
            "bearer, gho_x, bearer, gho_x".to_owned(),
            format!("bearer, gho_x, {form}"),
            format!("{form}, {form}, chat"),
        ] {
            assert_eq!(taken(&[&line]), Err(BearerError::Multiple), "{line}");
        }
    }

    #[test]
    fn a_token_alone_leaves_nothing_to_answer() {
        assert_eq!(
            taken(&[&kubernetes("gho_x")]),
            Err(BearerError::LoneProtocol)
        );
    }

    proptest! {
        #[test]
        fn no_token_is_left_for_a_service(
            token in "[A-Za-z0-9._~+-]{8,40}",
            before in prop::collection::vec("[a-z0-9.]{1,6}", 0..3),
            after in prop::collection::vec("[a-z0-9.]{1,6}", 1..3),
            is_kubernetes in any::<bool>(),
        ) {
            prop_assume!(!before.iter().chain(&after).any(|name| name == MARKER));
            let form = match is_kubernetes {
                true => kubernetes(&token),
                false => format!("{MARKER}, {token}"),
            };
            let all = [&before[..], &[form], &after].concat().join(", ");
            let left = [before, after].concat().join(", ");
            prop_assert_eq!(taken(&[&all]), Ok(Some((token, Some(left), !is_kubernetes))));
        }
    }
}
