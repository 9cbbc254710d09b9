//! What others got wrong at a proxy.

use super::browser::NAVIGATION;
use super::{Scene, TOOL};
use crate::TOKEN;
use crate::support::body;

/// oauth2-proxy#461, #971, #1522.
#[tokio::test]
async fn what_shows_no_page_gets_401_and_no_cookie() {
    let mut scene = Scene::start().await;
    for fields in [
        "",
        "Accept: */*\r\n",
        "Accept: application/json\r\n",
        "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n",
        "Sec-Fetch-Mode: no-cors\r\nAccept: text/html\r\n",
    ] {
        let answer = scene
            .browser()
            .send("GET", &format!("{TOOL}/"), fields, "")
            .await;
        assert_eq!(answer.status(), 401, "{fields}");
        assert_eq!(answer.header("set-cookie"), None, "{fields}");
        assert!(answer.header("www-authenticate").is_some(), "{fields}");
        assert!(body(&answer.0).contains("\"status\":401"), "{}", answer.0);
    }
    let answer = scene
        .browser()
        .send("POST", &format!("{TOOL}/"), NAVIGATION, "a=b")
        .await;
    assert_eq!(answer.status(), 401);
    // A route without a login sends nobody anywhere.
    let answer = scene.browser().go(&format!("{TOOL}/api")).await;
    assert_eq!(answer.status(), 401);
    scene.tool.assert_untouched();
}

/// oauth2-proxy#388, #644.
#[tokio::test]
async fn no_tool_sees_a_cookie_of_ours() {
    let mut scene = Scene::start().await;
    let browser = scene.logged_in().await;
    let ours = browser.cookies("tool.example.com");
    let ours = ours
        .trim_end()
        .strip_prefix("Cookie: ")
        .expect("cookies")
        .to_owned();
    for path in ["/", "/open"] {
        for line in [
            format!("Cookie: theirs=1; {ours}; more=2\r\n"),
            format!("Cookie: theirs=1\r\nCookie: {ours}\r\nCookie: more=2\r\n"),
        ] {
            let mut plain = scene.browser();
            let answer = plain.send("GET", &format!("{TOOL}{path}"), &line, "").await;
            assert_eq!(answer.status(), 200, "{path} {}", answer.0);
            let seen = scene.tool.request().await;
            assert!(!seen.contains("ghes-gatekeeper="), "{seen}");
            assert!(
                seen.contains("theirs=1") && seen.contains("more=2"),
                "{seen}"
            );
        }
    }
    // With a token, on a route that takes no session.
    let fields = format!("Cookie: {ours}\r\nAuthorization: Bearer {TOKEN}\r\n");
    let answer = scene
        .browser()
        .send("GET", &format!("{TOOL}/api"), &fields, "")
        .await;
    assert_eq!(answer.status(), 401, "of another app: {}", answer.0);
    let fields = format!("Cookie: {ours}\r\n");
    let answer = scene
        .browser()
        .send("GET", &format!("{TOOL}/api"), &fields, "")
        .await;
    assert_eq!(
        answer.status(),
        401,
        "a session is no token there: {}",
        answer.0
    );
    scene.tool.assert_untouched();
}

#[tokio::test]
async fn a_credential_beside_the_cookie_is_judged_alone() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    for fields in [
        format!("Authorization: Bearer {TOKEN}\r\n"),
        "Authorization: Bearer gho_unknown\r\n".to_owned(),
        "Authorization: Basic eDp5\r\n".to_owned(),
    ] {
        let fields = format!("{fields}{NAVIGATION}");
        let answer = browser.send("GET", &format!("{TOOL}/"), &fields, "").await;
        assert_eq!(answer.status(), 401, "{fields}");
    }
    scene.tool.assert_untouched();
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    let url = format!("{TOOL}/change");
    for fields in [
        "",
        "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: https://other.example.com\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = browser.send(method, &url, fields, "a=b").await;
            assert_eq!(answer.status(), 403, "{method} {fields}");
            assert!(answer.0.contains("another site"), "{}", answer.0);
        }
        let overridden = format!("{fields}X-HTTP-Method-Override: DELETE\r\n");
        let answer = browser.send("GET", &url, &overridden, "").await;
        assert_eq!(answer.status(), 403, "{overridden}");
    }
    scene.tool.assert_untouched();
    let own = format!("Origin: {TOOL}\r\nSec-Fetch-Site: same-origin\r\n");
    let answer = browser.send("POST", &url, &own, "a=b").await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    scene.tool.request().await;
    // To follow a link from elsewhere is to look.
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    assert_eq!(browser.send("GET", &url, link, "").await.status(), 200);
}

#[tokio::test]
async fn a_websocket_of_another_site_is_turned_away() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for origin in ["", "Origin: https://evil.example\r\n", "Origin: null\r\n"] {
        let fields = format!("{handshake}{origin}");
        let answer = browser.send("GET", &format!("{TOOL}/"), &fields, "").await;
        assert_eq!(answer.status(), 403, "{origin}");
    }
    scene.tool.assert_untouched();
    let fields = format!("{handshake}Origin: {TOOL}\r\n");
    browser.send("GET", &format!("{TOOL}/"), &fields, "").await;
    let seen = scene.tool.request().await;
    assert!(seen.contains("x-forwarded-user: octocat"), "{seen}");
}

#[tokio::test]
async fn a_broken_cookie_is_none() {
    let mut scene = Scene::start().await;
    let browser = scene.logged_in().await;
    let good = browser.cookies("tool.example.com");
    let good = good.trim_end();
    for cookie in [
        "Cookie: __Host-ghes-gatekeeper=".to_owned(),
        "Cookie: __Host-ghes-gatekeeper=x".to_owned(),
        "Cookie: __Host-ghes-gatekeeper".to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        good.replace("gatekeeper=", "gatekeeper=A"),
    ] {
        let fields = format!("{cookie}\r\n");
        let answer = scene
            .browser()
            .send("GET", &format!("{TOOL}/"), &fields, "")
            .await;
        assert_eq!(answer.status(), 401, "{cookie}");
    }
    scene.tool.assert_untouched();
}
