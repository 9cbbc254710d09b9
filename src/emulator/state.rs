//! What an emulated server knows and remembers, in memory.
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::access_token;
use super::clock::Clock;
use super::faults::Fault;
use super::operation::Operation;
use super::world::{App, User, World};

pub(super) struct State {
    clock: Clock,
    /// By login.
    users: BTreeMap<String, User>,
    /// By client id.
    apps: BTreeMap<String, App>,
    /// By token.
    authorizations: BTreeMap<String, Authorization>,
    faults: VecDeque<Fault>,
    calls: BTreeMap<Operation, u64>,
    last_authorization_id: u64,
    minted: u64,
    requests: u64,
}

/// What a token stands for.
#[derive(Clone)]
pub(super) struct Authorization {
    pub(super) id: u64,
    pub(super) client_id: String,
    pub(super) login: String,
    pub(super) scopes: Vec<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
}

impl State {
    pub(super) fn new(world: World) -> Self {
        let mut state = Self {
            clock: Clock::start(),
            users: world
                .users
                .into_iter()
                .map(|user| (user.login.clone(), user))
                .collect(),
            apps: world
                .apps
                .into_iter()
                .map(|app| (app.client_id.clone(), app))
                .collect(),
            authorizations: BTreeMap::new(),
            faults: VecDeque::new(),
            calls: BTreeMap::new(),
            last_authorization_id: 0,
            minted: 0,
            requests: 0,
        };
        for row in world.tokens {
            let token = row.token.expose().to_owned();
            state.authorize(token, row.client_id, row.user, row.scopes, row.expires_at);
        }
        state
    }

    pub(super) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.get(client_id)
    }

    /// Returns what a token of this app stands for and whose it is, unless it is expired.
    pub(super) fn authorization(
        &self,
        client_id: &str,
        token: &str,
    ) -> Option<(&Authorization, &User)> {
        let authorization = self.authorizations.get(token)?;
        let expired = authorization
            .expires_at
            .is_some_and(|expires_at| expires_at <= self.clock.now());
        if authorization.client_id != client_id || expired {
            return None;
        }
        self.users
            .get(&authorization.login)
            .map(|user| (authorization, user))
    }

    pub(super) fn mint(
        &mut self,
        client_id: &str,
        login: &str,
        scopes: Vec<String>,
        expires_in: Option<Duration>,
    ) -> Result<String, MintError> {
        let kind = self.app(client_id).ok_or(MintError::NoSuchApp)?.kind;
        self.users.get(login).ok_or(MintError::NoSuchUser)?;
        let expires_at = expires_in
            .map(|duration| self.after(duration))
            .transpose()?;
        self.minted += 1;
        let token = access_token::generate(kind, self.minted);
        self.authorize(
            token.clone(),
            client_id.to_owned(),
            login.to_owned(),
            scopes,
            expires_at,
        );
        Ok(token)
    }

    pub(super) fn revoke(&mut self, token: &str) -> bool {
        self.authorizations.remove(token).is_some()
    }

    pub(super) fn fail(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }

    pub(super) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(super) fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or_default()
    }

    /// Counts a call, and takes the fault it meets.
    pub(super) fn arrive(&mut self, operation: Option<Operation>) -> Option<Fault> {
        if let Some(operation) = operation {
            *self.calls.entry(operation).or_default() += 1;
        }
        self.faults.retain(|fault| !fault.is_spent());
        let fault = self.faults.front_mut()?;
        fault.spend_one();
        Some(fault.clone())
    }

    /// Returns the number of the next API answer, from 1.
    pub(super) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    fn authorize(
        &mut self,
        token: String,
        client_id: String,
        login: String,
        scopes: Vec<String>,
        expires_at: Option<Timestamp>,
    ) {
        self.last_authorization_id += 1;
        let (id, now) = (self.last_authorization_id, self.clock.now());
        let authorization = Authorization {
            id,
            client_id,
            login,
            scopes,
            created_at: now,
            updated_at: now,
            expires_at,
        };
        self.authorizations.insert(token, authorization);
    }

    fn after(&self, duration: Duration) -> Result<Timestamp, MintError> {
        SignedDuration::try_from(duration)
            .and_then(|duration| self.clock.now().checked_add(duration))
            .map_err(|_| MintError::ExpiryOutOfRange)
    }
}

/// The error of a token that cannot be minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// No app of the world has the client id.
    NoSuchApp,
    /// No user of the world has the login.
    NoSuchUser,
    /// The token would expire after the year 9999.
    ExpiryOutOfRange,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchApp => "client_id: no app has this client id",
            Self::NoSuchUser => "user: no user has this login",
            Self::ExpiryOutOfRange => "expires_in: lies beyond the year 9999",
        })
    }
}

impl std::error::Error for MintError {}
