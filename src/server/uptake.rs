use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// Since when a client has taken no byte of its response. A handle: clones share the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Uptake(Arc<Mutex<Option<Instant>>>);

impl Uptake {
    pub(super) fn stalls(&self) {
        *self.since() = Some(Instant::now());
    }

    pub(super) fn goes_on(&self) {
        *self.since() = None;
    }

    pub(super) fn stalled_since(&self) -> Option<Instant> {
        *self.since()
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        // The lock cannot be poisoned: every change is complete before anything can panic.
        self.0.lock()
    }
}
