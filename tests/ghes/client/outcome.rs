//! What can come of a check, all that a caller acts on.

use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind, InactiveReason, Verdict};

#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Active,
    Inactive(InactiveReason),
    Failure {
        kind: CheckErrorKind,
        label: &'static str,
        /// Whether a grace period may bridge it.
        is_outage: bool,
        /// Whether it may be tried once more.
        is_unprocessed: bool,
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    pub(crate) fn of(answer: &Result<Verdict, CheckError>) -> Self {
        match answer {
            Ok(Verdict::Active(_)) => Self::Active,
            Ok(Verdict::Inactive(reason)) => Self::Inactive(*reason),
            Err(error) => Self::Failure {
                kind: error.kind(),
                label: error.kind().as_str(),
                is_outage: error.kind().is_outage(),
                is_unprocessed: error.kind().is_unprocessed(),
                retry_after: error.retry_after(),
            },
        }
    }

    /// A failure that a grace period may bridge.
    pub(crate) fn outage(kind: CheckErrorKind, label: &'static str) -> Self {
        Self::Failure {
            kind,
            label,
            is_outage: true,
            is_unprocessed: false,
            retry_after: None,
        }
    }

    /// A failure during which nobody is let in, however lately they were.
    pub(crate) fn alarm(kind: CheckErrorKind, label: &'static str) -> Self {
        let mut failure = Self::outage(kind, label);
        if let Self::Failure { is_outage, .. } = &mut failure {
            *is_outage = false;
        }
        failure
    }

    /// An outage in which GHES cannot have seen the request.
    pub(crate) fn unprocessed(kind: CheckErrorKind, label: &'static str) -> Self {
        let mut failure = Self::outage(kind, label);
        if let Self::Failure { is_unprocessed, .. } = &mut failure {
            *is_unprocessed = true;
        }
        failure
    }

    pub(crate) fn after(mut self, seconds: u64) -> Self {
        if let Self::Failure { retry_after, .. } = &mut self {
            *retry_after = Some(Duration::from_secs(seconds));
        }
        self
    }
}
