//! What must come of the calls of the OAuth Authorizations API.
use super::{Granted, Known, Model};
use crate::emulator::model::APPS;
use crate::emulator::model::reply::{Reply, SeenGrant};
use crate::emulator::model::step::{
    AppCaller, Change, List, New, ScopeChange, UserAct, UserCaller,
};

impl Model {
    /// Says what must come back; the token is the one that did, if a new one did.
    pub(in crate::emulator::model) fn as_user(
        &mut self,
        caller: UserCaller,
        act: &UserAct,
        new_token: Option<&str>,
    ) -> Reply {
        if let Some(status) = self.refuse(caller) {
            return Reply::Refused(status);
        }
        let user = caller.user;
        let outcome = match act {
            UserAct::Grants(list) => Ok(self.list_grants(user, *list)),
            UserAct::Grant(id) => self
                .grant(user, *id)
                .map(|one| Reply::Grant(self.seen(one))),
            UserAct::DeleteGrant(id) => self.delete_grant(user, *id),
            UserAct::Authorizations(list) => Ok(self.list(user, *list)),
            UserAct::Authorization(id) => self
                .own(user, *id)
                .map(|known| Reply::Authorization(known.to_user())),
            UserAct::Create(app, new) => self.create(user, *app, new, new_token),
            UserAct::GetOrCreate(app, new) => {
                self.get_or_create(user, *app, new, new.fingerprint, new_token)
            }
            UserAct::GetOrCreateByFingerprint(app, fingerprint, new) => {
                self.get_or_create(user, *app, new, Some(fingerprint), new_token)
            }
            UserAct::Update(id, change) => self.update(user, *id, change),
            UserAct::Delete(id) => self.delete(user, *id),
        };
        outcome.unwrap_or_else(Reply::Refused)
    }

    /// Ten bad passwords within an hour, and even the right one is refused for the rest of it.
    fn refuse(&mut self, caller: UserCaller) -> Option<u16> {
        let now = self.now;
        let (count, until) = &mut self.bad_passwords[caller.user];
        if *until <= now {
            *count = 0;
        }
        if *count == 10 {
            return Some(403);
        }
        if caller.knows_password {
            return None;
        }
        if *count == 0 {
            *until = now + 3600;
        }
        *count += 1;
        Some(401)
    }

    fn list_grants(&self, user: usize, list: List) -> Reply {
        let mine = self.grants.iter().filter(|one| one.user == user);
        let wanted = mine.filter(|one| list.client_id.is_none_or(|id| id == APPS[one.app]));
        Reply::Grants(pages(list, wanted.map(|one| self.seen(one)).collect()))
    }

    fn list(&self, user: usize, list: List) -> Reply {
        let mine = self.living().filter(|known| known.user == user);
        let wanted = mine.filter(|known| list.client_id.is_none_or(|id| id == known.client_id()));
        Reply::Authorizations(pages(list, wanted.map(Known::to_user).collect()))
    }

    fn grant(&self, user: usize, id: u64) -> Result<&Granted, u16> {
        let mut all = self.grants.iter();
        all.find(|one| (one.id, one.user) == (id, user)).ok_or(404)
    }

    fn delete_grant(&mut self, user: usize, id: u64) -> Result<Reply, u16> {
        let app = self.grant(user, id)?.app;
        self.remove_grant(app, user);
        Ok(Reply::NoContent)
    }

    /// A grant has the scopes of all its living tokens.
    fn seen(&self, grant: &Granted) -> SeenGrant {
        let tokens = self
            .living()
            .filter(|known| (known.app, known.user) == (Some(grant.app), grant.user));
        let mut scopes = Vec::new();
        for scope in tokens.flat_map(|known| &known.scopes) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        SeenGrant {
            id: grant.id,
            client_id: APPS[grant.app].to_owned(),
            scopes,
            created_at: grant.created_at,
            updated_at: grant.updated_at,
        }
    }

    fn own(&self, user: usize, id: u64) -> Result<&Known, u16> {
        self.living()
            .find(|known| (known.id, known.user) == (id, user))
            .ok_or(404)
    }

