use serde::{Deserialize, Serialize};

use crate::scope::Scopes;

/// The claims that a gate asserts about one request.
///
/// Behind a [`VerifyingLayer`](super::VerifyingLayer) they are in the request's extensions.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Claims {
    /// `iss`: the gate.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `aud`: the upstream that the assertion is for.
    #[serde(rename = "aud")]
    pub audience: String,
    /// `sub`: the user's numeric id. Identify people by it.
    #[serde(rename = "sub", with = "decimal")]
    pub user_id: u64,
    /// `preferred_username`: the login, which can be renamed and then taken by another person.
    #[serde(rename = "preferred_username")]
    pub login: String,
    /// `scope`: the scopes of the token; none for the token of a GitHub App.
    #[serde(rename = "scope", with = "spaced")]
    pub scopes: Scopes,
    /// `client_id`: the app that the token was issued to.
    pub client_id: String,
    /// `groups`: the user's groups that the gate checked for its decision.
    ///
    /// Other groups of the user are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// `htm`: the method of the request.
    #[serde(rename = "htm")]
    pub method: String,
    /// `path`: the path of the request, without the query, byte by byte.
    pub path: String,
    /// `iat`: when it was signed, in seconds since 1970.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// `exp`: when it expires, in seconds since 1970.
    #[serde(rename = "exp")]
    pub expires_at: u64,
}

/// RFC 7519 §4.1.2: a subject is a string. Each number has only one string.
mod decimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = text.parse::<u64>().map_err(D::Error::custom)?;
        if id.to_string() != text {
            return Err(D::Error::custom("not the id of a user"));
        }
        Ok(id)
    }
}

mod spaced {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::scope::Scopes;

    pub(super) fn serialize<S: Serializer>(
        scopes: &Scopes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&scopes.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Scopes, D::Error> {
        let text = String::deserialize(deserializer)?;
        Scopes::parse(text.split_ascii_whitespace()).map_err(D::Error::custom)
    }
}
