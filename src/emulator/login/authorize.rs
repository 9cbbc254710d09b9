//! `/login/oauth/authorize`: a user lets an app in, and the browser takes a code back to it.
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use super::Visit;
use super::page::{self, Form};
use super::redirect::{Mismatch, redirect, registered, target};
use crate::emulator::scopes;
use crate::emulator::state::SignIn;
use crate::emulator::world::App;

/// Shows what the app asks for.
pub(super) fn show(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let Some(app) = visit.app() else {
        return page::not_found();
    };
    match target(app, visit.field("redirect_uri")) {
        Ok(_) => form(visit, app, None),
        Err(Mismatch) => mismatch(visit, app),
    }
}

/// Goes back to the app with a code, or without.
pub(super) fn decide(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let Some(app) = visit.app() else {
        return page::not_found();
    };
    let Ok(place) = target(app, visit.field("redirect_uri")) else {
        return mismatch(visit, app);
    };
    if !visit.allows() {
        return refuse(visit, &place, DENIED);
    }
    let user = match visit.user() {
        Ok(user) => user,
        Err(problem) => return form(visit, app, Some(problem)),
    };
    let sign_in = SignIn {
        user: Arc::clone(user),
        app: Arc::clone(app),
        scopes: scopes::parse(visit.field("scope").unwrap_or_default()),
        redirect_uri: Some(place.clone()),
    };
    let code = visit.server.state().start_web_flow(sign_in);
    go_back(visit, &place, vec![("code", &code)])
}

/// An error that the app learns from the query.
type Refusal = (&'static str, &'static str);

const DENIED: Refusal = (
    "access_denied",
    "The user has denied your application access.",
);
const MISMATCH: Refusal = (
    "redirect_uri_mismatch",
    "The redirect_uri MUST match the registered callback URL for this application.",
);

fn form(visit: &Visit<'_>, app: &App, problem: Option<&str>) -> Response<Full<Bytes>> {
    let asked = visit.field("scope").unwrap_or("no scope");
    Form {
        title: format!("Authorize {}", app.name),
        text: vec![format!("{} asks for: {asked}", app.name)],
        hidden: CARRIED
            .iter()
            .filter_map(|&name| Some((name, visit.field(name)?)))
            .collect(),
        login: visit.field("login").unwrap_or_default(),
        problem,
        user_code: None,
    }
    .into_response()
}

fn mismatch(visit: &Visit<'_>, app: &App) -> Response<Full<Bytes>> {
    refuse(visit, registered(app), MISMATCH)
}

fn refuse(visit: &Visit<'_>, place: &str, refusal: Refusal) -> Response<Full<Bytes>> {
    let (error, description) = refusal;
    let uri = visit.version.documentation(&format!(
        "/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/#{}",
        error.replace('_', "-")
    ));
    let parameters = vec![
        ("error", error),
        ("error_description", description),
        ("error_uri", &uri),
    ];
    go_back(visit, place, parameters)
}

fn go_back<'a>(
    visit: &'a Visit<'_>,
    place: &str,
    mut parameters: Vec<(&str, &'a str)>,
) -> Response<Full<Bytes>> {
    if let Some(state) = visit.field("state") {
        parameters.push(("state", state));
    }
    redirect(place, &parameters)
}

/// The fields of the request that the decision needs.
const CARRIED: &[&str] = &["client_id", "redirect_uri", "scope", "state"];
