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
use crate::proxy::doors::problem::Problem;
use crate::validator::Purge;

/// Reads deliveries: what one of GitHub's webhooks asks to be forgotten.
///
/// Pure but for remembering which deliveries there were.
pub struct Receiver {
    secret: ArcSwap<SecretString>,
    /// Those that were acted on lately, by their signature. An id is not signed, and somebody who
    /// repeats a delivery can give it another.
    taken: Cache<Signature, ()>,
}

/// A delivery that is still coming. Nothing of it is believed before it has ended.
#[derive(Debug)]
pub(super) struct Delivery {
    event: Event,
    signing: Signing,
    /// The body, if what it says matters.
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Event {
    /// `github_app_authorization`, which may be what we are here for.
    Authorization,
    /// What GHES sends first, and shows the answer to.
    Ping,
    /// Taken and forgotten.
    Other,
}

/// Why a delivery is not taken. `Display` is the text for the sender; it quotes nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused(pub(super) Problem);

impl Receiver {
    /// Takes the secret that was written into the app's webhook settings on GHES.
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

    /// Takes another secret, for every delivery from now on.
    pub(in crate::proxy) fn replace_secret(&self, secret: SecretString) {
        self.secret.store(Arc::new(secret));
    }

    fn secret(&self) -> arc_swap::Guard<Arc<SecretString>> {
        self.secret.load()
    }

    /// Reads one delivery; none if there is nothing to forget, or it was forgotten just now.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] if the signature is not that of the body with our secret, before
    /// anything of the body is looked at, and if the delivery is not as GitHub's documents say.
    pub fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<Option<Purge>, Refused> {
        let mut delivery = self.begin(headers)?;
        delivery.take(body);
        self.end(delivery)
    }

    /// Begins a delivery, if its head has a signature that may turn out to be good.
    pub(super) fn begin(&self, headers: &HeaderMap) -> Result<Delivery, Refused> {
        let header = |name| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        let signing = Signing::claimed(&self.secret(), header("x-hub-signature-256"));
        Ok(Delivery {
            event: Event::of(header("x-github-event")),
            signing: signing.ok_or(Refused(NOT_SIGNED))?,
            body: Vec::new(),
        })
    }

    /// Reads a delivery of which everything has come.
    pub(super) fn end(&self, delivery: Delivery) -> Result<Option<Purge>, Refused> {
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
    /// How long it may be.
    pub(super) fn max_bytes(&self) -> usize {
        match self.event {
            Event::Authorization | Event::Ping => MAX_KEPT_BYTES,
            Event::Other => MAX_PAYLOAD_BYTES,
        }
    }

    /// Takes the next piece of its body, of which there are not more than there may be.
    pub(super) fn take(&mut self, piece: &[u8]) {
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

/// A webhook that sends forms is told at its first delivery, and not when somebody revokes.
fn is_json(body: &[u8]) -> Result<(), Refused> {
    let read: Result<IgnoredAny, _> = serde_json::from_slice(body);
    read.map(|_| ()).map_err(|_| Refused(UNREADABLE))
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

/// Of who revokes, is let in again and revokes once more, the second delivery is the first one byte
/// by byte: it names the person and nothing else. So a repetition is only one for about as long as
/// answers live without a webhook, and makes GHES be asked no more often than that.
const REPEATED_AGE: Duration = Duration::from_secs(60);

/// More revocations than in any minute, in less than a megabyte.
const MAX_TAKEN: u64 = 10_000;

/// The events that matter have some 2 KB.
const MAX_KEPT_BYTES: usize = 32 * 1024;

/// As much as GitHub sends at most.
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
