//! What operators and GHES see and do where there are several apps and servers.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::support::{WEBHOOK_SECRET, body};
use super::super::webhook::{Delivery, EVENT, REVOKED};
use super::*;

fn purge(what: &str) -> String {
    let length = what.len();
    format!(
        "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{what}"
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Lets octocat in as each app of each server, and hubot as one.
async fn remembering() -> (World, [(&'static str, String); 5]) {
    let webhook = format!("[webhook]\nlisten = '127.0.0.1:0'\nsecret = '{WEBHOOK_SECRET}'\n");
    let world = World::start_with(&webhook, |toml| toml).await;
    let tokens = [
        ("/eu-a", world.eu.mint(A, "octocat", &[])),
        ("/eu-b", world.eu.mint(B, "octocat", &[])),
        ("/us-a", world.us.mint(A, "octocat", &[])),
        ("/us-b", world.us.mint(B, "octocat", &[])),
        ("/us-b", world.us.mint(B, "hubot", &[])),
    ];
    for (path, token) in &tokens {
        assert_eq!(world.status(path, token).await, 200);
        world.eu.emulator.revoke(token);
        world.us.emulator.revoke(token);
        assert_eq!(world.status(path, token).await, 200, "remembered");
    }
    (world, tokens)
}

async fn statuses(world: &World, tokens: &[(&str, String)]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (path, token) in tokens {
        statuses.push(world.status(path, token).await);
    }
    statuses
}

#[tokio::test]
async fn a_purge_reaches_all_apps_of_all_servers() {
    for (what, purged, after) in [
        ("{\"user_id\":1}", 4, [401, 401, 401, 401, 200]),
        (
            "{\"client_id\":\"abcde12345fghij67890\"}",
            3,
            [200, 401, 200, 401, 401],
        ),
        ("{\"all\":true}", 5, [401; 5]),
    ] {
        let (world, tokens) = remembering().await;
        let answer = world.admin().await.exchange(&purge(what)).await;
        assert_eq!(body(&answer), format!("{{\"purged\":{purged}}}"), "{what}");
        assert_eq!(statuses(&world, &tokens).await, after, "{what}");
    }
}

/// GHES does not tell which of them it is, and a user has the same id for all apps.
#[tokio::test]
async fn a_webhook_reaches_all_apps_of_all_servers() {
    let (world, tokens) = remembering().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let webhook = world.proxy.webhook().expect("a configured webhook");
    tokio::spawn(webhook.serve(listener, std::future::pending()));
    let delivery = Delivery::signed(EVENT, "72d3162e-cc78-11e3-81ab-4c9367dc0958", REVOKED);
    let answer = Client::to(address)
        .await
        .exchange(&delivery.request())
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(statuses(&world, &tokens).await, [401, 401, 401, 401, 200]);
}

#[tokio::test]
async fn calls_are_counted_by_server_and_what_is_remembered_is_summed() {
    let (world, _) = remembering().await;
    let text = world.admin().await.exchange(&get("/metrics")).await;
    for line in [
        "ghes_gatekeeper_cache_entries{cache=\"active\"} 5\n",
        "ghes_gatekeeper_cache_lookups_total{cache=\"active\",result=\"hit\"} 5\n",
        "ghes_gatekeeper_ghes_requests_total{ghes=\"eu\",result=\"valid\"} 2\n",
        "ghes_gatekeeper_ghes_requests_total{ghes=\"us\",result=\"valid\"} 3\n",
        "ghes_gatekeeper_route_requests_total{route=\"/us-b\",result=\"passed\"} 4\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("127.0.0.1"), "{text}");
}

/// The gauges of this name, each with its labels, that are 1.
async fn held(world: &World, name: &str) -> Vec<String> {
    let text = world.admin().await.exchange(&get("/metrics")).await;
    let prefix = format!("ghes_gatekeeper_{name}{{");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&*prefix));
    let held = lines.filter_map(|line| line.strip_suffix("} 1"));
    held.map(|labels| labels.replace('"', "")).collect()
}

#[tokio::test]
async fn whose_secret_is_wrong_is_told() {
    let wrong = |toml: String| toml.replacen(SECRET, "wrong", 1);
    let world = World::start_with("", wrong).await;
    assert!(held(&world, "credentials_refused").await.is_empty());
    for app in &world.proxy.apps() {
        let _ = app.ask().await;
    }
    let refused = [format!("ghes=eu,client_id={A}")];
    assert_eq!(held(&world, "credentials_refused").await, refused);
    let none = Vec::<String>::new();
    assert_eq!(held(&world, "breaker_open").await, none, "GHES is there");
}

#[tokio::test]
async fn which_server_is_not_asked_is_told() {
    let world = World::start().await;
    let here = world.eu.mint(A, "octocat", &[]);
    assert_eq!(world.status("/eu-org", &here).await, 200);
    let fault = Fault::status(StatusCode::BAD_GATEWAY);
    world.eu.emulator.fail(fault.times(u64::MAX));
    for at in 0..30 {
        assert_eq!(world.status("/eu", &format!("gho_unknown{at}")).await, 503);
    }
    assert_eq!(held(&world, "breaker_open").await, ["ghes=eu,kind=checks"]);
    assert!(held(&world, "credentials_refused").await.is_empty());
}

/// Not ready, a gate gets no requests at all, and those beside it are in the same state.
#[tokio::test]
async fn a_gate_is_ready_while_one_app_has_credentials_that_are_accepted() {
    let wrong = |wrong: usize| move |toml: String| toml.replacen(SECRET, "wrong", wrong);
    for (count, expected) in [(0, 200), (1, 200), (2, 200), (3, 200), (4, 503)] {
        let world = World::start_with("", wrong(count)).await;
        let mut refused = 0;
        let all = world.proxy.apps();
        for app in &all {
            refused += usize::from(app.ask().await.is_err());
        }
        assert_eq!(refused, count);
        let answer = world.admin().await.exchange(&get("/readyz")).await;
        assert_eq!(status(&answer), expected, "{count} {answer}");
        let reasons: Value = serde_json::from_str(body(&answer)).expect("JSON");
        let expected = match expected {
            200 => json!({"ready": true, "reasons": []}),
            _ => json!({"ready": false, "reasons": ["credentials_refused"]}),
        };
        assert_eq!(reasons, expected);
    }
}

#[tokio::test]
async fn each_app_can_be_asked_by_itself() {
    let world = World::start_with("", |toml| toml.replacen(SECRET, "wrong", 1)).await;
    let mut said = Vec::new();
    let all = world.proxy.apps();
    for app in &all {
        let kind = app.ask().await.err().map(|error| error.kind().as_str());
        said.push((app.ghes(), app.client_id(), kind));
    }
    assert_eq!(
        said,
        [
            ("eu", A, Some("client_auth_failed")),
            ("eu", B, None),
            ("us", A, None),
            ("us", B, None),
        ]
    );
    assert_eq!(
        (world.eu.asked(), world.us.asked().len()),
        (vec![A.to_owned(), B.to_owned()], 2)
    );
}

#[tokio::test]
async fn each_route_sends_clients_to_its_own_server() {
    let more = "[[routes]]\npath = '/tool'\nghes = 'eu'\nupstream = 'http://127.0.0.1:1'\n\
                resource.url = 'https://tools.test/tool'\n\
                [[routes]]\npath = '/other'\nghes = 'us'\nupstream = 'http://127.0.0.1:1'\n\
                resource.url = 'https://tools.test/other'\n";
    let told = "[authorization_server]\nissuer = 'https://tools.test'\nghes = 'us'\n";
    for (told, is_told) in [("", false), (told, true)] {
        let world = World::start_with(&format!("{more}{told}"), |toml| toml).await;
        let servers = async |path: &str| {
            let path = format!("/.well-known/oauth-protected-resource{path}");
            let answer = Client::to(world.gate).await.exchange(&get(&path)).await;
            let document: Value = serde_json::from_str(body(&answer)).expect("JSON");
            document["authorization_servers"].clone()
        };
        let (eu, us) = (world.eu.address, world.us.address);
        assert_eq!(servers("/tool").await, json!([format!("http://{eu}")]));
        let other = match is_told {
            true => "https://tools.test".to_owned(),
            false => format!("http://{us}"),
        };
        assert_eq!(servers("/other").await, json!([other]));
        if is_told {
            let path = "/.well-known/oauth-authorization-server";
            let answer = Client::to(world.gate).await.exchange(&get(path)).await;
            let login = format!("http://{us}/login/oauth/authorize");
            assert!(body(&answer).contains(&login), "{answer}");
        }
    }
}
