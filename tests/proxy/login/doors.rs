//! Sessions where other people's proxies ask.

use super::browser::{Browser, NAVIGATION};
use super::{OTHER, Scene, TOOL};
use crate::decisions::{DOORS, Door, Held, all, only};
use crate::support::status;

fn at<'a>(host: &'a str, lines: &'a str) -> Held<'a> {
    Held {
        host,
        target: "/page?x=1",
        lines,
        ..Held::GET
    }
}

/// Those whose clients get what the gate says, whatever it is.
const PAGES: [Door; 3] = [Door::Traefik, Door::Caddy, Door::Envoy];

#[tokio::test]
async fn a_session_counts_and_its_cookie_goes_no_further() {
    let mut scene = Scene::start().await;
    let browser = scene.logged_in().await;
    let ours = browser.cookies("tool.example.com");
    let ours = ours
        .trim_end()
        .strip_prefix("Cookie: ")
        .expect("cookies")
        .to_owned();
    let lines = format!("{NAVIGATION}Cookie: theirs=1; {ours}; more=2\r\n");
    for door in DOORS {
        let mut client = scene.decisions().await;
        let response = door.ask(&mut client, &at("tool.example.com", &lines)).await;
        assert_eq!(status(&response), 200, "{door:?} {response}");
        assert_eq!(
            only(&response, "x-auth-request-user"),
            "octocat",
            "{door:?}"
        );
        assert_eq!(only(&response, "cookie"), "theirs=1; more=2", "{door:?}");
        assert!(all(&response, "authorization").is_empty(), "{response}");
        // On another host it is nobody's.
        let response = door
            .ask(&mut client, &at("other.example.com", &lines))
            .await;
        assert_ne!(status(&response), 200, "{door:?}");
    }
}

#[tokio::test]
async fn who_is_not_logged_in_is_sent_to_log_in_where_the_proxy_passes_it_on() {
    let scene = Scene::start().await;
    for door in DOORS {
        let mut client = scene.decisions().await;
        let response = door
            .ask(&mut client, &at("tool.example.com", NAVIGATION))
            .await;
        match PAGES.contains(&door) {
            true => {
                assert_eq!(status(&response), 302, "{door:?}");
                let start = format!("{TOOL}/oauth2/start?rd=%2Fpage%3Fx%3D1");
                assert_eq!(only(&response, "location"), start);
            }
            false => assert_eq!(status(&response), 401, "{door:?}"),
        }
        let lines = "Accept: application/json\r\n";
        let response = door.ask(&mut client, &at("tool.example.com", lines)).await;
        assert_eq!(status(&response), 401, "{door:?}");
        let kind = only(&response, "content-type");
        assert_eq!(kind, "application/problem+json", "{door:?}");
    }
}

#[tokio::test]
async fn who_may_not_enter_is_shown_a_page_where_the_proxy_passes_it_on() {
    let scene = Scene::start().await;
    let mut browser = scene.browser();
    browser.visit(&format!("{OTHER}/"), "monalisa").await;
    let lines = format!("{NAVIGATION}{}", browser.cookies("other.example.com"));
    for door in DOORS {
        let mut client = scene.decisions().await;
        let response = door
            .ask(&mut client, &at("other.example.com", &lines))
            .await;
        assert_eq!(status(&response), 403, "{door:?}");
        let names = response.contains("<strong>monalisa</strong>");
        assert_eq!(names, PAGES.contains(&door), "{door:?} {response}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let mut scene = Scene::start().await;
    let browser = scene.logged_in().await;
    let cookies = browser.cookies("tool.example.com");
    let socket = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for door in DOORS.into_iter().filter(|door| door.has_method()) {
        let mut client = scene.decisions().await;
        for (method, lines, expected) in [
            ("POST", "", 403),
            ("POST", "Origin: https://evil.example\r\n", 403),
            ("DELETE", "Sec-Fetch-Site: same-site\r\n", 403),
            ("GET", socket, 403),
            ("GET", "X-HTTP-Method-Override: DELETE\r\n", 403),
            ("POST", "Origin: https://tool.example.com\r\n", 200),
            ("GET", "Origin: https://evil.example\r\n", 200),
        ] {
            let lines = format!("{cookies}{lines}");
            let held = Held {
                method,
                ..at("tool.example.com", &lines)
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), expected, "{door:?} {method} {lines}");
        }
    }
}

/// A site that had oauth2-proxy sends everything below /oauth2 to one address.
#[tokio::test]
async fn the_endpoints_are_where_proxies_ask_as_well() {
    let scene = Scene::start().await;
    let mut client = scene.decisions().await;
    let ask = |path: &str, fields: &str| {
        format!("GET /oauth2/{path} HTTP/1.1\r\nHost: tool.example.com\r\n{fields}\r\n")
    };
    let fields = format!("{NAVIGATION}X-Auth-Request-Redirect: /page\r\n");
    let response = client.exchange(&ask("start", &fields)).await;
    assert_eq!(status(&response), 302, "{response}");
    let to = only(&response, "location");
    assert!(
        to.starts_with("https://login.example.com/oauth2/start?"),
        "{to}"
    );
    let response = client.exchange(&ask("sign_in", &fields)).await;
    assert_eq!(status(&response), 403, "{response}");
    let start = format!("href=\"{TOOL}/oauth2/start?rd=%2Fpage\"");
    assert!(response.contains(&start), "{response}");
    // Programs that nginx sends there on their 401.
    for path in ["start", "sign_in"] {
        let response = client
            .exchange(&ask(path, "Accept: application/json\r\n"))
            .await;
        assert_eq!(status(&response), 401, "{response}");
        assert!(all(&response, "set-cookie").is_empty(), "{response}");
    }
    let elsewhere = ask("start", &fields).replace("tool.example.com", "evil.example");
    assert_eq!(status(&client.exchange(&elsewhere).await), 404);
    let forged = format!("{fields}X-Forwarded-Host: other.example.com\r\n");
    let response = client.exchange(&ask("start", &forged)).await;
    assert!(
        only(&response, "location").contains("host=tool.example.com"),
        "{response}"
    );
}

/// From the page and back to it, all by the listener for proxies.
#[tokio::test]
async fn a_person_logs_in_by_the_proxy_alone() {
    let mut scene = Scene::start().await;
    let decisions = scene.decisions().await.0.peer_addr().expect("an address");
    let mut browser = Browser::new(decisions, scene.ghes);
    let url = format!("{TOOL}/oauth2/start?rd=/oauth2/userinfo");
    let (answer, questions) = browser.visit(&url, "octocat").await;
    assert_eq!((answer.status(), questions), (200, 1), "{}", answer.0);
    assert!(answer.0.contains("\"user\":\"octocat\""), "{}", answer.0);
    scene.tool.assert_untouched();
}
