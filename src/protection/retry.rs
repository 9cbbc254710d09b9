//! One more attempt, where the first one cannot have done anything.
//!
//! What mostly fails so is a pooled connection that the issuer has closed meanwhile. A timeout
//! or a status says that the issuer is busy with it, so a second attempt would be harm.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, RetryLayer};

use crate::check::{CheckError, Question};

/// Retries a check once if it cannot have been processed, and a tenth of all calls at most.
pub(super) fn retry_unprocessed() -> RetryLayer<RetryUnprocessed> {
    RetryLayer::new(RetryUnprocessed {
        is_first: true,
        budget: Arc::new(TpsBudget::new(BUDGET_WINDOW, RETRIES_ALWAYS, RETRIED_SHARE)),
    })
}

/// One clone per check; the budget is shared.
#[derive(Clone, Debug)]
pub(super) struct RetryUnprocessed {
    is_first: bool,
    budget: Arc<TpsBudget>,
}

impl<Q: Question> Policy<Q, Q::Answer, CheckError> for RetryUnprocessed {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Q,
        outcome: &mut Result<Q::Answer, CheckError>,
    ) -> Option<Ready<()>> {
        if !self.is_first {
            return None;
        }
        self.is_first = false;
        self.budget.deposit();
        let is_unprocessed = matches!(outcome, Err(error) if error.kind().is_unprocessed());
        (is_unprocessed && self.budget.withdraw()).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Q) -> Option<Q> {
        Some(request.clone())
    }
}

const BUDGET_WINDOW: Duration = Duration::from_secs(10);

const RETRIED_SHARE: f32 = 0.1;

/// Retries per second that are always allowed. Where calls are rare, each finds its connection
/// closed, and a tenth of few calls would be none.
const RETRIES_ALWAYS: u32 = 1;
