//! The operations under `/applications`: an app asks about the tokens issued to it.
use serde_json::{Map, Value};

use super::authentication::Caller;
use super::model::Authorization;
use super::reply::{self, Failure};
use super::routes::{ApiRequest, PathParameters};
use super::state::State;
use super::world::App;

/// Answers `apps/check-token`.
pub(super) fn check_token(
    request: &ApiRequest,
    parameters: &PathParameters,
    caller: Caller<'_>,
    state: &State,
) -> Result<String, Failure> {
    let app = own_app(parameters, caller)?;
    let token = access_token(request.body()?)?;
    let (authorization, user) = state
        .authorization(&app.client_id, &token)
        .ok_or(Failure::NotFound)?;
    Ok(reply::json(&Authorization::new(
        request.host(),
        &token,
        authorization,
        app,
        user,
    )))
}

/// Returns the calling app, which must be the one of the path.
fn own_app<'a>(parameters: &PathParameters, caller: Caller<'a>) -> Result<&'a App, Failure> {
    let app = caller.app()?;
    // Not documented; 404 is how GitHub hides what is another's.
    (parameters.get("client_id") == Some(&app.client_id))
        .then_some(app)
        .ok_or(Failure::NotFound)
}

/// Reads a body whose only member is `access_token`.
fn access_token(body: &[u8]) -> Result<String, Failure> {
    let members = object(body)?;
    if let Some(key) = members.keys().find(|key| *key != "access_token") {
        return Err(Failure::InvalidRequest(format!(
            "\"{key}\" is not a permitted key."
        )));
    }
    match members.get("access_token") {
        Some(Value::String(token)) if !token.is_empty() => Ok(token.clone()),
        None | Some(Value::String(_)) => Err(Failure::InvalidRequest(
            "\"access_token\" wasn't supplied.".to_owned(),
        )),
        Some(other) => {
            let value = if other.is_null() {
                "nil".to_owned()
            } else {
                other.to_string()
            };
            let detail = format!("For 'properties/access_token', {value} is not a string.");
            Err(Failure::InvalidRequest(detail))
        }
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    if body.is_empty() {
        // Seen on a GHES 2.12 when a client sends no body.
        let detail = "For 'links/0/schema', nil is not an object.".to_owned();
        return Err(Failure::InvalidRequest(detail));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::BodyIsNoObject),
        Err(_) => Err(Failure::ProblemsParsingJson),
    }
}
