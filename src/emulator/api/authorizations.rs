//! The operations under `/authorizations`: a user looks after tokens, with login and password.
use std::sync::Arc;

use super::Call;
use super::body::{Members, invalid};
use super::failure::{Failure, Invalid};
use super::grants::client_id;
use super::operation::Operation;
use super::pagination::Page;
use super::reply::Success;
use crate::emulator::model;
use crate::emulator::scopes::normalized;
use crate::emulator::state::{Authorization, Order, State};
use crate::emulator::world::{App, AppKind, User};

/// Answers `oauth-authorizations/list-authorizations`.
pub(in crate::emulator) fn list(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let page = Page::of(call.request);
    let client_id = client_id(call);
    let (authorizations, count) = {
        let state = call.server.state();
        let now = state.now();
        let of_app = |authorization: &&Arc<Authorization>| {
            let wanted = client_id.as_deref();
            wanted.is_none_or(|wanted| wanted == authorization.client_id())
        };
        let all = || state.ledger.of_user(user, now).filter(of_app);
        (page.take(all().cloned()), all().count())
    };
    let bodies = authorizations
        .iter()
        .map(|authorization| model::Authorization::hidden(call.host(), authorization));
    let bodies: Vec<_> = bodies.collect();
    Ok(Success::private(&bodies).with_link(page.link(call.request, count)))
}

/// Answers `oauth-authorizations/create-authorization`.
pub(in crate::emulator) fn create(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let members = Members::read(call.request, CREATE)?;
    // github3.py leaves both empty for a personal access token, and was recorded to get one.
    let member = |name| Ok(members.string(name)?.filter(|value| !value.is_empty()));
    let app = match (member("client_id")?, member("client_secret")?) {
        (None, None) => None,
        (client_id, secret) => Some(application(call, client_id.as_deref(), secret.as_deref())?),
    };
    let order = order(&members, user, app, members.string("fingerprint")?)?;
    let mut state = call.server.state();
    if order.app.is_none() {
        check_note(&state, user, order.note.as_deref(), None)?;
    }
    let authorization = state.issue(order);
    drop(state);
    Ok(created(call, &authorization))
}

/// Answers both `get-or-create` operations.
pub(in crate::emulator) fn get_or_create(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let by_path =
        call.request.operation() == Some(Operation::GetOrCreateAuthorizationByFingerprint);
    let members = Members::read(call.request, if by_path { ENSURE_BY_PATH } else { ENSURE })?;
    let secret = members.required("client_secret")?;
    let app = application(call, Some(call.parameters.get("client_id")), Some(&secret))?;
    let fingerprint = if by_path {
        Some(call.parameters.get("fingerprint").to_owned())
    } else {
        members.string("fingerprint")?
    };
    let order = order(&members, user, Some(app), fingerprint)?;
    let mut state = call.server.state();
    if let Some(existing) = find(&state, &order) {
        drop(state);
        let body = model::Authorization::hidden(call.host(), &existing);
        return Ok(Success::private(&body));
    }
    let authorization = state.issue(order);
    drop(state);
    Ok(created(call, &authorization))
}

/// Answers `oauth-authorizations/get-authorization`.
pub(in crate::emulator) fn get(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let id = call.id("authorization_id")?;
    let authorization = own(&call.server.state(), user, id)?;
    let body = model::Authorization::hidden(call.host(), &authorization);
    Ok(Success::private(&body))
}

/// Answers `oauth-authorizations/update-authorization`.
pub(in crate::emulator) fn update(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let id = call.id("authorization_id")?;
    let changes = Changes::read(&Members::read(call.request, UPDATE)?)?;
    let mut state = call.server.state();
    let old = own(&state, user, id)?;
    if old.app.is_none() && changes.note.is_some() {
        check_note(&state, user, changes.note.as_deref(), Some(id))?;
    }
    let now = state.now();
    let updated = state
        .ledger
        .update(id, now, |authorization| changes.apply(authorization))
        .ok_or(Failure::NotFound)?;
    drop(state);
    let body = model::Authorization::hidden(call.host(), &updated);
    Ok(Success::private(&body))
}

/// Answers `oauth-authorizations/delete-authorization`; the grant stays.
pub(in crate::emulator) fn delete(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let id = call.id("authorization_id")?;
    let mut state = call.server.state();
    own(&state, user, id)?;
    state.ledger.remove(id);
    Ok(Success::no_content())
}

/// What an update changes.
struct Changes {
    scopes: Option<Vec<String>>,
    add_scopes: Vec<String>,
    remove_scopes: Vec<String>,
    note: Option<String>,
    note_url: Option<String>,
    fingerprint: Option<String>,
}

