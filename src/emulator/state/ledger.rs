//! The state machine of tokens and grants.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::order::{Installation, Order, Refresh};
use super::{is_past, prefix, same_user};
use crate::emulator::world::{App, User};

/// All tokens and grants; a token belongs to the grant of its user and app, if it has an app.
#[derive(Default)]
pub(in crate::emulator) struct Ledger {
    /// By id, so that lists come in the order of creation.
    authorizations: BTreeMap<u64, Arc<Authorization>>,
    by_token: HashMap<String, u64>,
    by_refresh_token: HashMap<String, u64>,
    /// User ids and authorization ids.
    by_user: BTreeSet<(u64, u64)>,
    grants: BTreeMap<u64, Grant>,
    /// By user id and client id.
    grant_ids: HashMap<(u64, String), u64>,
    last_authorization_id: u64,
    last_grant_id: u64,
}

/// What a token stands for; no `Debug`, for it holds the token.
#[derive(Clone)]
pub(in crate::emulator) struct Authorization {
    pub(in crate::emulator) id: u64,
    pub(in crate::emulator) token: String,
    pub(in crate::emulator) user: Arc<User>,
    /// Absent for a personal access token.
    pub(in crate::emulator) app: Option<Arc<App>>,
    pub(in crate::emulator) scopes: Vec<String>,
    pub(in crate::emulator) note: Option<String>,
    pub(in crate::emulator) note_url: Option<String>,
    pub(in crate::emulator) fingerprint: Option<String>,
    pub(in crate::emulator) created_at: Timestamp,
    pub(in crate::emulator) updated_at: Timestamp,
    pub(in crate::emulator) expires_at: Option<Timestamp>,
    pub(in crate::emulator) installation: Option<Installation>,
    pub(in crate::emulator) refresh: Option<Refresh>,
    last_used_at: Option<Timestamp>,
}

/// That a user lets an app act, with however many tokens.
pub(in crate::emulator) struct Grant {
    pub(in crate::emulator) id: u64,
    pub(in crate::emulator) app: Arc<App>,
    pub(in crate::emulator) created_at: Timestamp,
    pub(in crate::emulator) updated_at: Timestamp,
    user: Arc<User>,
    authorizations: BTreeSet<u64>,
    /// All that the user was ever asked for, whatever has become of the tokens.
    scopes: BTreeSet<String>,
}

impl Authorization {
    pub(in crate::emulator) fn client_id(&self) -> &str {
        self.app.as_ref().map_or(PERSONAL, |app| &app.client_id)
    }

    pub(super) fn prefix(&self) -> &'static str {
        self.app.as_ref().map_or("ghp_", |app| prefix(app.kind))
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        !is_past(self.expires_at, now)
    }

    fn is_alike(&self, order: &Order) -> bool {
        let sorted = |scopes: &[String]| scopes.iter().cloned().collect::<BTreeSet<_>>();
        sorted(&self.scopes) == sorted(&order.scopes)
    }
}

impl Ledger {
    pub(super) fn by_token(&self, token: &str, now: Timestamp) -> Option<&Arc<Authorization>> {
        self.get(*self.by_token.get(token)?, now)
    }

    pub(super) fn by_refresh_token(&self, token: &str, now: Timestamp) -> Option<&Authorization> {
        let authorization = self.authorizations.get(self.by_refresh_token.get(token)?)?;
        let refresh = authorization.refresh.as_ref()?;
        (!is_past(refresh.expires_at, now)).then_some(authorization)
    }

    /// Returns a living authorization.
    pub(super) fn get(&self, id: u64, now: Timestamp) -> Option<&Arc<Authorization>> {
        self.authorizations
            .get(&id)
            .filter(|authorization| authorization.is_alive(now))
    }

    /// Returns a user's living authorizations, oldest first.
    pub(in crate::emulator) fn of_user<'a>(
        &'a self,
        user: &User,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Arc<Authorization>> {
        let range = (user.id, 0)..=(user.id, u64::MAX);
        self.by_user
            .range(range)
            .filter_map(move |&(_, id)| self.get(id, now))
    }

    /// Returns a user's authorization by its id.
    pub(in crate::emulator) fn own(
        &self,
        user: &User,
        id: u64,
        now: Timestamp,
    ) -> Option<&Arc<Authorization>> {
        self.get(id, now)
            .filter(|authorization| same_user(&authorization.user, user))
    }

