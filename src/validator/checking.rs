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
pub struct Checking {
    waiting: Waiting<Tokens>,
    /// The issuer is not asked: it cannot be a token, or the answer is remembered.
    is_decided: bool,
}

impl Checking {
    pub(super) fn new(waiting: Waiting<Tokens>) -> Self {
        Self {
            waiting,
            is_decided: false,
        }
    }

    pub(super) fn decided(verdict: Verdict) -> Self {
        let found = Found::new(verdict, Freshness::Fresh);
        Self {
            waiting: Waiting::decided(Ok(found)),
            is_decided: true,
        }
    }

    /// Returns what was said when the issuer was asked, before an older answer stood in for it; none
    /// if it was not. `outcome` is how this has ended.
    pub(super) fn said(
        &self,
        outcome: &Result<Answer, CheckError>,
    ) -> Option<Result<Verdict, CheckError>> {
        if self.is_decided {
            return None;
        }
        Some(match self.waiting.bridged() {
            Some(error) => Err(error.clone()),
            None => outcome.clone().map(|answer| answer.verdict),
        })
    }
}

impl Future for Checking {
    type Output = Result<Answer, CheckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Pin::new(&mut self.waiting).poll(cx);
        outcome.map_ok(Answer::from)
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checking").finish_non_exhaustive()
    }
}
