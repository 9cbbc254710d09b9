//! The operations under `/applications/grants`: a user looks after the apps let in.
use super::Call;
use super::failure::Failure;
use super::pagination::Page;
use super::reply::Success;
use crate::emulator::model;
use crate::emulator::state::{Grant, State};

/// Answers `oauth-authorizations/list-grants`.
pub(in crate::emulator) fn list(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let page = Page::of(call.request);
    let client_id = client_id(call);
    let state = call.server.state();
    let grants = || {
        state.ledger.grants(user).filter(|grant| {
            let wanted = client_id.as_deref();
            wanted.is_none_or(|wanted| wanted == grant.app.client_id)
        })
    };
    let bodies = page
        .take(grants())
        .into_iter()
        .map(|grant| body(call, &state, grant));
    let bodies: Vec<_> = bodies.collect();
    let link = page.link(call.request, grants().count());
    drop(state);
    Ok(Success::private(&bodies).with_link(link))
}

/// Answers `oauth-authorizations/get-grant`.
pub(in crate::emulator) fn get(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let id = call.id("grant_id")?;
    let state = call.server.state();
    let grant = state.ledger.grant(user, id).ok_or(Failure::NotFound)?;
    let body = body(call, &state, grant);
    drop(state);
    Ok(Success::private(&body))
}

/// Answers `oauth-authorizations/delete-grant`: with the grant go all its tokens.
pub(in crate::emulator) fn delete(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user_by_password()?;
    let id = call.id("grant_id")?;
    let mut state = call.server.state();
    state.ledger.grant(user, id).ok_or(Failure::NotFound)?;
    state.ledger.remove_grant(id);
    Ok(Success::no_content())
}

/// Returns the app that a list is asked to keep to.
pub(in crate::emulator) fn client_id(call: &Call<'_>) -> Option<String> {
    let mut query = call.request.query();
    query.find_map(|(name, value)| (name == "client_id").then_some(value))
}

fn body(call: &Call<'_>, state: &State, grant: &Grant) -> model::Grant {
    let scopes = state.ledger.scopes(grant, state.now());
    model::Grant::new(call.host(), grant, scopes)
}