    /// Changes an authorization by its id.
    pub(in crate::emulator) fn update(
        &mut self,
        id: u64,
        now: Timestamp,
        change: impl FnOnce(&mut Authorization),
    ) -> Option<Arc<Authorization>> {
        let entry = self.authorizations.get_mut(&id)?;
        let authorization = Arc::make_mut(entry);
        change(authorization);
        authorization.updated_at = now;
        let authorization = Arc::clone(entry);
        self.touch_grant(&authorization, now);
        Some(authorization)
    }

    /// Remembers that a token was used.
    pub(in crate::emulator) fn mark_used(&mut self, id: u64, now: Timestamp) {
        if let Some(authorization) = self.authorizations.get_mut(&id) {
            Arc::make_mut(authorization).last_used_at = Some(now);
        }
    }

    /// Forgets a token; returns whether there was one.
    pub(in crate::emulator) fn remove(&mut self, id: u64) -> bool {
        let Some(authorization) = self.authorizations.remove(&id) else {
            return false;
        };
        self.by_token.remove(&authorization.token);
        self.by_user.remove(&(authorization.user.id, id));
        if let Some(refresh) = &authorization.refresh {
            self.by_refresh_token.remove(&refresh.token);
        }
        if let Some(grant) = self.grant_mut(&authorization) {
            grant.authorizations.remove(&id);
        }
        true
    }

    /// Forgets a token, even an expired one; returns whether there was one.
    pub(in crate::emulator) fn remove_token(&mut self, token: &str) -> bool {
        let id = self.by_token.get(token).copied();
        id.is_some_and(|id| self.remove(id))
    }

    pub(super) fn insert(
        &mut self,
        token: String,
        order: Order,
        now: Timestamp,
    ) -> Arc<Authorization> {
        self.last_authorization_id += 1;
        let id = self.last_authorization_id;
        let authorization = Arc::new(Authorization {
            id,
            token: token.clone(),
            user: order.user,
            app: order.app,
            scopes: order.scopes,
            note: order.note,
            note_url: order.note_url,
            fingerprint: order.fingerprint,
            created_at: now,
            updated_at: now,
            expires_at: order.expires_at,
            installation: order.installation,
            refresh: order.refresh,
            last_used_at: None,
        });
        self.by_token.insert(token, id);
        self.by_user.insert((authorization.user.id, id));
        if let Some(refresh) = &authorization.refresh {
            self.by_refresh_token.insert(refresh.token.clone(), id);
        }
        self.authorizations.insert(id, Arc::clone(&authorization));
        self.join_grant(&authorization, now);
        authorization
    }

    pub(super) fn replace_token(
        &mut self,
        id: u64,
        token: String,
        now: Timestamp,
    ) -> Option<Arc<Authorization>> {
        let old = Arc::clone(self.authorizations.get(&id)?);
        self.by_token.remove(&old.token);
        self.by_token.insert(token.clone(), id);
        self.update(id, now, |authorization| authorization.token = token)
    }

    /// Replaces the refresh token, and moves the expiry.
    pub(super) fn renew(&mut self, id: u64, refresh: Refresh) {
        let Some(authorization) = self.authorizations.get_mut(&id).map(Arc::make_mut) else {
            return;
        };
        self.by_refresh_token.insert(refresh.token.clone(), id);
        authorization.expires_at = refresh.access_expires_at;
        if let Some(old) = authorization.refresh.replace(refresh) {
            self.by_refresh_token.remove(&old.token);
        }
    }

    /// Forgets one of the tokens of this user, app and scopes if there are ten of them: the oldest
    /// that was never used, or else the one that was used least recently.
    pub(super) fn make_room(&mut self, order: &Order, now: Timestamp) {
        let Some(client_id) = order.client_id() else {
            return;
        };
        let alike = || {
            self.of_grant(&order.user, client_id)
                .filter(|authorization| authorization.is_alive(now))
                .filter(|authorization| authorization.is_alike(order))
        };
        if alike().count() < LIMIT {
            return;
        }
        let oldest =
            alike().min_by_key(|authorization| (authorization.last_used_at, authorization.id));
        if let Some(id) = oldest.map(|authorization| authorization.id) {
            self.remove(id);
        }
    }
}

