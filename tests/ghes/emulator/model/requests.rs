//! The calls as bare requests, whose answers are also held against GitHub's OpenAPI description.
use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::reply::{Reply, Seen, SeenGrant, hashed};
use super::step::{AppAct, AppCaller, Change, List, New, ScopeChange, UserAct, UserCaller};
use super::{APPS, Driver, USERS};
use crate::emulator::{Answer, SECRET, basic, call};

pub(super) struct Requests {
    ghes: Emulator,
}

impl Requests {
    pub(super) fn new(ghes: Emulator) -> Self {
        Self { ghes }
    }

    async fn send(&self, caller: UserCaller, line: &str, body: Value) -> Answer {
        let login = USERS[caller.user];
        let password = if caller.knows_password {
            login
        } else {
            "wrong"
        };
        call(&self.ghes, line, &basic(login, password), body).await
    }

    /// Follows a list to its last page.
    async fn pages(&self, caller: UserCaller, path: &str, list: List) -> Result<Vec<Value>, u16> {
        let List {
            client_id,
            per_page,
        } = list;
        let client_id = client_id.map_or_else(String::new, |id| format!("&client_id={id}"));
        let mut pages = Vec::new();
        loop {
            let page = pages.len() + 1;
            let line = format!("GET {path}?per_page={per_page}{client_id}&page={page}");
            let answer = self.send(caller, &line, Value::Null).await;
            if answer.status != StatusCode::OK {
                return Err(answer.status.as_u16());
            }
            pages.push(answer.json());
            let link = answer.header("link").unwrap_or_default();
            if !link.contains(r#"rel="next""#) {
                return Ok(pages);
            }
        }
    }
}

impl Driver for Requests {
    async fn as_app(&self, caller: AppCaller, token: &str, act: &AppAct) -> Reply {
        let mut body = json!({ "access_token": token });
        let (method, end) = match act {
            AppAct::Check => ("POST", "token"),
            AppAct::Reset => ("PATCH", "token"),
            AppAct::DeleteToken => ("DELETE", "token"),
            AppAct::DeleteAuthorization => ("DELETE", "grant"),
            AppAct::Scope(target) => {
                body["target"] = json!(target);
                ("POST", "token/scoped")
            }
        };
        let client_id = APPS[caller.app];
        let line = format!("{method} /applications/{client_id}/{end}");
        let credential = basic(client_id, secret(caller));
        let answer = call(&self.ghes, &line, &credential, body).await;
        match answer.status {
            StatusCode::OK if matches!(act, AppAct::Check) => {
                assert_eq!(answer.json()["token"], token);
                Reply::Authorization(seen(&answer.json()))
            }
            StatusCode::OK => issued(&answer),
            _ => refused(&answer),
        }
    }

    async fn as_user(&self, caller: UserCaller, act: &UserAct) -> Reply {
        let (line, body) = match act {
            UserAct::Grants(list) => {
                let pages = self.pages(caller, "/applications/grants", *list).await;
                return pages.map_or_else(Reply::Refused, |pages| {
                    Reply::Grants(pages.iter().map(|page| each(page, seen_grant)).collect())
                });
            }
            UserAct::Authorizations(list) => {
                let pages = self.pages(caller, "/authorizations", *list).await;
                return pages.map_or_else(Reply::Refused, |pages| {
                    Reply::Authorizations(pages.iter().map(|page| each(page, hidden)).collect())
                });
            }
            UserAct::Grant(id) => (format!("GET /applications/grants/{id}"), Value::Null),
            UserAct::DeleteGrant(id) => (format!("DELETE /applications/grants/{id}"), Value::Null),
            UserAct::Authorization(id) => (format!("GET /authorizations/{id}"), Value::Null),
            UserAct::Delete(id) => (format!("DELETE /authorizations/{id}"), Value::Null),
            UserAct::Update(id, change) => (format!("PATCH /authorizations/{id}"), changed(change)),
            UserAct::Create(app, new) => ("POST /authorizations".to_owned(), created(*app, new)),
            UserAct::GetOrCreate(app, new) => {
                let mut body = wanted(*app, new);
                set(&mut body, "fingerprint", new.fingerprint);
                (format!("PUT {}", clients(*app)), body.into())
            }
            UserAct::GetOrCreateByFingerprint(app, fingerprint, new) => {
                let fingerprint = fingerprint.replace("ü/?#%", "%C3%BC%2F%3F%23%25");
                let line = format!("PUT {}/{fingerprint}", clients(*app));
                (line, wanted(*app, new).into())
            }
        };
        let answer = self.send(caller, &line, body).await;
        match (act, answer.status) {
            (UserAct::Grant(_), StatusCode::OK) => Reply::Grant(seen_grant(&answer.json())),
            (_, StatusCode::OK) => Reply::Authorization(hidden(&answer.json())),
            (_, StatusCode::CREATED) => located(&answer),
            _ => refused(&answer),
        }
    }
}

