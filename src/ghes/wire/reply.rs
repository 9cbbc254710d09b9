//! From the body of a successful reply to what it says.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::content::{is_json, is_plain};
use crate::ghes::api::model::{Authorization, GetOrCreate, IssuedToken};
use crate::ghes::error::ApiError;
use crate::token::AccessToken;

pub(in crate::ghes) fn json<R: DeserializeOwned>(
    response: &Response<Bytes>,
) -> Result<R, ApiError> {
    // A login page or a captive portal answers 200 as well.
    if !is_json(response) {
        return Err(ApiError::doubtful(response, "the body is no JSON"));
    }
    if !is_plain(response) {
        return Err(ApiError::doubtful(response, "the body is encoded"));
    }
    let body = response.body();
    // serde's message may quote the body, which holds the token.
    serde_json::from_slice(body).map_err(|error| {
        let fault = format!("{:?} error in {} bytes", error.classify(), body.len());
        ApiError::unexpected(response, fault)
    })
}

/// Reads an authorization together with its token, which nothing else here looks at.
pub(in crate::ghes) fn issued(response: &Response<Bytes>) -> Result<IssuedToken, ApiError> {
    let authorization: Authorization = json(response)?;
    let TokenMember { token } = json(response)?;
    if token.is_empty() {
        return Err(ApiError::unexpected(response, "the token is empty"));
    }
    Ok(IssuedToken {
        authorization,
        token: AccessToken::new(token),
    })
}

/// Tells by the status whether the authorization is new.
pub(in crate::ghes) fn get_or_create(response: &Response<Bytes>) -> Result<GetOrCreate, ApiError> {
    match response.status() {
        StatusCode::CREATED => Ok(GetOrCreate::Created(issued(response)?)),
        StatusCode::OK => Ok(GetOrCreate::Existing(json(response)?)),
        _ => Err(ApiError::doubtful(
            response,
            "the status is neither 200 nor 201",
        )),
    }
}

/// Accepts 204 and no other success: a page that answers 200 to everything has deleted nothing.
pub(in crate::ghes) fn no_content(response: &Response<Bytes>) -> Result<(), ApiError> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(());
    }
    Err(ApiError::doubtful(response, "the status is not 204"))
}

#[derive(Deserialize)]
struct TokenMember {
    token: String,
}
