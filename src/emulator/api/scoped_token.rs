//! The operation `apps/scope-token`: a GitHub App confines a user's token.
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Call;
use super::applications::{own_app, own_token};
use super::body::{Members, invalid};
use super::failure::Failure;
use super::reply::Success;
use crate::emulator::model;
use crate::emulator::server::Server;
use crate::emulator::state::{Account, Installation, Order};
use crate::emulator::world::AppKind;

/// Answers `apps/scope-token`; the token asked about stays as it is.
pub(in crate::emulator) fn scope_token(call: &Call<'_>) -> Result<Success, Failure> {
    let app = own_app(call)?;
    let members = Members::read(call.request, MEMBERS)?;
    let token = members.required("access_token")?;
    let installation = installation(&members, call.server)?;
    let mut state = call.server.state();
    let unscoped = own_token(&state, app, &token)
        // Tokens of an OAuth app have no permissions to choose from.
        .filter(|old| app.kind == AppKind::GitHubApp && old.installation.is_none())
        .ok_or(Failure::NotFound)?;
    let order = Order {
        expires_at: unscoped.expires_at,
        installation: Some(installation.ok_or(Failure::NotFound)?),
        ..Order::new(
            Arc::clone(&unscoped.user),
            Some(Arc::clone(app)),
            Vec::new(),
        )
    };
    let scoped = state.issue(order);
    drop(state);
    let body = model::Authorization::with_user(call.host(), &scoped);
    Ok(Success::about_token(&body))
}

/// Reads the target that a token is confined to; `None` if no account has this name.
fn installation(members: &Members, server: &Server) -> Result<Option<Installation>, Failure> {
    let target = Target::read(members)?;
    let selects_repositories = selects_repositories(members)?;
    let permissions = members.object("permissions")?;
    let account = target.account(server);
    Ok(account.map(|account| Installation {
        account,
        permissions: permissions.unwrap_or_else(least_permissions),
        selects_repositories,
    }))
}

/// The user or organisation that owns the repositories of a scoped token.
enum Target {
    Login(String),
    Id(u64),
}

impl Target {
    fn read(members: &Members) -> Result<Self, Failure> {
        match (members.string("target")?, members.integer("target_id")?) {
            (Some(login), _) => Ok(Self::Login(login)),
            (None, Some(id)) => Ok(Self::Id(id)),
            (None, None) => Err(invalid("\"target\" wasn't supplied.".to_owned())),
        }
    }

    fn account(&self, server: &Server) -> Option<Account> {
        server.directory().accounts().find(|account| match self {
            Self::Login(login) => account.login.eq_ignore_ascii_case(login),
            Self::Id(id) => account.id == *id,
        })
    }
}

fn selects_repositories(members: &Members) -> Result<bool, Failure> {
    let names = members.strings("repositories")?;
    let ids = members.integers("repository_ids")?;
    if names.is_some() && ids.is_some() {
        let detail = "\"repositories\" may not be specified if \"repository_ids\" is specified.";
        return Err(invalid(detail.to_owned()));
    }
    Ok(names.is_some() || ids.is_some())
}

/// What every installation may do.
fn least_permissions() -> Map<String, Value> {
    Map::from_iter([("metadata".to_owned(), json!("read"))])
}

const MEMBERS: &[&str] = &[
    "access_token",
    "target",
    "target_id",
    "repositories",
    "repository_ids",
    "permissions",
];
