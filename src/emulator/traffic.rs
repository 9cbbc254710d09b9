//! What reaches the emulated server: how many calls, and the faults they meet.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::api::operation::Operation;
use super::faults::Fault;
use super::person::Person;

/// Counters and faults; apart from the [`State`](super::state::State), so that counting waits for
/// no other request.
#[derive(Default)]
pub(super) struct Traffic {
    requests: AtomicU64,
    /// In the order of [`Operation::ALL`].
    calls: [AtomicU64; Operation::ALL.len()],
    /// Guards the queue alone, for the length of one step.
    faults: Mutex<VecDeque<Fault>>,
}

impl Traffic {
    /// Counts a call.
    pub(super) fn arrive(&self, operation: Option<Operation>) {
        if let Some(operation) = operation {
            self.calls[operation as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the oldest fault that a call for this person meets.
    pub(super) fn meet(&self, person: impl FnOnce() -> Person) -> Option<Fault> {
        self.with_faults(|faults| {
            faults.retain(|fault| !fault.is_spent());
            if faults.is_empty() {
                return None;
            }
            let person = person();
            let fault = faults.iter_mut().find(|fault| fault.is_for(&person))?;
            fault.spend_one();
            Some(fault.clone())
        })
    }

    /// Returns the number of the next API answer, from 1.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn calls(&self, operation: Operation) -> u64 {
        self.calls[operation as usize].load(Ordering::Relaxed)
    }

    pub(super) fn fail(&self, fault: Fault) {
        self.with_faults(|faults| faults.push_back(fault));
    }

    pub(super) fn clear_faults(&self) {
        self.with_faults(VecDeque::clear);
    }

    fn with_faults<T>(&self, change: impl FnOnce(&mut VecDeque<Fault>) -> T) -> T {
        // Every change is complete before anything can panic.
        change(&mut self.faults.lock())
    }
}
