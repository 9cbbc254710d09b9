//! Who calls the API.
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap};

use super::credentials::{Credential, OTP};
use super::failure::Failure;
use crate::emulator::server::Server;
use crate::emulator::state::Authorization;
use crate::emulator::world::{App, User};

/// The caller of an operation.
pub(in crate::emulator) enum Caller {
    /// The request has no credential.
    Nobody,
    /// An app, by its client id and client secret.
    App(Arc<App>),
    /// A user, by login and password.
    User(Arc<User>),
    /// A user, by a token.
    Token(Arc<Authorization>),
}

impl Caller {
    /// Identifies the caller; a credential that is not good is worse than none.
    pub(in crate::emulator) fn identify(
        headers: &HeaderMap,
        server: &Server,
    ) -> Result<Self, Failure> {
        match headers.get(AUTHORIZATION) {
            None => Ok(Self::Nobody),
            Some(credential) => match Credential::read(credential) {
                Some(Credential::Pair(user, password)) => {
                    Self::by_pair(&user, &password, headers, server)
                }
                Some(Credential::Token(token)) => Self::by_token(token, server),
                None => Err(Failure::BadCredentials),
            },
        }
    }

    /// Returns the app, for an operation that only apps may call.
    pub(in crate::emulator) fn app(&self) -> Result<&Arc<App>, Failure> {
        match self {
            Self::App(app) => Ok(app),
            Self::Nobody | Self::User(_) | Self::Token(_) => Err(Failure::BadCredentials),
        }
    }

    /// Returns the user, for an operation of the legacy API, which takes no token.
    pub(in crate::emulator) fn user_by_password(&self) -> Result<&Arc<User>, Failure> {
        match self {
            Self::User(user) => Ok(user),
            Self::Token(_) => Err(Failure::PasswordOnly),
            Self::Nobody | Self::App(_) => Err(Failure::RequiresAuthentication),
        }
    }

    /// Returns the user, however identified.
    pub(in crate::emulator) fn user(&self) -> Result<&Arc<User>, Failure> {
        match self {
            Self::User(user) => Ok(user),
            Self::Token(authorization) => Ok(&authorization.user),
            Self::Nobody | Self::App(_) => Err(Failure::RequiresAuthentication),
        }
    }

    fn by_pair(
        user: &str,
        password: &str,
        headers: &HeaderMap,
        server: &Server,
    ) -> Result<Self, Failure> {
        if let Some(app) = server.directory().app(user) {
            let good = app.client_secret.expose() == password;
            return good
                .then(|| Self::App(Arc::clone(app)))
                .ok_or(Failure::BadCredentials);
        }
        match server.directory().user(user) {
            Some(known) => Self::by_password(known, password, headers, server),
            // A token stands for either part of the pair.
            None => Self::by_token(password, server).or_else(|_| Self::by_token(user, server)),
        }
    }

    fn by_password(
        user: &Arc<User>,
        password: &str,
        headers: &HeaderMap,
        server: &Server,
    ) -> Result<Self, Failure> {
        if server.state().is_locked_out(user) {
            return Err(Failure::TooManyLogins);
        }
        if user.password.expose() == password {
            let otp = headers.get(OTP).and_then(|value| value.to_str().ok());
            return admit(user, otp).map(|()| Self::User(Arc::clone(user)));
        }
        Self::by_token(password, server).inspect_err(|_| server.state().count_bad_login(user))
    }

    fn by_token(token: &str, server: &Server) -> Result<Self, Failure> {
        let authorization = {
            let mut state = server.state();
            let authorization = state.authorization(token).ok_or(Failure::BadCredentials)?;
            let now = state.now();
            state.ledger.mark_used(authorization.id, now);
            authorization
        };
        if authorization.user.suspended {
            return Err(Failure::Suspended);
        }
        Ok(Self::Token(authorization))
    }
}

/// Lets a user with the right password go on, or asks for the one-time password.
pub(in crate::emulator) fn admit(user: &User, otp: Option<&str>) -> Result<(), Failure> {
    match &user.otp {
        Some(expected) if otp != Some(expected.expose()) => Err(Failure::OtpRequired),
        _ if user.suspended => Err(Failure::Suspended),
        _ => Ok(()),
    }
}