/// Grants.
impl Ledger {
    /// Returns a user's grants, oldest first.
    pub(in crate::emulator) fn grants<'a>(
        &'a self,
        user: &User,
    ) -> impl Iterator<Item = &'a Grant> {
        let id = user.id;
        self.grants
            .values()
            .filter(move |grant| grant.user.id == id)
    }

    /// Returns a user's grant by its id.
    pub(in crate::emulator) fn grant(&self, user: &User, id: u64) -> Option<&Grant> {
        self.grants
            .get(&id)
            .filter(|grant| same_user(&grant.user, user))
    }

    /// Returns the id of the grant a token belongs to.
    pub(in crate::emulator) fn grant_id(&self, authorization: &Authorization) -> Option<u64> {
        self.grant_ids.get(&key(authorization)).copied()
    }

    /// Returns the union of the scopes of a grant's living tokens.
    pub(in crate::emulator) fn scopes(&self, grant: &Grant, now: Timestamp) -> Vec<String> {
        let mut union: Vec<String> = Vec::new();
        for id in &grant.authorizations {
            for scope in self.get(*id, now).iter().flat_map(|one| &one.scopes) {
                if !union.contains(scope) {
                    union.push(scope.clone());
                }
            }
        }
        union
    }

    /// Returns the scopes a user has granted an app already.
    pub(in crate::emulator) fn granted(
        &self,
        user: &User,
        app: &App,
        now: Timestamp,
    ) -> Vec<String> {
        let id = self.grant_ids.get(&(user.id, app.client_id.clone()));
        let grant = id.and_then(|id| self.grants.get(id));
        grant.map_or_else(Vec::new, |grant| self.scopes(grant, now))
    }

    /// Tells whether a user has let an app in with all of these scopes, and has not taken it back.
    pub(in crate::emulator) fn covers(&self, user: &User, app: &App, scopes: &[String]) -> bool {
        let id = self.grant_ids.get(&(user.id, app.client_id.clone()));
        let grant = id.and_then(|id| self.grants.get(id));
        grant.is_some_and(|grant| scopes.iter().all(|scope| grant.scopes.contains(scope)))
    }

    /// Forgets a grant and all its tokens; returns whether there was one.
    pub(in crate::emulator) fn remove_grant(&mut self, id: u64) -> bool {
        let Some(grant) = self.grants.remove(&id) else {
            return false;
        };
        self.grant_ids
            .remove(&(grant.user.id, grant.app.client_id.clone()));
        for id in grant.authorizations {
            self.remove(id);
        }
        true
    }

    fn of_grant(&self, user: &User, client_id: &str) -> impl Iterator<Item = &Arc<Authorization>> {
        let id = self.grant_ids.get(&(user.id, client_id.to_owned()));
        let grant = id.and_then(|id| self.grants.get(id));
        grant
            .into_iter()
            .flat_map(|grant| &grant.authorizations)
            .filter_map(|id| self.authorizations.get(id))
    }

    fn join_grant(&mut self, authorization: &Authorization, now: Timestamp) {
        let Some(app) = &authorization.app else {
            return;
        };
        let last = &mut self.last_grant_id;
        let id = *self.grant_ids.entry(key(authorization)).or_insert_with(|| {
            *last += 1;
            *last
        });
        let grant = self.grants.entry(id).or_insert_with(|| Grant {
            id,
            user: Arc::clone(&authorization.user),
            app: Arc::clone(app),
            authorizations: BTreeSet::new(),
            scopes: BTreeSet::new(),
            created_at: now,
            updated_at: now,
        });
        grant.authorizations.insert(authorization.id);
        grant.scopes.extend(authorization.scopes.iter().cloned());
        grant.updated_at = now;
    }

    fn touch_grant(&mut self, authorization: &Authorization, now: Timestamp) {
        if let Some(grant) = self.grant_mut(authorization) {
            grant.updated_at = now;
        }
    }

    fn grant_mut(&mut self, authorization: &Authorization) -> Option<&mut Grant> {
        let id = self.grant_ids.get(&key(authorization))?;
        self.grants.get_mut(id)
    }
}

fn key(authorization: &Authorization) -> (u64, String) {
    let client_id = authorization.client_id().to_owned();
    (authorization.user.id, client_id)
}

/// How many tokens a user may have of one app with the same scopes, from GitHub's documents.
const LIMIT: usize = 10;

/// The client id that GitHub gives personal access tokens.
pub(in crate::emulator) const PERSONAL: &str = "00000000000000000000";
