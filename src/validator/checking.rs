use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::failure_log::FailureLog;
use crate::cache::{Answer, Freshness, VerdictCache};
use crate::check::CheckError;
use crate::flight::{Outcome, Seat};
use crate::token::TokenHash;

/// A future for the answer of a check that may be shared with other requests.
///
/// Where the issuer is out of reach and a grace period is configured, it ends with the last good
/// answer instead of the failure.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: the check goes on, and its verdict is remembered.
#[must_use = "futures do nothing unless polled"]
pub struct Checking {
    place: Place,
    grace: Grace,
}

enum Place {
    /// There was nothing to wait for; taken by the first poll.
    Decided(Option<Outcome>),
    Seated(Seat),
}

/// What is needed to fall back on the last good answer.
pub(super) struct Grace {
    pub(super) cache: Arc<VerdictCache>,
    pub(super) hash: TokenHash,
    pub(super) max_age: Option<Duration>,
    pub(super) failures: Arc<FailureLog>,
}

impl Checking {
    pub(super) fn seated(seat: Seat, grace: Grace) -> Self {
        Self {
            place: Place::Seated(seat),
            grace,
        }
    }

    pub(super) fn decided(outcome: Outcome, grace: Grace) -> Self {
        Self {
            place: Place::Decided(Some(outcome)),
            grace,
        }
    }
}

impl Grace {
    fn bridge(&self, error: CheckError) -> Result<Answer, CheckError> {
        if !error.kind().is_outage() {
            return Err(error);
        }
        match self.cache.get_stale(&self.hash, self.max_age) {
            Some(answer) => {
                self.failures.note_stale(&error);
                Ok(answer)
            }
            None => Err(error),
        }
    }
}

impl Future for Checking {
    type Output = Result<Answer, CheckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.place {
            Place::Decided(outcome) => outcome.take().expect("Checking polled after completion"),
            Place::Seated(seat) => ready!(Pin::new(seat).poll(cx)),
        };
        Poll::Ready(match outcome {
            Ok(verdict) => Ok(Answer::new(verdict, Freshness::Fresh)),
            Err(error) => self.grace.bridge(error),
        })
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checking").finish_non_exhaustive()
    }
}
