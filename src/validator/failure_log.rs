use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::causes::Causes;
use crate::check::{CheckError, CheckErrorKind};

/// Logs questions that failed, of each kind one a second: in an outage or a flood, thousands fail
/// in the same way.
pub(super) struct FailureLog {
    /// What was asked for, as the lines begin.
    question: &'static str,
    quiet: Mutex<HashMap<Told, Quiet>>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Told {
    Failed(CheckErrorKind),
    Stale,
}

struct Quiet {
    until: Instant,
    /// How many were not logged since the last that was.
    untold: u64,
}

impl FailureLog {
    pub(super) fn of(question: &'static str) -> Self {
        Self {
            question,
            quiet: Mutex::default(),
        }
    }

    pub(super) fn note(&self, error: &CheckError) {
        let Some(untold) = self.turn(Told::Failed(error.kind())) else {
            return;
        };
        let (kind, causes) = (error.kind().as_str(), Causes(error));
        let question = self.question;
        if error.kind().passes_by_itself() {
            tracing::warn!(error.kind = kind, error.causes = %causes, untold, "{question} failed: {error}");
        } else {
            tracing::error!(error.kind = kind, error.causes = %causes, untold, "{question} failed: {error}");
        }
    }

    /// Notes that an answer past its age stood in for the one that `error` kept us from.
    pub(super) fn note_stale(&self, error: &CheckError) {
        if let Some(untold) = self.turn(Told::Stale) {
            let kind = error.kind().as_str();
            tracing::warn!(
                error.kind = kind,
                untold,
                "let in on an answer past its age"
            );
        }
    }

    /// Returns how many went untold if it is time to tell one.
    fn turn(&self, told: Told) -> Option<u64> {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let until = now + PAUSE;
        match quiet.get_mut(&told) {
            Some(quiet) if now < quiet.until => {
                quiet.untold += 1;
                None
            }
            Some(quiet) => {
                let untold = std::mem::take(&mut quiet.untold);
                quiet.until = until;
                Some(untold)
            }
            None => {
                quiet.insert(told, Quiet { until, untold: 0 });
                Some(0)
            }
        }
    }
}

const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SHED: Told = Told::Failed(CheckErrorKind::Shed);
    const TIMEOUT: Told = Told::Failed(CheckErrorKind::Timeout);

    #[tokio::test(start_paused = true)]
    async fn of_each_kind_one_a_second_is_told_and_the_rest_counted() {
        let log = FailureLog::of("token check");
        assert_eq!(log.turn(SHED), Some(0));
        assert_eq!(log.turn(TIMEOUT), Some(0));
        assert_eq!(log.turn(SHED), None);
        assert_eq!(log.turn(SHED), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(log.turn(SHED), Some(2));
        assert_eq!(log.turn(SHED), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(log.turn(TIMEOUT), Some(0));
    }
}
