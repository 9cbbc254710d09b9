//! `/login/device`: a device shows a code, and its user types it in elsewhere.
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::Visit;
use super::access_token::{Refusal, respond, unknown_app};
use super::page::{self, Form};
use crate::emulator::scopes;
use crate::emulator::state::{DEVICE_CODE_LIFE, DeviceRequest, INTERVAL_SECONDS};

/// Gives a device its codes.
pub(super) fn start(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let Some(app) = visit.app() else {
        return unknown_app(visit);
    };
    if !app.device_flow {
        let members = Refusal::DeviceFlowDisabled.members(visit.version);
        return respond(visit, StatusCode::OK, &members);
    }
    let request = DeviceRequest {
        app: Arc::clone(app),
        scopes: scopes::parse(visit.field("scope").unwrap_or_default()),
    };
    let (device_code, user_code) = visit.server.state().start_device_flow(request);
    let verification_uri = format!("http://{}/login/device", visit.host());
    let members = vec![
        ("device_code", json!(device_code)),
        ("user_code", json!(user_code)),
        ("verification_uri", json!(verification_uri)),
        ("expires_in", json!(DEVICE_CODE_LIFE.as_secs())),
        ("interval", json!(INTERVAL_SECONDS)),
    ];
    respond(visit, StatusCode::OK, &members)
}

/// Asks a user for the code and the decision.
pub(super) fn show(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    form(visit, None)
}

/// Takes a user's decision about a device.
pub(super) fn decide(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let user_code = user_code(visit.field("user_code").unwrap_or_default());
    let is_pending = {
        let state = visit.server.state();
        state.sign_ins.pending(&user_code, state.now()).is_some()
    };
    if !is_pending {
        return form(visit, Some("No device shows this code, or it is too old."));
    }
    let user = match visit.user() {
        Ok(user) => user,
        Err(problem) => return form(visit, Some(problem)),
    };
    let allowed = visit.allows();
    let decision = allowed.then(|| Arc::clone(user));
    visit.server.state().sign_ins.decide(&user_code, decision);
    let text = if allowed {
        "Congratulations, you're all set!"
    } else {
        "The device was not let in."
    };
    page::message(StatusCode::OK, text)
}

fn form(visit: &Visit<'_>, problem: Option<&str>) -> Response<Full<Bytes>> {
    Form {
        title: "Device activation".to_owned(),
        text: vec!["Enter the code displayed on your device.".to_owned()],
        hidden: Vec::new(),
        login: visit.field("login").unwrap_or_default(),
        problem,
        user_code: Some(visit.field("user_code").unwrap_or_default()),
    }
    .into_response()
}

/// Returns a code as it was given out, however it was typed.
fn user_code(typed: &str) -> String {
    let letters: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    match letters.split_at_checked(4) {
        Some((first, second)) => format!("{first}-{second}"),
        None => letters,
    }
}
