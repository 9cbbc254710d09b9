use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Counts the listeners that accept client connections, and records whether they are closing.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Listening(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    open: AtomicUsize,
    are_closing: AtomicBool,
}

/// A listener that accepts connections, until it is dropped.
#[derive(Debug)]
pub(in crate::proxy) struct OpenListener(Listening);

impl Listening {
    pub(in crate::proxy) fn open(&self) -> OpenListener {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        OpenListener(self.clone())
    }

    /// Announces that all of them are about to close, and that none opens again.
    pub(in crate::proxy) fn announce_closing(&self) {
        self.0.are_closing.store(true, Ordering::Relaxed);
    }

    pub(in crate::proxy) fn any(&self) -> bool {
        self.0.open.load(Ordering::Relaxed) > 0
    }

    /// Returns whether clients should be sent here.
    pub(in crate::proxy) fn accepts_clients(&self) -> bool {
        self.any() && !self.0.are_closing.load(Ordering::Relaxed)
    }
}

impl Drop for OpenListener {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
