use std::fmt;
use std::time::Duration;

use crate::check::{CheckError, CheckErrorKind};

/// Why a check was not sent. The source of each error that the layers make themselves, which
/// tells it from the same kind of error out of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The availability breaker is open; the last call failed in this way.
    Availability(CheckErrorKind),
    /// The breaker around a person or a group is open; the last call failed in this way.
    Side(CheckErrorKind),
    /// The last call about the same subject failed in this way a moment ago.
    Subject(CheckErrorKind),
    /// The credential breaker is open.
    Credentials,
    /// As many checks as may are waiting already.
    QueueFull,
    /// The check has waited as long as it may.
    QueueTimeout,
    /// The rate of calls is used up.
    Rate,
}

impl Refusal {
    /// Makes the error; `wait` is when there should be capacity again.
    pub(super) fn error(self, wait: Duration) -> CheckError {
        let kind = match self {
            // Of another kind than the others, so that no grace period bridges it.
            Self::Credentials => CheckErrorKind::CredentialsRefused,
            Self::Availability(last) | Self::Side(last) => held_back_after(last),
            Self::Subject(last) => last,
            Self::QueueFull | Self::QueueTimeout | Self::Rate => CheckErrorKind::Shed,
        };
        CheckError::with_retry_after(kind, whole_seconds(wait), self)
    }

    /// Tells whether it was refused for what was counted already: the same failure, once more.
    pub(super) fn is_repetition(self) -> bool {
        matches!(self, Self::Subject(_))
    }

    /// Returns why an error was made here, if it was.
    pub(super) fn behind(error: &CheckError) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }
}

/// What a grace period must not bridge, it must not bridge either while the breaker is open for
/// it. A mismatch was one of another token; what is left of it is that the app gets no answers.
const fn held_back_after(last: CheckErrorKind) -> CheckErrorKind {
    match last {
        CheckErrorKind::AppMismatch => CheckErrorKind::Forbidden,
        other if other.is_outage() => CheckErrorKind::Outage,
        other => other,
    }
}

/// `Retry-After` counts in seconds; 0 would have everybody come back in the same moment.
fn whole_seconds(wait: Duration) -> Duration {
    let started = u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(wait.as_secs().saturating_add(started).max(1))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Availability(last) if last.is_about_app() => {
                "the issuer has refused the app too often of late"
            }
            Self::Availability(_) => "the issuer has failed too often of late",
            Self::Side(_) => "the issuer has failed too often of late for this group or person",
            Self::Subject(_) => "so did the last call about the same, a moment ago",
            Self::Credentials => "the app's credentials were refused not long ago",
            Self::QueueFull => "too many checks are waiting",
            Self::QueueTimeout => "the check has waited too long for its turn",
            Self::Rate => "the limit on the rate of checks is reached",
        })
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_rounded_up_to_whole_seconds() {
        for (wait, told) in [(0, 1), (6, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            let error = Refusal::Rate.error(Duration::from_millis(wait));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(told)));
        }
        let endless = Refusal::Rate.error(Duration::MAX);
        assert_eq!(endless.retry_after(), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn a_limit_of_ours_is_an_outage_and_refused_credentials_are_none() {
        for refusal in [Refusal::QueueFull, Refusal::QueueTimeout, Refusal::Rate] {
            let error = refusal.error(Duration::ZERO);
            assert_eq!(error.kind(), CheckErrorKind::Shed);
            assert_eq!(Refusal::behind(&error), Some(refusal));
        }
        let error = Refusal::Credentials.error(Duration::ZERO);
        assert!(!error.kind().is_outage());
        let called = CheckError::new(CheckErrorKind::CredentialsRefused);
        assert_eq!(Refusal::behind(&called), None);
    }

    #[test]
    fn an_open_breaker_is_an_outage_where_what_opened_it_is() {
        for last in CheckErrorKind::ALL {
            let error = Refusal::Availability(last).error(Duration::ZERO);
            assert_eq!(error.kind().is_outage(), last.is_outage(), "{last:?}");
            assert_ne!(error.kind(), CheckErrorKind::AppMismatch, "another token's");
        }
    }
}
