use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::cache::{Answer, Found, Freshness, Tokens};
use super::read_through::Waiting;
use crate::check::{CheckError, Verdict};

/// A future for the answer of a check that may be shared with other requests.
///
/// Where the issuer is out of reach and a grace period is configured, it ends with the last good
/// answer instead of the failure.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: the check goes on, and its verdict is remembered.
#[must_use = "futures do nothing unless polled"]
pub struct Checking(Waiting<Tokens>);

impl Checking {
    pub(super) fn new(waiting: Waiting<Tokens>) -> Self {
        Self(waiting)
    }

    pub(super) fn decided(verdict: Verdict) -> Self {
        let found = Found::new(verdict, Freshness::Fresh);
        Self(Waiting::decided(Ok(found)))
    }
}

impl Future for Checking {
    type Output = Result<Answer, CheckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Pin::new(&mut self.0).poll(cx);
        outcome.map_ok(Answer::from)
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checking").finish_non_exhaustive()
    }
}
