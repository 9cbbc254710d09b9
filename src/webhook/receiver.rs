use std::fmt;
use std::time::Duration;

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, StatusCode};
use moka::sync::Cache;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::signature::{Signature, Signing};
use crate::endpoint::Problem;
use crate::validator::Purge;

/// Reads webhook deliveries of GitHub, and returns the purges they ask for.
///
/// Pure, except that it remembers recent deliveries.
pub struct Receiver {
    secret: ArcSwap<SecretString>,
    /// The recent deliveries, by their signature. An id is not signed, and an attacker who repeats
    /// a delivery can change it.
    taken: Cache<Signature, ()>,
}

/// A delivery that is still arriving. Nothing of it is trusted before its end.
#[derive(Debug)]
pub(crate) struct Delivery {
    event: Event,
    signing: Signing,
    /// The body, if its event matters.
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Event {
    /// `github_app_authorization`, which may be a revocation.
    Authorization,
    /// The first event that GHES sends; GHES shows its response to the administrator.
    Ping,
    /// Accepted and ignored.
    Other,
}

/// Why a delivery is refused. `Display` is the text for the sender; it quotes nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused(pub(crate) Problem);

impl Receiver {
    /// Takes the secret from the app's webhook settings on GHES.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret: ArcSwap::from_pointee(secret),
            taken: Cache::builder()
                .max_capacity(MAX_TAKEN)
                .time_to_live(REPEATED_AGE)
                .build(),
        }
    }

    /// Replaces the secret, for every delivery from now on.
    pub(crate) fn replace_secret(&self, secret: SecretString) {
        self.secret.store(Arc::new(secret));
    }

    fn secret(&self) -> arc_swap::Guard<Arc<SecretString>> {
        self.secret.load()
    }

    /// Reads one delivery; none if there is nothing to purge, or it was purged just now.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the signature does not match the body and our secret, before anything
    /// of the body is parsed, or if the delivery does not follow GitHub's documentation.
    pub fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Purge>, Refused> {
        let mut delivery = self.begin(headers)?;
        delivery.take(body);
        self.end(delivery)
    }

    /// Begins a delivery, if its head has a well-formed signature.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Result<Delivery, Refused> {
        let header = |name| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        let signing = Signing::claimed(&self.secret(), header("x-hub-signature-256"));
        Ok(Delivery {
            event: Event::of(header("x-github-event")),
            signing: signing.ok_or(Refused(NOT_SIGNED))?,
            body: Vec::new(),
        })
    }

    /// Reads a complete delivery.
    pub(crate) fn end(&self, delivery: Delivery) -> Result<Option<Purge>, Refused> {
        let Delivery {
            event,
            signing,
            body,
        } = delivery;
        let signature = signing.verify().ok_or(Refused(NOT_SIGNED))?;
        let user_id = match event {
            Event::Authorization => user_who_revoked(&body)?,
            Event::Ping => is_json(&body).map(|()| None)?,
            Event::Other => None,
        };
        let Some(user_id) = user_id else {
            return Ok(None);
        };
        let taken = self.taken.entry(signature).or_insert(());
        Ok(taken.is_fresh().then_some(Purge::User(user_id)))
    }
}

impl Delivery {
    /// Its size limit, in bytes.
    pub(crate) fn max_bytes(&self) -> usize {
        match self.event {
            Event::Authorization | Event::Ping => MAX_KEPT_BYTES,
            Event::Other => MAX_PAYLOAD_BYTES,
        }
    }

    /// Takes the next piece of its body. The caller enforces the limit.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        self.signing.update(piece);
        if self.event != Event::Other {
            self.body.extend_from_slice(piece);
        }
    }
}

impl Event {
    fn of(name: &[u8]) -> Self {
        match name {
            b"github_app_authorization" => Self::Authorization,
            b"ping" => Self::Ping,
            _ => Self::Other,
        }
    }
}

/// A webhook that sends forms fails at its first delivery, and not at the first revocation.
fn is_json(body: &[u8]) -> Result<(), Refused> {
    let read: Result<IgnoredAny, _> = serde_json::from_slice(body);
    read.map(|_| ()).map_err(|_| Refused(UNREADABLE))
}

/// Reads the user from the [payload], which names no token; none if nothing was revoked.
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

/// If a user revokes, signs in again and revokes once more, the second delivery equals the first
/// byte by byte: it names the person and nothing else. So a delivery counts as repeated only for
/// about as long as verdicts live without a webhook. Each repetition within that time costs GHES
/// nothing.
const REPEATED_AGE: Duration = Duration::from_secs(60);

/// More revocations than in any minute, in less than a megabyte.
const MAX_TAKEN: u64 = 10_000;

/// The events that matter have some 2 KB.
const MAX_KEPT_BYTES: usize = 32 * 1024;

/// The most that GitHub sends.
const MAX_PAYLOAD_BYTES: usize = 25 * 1024 * 1024;

const NOT_SIGNED: Problem = Problem::new(
    StatusCode::UNAUTHORIZED,
    "X-Hub-Signature-256 is not that of the body; compare the webhook's secret on both sides",
);

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
