//! Calls of the gate's own, to find out whether the issuer is back.

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::check::CheckRequest;
use crate::token::AccessToken;

/// At most one task, which ends with this at the latest.
#[derive(Default)]
pub(super) struct Background(Mutex<Option<AbortHandle>>);

impl Background {
    /// Begins a task and ends the one before it.
    ///
    /// Without a runtime there is none; the breakers then rely on the requests that they try.
    pub(super) fn replace(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let task = runtime.spawn(task).abort_handle();
        let mut current = self.0.lock();
        if let Some(last) = current.replace(task) {
            last.abort();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let current = self.0.get_mut();
        if let Some(task) = current.take() {
            task.abort();
        }
    }
}

/// Asks about a made-up token: a healthy issuer says no.
///
/// A renewal, because it must not wait behind the flood that may have broken the issuer.
pub(super) fn probe() -> CheckRequest {
    CheckRequest::renewal(AccessToken::new(PROBE_TOKEN))
}

/// In the form of an OAuth app's token, so that the issuer looks it up; its check digits are
/// wrong, so that it can never have given it out.
const PROBE_TOKEN: &str = "gho_GatekeeperAsksWhetherYouAreThere0000";

/// Returns a random number from 0 to 1, good enough to spread gates over a tenth of a wait.
pub(super) fn jitter() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    // Each state has a key of its own, and the process's first key is random.
    let random = RandomState::new().hash_one(());
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_spreads() {
        let drawn: Vec<f64> = (0..1_000).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|jitter| (0.0..=1.0).contains(jitter)));
        for tenth in 0..10 {
            let tenth = f64::from(tenth) / 10.0;
            let within = |jitter: &&f64| (tenth..tenth + 0.1).contains(*jitter);
            assert!(drawn.iter().filter(within).count() > 40, "{tenth}");
        }
    }

    #[test]
    fn no_runtime_means_no_task() {
        let background = Background::default();
        background.replace(std::future::pending());
        assert!(background.0.lock().is_none());
    }
}
