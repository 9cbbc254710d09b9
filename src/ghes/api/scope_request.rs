use std::collections::BTreeMap;

use serde::Serialize;

/// What a token is to be narrowed to, for [`scope_token`](crate::ghes::GhesClient::scope_token).
///
/// Either names or ids of repositories can be asked for: the later of the two calls counts.
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct ScopeRequest {
    #[serde(flatten)]
    target: Target,
    #[serde(flatten)]
    repositories: Option<Repositories>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    permissions: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize)]
enum Target {
    #[serde(rename = "target")]
    Name(String),
    #[serde(rename = "target_id")]
    Id(u64),
}

#[derive(Clone, Debug, Serialize)]
enum Repositories {
    #[serde(rename = "repositories")]
    Names(Vec<String>),
    #[serde(rename = "repository_ids")]
    Ids(Vec<u64>),
}

impl ScopeRequest {
    /// Asks for a token for what belongs to the user or organization of this name.
    pub fn for_target(name: impl Into<String>) -> Self {
        Self::new(Target::Name(name.into()))
    }

    /// Asks for a token for what belongs to the user or organization with this id.
    pub fn for_target_id(id: u64) -> Self {
        Self::new(Target::Id(id))
    }

    /// Limits the token to repositories, by name without owner.
    pub fn with_repositories<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.repositories = Some(Repositories::Names(names));
        self
    }

    /// Limits the token to repositories, by id.
    pub fn with_repository_ids(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.repositories = Some(Repositories::Ids(ids.into_iter().collect()));
        self
    }

    /// Asks for one of the app's permissions, such as `contents`, at a level: `read`, `write` or
    /// `admin`.
    pub fn with_permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.permissions.insert(name.into(), level.into());
        self
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            repositories: None,
            permissions: BTreeMap::new(),
        }
    }
}
