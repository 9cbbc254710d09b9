use crate::admission::{Admitted, Decided};
use crate::bearer::BearerToken;
use crate::identity::Identity;
use crate::rejection::RejectionKind;
use crate::token::{TokenHash, TokenKind};
use crate::validator::Freshness;

/// What a decision was about, for the log: noted where it is decided.
#[derive(Default)]
pub(crate) struct Subject {
    /// None if there was no token that could be read.
    pub(crate) token: Option<(TokenKind, TokenHash)>,
    /// The person who was let in. Whom a policy denied stands in the rejection.
    pub(crate) identity: Option<Identity>,
    pub(crate) cache: Option<CacheUse>,
}

/// What the cache had for a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CacheUse {
    /// Everything.
    Hit,
    /// Not all: GHES was asked.
    Miss,
    /// An answer past its age, while GHES cannot be asked.
    Stale,
}

impl CacheUse {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

impl Subject {
    pub(super) fn read(&mut self, token: &BearerToken<'_>, hash: &TokenHash) {
        self.token = Some((token.kind(), *hash));
    }

    /// Notes a decision that was made at once, or has to be waited for.
    pub(super) fn decided(&mut self, decided: &Decided) {
        self.cache = Some(match decided {
            Decided::Admitted(_) => CacheUse::Hit,
            // Nothing was looked at but the turns of the client.
            Decided::Rejected(rejection) if rejection.kind() == RejectionKind::TooManyRequests => {
                CacheUse::Miss
            }
            Decided::Rejected(_) => CacheUse::Hit,
            Decided::Waiting(_) => CacheUse::Miss,
        });
        if let Decided::Admitted(admitted) = decided {
            self.admitted(admitted);
        }
    }

    pub(super) fn admitted(&mut self, admitted: &Admitted) {
        self.identity = Some(admitted.identity.clone());
        if admitted.freshness == Freshness::Stale {
            self.cache = Some(CacheUse::Stale);
        }
    }
}
