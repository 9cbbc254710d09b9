//! From the body of a successful reply to what it says.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use super::model::{Authorization, GetOrCreate, IssuedToken};
use crate::token::AccessToken;

pub(super) fn json<R: DeserializeOwned>(response: &Response<Bytes>) -> Result<R, ApiError> {
    let content_type = response.headers().get(CONTENT_TYPE);
    // A login page or a captive portal answers 200 as well.
    if !content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json")) {
        return Err(ApiError::reply(response, "the body is no JSON"));
    }
    // serde's message may quote the body, which holds the token; its position may not.
    serde_json::from_slice(response.body()).map_err(|error| {
        let category = error.classify();
        ApiError::reply(
            response,
            format!("{category:?} error at byte {}", error.column()),
        )
    })
}

/// Reads an authorization together with its token, which nothing else here looks at.
pub(super) fn issued(response: &Response<Bytes>) -> Result<IssuedToken, ApiError> {
    let authorization: Authorization = json(response)?;
    let TokenMember { token } = json(response)?;
    if token.is_empty() {
        return Err(ApiError::reply(response, "the token is empty"));
    }
    Ok(IssuedToken {
        authorization,
        token: AccessToken::new(token),
    })
}

/// Tells by the status whether the authorization is new.
pub(super) fn get_or_create(response: &Response<Bytes>) -> Result<GetOrCreate, ApiError> {
    match response.status() {
        StatusCode::CREATED => Ok(GetOrCreate::Created(issued(response)?)),
        StatusCode::OK => Ok(GetOrCreate::Existing(json(response)?)),
        _ => Err(ApiError::reply(
            response,
            "the status is neither 200 nor 201",
        )),
    }
}

/// Accepts 204 and no other success: a page that answers 200 to everything has deleted nothing.
pub(super) fn no_content(response: &Response<Bytes>) -> Result<(), ApiError> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(());
    }
    Err(ApiError::reply(response, "the status is not 204"))
}

#[derive(Deserialize)]
struct TokenMember {
    token: String,
}
