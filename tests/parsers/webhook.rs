//! A delivery of a webhook, and what must hold whatever it is.
//!
//! The input is a line with the event, one with the delivery's id, one with the signature, then
//! the body. A signature that reads `right` stands for the one that GHES would send.

use ghes_gatekeeper::proxy::webhook::Receiver;
use ghes_gatekeeper::validator::Purge;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use sha2::Sha256;

const SECRET: &str = "It's a Secret to Everybody";

/// Asserts the promises of the receiver about one delivery.
///
/// # Panics
///
/// Panics if one is broken.
pub(crate) fn check(data: &[u8]) {
    let delivery = Delivery::of(data);
    let receiver = Receiver::new(SECRET.into());
    let Ok(purge) = receiver.receive(&delivery.headers, delivery.body) else {
        return;
    };
    assert!(delivery.is_signed(), "taken without GHES's signature");
    if let Some(purge) = purge {
        assert_eq!(
            purge,
            delivery.documented_purge().expect("no reason to purge")
        );
        let again = receiver.receive(&delivery.headers, delivery.body);
        assert_eq!(again.expect("the same"), None, "purged twice");
    }
}

/// Tells in a word what becomes of a delivery.
#[allow(dead_code, reason = "the fuzz target has no use for it")]
pub(crate) fn outcome(data: &[u8]) -> String {
    let delivery = Delivery::of(data);
    let receiver = Receiver::new(SECRET.into());
    match receiver.receive(&delivery.headers, delivery.body) {
        Ok(Some(_)) => "purged".to_owned(),
        Ok(None) => "taken".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

struct Delivery<'d> {
    headers: HeaderMap,
    body: &'d [u8],
}

impl<'d> Delivery<'d> {
    fn of(data: &'d [u8]) -> Self {
        let mut parts = data.splitn(4, |&b| b == b'\n');
        let lines = [parts.next(), parts.next(), parts.next()];
        let body = parts.next().unwrap_or_default();
        let mut headers = HeaderMap::new();
        let names = ["x-github-event", "x-github-delivery", "x-hub-signature-256"];
        for (name, line) in names.into_iter().zip(lines) {
            let line = match line {
                Some(b"right") => right_signature(body).into_bytes(),
                line => line.unwrap_or_default().to_vec(),
            };
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.insert(name, value);
            }
        }
        Self { headers, body }
    }

    fn is_signed(&self) -> bool {
        let signature = self.headers.get("x-hub-signature-256");
        let signature = signature.and_then(|signature| signature.to_str().ok());
        let (scheme, hex) = signature
            .unwrap_or_default()
            .split_at_checked(7)
            .unwrap_or_default();
        format!("{scheme}{}", hex.to_ascii_lowercase()) == right_signature(self.body)
    }

    /// What GitHub's documents say, written down once more in other words.
    fn documented_purge(&self) -> Option<Purge> {
        if self.headers.get("x-github-event")? != "github_app_authorization" {
            return None;
        }
        let payload: Value = serde_json::from_slice(self.body).ok()?;
        let id = payload.pointer("/sender/id")?.as_u64()?;
        (payload.get("action")? == "revoked").then_some(Purge::User(id))
    }
}

fn right_signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body);
    let mac = mac.finalize().into_bytes();
    let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}
