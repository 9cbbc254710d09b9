use crate::causes::Causes;
use crate::check::{CheckError, CheckErrorKind};
use crate::throttle::Throttle;

/// Logs questions that failed, of each kind one a second.
pub(super) struct FailureLog {
    /// What was asked for, as the lines begin.
    question: &'static str,
    throttle: Throttle<Told>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Told {
    Failed(CheckErrorKind),
    Stale,
}

impl FailureLog {
    pub(super) fn of(question: &'static str) -> Self {
        Self {
            question,
            throttle: Throttle::default(),
        }
    }

    pub(super) fn note(&self, error: &CheckError) {
        let Some(turn) = self.throttle.turn(Told::Failed(error.kind())) else {
            return;
        };
        let (kind, causes) = (error.kind().as_str(), Causes(error));
        let (question, suppressed) = (self.question, turn.suppressed);
        if error.kind().passes_by_itself() {
            tracing::warn!(error.kind = kind, error.causes = %causes, suppressed, "{question} failed: {error}");
        } else {
            tracing::error!(error.kind = kind, error.causes = %causes, suppressed, "{question} failed: {error}");
        }
    }

    /// Notes that an answer past its age stood in for the one that `error` kept us from.
    pub(super) fn note_stale(&self, error: &CheckError) {
        if let Some(turn) = self.throttle.turn(Told::Stale) {
            tracing::warn!(
                error.kind = error.kind().as_str(),
                suppressed = turn.suppressed,
                "let in on an answer past its age"
            );
        }
    }
}
