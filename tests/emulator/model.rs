//! Random sequences of calls, held against a simple model of tokens and grants.
use std::collections::BTreeSet;
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::{GITHUB_APP, OAUTH_APP, SECRET, TOKEN, about, basic, call};

const USERS: [&str; 2] = ["octocat", "hubot"];
const APPS: [&str; 2] = [GITHUB_APP, OAUTH_APP];
const SCOPES: [&[&str]; 2] = [&["repo"], &["gist", "user"]];

/// A call; numbers choose among what there is, so that any sequence makes sense.
#[derive(Clone, Debug)]
enum Step {
    Mint {
        app: usize,
        user: usize,
        scopes: usize,
        seconds: Option<u64>,
    },
    Create {
        user: usize,
        scopes: usize,
    },
    Ensure {
        user: usize,
        fingerprint: Option<u8>,
    },
    Check {
        app: usize,
        token: usize,
    },
    Reset {
        app: usize,
        token: usize,
    },
    DeleteToken {
        app: usize,
        token: usize,
    },
    DeleteGrant {
        app: usize,
        token: usize,
    },
    DeleteAuthorization {
        user: usize,
        token: usize,
    },
    Use {
        token: usize,
    },
    List {
        user: usize,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (two, token) = (0..2_usize, 0..64_usize);
    let (app, user) = (two.clone(), two.clone());
    let scopes = two;
    prop_oneof![
        2 => (app.clone(), user.clone(), scopes, prop::option::of(1..20_u64))
            .prop_map(|(app, user, scopes, seconds)| Step::Mint { app, user, scopes, seconds }),
        // Often, so that sequences run into the limit of ten.
        12 => (prop_oneof![9 => Just(0), 1 => Just(1)], prop_oneof![9 => Just(0), 1 => Just(1)])
            .prop_map(|(user, scopes)| Step::Create { user, scopes }),
        2 => (user.clone(), prop::option::of(0..2_u8))
            .prop_map(|(user, fingerprint)| Step::Ensure { user, fingerprint }),
        3 => (app.clone(), token.clone()).prop_map(|(app, token)| Step::Check { app, token }),
        2 => (app.clone(), token.clone()).prop_map(|(app, token)| Step::Reset { app, token }),
        2 => (app.clone(), token.clone()).prop_map(|(app, token)| Step::DeleteToken { app, token }),
        1 => (app, token.clone()).prop_map(|(app, token)| Step::DeleteGrant { app, token }),
        1 => (user.clone(), token.clone())
            .prop_map(|(user, token)| Step::DeleteAuthorization { user, token }),
        4 => token.prop_map(|token| Step::Use { token }),
        1 => user.prop_map(|user| Step::List { user }),
        2 => (1..5_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// What the model knows of an authorization.
#[derive(Clone, Debug)]
struct Known {
    id: u64,
    token: String,
    app: usize,
    user: usize,
    scopes: Vec<&'static str>,
    fingerprint: Option<u8>,
    expires_at: Option<u64>,
    used_at: Option<u64>,
}

/// A list of authorizations, and all tokens that ever were.
struct Model {
    ghes: Emulator,
    now: u64,
    known: Vec<Known>,
    tokens: Vec<String>,
    last_id: u64,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            ghes: Emulator::default(),
            now: 0,
            known: Vec::new(),
            tokens: Vec::new(),
            last_id: 0,
        };
        model.add(TOKEN, 0, 0, &["public_repo", "user"], None, None);
        model
    }

    fn add(
        &mut self,
        token: &str,
        app: usize,
        user: usize,
        scopes: &[&'static str],
        fingerprint: Option<u8>,
        expires_at: Option<u64>,
    ) {
        self.last_id += 1;
        self.tokens.push(token.to_owned());
        self.known.push(Known {
            id: self.last_id,
            token: token.to_owned(),
            app,
            user,
            scopes: scopes.to_vec(),
            fingerprint,
            expires_at,
            used_at: None,
        });
    }

    /// Returns one of all tokens that ever were.
    fn token(&self, number: usize) -> String {
        self.tokens[number % self.tokens.len()].clone()
    }

    fn alive(&self) -> impl Iterator<Item = &Known> {
        let now = self.now;
        self.known
            .iter()
            .filter(move |known| known.expires_at.is_none_or(|at| at > now))
    }

    fn find(&self, token: &str) -> Option<Known> {
        self.alive().find(|known| known.token == token).cloned()
    }

    fn find_own(&self, app: usize, token: &str) -> Option<Known> {
        self.find(token).filter(|known| known.app == app)
    }

    fn make_room(&mut self, user: usize, scopes: &[&str]) {
        let alike: Vec<&Known> = self
            .alive()
            .filter(|known| (known.app, known.user) == (1, user) && known.scopes == scopes)
            .collect();
        if alike.len() < 10 {
            return;
        }
        let oldest = alike.iter().min_by_key(|known| (known.used_at, known.id));
        let id = oldest.unwrap().id;
        self.known.retain(|known| known.id != id);
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Mint {
                app,
                user,
                scopes,
                seconds,
            } => {
                let lifetime = seconds.map(Duration::from_secs);
                let token = self
                    .ghes
                    .mint(APPS[app], USERS[user], SCOPES[scopes], lifetime);
                let expires_at = seconds.map(|seconds| self.now + seconds);
                self.add(&token.unwrap(), app, user, SCOPES[scopes], None, expires_at);
            }
            Step::Create { user, scopes } => self.create(user, scopes).await,
            Step::Ensure { user, fingerprint } => self.ensure(user, fingerprint).await,
            Step::Check { app, token } => self.check(app, &self.token(token)).await,
            Step::Reset { app, token } => self.reset(app, &self.token(token)).await,
            Step::DeleteToken { app, token } => self.delete(app, &self.token(token), "token").await,
            Step::DeleteGrant { app, token } => self.delete(app, &self.token(token), "grant").await,
            Step::DeleteAuthorization { user, token } => {
                self.delete_authorization(user, &self.token(token)).await;
            }
            Step::Use { token } => self.use_token(&self.token(token)).await,
            Step::List { user } => self.list(user).await,
            Step::Wait { seconds } => {
                tokio::time::advance(Duration::from_secs(seconds)).await;
                self.now += seconds;
            }
        }
    }

    async fn as_user(&self, user: usize, line: &str, body: Value) -> super::Answer {
        let credential = basic(USERS[user], USERS[user]);
        call(&self.ghes, line, &credential, body).await
    }

    async fn create(&mut self, user: usize, scopes: usize) {
        let body =
            json!({ "client_id": OAUTH_APP, "client_secret": SECRET, "scopes": SCOPES[scopes] });
        let answer = self.as_user(user, "POST /authorizations", body).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        self.make_room(user, SCOPES[scopes]);
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        self.add(&token, 1, user, SCOPES[scopes], None, None);
        assert_eq!(answer.json()["id"], self.last_id);
    }

    async fn ensure(&mut self, user: usize, fingerprint: Option<u8>) {
        let end = fingerprint.map_or_else(String::new, |fingerprint| format!("/{fingerprint}"));
        let line = format!("PUT /authorizations/clients/{OAUTH_APP}{end}");
        let answer = self
            .as_user(
                user,
                &line,
                json!({ "client_secret": SECRET, "scopes": ["repo"] }),
            )
            .await;
        let existing = self
            .alive()
            .find(|known| (known.app, known.user) == (1, user) && known.fingerprint == fingerprint);
        if let Some(existing) = existing {
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(
                (&answer.json()["id"], &answer.json()["token"]),
                (&json!(existing.id), &json!(""))
            );
        } else {
            assert_eq!(answer.status, StatusCode::CREATED);
            self.make_room(user, &["repo"]);
            let token = answer.json()["token"].as_str().unwrap().to_owned();
            self.add(&token, 1, user, &["repo"], fingerprint, None);
        }
    }

    async fn check(&self, app: usize, token: &str) {
        let answer = about(&self.ghes, "POST", APPS[app], "token", token).await;
        match self.find_own(app, token) {
            Some(known) => {
                assert_eq!(answer.status, StatusCode::OK);
                let body = answer.json();
                assert_eq!(
                    (&body["id"], &body["token"]),
                    (&json!(known.id), &json!(token))
                );
                assert_eq!(body["user"]["login"], USERS[known.user]);
                assert_eq!(body["scopes"], json!(known.scopes));
            }
            None => assert_eq!(answer.status, StatusCode::NOT_FOUND),
        }
    }

    async fn reset(&mut self, app: usize, token: &str) {
        let answer = about(&self.ghes, "PATCH", APPS[app], "token", token).await;
        let Some(known) = self.find_own(app, token) else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            return;
        };
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["id"], known.id);
        let new = answer.json()["token"].as_str().unwrap().to_owned();
        assert!(!self.tokens.contains(&new));
        self.tokens.push(new.clone());
        let entry = self.known.iter_mut().find(|other| other.id == known.id);
        entry.unwrap().token = new;
    }

