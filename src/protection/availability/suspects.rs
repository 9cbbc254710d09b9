//! The subjects of calls that failed last: each is left alone for a moment.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::subject::Subject;
use crate::check::CheckErrorKind;

#[derive(Debug)]
pub(super) struct Suspects {
    /// Repeated failures double the time up to this.
    longest: Duration,
    each: HashMap<Subject, Suspect>,
}

#[derive(Debug)]
struct Suspect {
    in_a_row: u32,
    until: Instant,
    kind: CheckErrorKind,
}

impl Suspects {
    pub(super) fn new(longest: Duration) -> Self {
        let each = HashMap::new();
        Self { longest, each }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Returns how the last call failed, and for how long there is no other.
    pub(super) fn held(
        &self,
        subject: Subject,
        now: Instant,
    ) -> Option<(CheckErrorKind, Duration)> {
        let suspect = self.each.get(&subject)?;
        let wait = suspect.until.saturating_duration_since(now);
        (!wait.is_zero()).then_some((suspect.kind, wait))
    }

    /// Holds a subject back. `share` is how many subjects fail, which share what one of them may
    /// ask, and `asked` how long the issuer wants to be left alone.
    pub(super) fn failed(
        &mut self,
        subject: Subject,
        kind: CheckErrorKind,
        share: u32,
        asked: Duration,
        now: Instant,
    ) {
        if !self.has_room_for(&subject, now) {
            return;
        }
        let new = Suspect {
            in_a_row: 0,
            until: now,
            kind,
        };
        let suspect = self.each.entry(subject).or_insert(new);
        // A second attempt, or a call that was under way beside the first.
        if now < suspect.until {
            return;
        }
        suspect.in_a_row = match now < suspect.until + MEMORY {
            true => suspect.in_a_row.saturating_add(1),
            false => 1,
        };
        suspect.kind = kind;
        let doublings = (suspect.in_a_row - 1).min(MOST_DOUBLINGS);
        let hold = (FIRST_HOLD * (1 << doublings)).min(self.longest) * share;
        suspect.until = now + hold.max(asked);
    }

    /// Tells whether the last call about a subject has failed.
    pub(super) fn contains(&self, subject: Subject) -> bool {
        self.each.contains_key(&subject)
    }

    pub(super) fn answered(&mut self, subject: Subject) {
        self.each.remove(&subject);
    }

    pub(super) fn clear(&mut self) {
        self.each.clear();
    }

    fn has_room_for(&mut self, subject: &Subject, now: Instant) -> bool {
        if self.each.len() < CAPACITY || self.each.contains_key(subject) {
            return true;
        }
        self.each.retain(|_, suspect| now < suspect.until);
        self.each.len() < CAPACITY
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.each.len()
    }
}

/// One failure may be chance, and the client's next attempt finds that out.
pub(super) const FIRST_HOLD: Duration = Duration::from_secs(1);

/// After this time without a failure, a subject begins anew.
const MEMORY: Duration = Duration::from_secs(60);

/// More than lead to any longest time.
const MOST_DOUBLINGS: u32 = 8;

/// More fail only in an outage, in which the breaker holds back all.
pub(super) const CAPACITY: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: CheckErrorKind = CheckErrorKind::ServerError;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_failure_doubles_the_time_up_to_the_longest() {
        let mut suspects = Suspects::new(seconds(6));
        let (odd, mut now) = (Subject::alone(1), Instant::now());
        for hold in [1, 2, 4, 6, 6] {
            suspects.failed(odd, KIND, 1, Duration::ZERO, now);
            // What was under way beside it says nothing new.
            suspects.failed(odd, CheckErrorKind::Timeout, 1, seconds(9), now);
            assert_eq!(suspects.held(odd, now), Some((KIND, seconds(hold))));
            assert_eq!(suspects.held(Subject::alone(2), now), None);
            now += seconds(hold);
            assert_eq!(suspects.held(odd, now), None);
        }
        now += MEMORY;
        suspects.failed(odd, KIND, 1, Duration::ZERO, now);
        assert_eq!(suspects.held(odd, now), Some((KIND, FIRST_HOLD)));
        suspects.answered(odd);
        assert_eq!(suspects.held(odd, now), None);
    }

    #[test]
    fn those_who_fail_together_share_and_what_the_issuer_asks_for_is_kept() {
        let mut suspects = Suspects::new(seconds(2));
        let (one, other, now) = (Subject::alone(1), Subject::alone(2), Instant::now());
        suspects.failed(one, KIND, 3, Duration::ZERO, now);
        suspects.failed(other, KIND, 3, seconds(20), now);
        assert_eq!(suspects.held(one, now), Some((KIND, seconds(3))));
        assert_eq!(suspects.held(other, now), Some((KIND, seconds(20))));
    }

    #[test]
    fn memory_is_bounded_and_those_whose_time_is_over_make_room() {
        let mut suspects = Suspects::new(seconds(2));
        let (now, later) = (Instant::now(), Instant::now() + seconds(5));
        for person in 0..2 * CAPACITY as u64 {
            suspects.failed(Subject::alone(person), KIND, 1, Duration::ZERO, now);
            assert!(suspects.len() <= CAPACITY);
        }
        let late = Subject::alone(u64::MAX);
        suspects.failed(late, KIND, 1, Duration::ZERO, later);
        assert_eq!(suspects.held(late, later), Some((KIND, FIRST_HOLD)));
        assert_eq!(suspects.len(), 1);
    }
}
