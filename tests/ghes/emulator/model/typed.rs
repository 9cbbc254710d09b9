//! The calls by the typed client.
use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{
    ApiError, App, Authorization, AuthorizationUpdate, AuthorizationsClient, GetOrCreate,
    GhesClient, GhesUrl, Grant, IssuedToken, ListOptions, NewAuthorization, Pages, ScopeRequest,
    UserCredentials,
};
use ghes_gatekeeper::token::AccessToken;
use serde::de::DeserializeOwned;

use super::reply::{Reply, Seen, SeenGrant};
use super::step::{AppAct, AppCaller, Change, List, New, ScopeChange, UserAct, UserCaller};
use super::{APPS, Driver, USERS};
use crate::emulator::SECRET;

pub(super) struct Clients {
    ghes: Emulator,
    url: GhesUrl,
}

impl Clients {
    pub(super) fn new(ghes: Emulator) -> Self {
        let url = "http://localhost".parse().unwrap();
        Self { ghes, url }
    }

    async fn application(&self, caller: AppCaller, token: &str, act: &AppAct) -> Outcome {
        let client = GhesClient::new(&self.url, &app(caller), self.ghes.clone()).unwrap();
        let token = AccessToken::new(token);
        Ok(match act {
            AppAct::Check => Reply::Authorization(seen(client.check_token(&token).await?)),
            AppAct::Reset => issued(client.reset_token(&token).await?),
            AppAct::DeleteToken => no_content(client.delete_token(&token).await?),
            AppAct::DeleteAuthorization => no_content(client.delete_authorization(&token).await?),
            AppAct::Scope(target) => {
                let scope = ScopeRequest::for_target(*target);
                issued(client.scope_token(&token, &scope).await?)
            }
        })
    }

    async fn user(&self, caller: UserCaller, act: &UserAct) -> Outcome {
        let client = self.client(caller);
        Ok(match act {
            UserAct::Grants(list) => {
                Reply::Grants(all(client.grants(&options(*list)), seen_grant).await?)
            }
            UserAct::Grant(id) => Reply::Grant(seen_grant(client.grant(*id).await?)),
            UserAct::DeleteGrant(id) => no_content(client.delete_grant(*id).await?),
            UserAct::Authorizations(list) => {
                Reply::Authorizations(all(client.authorizations(&options(*list)), seen).await?)
            }
            UserAct::Authorization(id) => {
                Reply::Authorization(seen(client.authorization(*id).await?))
            }
            UserAct::Create(caller, new) => {
                let (app, new) = (caller.map(app), wanted(new));
                issued(client.create_authorization(app.as_ref(), &new).await?)
            }
            UserAct::GetOrCreate(caller, new) => {
                let (app, new) = (app(*caller), wanted(new));
                let found = client.get_or_create_authorization_for_app(&app, &new);
                found_or_made(found.await?)
            }
            UserAct::GetOrCreateByFingerprint(caller, fingerprint, new) => {
                let (app, new) = (app(*caller), wanted(new));
                let found = client.get_or_create_authorization_for_app_and_fingerprint(
                    &app,
                    fingerprint,
                    &new,
                );
                found_or_made(found.await?)
            }
            UserAct::Update(id, change) => {
                let change = update(change);
                Reply::Authorization(seen(client.update_authorization(*id, &change).await?))
            }
            UserAct::Delete(id) => no_content(client.delete_authorization(*id).await?),
        })
    }

    fn client(&self, caller: UserCaller) -> AuthorizationsClient<Emulator> {
        let login = USERS[caller.user];
        let password = if caller.knows_password {
            login
        } else {
            "wrong"
        };
        let credentials = UserCredentials::new(login, password);
        AuthorizationsClient::new(&self.url, &credentials, self.ghes.clone()).unwrap()
    }
}

impl Driver for Clients {
    async fn as_app(&self, caller: AppCaller, token: &str, act: &AppAct) -> Reply {
        settled(self.application(caller, token, act).await)
    }

