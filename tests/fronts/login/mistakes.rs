//! What may not begin a login, and what may not count as one.

use super::browser::NAVIGATION;
use super::scene::Scene;
use super::{TOOL, every_login};
use crate::fronts::Front;

every_login!(
    what_shows_no_page_gets_401_and_no_redirect,
    a_forged_cookie_opens_nothing,
    a_page_of_another_site_changes_nothing,
    a_route_without_a_login_sends_nobody_round_and_round,
);

async fn what_shows_no_page_gets_401_and_no_redirect(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    for (method, fields) in [
        ("GET", ""),
        ("GET", "Accept: application/json\r\n"),
        ("GET", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n"),
        ("GET", "Sec-Fetch-Mode: no-cors\r\nAccept: */*\r\n"),
        ("POST", NAVIGATION),
        ("DELETE", ""),
    ] {
        let body = if method == "POST" { "a=b" } else { "" };
        let url = format!("{TOOL}/page?rd=/x&state=y&host=z");
        let answer = scene.browser().send(method, &url, fields, body).await;
        assert_eq!(answer.status(), 401, "{method} {fields} {}", answer.0);
        assert_eq!(answer.header("location"), None, "{}", answer.0);
        assert_eq!(answer.header("set-cookie"), None, "{}", answer.0);
        let challenges = answer.0.to_ascii_lowercase();
        let challenges = challenges.matches("\r\nwww-authenticate: ").count();
        assert_eq!(challenges, 1, "{method} {fields} {}", answer.0);
    }
    scene.tool.assert_untouched();
}

async fn a_forged_cookie_opens_nothing(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let browser = scene.logged_in().await;
    let good = browser.cookies("tools.example.com");
    let good = good.trim_end();
    let (name, value) = good.split_once('=').expect("a cookie");
    let of_login_host = browser.cookies("login.example.com");
    for cookie in [
        format!("{name}=x"),
        format!("{name}={}", &value[..value.len() - 1]),
        format!("{name}=A{value}"),
        format!("{name}={}", value.to_ascii_lowercase()),
        // Each host has one of its own.
        of_login_host.trim_end().to_owned(),
    ] {
        let fields = format!("Accept: application/json\r\n{cookie}\r\n");
        let url = format!("{TOOL}/page");
        let answer = scene.browser().send("GET", &url, &fields, "").await;
        assert_eq!(answer.status(), 401, "{cookie} {}", answer.0);
    }
    scene.tool.assert_untouched();
}

async fn a_page_of_another_site_changes_nothing(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.logged_in().await;
    let socket = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                  Origin: https://evil.example\r\n";
    let url = format!("{TOOL}/change");
    for (method, fields, expected) in [
        ("POST", "", 403),
        ("POST", "Origin: https://evil.example\r\n", 403),
        (
            "POST",
            "Origin: null\r\nSec-Fetch-Site: cross-site\r\n",
            403,
        ),
        ("DELETE", "Sec-Fetch-Site: same-site\r\n", 403),
        ("GET", socket, 403),
        ("GET", "Origin: https://evil.example\r\n", 200),
        ("POST", "Origin: https://tools.example.com\r\n", 200),
    ] {
        let answer = browser.send(method, &url, fields, "").await;
        assert_eq!(answer.status(), expected, "{method} {fields} {}", answer.0);
        match expected {
            200 => scene.tool.forget(),
            _ => scene.tool.assert_untouched(),
        }
    }
}

/// The gate itself says 401. nginx sends to log in whoever gets that, again and again.
async fn a_route_without_a_login_sends_nobody_round_and_round(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.logged_in().await;
    let mut url = format!("{TOOL}/api");
    for _ in 0..20 {
        let answer = browser.go(&url).await;
        if answer.status() != 302 {
            let expected = if front == Front::Nginx { 403 } else { 401 };
            assert_eq!(answer.status(), expected, "{}", answer.0);
            scene.tool.assert_untouched();
            return;
        }
        url = answer.location().to_owned();
    }
    panic!("no end: {url}");
}
