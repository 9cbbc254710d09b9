use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::causes::Causes;
use crate::check::{CheckError, CheckErrorKind};

/// Logs checks that failed, of each kind one a second: in an outage or a flood, thousands fail in
/// the same way.
#[derive(Default)]
pub(super) struct FailureLog(Mutex<HashMap<CheckErrorKind, Quiet>>);

struct Quiet {
    until: Instant,
    /// How many were not logged since the last that was.
    untold: u64,
}

impl FailureLog {
    pub(super) fn note(&self, error: &CheckError) {
        let Some(untold) = self.turn(error.kind()) else {
            return;
        };
        tracing::warn!(
            error.kind = error.kind().as_str(),
            error.causes = %Causes(error),
            untold,
            "token check failed: {error}",
        );
    }

    /// Returns how many went untold if it is time to tell one.
    fn turn(&self, kind: CheckErrorKind) -> Option<u64> {
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let until = now + PAUSE;
        match quiet.get_mut(&kind) {
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
                quiet.insert(kind, Quiet { until, untold: 0 });
                Some(0)
            }
        }
    }
}

const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_each_kind_one_a_second_is_told_and_the_rest_counted() {
        let log = FailureLog::default();
        assert_eq!(log.turn(CheckErrorKind::Shed), Some(0));
        assert_eq!(log.turn(CheckErrorKind::Timeout), Some(0));
        assert_eq!(log.turn(CheckErrorKind::Shed), None);
        assert_eq!(log.turn(CheckErrorKind::Shed), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(log.turn(CheckErrorKind::Shed), Some(2));
        assert_eq!(log.turn(CheckErrorKind::Shed), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(log.turn(CheckErrorKind::Timeout), Some(0));
    }
}
