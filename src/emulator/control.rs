//! The emulator's own endpoints, for tests in another process.
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::api::operation::Operation;
use super::api::reply;
use super::faults::Fault;
use super::origin::is_foreign;
use super::server::Server;

/// Answers a request to a path below `/_emulator`; the body is absent if it was too large.
pub(super) fn answer(
    server: &Server,
    head: &Parts,
    path: &str,
    body: Option<&Bytes>,
) -> Response<Full<Bytes>> {
    if is_foreign(head) {
        let refusal = "web pages of other origins may not do this";
        return Refusal::new(StatusCode::FORBIDDEN, refusal).into_response();
    }
    let Some(body) = body else {
        return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
            .into_response();
    };
    let answer = match (path, head.method.as_str()) {
        ("/tokens", "POST") => mint(server, body),
        ("/tokens", "DELETE") => revoke(server, body),
        ("/faults", "POST") => fail(server, body),
        ("/faults", "DELETE") => Ok(clear_faults(server)),
        ("/requests", "GET") => Ok(requests(server)),
        ("/tokens" | "/faults" | "/requests", _) => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this endpoint has no such method",
        )),
        _ => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there is no such control endpoint",
        )),
    };
    answer.unwrap_or_else(Refusal::into_response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MintRequest {
    client_id: String,
    user: String,
    #[serde(default)]
    scopes: Vec<String>,
    /// In seconds; absent for a token that never expires.
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    status: Option<u16>,
    delay_ms: Option<u64>,
    body: Option<String>,
    #[serde(default)]
    drop: bool,
    #[serde(default = "one")]
    count: u64,
    /// A login.
    user: Option<String>,
    token: Option<String>,
}

#[derive(Serialize)]
struct Minted {
    token: String,
}

fn mint(server: &Server, body: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
    let request: MintRequest = read(body)?;
    let expires_in = request.expires_in.map(Duration::from_secs);
    let token = server
        .mint(
            &request.client_id,
            &request.user,
            request.scopes,
            expires_in,
        )
        .map_err(|error| Refusal::unprocessable(error.to_string()))?;
    Ok(respond(StatusCode::CREATED, &Minted { token }))
}

fn revoke(server: &Server, body: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
    let request: RevokeRequest = read(body)?;
    if server.revoke(&request.token) {
        Ok(no_content())
    } else {
        Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "token: there is no such token",
        ))
    }
}

fn fail(server: &Server, body: &[u8]) -> Result<Response<Full<Bytes>>, Refusal> {
    let mut request: FaultRequest = read(body)?;
    let whose = (request.user.take(), request.token.take());
    let fault = request.into_fault()?;
    let fault = match whose {
        (None, None) => fault,
        (Some(_), Some(_)) => return Err(Refusal::unprocessable("token: excludes user")),
        (Some(user), None) if server.directory().user(&user).is_none() => {
            return Err(Refusal::unprocessable("user: there is no such user"));
        }
        (Some(user), None) => fault.for_user(&user),
        (None, Some(token)) => fault.for_token(token),
    };
    server.traffic().fail(fault);
    Ok(no_content())
}

fn clear_faults(server: &Server) -> Response<Full<Bytes>> {
    server.traffic().clear_faults();
    no_content()
}

fn requests(server: &Server) -> Response<Full<Bytes>> {
    let calls = Operation::ALL
        .iter()
        .map(|&operation| (operation.id(), server.traffic().calls(operation)));
    respond(StatusCode::OK, &calls.collect::<BTreeMap<_, _>>())
}

impl FaultRequest {
    fn into_fault(self) -> Result<Fault, Refusal> {
        if self.count == 0 {
            return Err(Refusal::unprocessable("count: must be at least 1"));
        }
        let status = self.status.map(final_status).transpose()?;
        let delay = self.delay_ms.map(Duration::from_millis);
        let fault = match (status, self.body, self.drop) {
            (None, None, true) => Fault::dropped(),
            (Some(_), _, true) => return Err(Refusal::unprocessable("drop: excludes status")),
            (None, Some(_), true) => return Err(Refusal::unprocessable("drop: excludes body")),
            (status, Some(body), false) => {
                Fault::status(status.unwrap_or(StatusCode::OK)).with_body(body)
            }
            (Some(status), None, false) => Fault::status(status),
            (None, None, false) if delay.is_some() => Fault::slow(Duration::ZERO),
            (None, None, false) => {
                return Err(Refusal::unprocessable(
                    "a fault needs a status, delay_ms, body or drop",
                ));
            }
        };
        Ok(fault
            .with_delay(delay.unwrap_or_default())
            .times(self.count))
    }
}

/// Refuses the informational statuses, which end no exchange.
fn final_status(status: u16) -> Result<StatusCode, Refusal> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| Refusal::unprocessable("status: must be from 200 to 599"))
}

/// An answer to a request that makes no sense.
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        #[derive(Serialize)]
        struct Message {
            message: String,
        }
        respond(
            self.status,
            &Message {
                message: self.message,
            },
        )
    }
}

/// Reads a JSON body; a refusal names the member at fault.
fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refusal(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| refusal(".", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Refusal {
    let (status, place) = match error.classify() {
        Category::Data if path == "." => (StatusCode::UNPROCESSABLE_ENTITY, "body"),
        Category::Data => (StatusCode::UNPROCESSABLE_ENTITY, path),
        Category::Io | Category::Syntax | Category::Eof => (StatusCode::BAD_REQUEST, "body"),
    };
    Refusal::new(status, format!("{place}: {error}"))
}

fn respond(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply::json(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(reply::JSON));
    response
}

fn no_content() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

const fn one() -> u64 {
    1
}
