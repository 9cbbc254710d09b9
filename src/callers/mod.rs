//! What callers ask about a token, and how each is answered: by introspection (RFC 7662), and by a
//! `TokenReview` of Kubernetes.

pub(crate) mod introspection;
mod proof;
mod refused;
pub(crate) mod token_review;

use std::time::Duration;

pub(crate) use self::proof::Proof;
pub(crate) use self::refused::Refused;

use crate::admission::Admitted;

/// A token that is active, for so much longer.
pub(crate) struct Active {
    pub(crate) admitted: Admitted,
    pub(crate) left: Duration,
}
