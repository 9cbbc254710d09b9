use super::availability::{Concern, Evidence, Subject};
use super::background::probe;
use crate::check::{CheckError, CheckErrorKind, CheckRequest, Question, Verdict};
use crate::membership::{Group, Membership, MembershipRequest};

/// A question, and what its end says about the issuer: the layers are the same for checks and for
/// memberships.
pub(super) trait Guarded: Question {
    /// Returns what it is about. What fails for one subject may be answered for another.
    fn subject(&self) -> Subject;

    /// Returns the group that it is about.
    fn group(&self) -> Option<&Group> {
        None
    }

    /// Tells what its end says about the issuer, or the app.
    fn evidence(outcome: &Result<Self::Answer, CheckError>, concern: &Concern) -> Evidence;

    /// Returns a question by which the breaker finds out by itself whether the issuer is back.
    fn probe() -> Option<Self>;
}

impl Guarded for CheckRequest {
    fn subject(&self) -> Subject {
        Subject::of_token(&self.token().hash())
    }

    fn evidence(outcome: &Result<Verdict, CheckError>, concern: &Concern) -> Evidence {
        concern.evidence(outcome)
    }

    fn probe() -> Option<Self> {
        Some(probe())
    }
}

impl Guarded for MembershipRequest {
    fn subject(&self) -> Subject {
        Subject::of_membership(self.identity().user().id(), self.group())
    }

    fn group(&self) -> Option<&Group> {
        Some(self.group())
    }

    /// It is asked in one person's name about one group. That this person asks too much, or that
    /// something is wrong with this group, must not keep others from being told. Nor need the
    /// person be held back here for a limit: who asks knows until when it lasts.
    fn evidence(outcome: &Result<Membership, CheckError>, concern: &Concern) -> Evidence {
        match outcome {
            Err(error) if error.kind() == CheckErrorKind::RateLimited => Evidence::Nothing,
            Err(error) if !error.kind().is_outage() => Evidence::Odd(error.retry_after()),
            outcome => concern.evidence(outcome),
        }
    }

    /// A made-up token cannot be used here: to GHES, each such question would be a failed login.
    fn probe() -> Option<Self> {
        None
    }
}
