//! The caller of a request, as far as a fault depends on it.
use bytes::Bytes;
use http::header::HeaderMap;
use serde::Deserialize;

use super::api::credentials::{basic_pair, bearer_token};

/// The token of a request and the user behind it, good or not: a fault may be about either.
#[derive(Default)]
pub(super) struct Person {
    token: Option<String>,
    login: Option<String>,
}

impl Person {
    /// Finds the token that is asked with, or about which an app asks, and its owner; else the user
    /// who gives a password.
    pub(super) fn of(
        headers: &HeaderMap,
        body: Option<&Bytes>,
        owner: impl FnOnce(&str) -> Option<String>,
    ) -> Self {
        let token = bearer_token(headers).map(str::to_owned);
        let token = token.or_else(|| token_in(body?));
        let login = match &token {
            Some(token) => owner(token),
            None => basic_pair(headers).map(|(user, _)| user),
        };
        Self {
            token,
            login: login.map(|login| login.to_ascii_lowercase()),
        }
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns the login in lower case.
    pub(super) fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }
}

fn token_in(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        access_token: String,
    }

    let body: Body = serde_json::from_slice(body).ok()?;
    Some(body.access_token)
}
