use std::time::SystemTime;

use ghes_gatekeeper::ghes::{
    Authorization, AuthorizationApp, GetOrCreate, Grant, IssuedToken, ScopedInstallation,
    SimpleUser,
};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// One answer of GHES's, with GitHub's names, in GitHub's order.
pub(crate) struct Record(Vec<(&'static str, Value)>);

impl Record {
    pub(super) fn members(&self) -> &[(&'static str, Value)] {
        &self.0
    }

    pub(super) fn member(&self, name: &str) -> &Value {
        let member = self.0.iter().find(|(member, _)| *member == name);
        member.map_or(&Value::Null, |(_, value)| value)
    }

    /// The token is an empty string except where GHES has just made it, as in GHES's own replies.
    fn of(authorization: &Authorization, token: &str) -> Self {
        let authorization = authorization.clone();
        let mut members = vec![
            ("id", json!(authorization.id)),
            ("url", json!(authorization.url)),
            ("app", app(&authorization.app)),
            ("user", user(authorization.user.as_ref())),
            ("scopes", json!(authorization.scopes)),
            ("token", json!(token)),
            ("token_last_eight", json!(authorization.token_last_eight)),
            ("hashed_token", json!(authorization.hashed_token)),
            ("note", json!(authorization.note)),
            ("note_url", json!(authorization.note_url)),
            ("fingerprint", json!(authorization.fingerprint)),
            ("created_at", time(authorization.created_at)),
            ("updated_at", time(authorization.updated_at)),
            ("expires_at", time(authorization.expires_at)),
        ];
        if let Some(narrowed) = &authorization.installation {
            members.push(("installation", installation(narrowed)));
        }
        Self(members)
    }
}

impl From<&Authorization> for Record {
    fn from(authorization: &Authorization) -> Self {
        Self::of(authorization, "")
    }
}

impl From<&IssuedToken> for Record {
    fn from(issued: &IssuedToken) -> Self {
        Self::of(&issued.authorization, issued.token.expose())
    }
}

impl From<&GetOrCreate> for Record {
    fn from(outcome: &GetOrCreate) -> Self {
        match outcome {
            GetOrCreate::Created(issued) => issued.into(),
            GetOrCreate::Existing(authorization) => authorization.into(),
        }
    }
}

impl From<&Grant> for Record {
    fn from(grant: &Grant) -> Self {
        Self(vec![
            ("id", json!(grant.id)),
            ("url", json!(grant.url)),
            ("app", app(&grant.app)),
            ("user", user(grant.user.as_ref())),
            ("scopes", json!(grant.scopes)),
            ("created_at", time(grant.created_at)),
            ("updated_at", time(grant.updated_at)),
        ])
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn app(app: &AuthorizationApp) -> Value {
    json!({ "client_id": app.client_id, "name": app.name, "url": app.url })
}

fn user(user: Option<&SimpleUser>) -> Value {
    user.map_or(Value::Null, account)
}

fn account(user: &SimpleUser) -> Value {
    json!({
        "login": user.login,
        "id": user.id,
        "node_id": user.node_id,
        "type": user.kind,
        "site_admin": user.site_admin,
    })
}

fn installation(installation: &ScopedInstallation) -> Value {
    json!({
        "permissions": installation.permissions,
        "repository_selection": installation.repository_selection,
        "single_file_name": installation.single_file_name,
        "has_multiple_single_files": installation.has_multiple_single_files,
        "single_file_paths": installation.single_file_paths,
        "repositories_url": installation.repositories_url,
        "account": account(&installation.account),
    })
}

fn time(time: Option<SystemTime>) -> Value {
    let timestamp = time.and_then(|time| Timestamp::try_from(time).ok());
    timestamp.map_or(Value::Null, |timestamp| timestamp.to_string().into())
}