impl Changes {
    fn read(members: &Members) -> Result<Self, Failure> {
        // GitHub documents one key at a time, and an example that adds and removes.
        if members.has("scopes") && (members.has("add_scopes") || members.has("remove_scopes")) {
            let detail = "You can only send one of these scope keys at a time.";
            return Err(invalid(detail.to_owned()));
        }
        Ok(Self {
            scopes: members
                .has("scopes")
                .then(|| members.strings("scopes").map(Option::unwrap_or_default))
                .transpose()?,
            add_scopes: members.strings("add_scopes")?.unwrap_or_default(),
            remove_scopes: members.strings("remove_scopes")?.unwrap_or_default(),
            note: members.string("note")?,
            note_url: members.string("note_url")?,
            fingerprint: members.string("fingerprint")?,
        })
    }

    fn apply(self, authorization: &mut Authorization) {
        let mut scopes = self.scopes.unwrap_or_else(|| authorization.scopes.clone());
        scopes.extend(self.add_scopes);
        scopes.retain(|scope| !self.remove_scopes.contains(scope));
        authorization.scopes = normalized(&scopes);
        let replace = |member: &mut Option<String>, value: Option<String>| {
            if value.is_some() {
                *member = value;
            }
        };
        replace(&mut authorization.note, self.note);
        replace(&mut authorization.note_url, self.note_url);
        replace(&mut authorization.fingerprint, self.fingerprint);
    }
}

fn order(
    members: &Members,
    user: &Arc<User>,
    app: Option<Arc<App>>,
    fingerprint: Option<String>,
) -> Result<Order, Failure> {
    let scopes = members.strings("scopes")?.unwrap_or_default();
    Ok(Order {
        note: members.string("note")?,
        note_url: members.string("note_url")?,
        fingerprint: fingerprint.filter(|fingerprint| !fingerprint.is_empty()),
        ..Order::new(Arc::clone(user), app, normalized(&scopes))
    })
}

fn created(call: &Call<'_>, authorization: &Authorization) -> Success {
    let location = call.url(&format!("/authorizations/{}", authorization.id));
    let body = model::Authorization::shown(call.host(), authorization);
    Success::created(location, &body)
}

/// Returns the OAuth app of a client id and client secret.
fn application(
    call: &Call<'_>,
    client_id: Option<&str>,
    secret: Option<&str>,
) -> Result<Arc<App>, Failure> {
    let app = client_id.and_then(|client_id| call.server.directory().app(client_id));
    app.filter(|app| app.kind == AppKind::OAuthApp)
        .filter(|app| secret == Some(app.client_secret.expose()))
        .cloned()
        .ok_or(Failure::InvalidApplication)
}

/// Returns the token that a get-or-create means, if it exists.
fn find(state: &State, order: &Order) -> Option<Arc<Authorization>> {
    let mut all = state.ledger.of_user(&order.user, state.now());
    all.find(|one| one.fingerprint == order.fingerprint && order.is_of(one.client_id()))
        .cloned()
}

fn own(state: &State, user: &User, id: u64) -> Result<Arc<Authorization>, Failure> {
    let authorization = state.ledger.own(user, id, state.now());
    authorization.cloned().ok_or(Failure::NotFound)
}

/// Checks the note of a personal access token, which GitHub reports as its description; `id` is
/// the token that may have it already.
fn check_note(
    state: &State,
    user: &User,
    note: Option<&str>,
    id: Option<u64>,
) -> Result<(), Failure> {
    let refuse = |code: &'static str| {
        Err(Failure::ValidationFailed(Invalid {
            resource: "OauthAccess",
            code,
            field: "description",
        }))
    };
    let Some(note) = note.filter(|note| !note.is_empty()) else {
        return refuse("missing_field");
    };
    let taken = state
        .ledger
        .of_user(user, state.now())
        .filter(|one| one.app.is_none() && Some(one.id) != id)
        .any(|one| one.note.as_deref() == Some(note));
    if taken {
        refuse("already_exists")
    } else {
        Ok(())
    }
}

const CREATE: &[&str] = &[
    "scopes",
    "note",
    "note_url",
    "client_id",
    "client_secret",
    "fingerprint",
];
const ENSURE: &[&str] = &["client_secret", "scopes", "note", "note_url", "fingerprint"];
const ENSURE_BY_PATH: &[&str] = &["client_secret", "scopes", "note", "note_url"];
const UPDATE: &[&str] = &[
    "scopes",
    "add_scopes",
    "remove_scopes",
    "note",
    "note_url",
    "fingerprint",
];
