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
    /// None where there is not exactly one that is well-formed, or nothing beside it that could be
    /// answered.
    token: Result<AccessToken, BearerError>,
    /// What is left for the service to choose from.
    pub(crate) others: Vec<Box<str>>,
    /// What is answered where the service chooses none of these: the client would take no answer for
    /// a refusal, and the token must not be one.
    pub(crate) marker: Option<HeaderValue>,
}

impl Offer {
    /// Returns the token as the line of a header.
    ///
    /// # Errors
    ///
    /// Returns [`BearerError`] if there is not exactly one well-formed token, or nothing beside it
    /// that could be answered.
    pub(crate) fn line(&self) -> Result<HeaderValue, BearerError> {
        let token = self.token.as_ref().map_err(|&error| error)?;
        let line = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut line = line.map_err(|_| BearerError::MalformedProtocol)?;
        line.set_sensitive(true);
        Ok(line)
    }
}

/// Takes whatever is a token, or stands in the place of one, out of the subprotocols of a handshake;
/// none if nothing announces a token. What else is offered stays as it is.
pub(crate) fn take(headers: &mut HeaderMap) -> Option<Offer> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return None;
    }
    // All lines are one list (RFC 6455 §11.3.4).
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    let names = names
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty());
    let list = List::read(names);
    if list.found.is_none() && list.fault.is_none() {
        return None;
    }
    let left = HeaderValue::from_bytes(&list.others.join(&b", "[..]));
    let offer = list.into_offer();
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(left) = left
        && !left.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, left);
    }
    Some(offer)
}

/// The subprotocols of a handshake, while they are read.
#[derive(Default)]
struct List<'h> {
    found: Option<AccessToken>,
    marker: Option<HeaderValue>,
    others: Vec<&'h [u8]>,
    /// The first thing that is wrong.
    fault: Option<BearerError>,
}

impl<'h> List<'h> {
    fn read(mut names: impl Iterator<Item = &'h [u8]>) -> Self {
        let mut list = Self::default();
        while let Some(name) = names.next() {
            if name == MARKER.as_bytes() {
                match names.next() {
                    Some(token) => {
                        list.find(plain(token));
                        list.marker = Some(HeaderValue::from_static(MARKER));
                    }
                    None => {
                        list.others.push(name);
                        list.find(Err(BearerError::MalformedProtocol));
                    }
                }
            } else if let Some(encoded) = name.strip_prefix(KUBERNETES.as_bytes()) {
                list.find(decoded(encoded));
            } else {
                if !name.iter().all(u8::is_ascii) {
                    list.note(BearerError::MalformedProtocol);
                }
                list.others.push(name);
            }
        }
        list
    }

    fn find(&mut self, token: Result<AccessToken, BearerError>) {
        match token {
            Ok(_) if self.found.is_some() => self.note(BearerError::Multiple),
            Ok(token) => self.found = Some(token),
            Err(error) => self.note(error),
        }
    }

    fn note(&mut self, fault: BearerError) {
        self.fault.get_or_insert(fault);
    }

    fn into_offer(self) -> Offer {
        let others = self.others.into_iter();
        let others = others.filter_map(|name| str::from_utf8(name).ok());
        let others: Vec<Box<str>> = others.map(Box::from).collect();
        let token = match (self.fault, self.found) {
            (Some(fault), _) => Err(fault),
            // Kubernetes refuses it as well: there would be nothing to answer but the token.
            (None, Some(_)) if self.marker.is_none() && others.is_empty() => {
                Err(BearerError::LoneProtocol)
            }
            (None, found) => found.ok_or(BearerError::MalformedProtocol),
        };
        Offer {
            token,
            others,
            marker: self.marker,
        }
    }
}

fn decoded(encoded: &[u8]) -> Result<AccessToken, BearerError> {
    let token = BASE64_URL_SAFE_NO_PAD.decode(encoded).map(Zeroizing::new);
    let token = token.map_err(|_| BearerError::MalformedProtocol)?;
    plain(&token)
}

fn plain(token: &[u8]) -> Result<AccessToken, BearerError> {
    match str::from_utf8(token) {
        Ok(text) if is_b64token(token) => Ok(AccessToken::new(text)),
        _ => Err(BearerError::MalformedProtocol),
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
        let Some(offer) = take(&mut headers) else {
            return Ok(None);
        };
        let left = headers.get(SEC_WEBSOCKET_PROTOCOL);
        let left = left.map(|left| left.to_str().unwrap().to_owned());
        assert_eq!(left.unwrap_or_default(), offer.others.join(", "));
        let left = (!offer.others.is_empty()).then(|| offer.others.join(", "));
        let token = offer.token?.expose().to_owned();
        Ok(Some((token, left, offer.marker.is_some())))
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
