//! `/login/oauth/authorize`: a user lets an app in, and the browser takes a code back to it.
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{COOKIE, SET_COOKIE};
use http_body_util::Full;

use super::Visit;
use super::page::{self, Form};
use super::redirect::{redirect, registered, target};
use crate::emulator::api::reply::set;
use crate::emulator::scopes;
use crate::emulator::state::SignIn;
use crate::emulator::world::{App, User};

/// Shows what the app asks for.
pub(super) fn show(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let Some(app) = visit.app() else {
        return page::not_found();
    };
    let Ok(place) = target(app, visit.field("redirect_uri")) else {
        return mismatch(visit, app);
    };
    match known(visit, app) {
        Some(user) => let_in(visit, app, &user, &place),
        None => form(visit, app, None),
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
    let mut response = let_in(visit, app, user, &place);
    let cookie = visit.server.state().sign_in_browser(Arc::clone(user));
    let cookie = format!("{SESSION}={cookie}; Path=/; HttpOnly; SameSite=Lax");
    set(response.headers_mut(), SET_COOKIE, &cookie);
    response
}

fn let_in(
    visit: &Visit<'_>,
    app: &Arc<App>,
    user: &Arc<User>,
    place: &str,
) -> Response<Full<Bytes>> {
    let sign_in = SignIn {
        user: Arc::clone(user),
        app: Arc::clone(app),
        scopes: asked(visit),
        redirect_uri: Some(place.to_owned()),
    };
    let code = visit.server.state().start_web_flow(sign_in);
    go_back(visit, place, vec![("code", &code)])
}

/// Returns the user of a browser that is signed in, if there is nothing to ask: they have let the app
/// in before, with these scopes, and need not choose an account.
fn known(visit: &Visit<'_>, app: &App) -> Option<Arc<User>> {
    if visit.field("prompt") == Some("select_account") {
        return None;
    }
    let state = visit.server.state();
    let cookies = visit.head.headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split("; "));
    let cookie = pairs.find_map(|pair| pair.strip_prefix(SESSION)?.strip_prefix('='))?;
    let user = state.sign_ins.signed_in(cookie)?;
    let wanted = visit
        .field("login")
        .is_none_or(|login| login.eq_ignore_ascii_case(&user.login));
    let is_granted = state.ledger.covers(user, app, &asked(visit));
    (wanted && is_granted).then(|| Arc::clone(user))
}

fn asked(visit: &Visit<'_>) -> Vec<String> {
    scopes::parse(visit.field("scope").unwrap_or_default())
}

/// As on GitHub's own pages.
const SESSION: &str = "user_session";

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
