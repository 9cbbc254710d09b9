use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::check::{CheckError, Verdict};
use crate::membership::{Group, Membership};

/// Records the questions of one decision and their results; usually off. A handle.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Option<Arc<Mutex<Vec<Entry>>>>);

/// One question, and what came of it, before any older answer stood in for it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The place of the asked validator among [`Validators`](super::Validators).
    pub(crate) place: usize,
    pub(crate) said: Said,
    pub(crate) took: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Said {
    OfToken(Result<Verdict, CheckError>),
    OfMembership(Group, Result<Membership, CheckError>),
}

impl Recorder {
    pub(crate) const NONE: Self = Self(None);

    #[cfg(feature = "proxy")]
    pub(crate) fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// Tells whether anybody wants it.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Adds what `entry` makes, if anybody wants it.
    pub(crate) fn add(&self, entry: impl FnOnce() -> Entry) {
        if let Some(entries) = &self.0 {
            entries.lock().push(entry());
        }
    }

    /// Returns what was recorded since the last time, in the order in which it was answered.
    #[cfg(feature = "proxy")]
    pub(crate) fn take(&self) -> Vec<Entry> {
        let entries = self.0.as_ref();
        entries.map_or_else(Vec::new, |entries| std::mem::take(&mut *entries.lock()))
    }
}
