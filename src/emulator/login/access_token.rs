//! `/login/oauth/access_token`: an app trades a code, a device code or a refresh token for a token.
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::Visit;
use super::page::escaped;
use crate::emulator::api::reply;
use crate::emulator::scopes::normalized;
use crate::emulator::state::{
    Authorization, Order, Poll, REFRESH_TOKEN_LIFE, SignIn, State, TOKEN_LIFE,
};
use crate::emulator::version::Version;
use crate::emulator::world::{App, AppKind};

/// Answers what the grant type asks for; refusals have the status 200 as well.
pub(super) fn give(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let Some(app) = visit.app() else {
        return unknown_app(visit);
    };
    let result = match visit.field("grant_type") {
        None | Some("authorization_code") => by_code(visit, app),
        Some("refresh_token") => by_refresh_token(visit, app),
        Some("urn:ietf:params:oauth:grant-type:device_code") => by_device_code(visit, app),
        Some(_) => Err(Refusal::UnsupportedGrantType),
    };
    let members = match result {
        Ok(authorization) => success(&authorization),
        Err(refusal) => refusal.members(visit.version),
    };
    respond(visit, StatusCode::OK, &members)
}

pub(super) fn unknown_app(visit: &Visit<'_>) -> Response<Full<Bytes>> {
    let members = vec![("error", json!("Not Found"))];
    respond(visit, StatusCode::NOT_FOUND, &members)
}

