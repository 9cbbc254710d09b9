use std::fmt;

use crate::identity::Identity;
use crate::token::TokenHash;

/// What is to be forgotten.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum Purge {
    /// Everything, refusals included.
    All,
    /// The tokens of one authorization, by its id.
    Authorization(u64),
    /// The tokens of one app.
    ClientId(Box<str>),
    /// One token, good or refused.
    Token(TokenHash),
    /// The tokens of one user, by numeric id.
    User(u64),
}

impl Purge {
    /// Tells whether this is about a good token.
    pub(super) fn covers(&self, hash: &TokenHash, identity: &Identity) -> bool {
        match self {
            Self::Authorization(id) => identity.authorization_id() == *id,
            Self::ClientId(client_id) => identity.client_id() == &**client_id,
            Self::User(id) => identity.user().id() == *id,
            Self::All | Self::Token(_) => self.covers_refusal(hash),
        }
    }

    /// Tells whether this is about a refused token, of which nothing but the hash is known.
    pub(super) fn covers_refusal(&self, hash: &TokenHash) -> bool {
        match self {
            Self::All => true,
            Self::Token(purged) => purged == hash,
            Self::Authorization(_) | Self::ClientId(_) | Self::User(_) => false,
        }
    }
}

impl fmt::Debug for Purge {
    /// Shows no client id: it is free text, and an operator may have pasted a token by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Authorization(id) => f.debug_tuple("Authorization").field(id).finish(),
            Self::ClientId(_) => f.write_str("ClientId(..)"),
            Self::Token(hash) => f.debug_tuple("Token").field(hash).finish(),
            Self::User(id) => f.debug_tuple("User").field(id).finish(),
        }
    }
}
