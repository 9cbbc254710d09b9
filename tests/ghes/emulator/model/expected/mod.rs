//! What GitHub's documents say must come of each call.
mod applications;
mod authorizations;

use std::collections::BTreeSet;

use super::reply::{Reply, Seen, hashed};
use super::{APPS, PERSONAL, USERS};

/// Everything as plain lists, which are searched from the front.
pub(super) struct Model {
    now: i64,
    /// Living and expired ones, oldest first.
    known: Vec<Known>,
    grants: Vec<Granted>,
    /// All that ever were.
    tokens: Vec<String>,
    last_id: u64,
    last_grant_id: u64,
    /// For each user, how many bad passwords there were, and until when they count.
    bad_passwords: [(usize, i64); USERS.len()],
}

/// An authorization.
#[derive(Clone)]
struct Known {
    id: u64,
    token: String,
    /// Absent for a personal access token.
    app: Option<usize>,
    user: usize,
    scopes: Vec<String>,
    note: Option<String>,
    fingerprint: Option<String>,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
    account: Option<String>,
}

struct Granted {
    id: u64,
    app: usize,
    user: usize,
    created_at: i64,
    updated_at: i64,
}

impl Model {
    /// Knows the token of GitHub's documents.
    pub(super) fn new() -> Self {
        let mut model = Self {
            now: 0,
            known: Vec::new(),
            grants: Vec::new(),
            tokens: Vec::new(),
            last_id: 0,
            last_grant_id: 0,
            bad_passwords: [(0, 0); USERS.len()],
        };
        let scopes = &["public_repo", "user"];
        model.mint(crate::emulator::TOKEN.to_owned(), 0, 0, scopes, None);
        model
    }

    /// Learns from the first reply what time it is.
    pub(super) fn start_at(&mut self, first: &Reply) {
        let Reply::Authorization(Seen { created_at, .. }) = first else {
            panic!("{first:?}");
        };
        self.now = *created_at;
        let known = &mut self.known[0];
        (known.created_at, known.updated_at) = (self.now, self.now);
        let grant = &mut self.grants[0];
        (grant.created_at, grant.updated_at) = (self.now, self.now);
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += i64::try_from(seconds).unwrap();
    }

    /// Returns one of all tokens that ever were.
    pub(super) fn token(&self, number: usize) -> String {
        self.tokens[number % self.tokens.len()].clone()
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn mint(
        &mut self,
        token: String,
        app: usize,
        user: usize,
        scopes: &[&str],
        seconds: Option<u64>,
    ) {
        let lifetime = seconds.map(|seconds| i64::try_from(seconds).unwrap());
        let order = Known {
            expires_at: lifetime.map(|lifetime| self.now + lifetime),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            ..self.order(Some(app), user)
        };
        self.add(order, token);
    }

    /// Returns whose token it is, and remembers that it was used.
    pub(super) fn use_token(&mut self, token: &str) -> Option<usize> {
        let id = self.living().find(|known| known.token == token)?.id;
        let now = self.now;
        let known = self.entry(id);
        known.used_at = Some(now);
        Some(known.user)
    }

    fn order(&self, app: Option<usize>, user: usize) -> Known {
        Known {
            id: 0,
            token: String::new(),
            app,
            user,
            scopes: Vec::new(),
            note: None,
            fingerprint: None,
            created_at: self.now,
            updated_at: self.now,
            expires_at: None,
            used_at: None,
            account: None,
        }
    }

    fn add(&mut self, order: Known, token: String) -> Known {
        self.last_id += 1;
        self.tokens.push(token.clone());
        let id = self.last_id;
        let known = Known { id, token, ..order };
        self.known.push(known.clone());
        if let Some(app) = known.app {
            self.join_grant(app, known.user);
        }
        known
    }

    /// Makes a token as a sign-in does: an eleventh of the same user, app and scopes drives out the
    /// oldest that was never used, or else the one used least recently.
    fn issue(&mut self, order: Known, token: Option<&str>) -> Known {
        let set = |known: &Known| known.scopes.iter().cloned().collect::<BTreeSet<_>>();
        let alike = self.living().filter(|known| {
            known.app.is_some()
                && (known.app, known.user) == (order.app, order.user)
                && set(known) == set(&order)
        });
        let alike: Vec<_> = alike.map(|known| (known.used_at, known.id)).collect();
        if alike.len() >= 10 {
            let (_, id) = alike.into_iter().min().unwrap();
            self.known.retain(|known| known.id != id);
        }
        let token = self.fresh(token);
        self.add(order, token)
    }

    fn join_grant(&mut self, app: usize, user: usize) {
        if !self
            .grants
            .iter()
            .any(|one| (one.app, one.user) == (app, user))
        {
            self.last_grant_id += 1;
            self.grants.push(Granted {
                id: self.last_grant_id,
                app,
                user,
                created_at: self.now,
                updated_at: self.now,
            });
        }
        self.touch_grant(Some(app), user);
    }

    fn touch_grant(&mut self, app: Option<usize>, user: usize) {
        let now = self.now;
        let mut grants = self.grants.iter_mut();
        let grant = grants.find(|one| (Some(one.app), one.user) == (app, user));
        if let Some(grant) = grant {
            grant.updated_at = now;
        }
    }

    fn remove_grant(&mut self, app: usize, user: usize) {
        self.grants.retain(|one| (one.app, one.user) != (app, user));
        self.known
            .retain(|one| (one.app, one.user) != (Some(app), user));
    }

    fn living(&self) -> impl Iterator<Item = &Known> {
        let now = self.now;
        let lives = move |known: &&Known| known.expires_at.is_none_or(|at| at > now);
        self.known.iter().filter(lives)
    }

    fn entry(&mut self, id: u64) -> &mut Known {
        self.known.iter_mut().find(|known| known.id == id).unwrap()
    }

    /// Takes a token that was shown, which must be a new one.
    fn fresh(&self, token: Option<&str>) -> String {
        let token = token.filter(|token| self.tokens.iter().all(|old| old != token));
        token.unwrap_or("one that was never seen before").to_owned()
    }
}

impl Known {
    fn client_id(&self) -> &'static str {
        self.app.map_or(PERSONAL, |app| APPS[app])
    }

    fn to_user(&self) -> Seen {
        Seen {
            id: self.id,
            client_id: self.client_id().to_owned(),
            login: None,
            scopes: self.scopes.clone(),
            hashed_token: hashed(&self.token),
            token_last_eight: self.token[self.token.len() - 8..].to_owned(),
            note: self.note.clone(),
            fingerprint: self.fingerprint.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
            account: None,
        }
    }

    fn to_app(&self) -> Seen {
        Seen {
            login: Some(USERS[self.user].to_owned()),
            account: self.account.clone(),
            ..self.to_user()
        }
    }
}
