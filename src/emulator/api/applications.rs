//! The operations under `/applications/{client_id}`: an app asks about the tokens issued to it.
use std::sync::Arc;

use super::Call;
use super::body::Members;
use super::failure::Failure;
use super::reply::Success;
use crate::emulator::model;
use crate::emulator::state::{Authorization, State};
use crate::emulator::world::App;

/// Answers `apps/check-token`.
pub(in crate::emulator) fn check_token(call: &Call<'_>) -> Result<Success, Failure> {
    let authorization = with_token(call, |_, authorization| Some(authorization))?;
    let body = model::Authorization::with_user(call.host(), &authorization);
    Ok(Success::about_token(&body))
}

/// Answers `apps/reset-token`.
pub(in crate::emulator) fn reset_token(call: &Call<'_>) -> Result<Success, Failure> {
    let authorization = with_token(call, |state, old| state.reset(old.id))?;
    let body = model::Authorization::with_user(call.host(), &authorization);
    Ok(Success::about_token(&body))
}

/// Answers `apps/delete-token`; the grant stays.
pub(in crate::emulator) fn delete_token(call: &Call<'_>) -> Result<Success, Failure> {
    with_token(call, |state, old| state.ledger.remove(old.id).then_some(()))?;
    Ok(Success::no_content())
}

/// Answers `apps/delete-authorization`: with the grant go all its tokens.
pub(in crate::emulator) fn delete_authorization(call: &Call<'_>) -> Result<Success, Failure> {
    with_token(call, |state, old| {
        let grant = state.ledger.grant_id(&old)?;
        state.ledger.remove_grant(grant).then_some(())
    })?;
    Ok(Success::no_content())
}

/// Returns the calling app, which must be the one of the path.
pub(in crate::emulator) fn own_app<'a>(call: &Call<'a>) -> Result<&'a Arc<App>, Failure> {
    let app = call.caller.app()?;
    // Not documented; 404 is how GitHub hides what is another's.
    (call.parameters.get("client_id") == app.client_id)
        .then_some(app)
        .ok_or(Failure::NotFound)
}

/// Returns a living token of this app.
pub(in crate::emulator) fn own_token(
    state: &State,
    app: &App,
    token: &str,
) -> Option<Arc<Authorization>> {
    let authorization = state.authorization(token)?;
    (authorization.client_id() == app.client_id).then_some(authorization)
}

/// Does something with the token in the body, which must be the calling app's.
fn with_token<T>(
    call: &Call<'_>,
    act: impl FnOnce(&mut State, Arc<Authorization>) -> Option<T>,
) -> Result<T, Failure> {
    let app = own_app(call)?;
    let token = Members::read(call.request, &["access_token"])?.required("access_token")?;
    let mut state = call.server.state();
    own_token(&state, app, &token)
        .and_then(|authorization| act(&mut state, authorization))
        .ok_or(Failure::NotFound)
}
