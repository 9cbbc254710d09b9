//! What comes back of a call, as far as bare requests and the typed client both show it.
use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// By this status.
    Refused(u16),
    NoContent,
    /// One that was there before; a user is not shown its token.
    Authorization(Seen),
    /// One with a token that the caller sees for the first time.
    Issued(Seen, String),
    /// Page by page.
    Authorizations(Vec<Vec<Seen>>),
    Grant(SeenGrant),
    Grants(Vec<Vec<SeenGrant>>),
}

/// An authorization; times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: u64,
    pub(super) client_id: String,
    /// Only apps are told.
    pub(super) login: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) hashed_token: String,
    pub(super) token_last_eight: String,
    pub(super) note: Option<String>,
    pub(super) fingerprint: Option<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) expires_at: Option<i64>,
    /// Whose repositories a scoped token is confined to.
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenGrant {
    pub(super) id: u64,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl Reply {
    pub(super) fn new_token(&self) -> Option<&str> {
        match self {
            Self::Issued(_, token) => Some(token),
            _ => None,
        }
    }
}

/// Returns GitHub's `hashed_token`.
pub(super) fn hashed(token: &str) -> String {
    let digest = Sha256::digest(token);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
