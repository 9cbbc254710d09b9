//! Random sequences of all calls, held against a simple model of tokens and grants.
//!
//! There is one model and two who make the calls: bare requests, whose answers are read member by
//! member, and the typed client. The client and the emulator share no type, so where both follow
//! the model, neither has misread GitHub's documents alone.
mod expected;
mod reply;
mod requests;
mod step;
#[cfg(feature = "client")]
mod typed;

use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;
use tokio::runtime::Builder;

use self::expected::Model;
use self::reply::Reply;
use self::step::{AppAct, AppCaller, List, Step, UserAct, UserCaller, sequence};
use crate::emulator::{GITHUB_APP, OAUTH_APP, TOKEN, call};

const USERS: [&str; 3] = ["octocat", "hubot", "monalisa"];
const APPS: [&str; 2] = [GITHUB_APP, OAUTH_APP];
/// The client id of personal access tokens.
const PERSONAL: &str = "00000000000000000000";

/// Makes a call and says what came back.
trait Driver {
    /// Calls the OAuth applications API about a token.
    async fn as_app(&self, caller: AppCaller, token: &str, act: &AppAct) -> Reply;
    /// Calls the OAuth Authorizations API.
    async fn as_user(&self, caller: UserCaller, act: &UserAct) -> Reply;
}

/// A server, who calls it, and what must come of that.
struct Comparison<D> {
    ghes: Emulator,
    driver: D,
    model: Model,
}

impl<D: Driver> Comparison<D> {
    async fn start(driver: impl FnOnce(Emulator) -> D) -> Self {
        let ghes = Emulator::default();
        let mut comparison = Self {
            driver: driver(ghes.clone()),
            model: Model::new(),
            ghes,
        };
        let app = AppCaller::honest(0);
        let first = comparison.driver.as_app(app, TOKEN, &AppAct::Check);
        comparison.model.start_at(&first.await);
        comparison
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::AsApp(caller, token, act) => {
                let token = self.model.token(*token);
                self.as_app(*caller, &token, act).await;
            }
            Step::AsUser(caller, act) => self.as_user(*caller, act).await,
            Step::Mint(app, user, scopes, seconds) => {
                let lifetime = seconds.map(Duration::from_secs);
                let scopes = scopes.listed();
                let minted = self.ghes.mint(APPS[*app], USERS[*user], scopes, lifetime);
                let token = minted.unwrap();
                self.model.mint(token, *app, *user, scopes, *seconds);
            }
            Step::Use(token) => self.use_token(&self.model.token(*token)).await,
            Step::Wait(seconds) => {
                tokio::time::advance(Duration::from_secs(*seconds)).await;
                self.model.wait(*seconds);
            }
        }
    }

    async fn as_app(&mut self, caller: AppCaller, token: &str, act: &AppAct) {
        let reply = self.driver.as_app(caller, token, act).await;
        let expected = self.model.as_app(caller, token, act, reply.new_token());
        assert_eq!(reply, expected, "{caller:?} {act:?} {token}");
    }

    async fn as_user(&mut self, caller: UserCaller, act: &UserAct) {
        let reply = self.driver.as_user(caller, act).await;
        let expected = self.model.as_user(caller, act, reply.new_token());
        assert_eq!(reply, expected, "{caller:?} {act:?}");
    }

    /// Uses a token where everybody may, which spares it when another must give way.
    async fn use_token(&mut self, token: &str) {
        let bearer = format!("Bearer {token}");
        let answer = call(&self.ghes, "GET /user", &bearer, Value::Null).await;
        match self.model.use_token(token) {
            Some(user) => assert_eq!(answer.json()["login"], USERS[user]),
            None => assert_eq!(answer.status, StatusCode::UNAUTHORIZED),
        }
    }

    /// Tries every token that ever was at both apps, and lists all there is.
    async fn look_at_everything(&mut self) {
        for token in self.model.tokens().to_vec() {
            for app in 0..APPS.len() {
                let caller = AppCaller::honest(app);
                self.as_app(caller, &token, &AppAct::Check).await;
            }
        }
        for user in 0..USERS.len() {
            let caller = UserCaller::honest(user);
            let list = List::in_pages_of(3);
            self.as_user(caller, &UserAct::Authorizations(list)).await;
            self.as_user(caller, &UserAct::Grants(list)).await;
        }
    }
}

fn compare<D: Driver>(driver: impl FnOnce(Emulator) -> D, steps: &[Step]) {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut comparison = Comparison::start(driver).await;
        for step in steps {
            comparison.take(step).await;
        }
        comparison.look_at_everything().await;
    });
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_sequence_of_requests_does_what_the_model_says(steps in sequence()) {
        compare(requests::Requests::new, &steps);
    }
}

#[cfg(feature = "client")]
proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn any_sequence_of_client_calls_does_what_the_model_says(steps in sequence()) {
        compare(typed::Clients::new, &steps);
    }
}
