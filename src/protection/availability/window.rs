use tokio::time::Instant;

/// Counts answers and failures of the last ten seconds, in steps of one second.
#[derive(Debug)]
pub(super) struct Window {
    began_at: Instant,
    /// The step that was counted last.
    step: u64,
    counts: [Count; STEPS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u32,
    failed: u32,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began_at: now,
            step: 0,
            counts: [Count::default(); STEPS],
        }
    }

    pub(super) fn count(&mut self, now: Instant, has_failed: bool) {
        self.forget(now);
        let count = &mut self.counts[index(self.step)];
        count.all = count.all.saturating_add(1);
        count.failed = count.failed.saturating_add(u32::from(has_failed));
    }

    /// Tells whether half of at least [`LEAST_CALLS`] have failed.
    pub(super) fn is_bad(&self) -> bool {
        let all: u64 = self.counts.iter().map(|count| u64::from(count.all)).sum();
        let failed: u64 = self.counts.iter().map(|c| u64::from(c.failed)).sum();
        all >= LEAST_CALLS && failed * 2 >= all
    }

    /// Clears the steps that have begun since the last count.
    fn forget(&mut self, now: Instant) {
        let step = now.saturating_duration_since(self.began_at).as_secs();
        let first_new = self.step + 1;
        // After a long rest every step is new, and each needs clearing only once.
        for step in first_new.max((step + 1).saturating_sub(STEPS as u64))..=step {
            self.counts[index(step)] = Count::default();
        }
        self.step = self.step.max(step);
    }
}

fn index(step: u64) -> usize {
    usize::try_from(step % STEPS as u64).expect("below STEPS")
}

/// How far back failures count, in seconds.
const STEPS: usize = 10;

/// Fewer calls than this tell nothing by their share of failures.
const LEAST_CALLS: u64 = 20;
