//! Several apps and several servers, with the real client and emulated ones.
//!
//! The rows of the catalogue that are about answers for the wrong app or server: C3, C4, C9.

use std::convert::Infallible;

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::{Emulator, Operation};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::protection::{BreakerState, Protection};
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{Validator, Validators};
use http::{Request, Response};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

use super::{NO, NO_ANSWER, Seen, echo};
use crate::gate::{CLIENT_ID, Client, SECRET, bearer, client};

const OTHER_APP: &str = "abcde12345fghij67890";

/// A route, by its gate.
struct Route(BoxCloneService<Request<()>, Response<()>, Infallible>);

impl Route {
    fn new(validators: impl Into<Validators<Client>>) -> Self {
        let layer = GatekeeperLayer::new(validators);
        Self(BoxCloneService::new(layer.layer(service_fn(echo))))
    }

    async fn send(&self, token: &str) -> Seen {
        let Ok(response) = self.0.clone().oneshot(bearer(token)).await;
        Seen::of(&response)
    }
}

fn app(ghes: &Emulator, client_id: &str, secret: &str) -> Client {
    let url = "http://ghes.test".parse().expect("a URL");
    GhesClient::new(&url, &App::new(client_id, secret), ghes.clone()).expect("an app")
}

fn by(client_id: &str) -> Seen {
    Seen::In {
        app: client_id.into(),
        is_stale: false,
    }
}

fn mint(ghes: &Emulator, client_id: &str, login: &str) -> String {
    let token = ghes.mint(client_id, login, &[], None);
    token.expect("a token")
}

fn calls(ghes: &Emulator) -> u64 {
    ghes.calls(Operation::CheckToken)
}

#[tokio::test(start_paused = true)]
async fn people_of_every_app_come_in_with_their_own_apps_token() {
    let ghes = Emulator::default();
    let first = Validator::new(client(&ghes));
    let second = Validator::new(app(&ghes, OTHER_APP, SECRET));
    let route = Route::new(Validators::from(first).or(second));
    for client_id in [CLIENT_ID, OTHER_APP] {
        let token = mint(&ghes, client_id, "octocat");
        for _ in 0..2 {
            assert_eq!(route.send(&token).await, by(client_id));
        }
    }
    assert_eq!(calls(&ghes), 3);
    assert_eq!(route.send("gho_nobody").await, NO);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_keeps_only_its_own_people_out_and_never_with_401() {
    let ghes = Emulator::default();
    let broken = Validator::new(app(&ghes, CLIENT_ID, "wrong"));
    let good = Validator::new(app(&ghes, OTHER_APP, SECRET));
    let tokens = [CLIENT_ID, OTHER_APP].map(|client_id| mint(&ghes, client_id, "octocat"));
    for order in [[&broken, &good], [&good, &broken]] {
        let [first, second] = order.map(Validator::clone);
        let route = Route::new(Validators::from(first).or(second));
        assert_eq!(route.send(&tokens[0]).await, NO_ANSWER);
        assert_eq!(route.send(&tokens[1]).await, by(OTHER_APP));
        assert_eq!(route.send("gho_nobody").await, NO_ANSWER);
    }
}

/// The breaker says the same of the app as GHES does.
#[tokio::test(start_paused = true)]
async fn a_breaker_that_spares_a_wrong_secret_does_not_keep_others_out() {
    let ghes = Emulator::default();
    let (broken, monitor) = Protection::new().protect(app(&ghes, CLIENT_ID, "wrong"), []);
    let (good, _) = Protection::new().protect(app(&ghes, OTHER_APP, SECRET), []);
    let validators = Validators::from(Validator::new(broken)).or(Validator::new(good));
    for _ in 0..20 {
        let token = mint(&ghes, OTHER_APP, "octocat");
        let answer = validators.check(AccessToken::new(token)).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(monitor.credentials(), BreakerState::Open);
}

/// Oathkeeper CVE-2026-33496: a token that is good for one issuer, on the route of another.
#[tokio::test(start_paused = true)]
async fn c3_a_token_of_one_app_or_server_is_no_good_on_the_route_of_another() {
    let (here, there) = (
        Emulator::default().with_seed(1),
        Emulator::default().with_seed(2),
    );
    let ours = Route::new(Validator::new(client(&here)));
    let of_other_app = Route::new(Validator::new(app(&here, OTHER_APP, SECRET)));
    let of_other_server = Route::new(Validator::new(client(&there)));
    let token = mint(&here, CLIENT_ID, "octocat");
    assert_eq!(ours.send(&token).await, by(CLIENT_ID));
    assert_eq!((calls(&here), calls(&there)), (1, 0));

    assert_eq!(of_other_app.send(&token).await, NO);
    assert_eq!((calls(&here), calls(&there)), (2, 0));
    assert_eq!(of_other_server.send(&token).await, NO);
    assert_eq!((calls(&here), calls(&there)), (2, 1));
    // Nor does their "no" reach the route where it is good.
    assert_eq!(ours.send(&token).await, by(CLIENT_ID));
    assert_eq!((calls(&here), calls(&there)), (2, 1));
}

/// `mod_auth_openidc` GHSA-wcvh-g65p-v576: answers shared between hosts that want different apps.
#[tokio::test(start_paused = true)]
async fn c4_routes_of_different_apps_share_what_is_about_the_same_app_and_no_more() {
    let ghes = Emulator::default();
    let first = Validator::new(client(&ghes));
    let second = Validator::new(app(&ghes, OTHER_APP, SECRET));
    let of_first = Route::new(first.clone());
    let of_second = Route::new(second.clone());
    let of_both = Route::new(Validators::from(second).or(first));
    let token = mint(&ghes, CLIENT_ID, "octocat");
    assert_eq!(of_both.send(&token).await, by(CLIENT_ID));
    assert_eq!(calls(&ghes), 2);
    // Each finds what was asked for both, and only that of its own app.
    assert_eq!(of_first.send(&token).await, by(CLIENT_ID));
    assert_eq!(of_second.send(&token).await, NO);
    assert_eq!(calls(&ghes), 2);
}

/// pingora RUSTSEC-2026-0035: a key without the host.
#[tokio::test(start_paused = true)]
async fn c9_one_token_may_be_two_peoples_at_two_servers() {
    let servers = [Emulator::default(), Emulator::default()].map(|ghes| ghes.with_seed(7));
    let routes = servers
        .each_ref()
        .map(|ghes| Route::new(Validator::new(client(ghes))));
    let people = ["octocat", "hubot"];
    let mut tokens = Vec::new();
    for (ghes, login) in servers.iter().zip(people) {
        tokens.push(mint(ghes, CLIENT_ID, login));
    }
    assert_eq!(tokens[0], tokens[1], "both servers mint alike");
    for _ in 0..2 {
        for (route, login) in routes.iter().zip(people) {
            let Ok(response) = route.0.clone().oneshot(bearer(&tokens[0])).await;
            let told = response.extensions().get::<ghes_gatekeeper::Identity>();
            assert_eq!(told.expect("let in").user().login(), login);
        }
    }
    assert_eq!(servers.each_ref().map(calls), [1, 1]);
}
