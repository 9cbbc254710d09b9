//! Tokens and grants.
use serde::Serialize;
use serde_json::{Map, Value};

use super::user::SimpleUser;
use crate::emulator::access_token;
use crate::emulator::clock::rfc3339;
use crate::emulator::state::{self, PERSONAL};
use crate::emulator::world;

/// The schema `authorization`.
#[derive(Serialize)]
pub(in crate::emulator) struct Authorization<'a> {
    id: u64,
    url: String,
    app: App<'a>,
    token: &'a str,
    hashed_token: String,
    token_last_eight: &'a str,
    note: Option<&'a str>,
    note_url: Option<&'a str>,
    created_at: String,
    updated_at: String,
    scopes: &'a [String],
    fingerprint: Option<&'a str>,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<SimpleUser<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<Installation<'a>>,
}

#[derive(Serialize)]
struct App<'a> {
    name: &'a str,
    url: &'a str,
    client_id: &'a str,
}

/// The schema `nullable-scoped-installation`.
#[derive(Serialize)]
struct Installation<'a> {
    permissions: &'a Map<String, Value>,
    repository_selection: &'static str,
    single_file_name: Option<&'static str>,
    repositories_url: String,
    account: SimpleUser<'a>,
}

/// The schema `application-grant`, without its optional user.
#[derive(Serialize)]
pub(in crate::emulator) struct Grant {
    id: u64,
    url: String,
    app: OwnedApp,
    created_at: String,
    updated_at: String,
    scopes: Vec<String>,
}

#[derive(Serialize)]
struct OwnedApp {
    name: String,
    url: String,
    client_id: String,
}

impl<'a> Authorization<'a> {
    /// Shows a token to its app.
    pub(in crate::emulator) fn with_user(
        host: &str,
        authorization: &'a state::Authorization,
    ) -> Self {
        let user = SimpleUser::new(host, &authorization.user);
        Self {
            user: Some(user),
            installation: authorization
                .installation
                .as_ref()
                .map(|installation| Installation::new(host, installation)),
            ..Self::shown(host, authorization)
        }
    }

    /// Shows a new token to its user.
    pub(in crate::emulator) fn shown(host: &str, authorization: &'a state::Authorization) -> Self {
        let token = authorization.token.as_str();
        Self {
            id: authorization.id,
            url: format!("http://{host}/api/v3/authorizations/{}", authorization.id),
            app: App::of(authorization),
            token,
            hashed_token: access_token::hashed(token),
            token_last_eight: access_token::last_eight(token),
            // Null for every token of a flow.
            note: authorization.note.as_deref(),
            note_url: authorization.note_url.as_deref(),
            created_at: rfc3339(authorization.created_at),
            updated_at: rfc3339(authorization.updated_at),
            scopes: &authorization.scopes,
            fingerprint: authorization.fingerprint.as_deref(),
            expires_at: authorization.expires_at.map(rfc3339),
            user: None,
            installation: None,
        }
    }

    /// Tells a user about a token without showing it: GitHub does that once.
    pub(in crate::emulator) fn hidden(host: &str, authorization: &'a state::Authorization) -> Self {
        Self {
            token: "",
            ..Self::shown(host, authorization)
        }
    }
}

impl<'a> App<'a> {
    fn of(authorization: &'a state::Authorization) -> Self {
        match authorization.app.as_deref() {
            Some(world::App {
                name,
                url,
                client_id,
                ..
            }) => Self {
                name,
                url,
                client_id,
            },
            None => Self {
                name: authorization.note.as_deref().unwrap_or_default(),
                url: PERSONAL_URL,
                client_id: PERSONAL,
            },
        }
    }
}

impl<'a> Installation<'a> {
    fn new(host: &str, installation: &'a state::Installation) -> Self {
        Self {
            permissions: &installation.permissions,
            repository_selection: if installation.selects_repositories {
                "selected"
            } else {
                "all"
            },
            single_file_name: None,
            repositories_url: format!("http://{host}/api/v3/installation/repositories"),
            account: SimpleUser::of_account(host, &installation.account),
        }
    }
}

impl Grant {
    pub(in crate::emulator) fn new(host: &str, grant: &state::Grant, scopes: Vec<String>) -> Self {
        Self {
            id: grant.id,
            url: format!("http://{host}/api/v3/applications/grants/{}", grant.id),
            app: OwnedApp {
                name: grant.app.name.clone(),
                url: grant.app.url.clone(),
                client_id: grant.app.client_id.clone(),
            },
            created_at: rfc3339(grant.created_at),
            updated_at: rfc3339(grant.updated_at),
            scopes,
        }
    }
}

/// What GitHub gives as the URL of the app of personal access tokens.
const PERSONAL_URL: &str =
    "https://docs.github.com/enterprise/rest/enterprise-admin/users#list-personal-access-tokens";
