use std::time::SystemTime;

use serde::{Deserialize, Deserializer};

use super::model::SimpleUser;
use crate::ghes::wire::lenient::{lenient, null_as_default, time};
use crate::token::AccessToken;

/// What a verdict needs of an [`Authorization`](crate::ghes::Authorization), and nothing else.
#[derive(Deserialize)]
pub(in crate::ghes) struct CheckedToken {
    pub(in crate::ghes) id: u64,
    pub(in crate::ghes) app: CheckedApp,
    #[serde(default)]
    pub(in crate::ghes) user: Option<SimpleUser>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(in crate::ghes) scopes: Vec<String>,
    #[serde(default)]
    pub(in crate::ghes) expires_at: Expiry,
    #[serde(default, deserialize_with = "lenient")]
    token_last_eight: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    hashed_token: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::ghes) struct CheckedApp {
    pub(in crate::ghes) client_id: String,
}

/// When a token expires. What cannot be read is kept apart from what is not there: a token of
/// unknown life is not one that lives for ever.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::ghes) enum Expiry {
    #[default]
    Never,
    At(SystemTime),
    Unreadable,
}

impl CheckedToken {
    /// Tells whether the reply can be about this token. A member that is null, absent, empty or
    /// no string says nothing about that.
    pub(in crate::ghes) fn is_about(&self, token: &AccessToken) -> bool {
        let secret = token.expose().as_bytes();
        let last_eight = &secret[secret.len().saturating_sub(8)..];
        let hash = hex(token.hash().as_bytes());
        said(&self.token_last_eight).is_none_or(|text| text.as_bytes() == last_eight)
            && said(&self.hashed_token).is_none_or(|text| text.eq_ignore_ascii_case(&hash))
    }
}

fn said(member: &Option<String>) -> Option<&str> {
    member.as_deref().filter(|text| !text.is_empty())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Member {
            Text(String),
            Null(()),
            Other(serde::de::IgnoredAny),
        }

        Ok(match Member::deserialize(deserializer)? {
            Member::Null(()) => Self::Never,
            Member::Text(text) => time(&text).map_or(Self::Unreadable, Self::At),
            Member::Other(_) => Self::Unreadable,
        })
    }
}
