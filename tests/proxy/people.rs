//! Who may enter a route, by what GHES says of people.

use ghes_gatekeeper::emulator::{Fault, Operation};
use http::StatusCode;

use super::support::{Gate, Upstream, route, status};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// The people of the emulated GHES: octocat is in the team, hubot in its organization, and monalisa
/// in neither.
const PEOPLE: [&str; 3] = ["octocat", "hubot", "monalisa"];

async fn gate(rules: &str) -> (Gate, Upstream) {
    let upstream = Upstream::start().await;
    let gate = Gate::start(&route("/", upstream.address, rules)).await;
    (gate, upstream)
}

async fn get(gate: &Gate, path: &str, token: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    gate.connect().await.exchange(&request).await
}

async fn status_of(gate: &Gate, login: &str) -> u16 {
    let token = gate.ghes.mint(CLIENT_ID, login, &[], None);
    gate.status_for(&token.expect("a token")).await
}

fn questions(gate: &Gate) -> u64 {
    gate.ghes.calls(Operation::GetOrganizationMembership)
        + gate.ghes.calls(Operation::GetTeamMembership)
}

#[tokio::test]
async fn every_key_lets_in_whom_it_names_and_nobody_else() {
    for (rules, statuses) in [
        ("", [200, 200, 200]),
        ("users = ['HUBOT']", [403, 200, 403]),
        ("user_ids = [3]", [403, 403, 200]),
        ("site_admins = true", [403, 403, 403]),
        ("orgs = ['Octo-Org']", [200, 200, 403]),
        ("orgs = ['other', 'octo-org']", [200, 200, 403]),
        ("teams = ['octo-org/platform']", [200, 403, 403]),
        (
            "users = ['monalisa']\nteams = ['octo-org/platform']",
            [200, 403, 200],
        ),
        ("users = ['monalisa']\nsite_admins = true", [403, 403, 200]),
        (
            "users = ['hubot', 'monalisa']\norgs = ['octo-org']\npeople = 'all'",
            [403, 200, 403],
        ),
        (
            "orgs = ['octo-org']\nteams = ['octo-org/platform']\npeople = 'all'",
            [200, 403, 403],
        ),
        ("account_types = ['User']", [200, 200, 200]),
        (
            "account_types = ['Bot']\nusers = ['hubot']",
            [403, 403, 403],
        ),
        ("scopes = ['repo']", [403, 403, 403]),
        (
            "scopes = ['repo']\nexempt_github_apps = true",
            [200, 200, 200],
        ),
        (
            "scopes_any = ['repo']\nexempt_github_apps = true\norgs = ['octo-org']",
            [200, 200, 403],
        ),
    ] {
        let (gate, mut upstream) = gate(rules).await;
        for (login, expected) in PEOPLE.into_iter().zip(statuses) {
            assert_eq!(status_of(&gate, login).await, expected, "{rules} {login}");
            if expected == 200 {
                let request = upstream.request().await;
                assert!(
                    request.contains(&format!("x-forwarded-user: {login}\r\n")),
                    "{request}"
                );
            }
        }
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn only_what_the_decision_depends_on_is_asked_and_once() {
    let (gate, _upstream) = gate("users = ['octocat']\nteams = ['octo-org/platform']").await;
    assert_eq!(status_of(&gate, "octocat").await, 200);
    assert_eq!(questions(&gate), 0);
    let token = gate
        .ghes
        .mint(CLIENT_ID, "hubot", &[], None)
        .expect("a token");
    for _ in 0..3 {
        assert_eq!(gate.status_for(&token).await, 403);
    }
    assert_eq!(questions(&gate), 1);
}

#[tokio::test]
async fn a_membership_that_cannot_be_asked_about_is_no_refusal() {
    let mut upstream = Upstream::start().await;
    let routes =
        route("/", upstream.address, "") + &route("/org", upstream.address, "orgs = ['octo-org']");
    let gate = Gate::start(&routes).await;
    let token = gate.ghes.mint(CLIENT_ID, "octocat", &[], None);
    let token = token.expect("a token");
    assert_eq!(gate.status_for(&token).await, 200);
    upstream.request().await;
    gate.ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let refused = get(&gate, "/org", &token).await;
    assert_eq!(status(&refused), 503, "{refused}");
    assert!(refused.contains("retry-after") && !refused.contains("www-authenticate"));
    upstream.assert_untouched();
    assert_eq!(status(&get(&gate, "/org", &token).await), 200);
}

/// C1 and C2: what a token was let in for on one route says nothing about another.
#[tokio::test]
async fn c2_rules_of_people_are_held_on_every_route_and_every_hit() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "")
        + &route("/team", upstream.address, "teams = ['octo-org/platform']");
    let gate = Gate::start(&routes).await;
    let token = gate
        .ghes
        .mint(CLIENT_ID, "hubot", &[], None)
        .expect("a token");
    for (path, expected) in [("/", 200), ("/team", 403), ("/", 200), ("/team", 403)] {
        let response = get(&gate, path, &token).await;
        assert_eq!(status(&response), expected, "{path}");
    }
    assert_eq!((gate.calls(), questions(&gate)), (1, 1));
}