    fn create(
        &mut self,
        user: usize,
        app: Option<AppCaller>,
        new: &New,
        new_token: Option<&str>,
    ) -> Result<Reply, u16> {
        let app = app.map(oauth_app).transpose()?;
        if app.is_none() {
            self.check_note(user, new.note, None)?;
        }
        let order = self.ordered(app, user, new, new.fingerprint);
        let issued = self.issue(order, new_token);
        Ok(Reply::Issued(issued.to_user(), issued.token))
    }

    fn get_or_create(
        &mut self,
        user: usize,
        app: AppCaller,
        new: &New,
        fingerprint: Option<&str>,
        new_token: Option<&str>,
    ) -> Result<Reply, u16> {
        let app = Some(oauth_app(app)?);
        let existing = self.living().find(|known| {
            (known.app, known.user) == (app, user) && known.fingerprint.as_deref() == fingerprint
        });
        if let Some(existing) = existing {
            return Ok(Reply::Authorization(existing.to_user()));
        }
        let order = self.ordered(app, user, new, fingerprint);
        let issued = self.issue(order, new_token);
        Ok(Reply::Issued(issued.to_user(), issued.token))
    }

    fn ordered(
        &self,
        app: Option<usize>,
        user: usize,
        new: &New,
        fingerprint: Option<&str>,
    ) -> Known {
        Known {
            scopes: normal(new.scopes.listed().iter().copied()),
            note: new.note.map(str::to_owned),
            fingerprint: fingerprint.map(str::to_owned),
            ..self.order(app, user)
        }
    }

    fn update(&mut self, user: usize, id: u64, change: &Change) -> Result<Reply, u16> {
        let known = self.own(user, id)?.clone();
        if known.app.is_none() && change.note.is_some() {
            self.check_note(user, change.note, Some(id))?;
        }
        let old = known.scopes.iter().map(String::as_str);
        let scopes = match change.scopes {
            ScopeChange::None => known.scopes.clone(),
            ScopeChange::Replace(scopes) => normal(scopes.listed().iter().copied()),
            ScopeChange::AddAndRemove(add, remove) => normal(
                old.chain(add.listed().iter().copied())
                    .filter(|scope| !remove.listed().contains(scope)),
            ),
        };
        let label = |new: Option<&str>, old| new.map(str::to_owned).or(old);
        let updated = Known {
            scopes,
            note: label(change.note, known.note.clone()),
            fingerprint: label(change.fingerprint, known.fingerprint.clone()),
            updated_at: self.now,
            ..known
        };
        *self.entry(id) = updated.clone();
        self.touch_grant(updated.app, user);
        Ok(Reply::Authorization(updated.to_user()))
    }

    fn delete(&mut self, user: usize, id: u64) -> Result<Reply, u16> {
        self.own(user, id)?;
        self.known.retain(|known| known.id != id);
        Ok(Reply::NoContent)
    }

    /// A personal access token has a note that no other of the user's has.
    fn check_note(&self, user: usize, note: Option<&str>, id: Option<u64>) -> Result<(), u16> {
        let mut others = self
            .living()
            .filter(|known| known.user == user && known.app.is_none() && Some(known.id) != id);
        let is_good = note.is_some() && !others.any(|known| known.note.as_deref() == note);
        is_good.then_some(()).ok_or(422)
    }
}

/// Only OAuth apps can be named in the legacy API, and only with their secret.
fn oauth_app(caller: AppCaller) -> Result<usize, u16> {
    (caller.app == 1 && caller.knows_secret)
        .then_some(caller.app)
        .ok_or(422)
}

/// Leaves out what is there twice or implied.
fn normal<'a>(scopes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let all: Vec<&str> = scopes.collect();
    let implied = |scope: &str| match scope {
        "public_repo" => all.contains(&"repo"),
        "user:email" => all.contains(&"user"),
        _ => false,
    };
    let mut normal: Vec<String> = Vec::new();
    for scope in &all {
        if !implied(scope) && !normal.iter().any(|other| other == scope) {
            normal.push((*scope).to_owned());
        }
    }
    normal
}

/// An empty list has one page still.
fn pages<T: Clone>(list: List, items: Vec<T>) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![items];
    }
    let pages = items.chunks(usize::from(list.per_page));
    pages.map(<[T]>::to_vec).collect()
}
