use super::{CheckError, CheckErrorKind, InactiveReason, Verdict};

/// How a question ended, in the words that logs and metrics have for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// The call was given up before there was an answer.
    Abandoned,
    /// The token is good.
    Active,
    /// There was no answer.
    Failed(CheckErrorKind),
    /// The token is no good.
    Inactive(InactiveReason),
    /// The person belongs to the group.
    Member,
    /// The person does not belong to the group.
    NotMember,
    /// The token may not see whether the person belongs to the group.
    NotVisible,
    /// The issuer takes the token no more.
    TokenRefused,
}

impl CheckOutcome {
    /// Every word that [`as_str`](Self::as_str) returns, once and in order; a closed set.
    pub const WORDS: [&'static str; 26] = [
        "app_mismatch",
        "bad_response",
        "client_auth_failed",
        "client_gone",
        "connect",
        "dns",
        "expired",
        "ghes_5xx",
        "ghes_forbidden",
        "invalid",
        "member",
        "no_user",
        "not_member",
        "not_visible",
        "outage",
        "rate_limited",
        "redirect",
        "shed",
        "timeout",
        "tls",
        "token_refused",
        "too_large",
        "truncated",
        "unavailable",
        "unprocessable",
        "valid",
    ];

    /// Names how a question ended.
    #[must_use]
    pub fn of<A: Answer>(outcome: &Result<A, CheckError>) -> Self {
        match outcome {
            Ok(answer) => answer.outcome(),
            Err(error) => Self::Failed(error.kind()),
        }
    }

    /// Returns the outcome as one lower-case word, for logs and metrics; some outcomes share one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "client_gone",
            Self::Active => "valid",
            Self::Failed(kind) => kind.as_str(),
            // That it has none of an app's prefixes is seen before anybody is asked.
            Self::Inactive(InactiveReason::WrongKind(_)) => InactiveReason::Unknown.as_str(),
            Self::Inactive(reason) => reason.as_str(),
            Self::Member => "member",
            Self::NotMember => "not_member",
            Self::NotVisible => "not_visible",
            Self::TokenRefused => "token_refused",
        }
    }

    /// Returns the place of its word among [`WORDS`](Self::WORDS).
    #[must_use]
    pub fn index(self) -> usize {
        let place = Self::WORDS.binary_search(&self.as_str());
        place.expect("every outcome has a word of the set")
    }
}

/// What a question may be answered with.
#[expect(unnameable_types, reason = "the answers are a closed set")]
pub trait Answer {
    fn outcome(&self) -> CheckOutcome;
}

impl Answer for Verdict {
    fn outcome(&self) -> CheckOutcome {
        match self {
            Self::Active(_) => CheckOutcome::Active,
            Self::Inactive(reason) => CheckOutcome::Inactive(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    #[test]
    fn every_outcome_has_a_word_and_every_word_an_outcome() {
        let failed = CheckErrorKind::ALL.map(CheckOutcome::Failed);
        let reasons = [
            InactiveReason::Expired,
            InactiveReason::NoUser,
            InactiveReason::Unknown,
            InactiveReason::Unprocessable,
            InactiveReason::WrongKind(TokenKind::Refresh),
        ];
        let others = [
            CheckOutcome::Abandoned,
            CheckOutcome::Active,
            CheckOutcome::Member,
            CheckOutcome::NotMember,
            CheckOutcome::NotVisible,
            CheckOutcome::TokenRefused,
        ];
        let reasons = reasons.map(CheckOutcome::Inactive);
        let all = failed.into_iter().chain(reasons).chain(others);
        let mut words: Vec<&str> = all
            .inspect(|outcome| assert_eq!(CheckOutcome::WORDS[outcome.index()], outcome.as_str()))
            .map(CheckOutcome::as_str)
            .collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words, CheckOutcome::WORDS);
    }
}
