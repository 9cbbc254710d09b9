//! What all clones of an emulator share.
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::directory::Directory;
use super::state::{MintError, Order, State};
use super::traffic::Traffic;
use super::world::World;

pub(super) struct Server {
    directory: Directory,
    traffic: Traffic,
    /// Guards tokens, grants and sign-ins; never held while waiting or writing an answer.
    state: Mutex<State>,
}

impl Server {
    pub(super) fn new(mut world: World) -> Self {
        let tokens = std::mem::take(&mut world.tokens);
        let server = Self {
            directory: Directory::new(world),
            traffic: Traffic::default(),
            state: Mutex::new(State::new()),
        };
        for row in tokens {
            // A world's tokens name users and apps that are there.
            if let Ok(order) = server.order(&row.client_id, &row.user, row.scopes) {
                let order = Order {
                    expires_at: row.expires_at,
                    ..order
                };
                server.state().enter(row.token.expose().to_owned(), order);
            }
        }
        server
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock()
    }

    /// Returns the login of the user behind a token.
    pub(super) fn owner(&self, token: &str) -> Option<String> {
        let state = self.state();
        let authorization = state.authorization(token)?;
        Some(authorization.user.login.clone())
    }

    pub(super) fn mint(
        &self,
        client_id: &str,
        login: &str,
        scopes: Vec<String>,
        expires_in: Option<Duration>,
    ) -> Result<String, MintError> {
        let order = self.order(client_id, login, scopes)?;
        let mut state = self.state();
        let expires_at = expires_in
            .map(|duration| state.after(duration).ok_or(MintError::ExpiryOutOfRange))
            .transpose()?;
        let order = Order {
            expires_at,
            ..order
        };
        Ok(state.mint(order).token.clone())
    }

    /// Revokes a token; returns whether there was one.
    pub(super) fn revoke(&self, token: &str) -> bool {
        self.state().ledger.remove_token(token)
    }

    fn order(&self, client_id: &str, login: &str, scopes: Vec<String>) -> Result<Order, MintError> {
        let app = self.directory.app(client_id).ok_or(MintError::NoSuchApp)?;
        let user = self.directory.user(login).ok_or(MintError::NoSuchUser)?;
        Ok(Order::new(Arc::clone(user), Some(Arc::clone(app)), scopes))
    }
}