    async fn as_user(&self, caller: UserCaller, act: &UserAct) -> Reply {
        settled(self.user(caller, act).await)
    }
}

type Outcome = Result<Reply, ApiError>;

/// An error must be the server's refusal: a reply that the client cannot read is a failure.
fn settled(outcome: Outcome) -> Reply {
    outcome.unwrap_or_else(|error| {
        assert!(error.message().is_some(), "{error:?}");
        Reply::Refused(error.status_code().unwrap().as_u16())
    })
}

fn app(caller: AppCaller) -> App {
    let secret = if caller.knows_secret { SECRET } else { "wrong" };
    App::new(APPS[caller.app], secret)
}

fn options(list: List) -> ListOptions {
    let options = ListOptions::new().with_per_page(list.per_page);
    match list.client_id {
        Some(client_id) => options.with_client_id(client_id),
        None => options,
    }
}

fn wanted(new: &New) -> NewAuthorization {
    let mut wanted = NewAuthorization::new().with_scopes(new.scopes.listed().iter().copied());
    if let Some(note) = new.note {
        wanted = wanted.with_note(note);
    }
    if let Some(fingerprint) = new.fingerprint {
        wanted = wanted.with_fingerprint(fingerprint);
    }
    wanted
}

fn update(change: &Change) -> AuthorizationUpdate {
    let mut update = AuthorizationUpdate::new();
    update = match change.scopes {
        ScopeChange::None => update,
        ScopeChange::Replace(scopes) => update.with_scopes(scopes.listed().iter().copied()),
        ScopeChange::AddAndRemove(add, remove) => update
            .with_added_scopes(add.listed().iter().copied())
            .with_removed_scopes(remove.listed().iter().copied()),
    };
    if let Some(note) = change.note {
        update = update.with_note(note);
    }
    if let Some(fingerprint) = change.fingerprint {
        update = update.with_fingerprint(fingerprint);
    }
    update
}

async fn all<R, S>(mut pages: Pages<Emulator, R>, read: fn(R) -> S) -> Result<Vec<Vec<S>>, ApiError>
where
    R: DeserializeOwned + Debug,
{
    let mut all = Vec::new();
    while let Some(page) = pages.next_page().await? {
        all.push(page.into_iter().map(read).collect());
    }
    Ok(all)
}

fn no_content((): ()) -> Reply {
    Reply::NoContent
}

fn issued(issued: IssuedToken) -> Reply {
    let IssuedToken {
        authorization,
        token,
        ..
    } = issued;
    Reply::Issued(seen(authorization), token.expose().to_owned())
}

fn found_or_made(found: GetOrCreate) -> Reply {
    match found {
        GetOrCreate::Created(made) => issued(made),
        GetOrCreate::Existing(found) => Reply::Authorization(seen(found)),
    }
}

fn seen(authorization: Authorization) -> Seen {
    let installation = authorization.installation;
    Seen {
        id: authorization.id,
        client_id: authorization.app.client_id,
        login: authorization.user.map(|user| user.login),
        scopes: authorization.scopes,
        hashed_token: authorization.hashed_token.unwrap(),
        token_last_eight: authorization.token_last_eight.unwrap(),
        note: authorization.note,
        fingerprint: authorization.fingerprint,
        created_at: seconds(authorization.created_at).unwrap(),
        updated_at: seconds(authorization.updated_at).unwrap(),
        expires_at: seconds(authorization.expires_at),
        account: installation.map(|installation| installation.account.login),
    }
}

fn seen_grant(grant: Grant) -> SeenGrant {
    SeenGrant {
        id: grant.id,
        client_id: grant.app.client_id,
        scopes: grant.scopes,
        created_at: seconds(grant.created_at).unwrap(),
        updated_at: seconds(grant.updated_at).unwrap(),
    }
}

fn seconds(time: Option<SystemTime>) -> Option<i64> {
    let since = time?.duration_since(UNIX_EPOCH).unwrap();
    Some(i64::try_from(since.as_secs()).unwrap())
}