    async fn delete(&mut self, app: usize, token: &str, what: &str) {
        let answer = about(&self.ghes, "DELETE", APPS[app], what, token).await;
        let Some(known) = self.find_own(app, token) else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            return;
        };
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        self.known.retain(|other| match what {
            "token" => other.id != known.id,
            _ => (other.app, other.user) != (known.app, known.user),
        });
    }

    async fn delete_authorization(&mut self, user: usize, token: &str) {
        let Some(known) = self.find(token) else {
            return;
        };
        let line = format!("DELETE /authorizations/{}", known.id);
        let answer = self.as_user(user, &line, Value::Null).await;
        if known.user == user {
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
            self.known.retain(|other| other.id != known.id);
        } else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
    }

    async fn use_token(&mut self, token: &str) {
        let answer = call(
            &self.ghes,
            "GET /user",
            &format!("Bearer {token}"),
            Value::Null,
        )
        .await;
        let Some(known) = self.find(token) else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            return;
        };
        assert_eq!(answer.json()["login"], USERS[known.user]);
        let now = self.now;
        let entry = self.known.iter_mut().find(|other| other.id == known.id);
        entry.unwrap().used_at = Some(now);
    }

    /// Compares all of a user's tokens and grants.
    async fn list(&self, user: usize) {
        let answer = self
            .as_user(user, "GET /authorizations?per_page=100", Value::Null)
            .await;
        let mine = || self.alive().filter(|known| known.user == user);
        let listed: Vec<u64> = answer
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_u64().unwrap())
            .collect();
        assert_eq!(listed, mine().map(|known| known.id).collect::<Vec<_>>());
        let grants = self
            .as_user(user, "GET /applications/grants", Value::Null)
            .await
            .json();
        for (app, client_id) in APPS.iter().enumerate() {
            let scopes: BTreeSet<&str> = mine()
                .filter(|known| known.app == app)
                .flat_map(|known| known.scopes.iter().copied())
                .collect();
            let grant = grants
                .as_array()
                .unwrap()
                .iter()
                .find(|grant| grant["app"]["client_id"] == *client_id);
            let granted: BTreeSet<&str> = grant
                .and_then(|grant| grant["scopes"].as_array())
                .into_iter()
                .flatten()
                .map(|scope| scope.as_str().unwrap())
                .collect();
            assert_eq!(granted, scopes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_does_what_the_model_says(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for step in steps {
                model.take(step).await;
            }
            for number in 0..model.tokens.len() {
                let token = model.token(number);
                model.check(0, &token).await;
                model.check(1, &token).await;
            }
            model.list(0).await;
            model.list(1).await;
        });
    }
}