fn secret(caller: AppCaller) -> &'static str {
    if caller.knows_secret { SECRET } else { "wrong" }
}

fn clients(app: AppCaller) -> String {
    format!("/authorizations/clients/{}", APPS[app.app])
}

fn wanted(app: AppCaller, new: &New) -> Map<String, Value> {
    let mut body = Map::new();
    set(&mut body, "client_secret", Some(secret(app)));
    set(&mut body, "scopes", Some(new.scopes.listed()));
    set(&mut body, "note", new.note);
    body
}

fn created(app: Option<AppCaller>, new: &New) -> Value {
    let mut body = Map::new();
    set(&mut body, "client_id", app.map(|app| APPS[app.app]));
    set(&mut body, "client_secret", app.map(secret));
    set(&mut body, "scopes", Some(new.scopes.listed()));
    set(&mut body, "note", new.note);
    set(&mut body, "fingerprint", new.fingerprint);
    body.into()
}

fn changed(change: &Change) -> Value {
    let mut body = Map::new();
    match change.scopes {
        ScopeChange::None => {}
        ScopeChange::Replace(scopes) => set(&mut body, "scopes", Some(scopes.listed())),
        ScopeChange::AddAndRemove(add, remove) => {
            set(&mut body, "add_scopes", Some(add.listed()));
            set(&mut body, "remove_scopes", Some(remove.listed()));
        }
    }
    set(&mut body, "note", change.note);
    set(&mut body, "fingerprint", change.fingerprint);
    body.into()
}

fn set(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

fn refused(answer: &Answer) -> Reply {
    if answer.status == StatusCode::NO_CONTENT {
        assert_eq!(answer.text, "");
        return Reply::NoContent;
    }
    assert!(!answer.message().is_empty());
    Reply::Refused(answer.status.as_u16())
}

fn issued(answer: &Answer) -> Reply {
    let body = answer.json();
    let token = body["token"].as_str().unwrap();
    assert_eq!(body["hashed_token"], hashed(token));
    Reply::Issued(seen(&body), token.to_owned())
}

fn located(answer: &Answer) -> Reply {
    let location = format!(
        "http://ghes.test/api/v3/authorizations/{}",
        answer.json()["id"]
    );
    assert_eq!(answer.header("location"), Some(location.as_str()));
    issued(answer)
}

fn each<T>(page: &Value, read: fn(&Value) -> T) -> Vec<T> {
    page.as_array().unwrap().iter().map(read).collect()
}

/// Reads an authorization that must not show its token.
fn hidden(body: &Value) -> Seen {
    assert_eq!(body["token"], "");
    seen(body)
}

fn seen(body: &Value) -> Seen {
    Seen {
        id: body["id"].as_u64().unwrap(),
        client_id: text(&body["app"]["client_id"]).unwrap(),
        login: text(&body["user"]["login"]),
        scopes: each(&body["scopes"], |scope| text(scope).unwrap()),
        hashed_token: text(&body["hashed_token"]).unwrap(),
        token_last_eight: text(&body["token_last_eight"]).unwrap(),
        note: text(&body["note"]),
        fingerprint: text(&body["fingerprint"]),
        created_at: time(&body["created_at"]).unwrap(),
        updated_at: time(&body["updated_at"]).unwrap(),
        expires_at: time(&body["expires_at"]),
        account: text(&body["installation"]["account"]["login"]),
    }
}

fn seen_grant(body: &Value) -> SeenGrant {
    SeenGrant {
        id: body["id"].as_u64().unwrap(),
        client_id: text(&body["app"]["client_id"]).unwrap(),
        scopes: each(&body["scopes"], |scope| text(scope).unwrap()),
        created_at: time(&body["created_at"]).unwrap(),
        updated_at: time(&body["updated_at"]).unwrap(),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn time(value: &Value) -> Option<i64> {
    let time: jiff::Timestamp = value.as_str()?.parse().unwrap();
    Some(time.as_second())
}
