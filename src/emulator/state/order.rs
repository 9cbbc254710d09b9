//! A token before it exists.
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::prefix;
use crate::emulator::world::{App, User};

/// What a new token shall stand for.
pub(in crate::emulator) struct Order {
    pub(in crate::emulator) user: Arc<User>,
    /// Absent for a personal access token.
    pub(in crate::emulator) app: Option<Arc<App>>,
    pub(in crate::emulator) scopes: Vec<String>,
    pub(in crate::emulator) note: Option<String>,
    pub(in crate::emulator) note_url: Option<String>,
    pub(in crate::emulator) fingerprint: Option<String>,
    pub(in crate::emulator) expires_at: Option<Timestamp>,
    pub(in crate::emulator) refresh: Option<Refresh>,
    pub(in crate::emulator) installation: Option<Installation>,
}

/// The token that renews another.
#[derive(Clone)]
pub(in crate::emulator) struct Refresh {
    pub(in crate::emulator) token: String,
    pub(in crate::emulator) expires_at: Option<Timestamp>,
    /// When the access token that comes with it expires.
    pub(in crate::emulator) access_expires_at: Option<Timestamp>,
    /// Whether the app must show its secret to use it.
    pub(in crate::emulator) needs_secret: bool,
}

/// What a scoped token is confined to.
#[derive(Clone, Debug)]
pub(in crate::emulator) struct Installation {
    pub(in crate::emulator) account: Account,
    pub(in crate::emulator) permissions: Map<String, Value>,
    pub(in crate::emulator) selects_repositories: bool,
}

/// A user or an organisation, as the owner of repositories.
#[derive(Clone, Debug)]
pub(in crate::emulator) struct Account {
    pub(in crate::emulator) login: String,
    pub(in crate::emulator) id: u64,
    pub(in crate::emulator) is_organization: bool,
    pub(in crate::emulator) site_admin: bool,
}

impl Account {
    pub(in crate::emulator) fn of(user: &User) -> Self {
        Self {
            login: user.login.clone(),
            id: user.id,
            is_organization: false,
            site_admin: user.site_admin,
        }
    }
}

impl Order {
    /// Orders a token without a note, fingerprint or expiry.
    pub(in crate::emulator) fn new(
        user: Arc<User>,
        app: Option<Arc<App>>,
        scopes: Vec<String>,
    ) -> Self {
        Self {
            user,
            app,
            scopes,
            note: None,
            note_url: None,
            fingerprint: None,
            expires_at: None,
            refresh: None,
            installation: None,
        }
    }

    pub(super) fn prefix(&self) -> &'static str {
        self.app.as_ref().map_or("ghp_", |app| prefix(app.kind))
    }

    /// Says whether the token shall be one of this app.
    pub(in crate::emulator) fn is_of(&self, client_id: &str) -> bool {
        self.client_id() == Some(client_id)
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.app.as_ref().map(|app| app.client_id.as_str())
    }
}
