use std::collections::VecDeque;

use tokio::time::Instant;

use super::subject::{Apart, Subject};

/// Counts answers and failures of the last ten seconds, in steps of one second.
#[derive(Debug)]
pub(super) struct Window {
    began_at: Instant,
    /// The step that was counted last.
    step: u64,
    answered: [u32; STEPS],
    /// Each subject once, at its last failure.
    failed: VecDeque<Failure>,
}

#[derive(Debug)]
struct Failure {
    step: u64,
    blamed: Option<Subject>,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began_at: now,
            step: 0,
            answered: [0; STEPS],
            failed: VecDeque::new(),
        }
    }

    pub(super) fn answered(&mut self, now: Instant) {
        self.forget(now);
        let count = &mut self.answered[index(self.step)];
        *count = count.saturating_add(1);
    }

    pub(super) fn failed(&mut self, now: Instant, blamed: Option<Subject>) {
        self.forget(now);
        if blamed.is_some() {
            self.failed.retain(|failure| failure.blamed != blamed);
        }
        if self.failed.len() == MOST_FAILURES {
            self.failed.pop_front();
        }
        let step = self.step;
        self.failed.push_back(Failure { step, blamed });
    }

    /// Tells whether half of at least [`LEAST_CALLS`] have failed. What can be one subject's fault
    /// is one call.
    pub(super) fn is_bad(&self) -> bool {
        let answered: u64 = self.answered.iter().copied().map(u64::from).sum();
        // Most failures end here, so that the rest need not be fast.
        let is_few = |failed: u64| failed < answered || answered + failed < LEAST_CALLS;
        if is_few(self.failed.len() as u64) {
            return false;
        }
        let mut apart = Apart::default();
        for failure in &self.failed {
            apart.add(failure.blamed);
        }
        !is_few(apart.len() as u64)
    }

    /// Clears the steps that have begun since the last count.
    fn forget(&mut self, now: Instant) {
        let step = now.saturating_duration_since(self.began_at).as_secs();
        let first_new = self.step + 1;
        // After a long rest every step is new, and each needs clearing only once.
        for step in first_new.max((step + 1).saturating_sub(STEPS as u64))..=step {
            self.answered[index(step)] = 0;
        }
        self.step = self.step.max(step);
        let oldest = (self.step + 1).saturating_sub(STEPS as u64);
        while self
            .failed
            .front()
            .is_some_and(|failure| failure.step < oldest)
        {
            self.failed.pop_front();
        }
    }
}

fn index(step: u64) -> usize {
    usize::try_from(step % STEPS as u64).expect("below STEPS")
}

/// How far back failures count, in seconds.
const STEPS: usize = 10;

/// Fewer calls than this tell nothing by their share of failures.
const LEAST_CALLS: u64 = 20;

/// As many as matter: where answers outnumber these, the issuer is there.
const MOST_FAILURES: usize = 512;