/// The members of an answer, in order.
pub(super) type Answer = Vec<(&'static str, Value)>;

/// A reason to give no token.
pub(super) enum Refusal {
    BadVerificationCode,
    IncorrectClientCredentials,
    RedirectUriMismatch,
    BadRefreshToken,
    UnsupportedGrantType,
    AuthorizationPending,
    /// With the seconds to wait from now on.
    SlowDown(u64),
    ExpiredToken,
    IncorrectDeviceCode,
    AccessDenied,
    DeviceFlowDisabled,
}

impl Refusal {
    pub(super) fn members(&self, version: Version) -> Answer {
        let (error, description) = self.texts();
        let page = if self.is_of_device_flow() {
            "/developers/apps/authorizing-oauth-apps#error-codes-for-the-device-flow".to_owned()
        } else {
            format!(
                "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/#{}",
                error.replace('_', "-")
            )
        };
        let mut members = vec![
            ("error", json!(error)),
            ("error_description", json!(description)),
            ("error_uri", json!(version.documentation(&page))),
        ];
        if let Self::SlowDown(interval) = self {
            members.push(("interval", json!(interval)));
        }
        members
    }

    #[rustfmt::skip] // A table: one row is one line.
    const fn texts(&self) -> (&'static str, &'static str) {
        match self {
            Self::BadVerificationCode => ("bad_verification_code", "The code passed is incorrect or expired."),
            Self::IncorrectClientCredentials => ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
            Self::RedirectUriMismatch => ("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application."),
            Self::BadRefreshToken => ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
            Self::UnsupportedGrantType => ("unsupported_grant_type", "The grant_type is not supported."),
            Self::AuthorizationPending => ("authorization_pending", "The authorization request is still pending."),
            Self::SlowDown(_) => ("slow_down", "Too many requests have been made in the same timeframe."),
            Self::ExpiredToken => ("expired_token", "The device_code has expired."),
            Self::IncorrectDeviceCode => ("incorrect_device_code", "The device_code provided is not valid."),
            Self::AccessDenied => ("access_denied", "The authorization request was denied."),
            Self::DeviceFlowDisabled => ("device_flow_disabled", "Device Flow must be explicitly enabled for this App"),
        }
    }

    const fn is_of_device_flow(&self) -> bool {
        matches!(
            self,
            Self::AuthorizationPending
                | Self::SlowDown(_)
                | Self::ExpiredToken
                | Self::IncorrectDeviceCode
                | Self::AccessDenied
                | Self::DeviceFlowDisabled
        )
    }
}

/// Writes an answer in the format the client accepts; without a wish, as a form.
pub(super) fn respond(
    visit: &Visit<'_>,
    status: StatusCode,
    answer: &Answer,
) -> Response<Full<Bytes>> {
    let accept = visit.head.headers.get(ACCEPT);
    let accept = accept
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (content_type, body) = if accept.contains("json") {
        let members: Map<_, _> = answer
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        (reply::JSON, reply::json(&members))
    } else if accept.contains("xml") {
        ("application/xml; charset=utf-8", xml(answer))
    } else {
        (FORM, form(answer))
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn by_code(visit: &Visit<'_>, app: &App) -> Result<Arc<Authorization>, Refusal> {
    check_secret(visit, app)?;
    let mut state = visit.server.state();
    let now = state.now();
    let code = visit.field("code").unwrap_or_default();
    let sign_in = state
        .sign_ins
        .redeem(app, code, now)
        .ok_or(Refusal::BadVerificationCode)?;
    let asked = visit.field("redirect_uri");
    if asked.is_some() && asked != sign_in.redirect_uri.as_deref() {
        return Err(Refusal::RedirectUriMismatch);
    }
    let order = order(&state, sign_in);
    Ok(state.sign_in(order, true))
}

fn by_device_code(visit: &Visit<'_>, app: &App) -> Result<Arc<Authorization>, Refusal> {
    if !app.device_flow {
        return Err(Refusal::DeviceFlowDisabled);
    }
    let mut state = visit.server.state();
    let now = state.now();
    let device_code = visit.field("device_code").unwrap_or_default();
    match state.sign_ins.poll(app, device_code, now) {
        Poll::Pending => Err(Refusal::AuthorizationPending),
        Poll::SlowDown(interval) => Err(Refusal::SlowDown(interval)),
        Poll::Expired => Err(Refusal::ExpiredToken),
        Poll::Unknown => Err(Refusal::IncorrectDeviceCode),
        Poll::Denied => Err(Refusal::AccessDenied),
        Poll::Approved(sign_in) => {
            let order = order(&state, sign_in);
            Ok(state.sign_in(order, false))
        }
    }
}

fn by_refresh_token(visit: &Visit<'_>, app: &App) -> Result<Arc<Authorization>, Refusal> {
    let has_secret = visit.field("client_secret").is_some();
    if has_secret {
        check_secret(visit, app)?;
    }
    let token = visit.field("refresh_token").unwrap_or_default();
    let mut state = visit.server.state();
    match state.needs_secret(token) {
        None => Err(Refusal::BadRefreshToken),
        Some(true) if !has_secret => Err(Refusal::IncorrectClientCredentials),
        Some(_) => state.refresh(app, token).ok_or(Refusal::BadRefreshToken),
    }
}

fn check_secret(visit: &Visit<'_>, app: &App) -> Result<(), Refusal> {
    (visit.field("client_secret") == Some(app.client_secret.expose()))
        .then_some(())
        .ok_or(Refusal::IncorrectClientCredentials)
}

/// Orders what a user has allowed; a GitHub App's tokens have permissions in place of scopes.
fn order(state: &State, sign_in: SignIn) -> Order {
    let scopes = match sign_in.app.kind {
        AppKind::GitHubApp => Vec::new(),
        // Who asks for nothing gets what the user has granted before.
        AppKind::OAuthApp if sign_in.scopes.is_empty() => {
            let now = state.now();
            state.ledger.granted(&sign_in.user, &sign_in.app, now)
        }
        AppKind::OAuthApp => sign_in.scopes,
    };
    Order::new(sign_in.user, Some(sign_in.app), normalized(&scopes))
}

fn success(authorization: &Authorization) -> Answer {
    let mut members = vec![("access_token", json!(authorization.token))];
    if let Some(refresh) = &authorization.refresh {
        members.extend([
            ("expires_in", json!(TOKEN_LIFE.as_secs())),
            ("refresh_token", json!(refresh.token)),
            (
                "refresh_token_expires_in",
                json!(REFRESH_TOKEN_LIFE.as_secs()),
            ),
        ]);
    }
    members.extend([
        ("token_type", json!("bearer")),
        ("scope", json!(authorization.scopes.join(","))),
    ]);
    members
}

fn form(answer: &Answer) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in answer {
        form.append_pair(name, &text(value));
    }
    form.finish()
}

fn xml(answer: &Answer) -> String {
    let elements = answer
        .iter()
        .map(|(name, value)| format!("  <{name}>{}</{name}>\n", escaped(&text(value))));
    format!("<OAuth>\n{}</OAuth>\n", elements.collect::<String>())
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
