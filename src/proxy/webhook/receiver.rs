use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use moka::sync::Cache;
use secrecy::SecretString;
use serde_json::Value;

use super::signature::is_signed;
use crate::proxy::problem::Problem;
use crate::validator::Purge;

/// Reads deliveries: what one of GitHub's webhooks asks to be forgotten.
///
/// Pure but for remembering which deliveries there were.
pub struct Receiver {
    secret: SecretString,
    deliveries: Cache<String, ()>,
}

/// Why a delivery is not taken. `Display` is the text for the sender; it quotes nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused(pub(super) Problem);

impl Receiver {
    /// Takes the secret that was written into the app's webhook settings on GHES.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            deliveries: Cache::builder()
                .max_capacity(MAX_DELIVERIES)
                .time_to_live(DELIVERY_AGE)
                .build(),
        }
    }

    /// Reads one delivery; none if there is nothing to forget, or it was forgotten already.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the signature is not that of the body with our secret, before
    /// anything else is looked at, and if the delivery is not as GitHub's documents say.
    pub fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Purge>, Refused> {
        let header = |name| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        if !is_signed(&self.secret, body, header("x-hub-signature-256")) {
            return Err(Refused(NOT_SIGNED));
        }
        if header("x-github-event") != b"github_app_authorization" {
            return Ok(None);
        }
        let id = std::str::from_utf8(header("x-github-delivery")).unwrap_or_default();
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(Refused(NO_ID));
        }
        let Some(user_id) = user_who_revoked(body)? else {
            return Ok(None);
        };
        let delivery = self.deliveries.entry_by_ref(id).or_insert(());
        Ok(delivery.is_fresh().then_some(Purge::User(user_id)))
    }
}

/// Reads the [payload], which says whose authorization it is about, and no word of which tokens;
/// none if it was not revoked.
///
/// [payload]: https://docs.github.com/en/enterprise-server/webhooks/webhook-events-and-payloads#github_app_authorization
fn user_who_revoked(body: &[u8]) -> Result<Option<u64>, Refused> {
    let payload: Value = serde_json::from_slice(body).map_err(|_| Refused(UNREADABLE))?;
    match (payload["action"].as_str(), payload["sender"]["id"].as_u64()) {
        (Some("revoked"), Some(id)) => Ok(Some(id)),
        (Some("revoked") | None, _) => Err(Refused(UNREADABLE)),
        (Some(_), _) => Ok(None),
    }
}

/// GitHub repeats a delivery only when somebody asks for it, soon after.
const DELIVERY_AGE: Duration = Duration::from_secs(60 * 60);

/// More revocations than in any hour, in about a megabyte.
const MAX_DELIVERIES: u64 = 10_000;

/// GitHub's ids are GUIDs, of 36.
const MAX_ID_BYTES: usize = 64;

const NOT_SIGNED: Problem = Problem::new(
    StatusCode::UNAUTHORIZED,
    "X-Hub-Signature-256 is not that of the body; compare the webhook's secret on both sides",
);

const NO_ID: Problem = Problem::new(StatusCode::BAD_REQUEST, "X-GitHub-Delivery is not an id");

const UNREADABLE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "the payload is not that of the event; the webhook's content type must be application/json",
);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
