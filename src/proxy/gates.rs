use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many listeners take connections of clients.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenGates(Arc<AtomicUsize>);

/// A listener that takes connections, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenGate(OpenGates);

impl OpenGates {
    pub(super) fn open(&self) -> OpenGate {
        self.0.fetch_add(1, Ordering::Relaxed);
        OpenGate(self.clone())
    }

    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for OpenGate {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
