//! What a person does in a day.

use std::time::Duration;

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::browser::{Answer, NAVIGATION};
use super::{LOGIN, OTHER, Scene, TOOL};
use crate::support::body;

pub(super) fn field<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[tokio::test]
async fn a_person_logs_in_at_one_tool_and_opens_the_next() {
    let mut scene = Scene::start().await;
    let mut browser = scene.browser();
    let (answer, questions) = browser
        .visit(&format!("{TOOL}/page?x=1&y=%2F"), "octocat")
        .await;
    assert_eq!((answer.status(), questions), (200, 1), "{}", answer.0);
    let seen = scene.tool.request().await;
    assert!(
        seen.starts_with("GET /page?x=1&y=%2F HTTP/1.1\r\n"),
        "{seen}"
    );
    assert_eq!(field(&seen, "x-forwarded-user"), Some("octocat"));
    assert_eq!(field(&seen, "cookie"), None, "{seen}");
    assert_eq!(field(&seen, "authorization"), None, "{seen}");
    // The next one asks nobody.
    let (answer, questions) = browser.visit(&format!("{OTHER}/"), "octocat").await;
    assert_eq!((answer.status(), questions), (200, 0), "{}", answer.0);
    assert_eq!(
        field(&scene.tool.request().await, "x-forwarded-user"),
        Some("octocat")
    );
}

#[tokio::test]
async fn to_sign_out_at_one_tool_is_to_sign_out_at_all() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    browser.visit(&format!("{OTHER}/"), "octocat").await;
    scene.tool.request().await;
    let url = format!("{TOOL}/oauth2/sign_out");
    let page = browser.go(&url).await;
    assert!(
        body(&page.0).contains("<form method=\"post\""),
        "{}",
        page.0
    );
    let fields = format!("Origin: {TOOL}\r\nSec-Fetch-Site: same-origin\r\n{NAVIGATION}");
    let fields = fields.replace("Sec-Fetch-Site: none\r\n", "");
    let answer = browser.send("POST", &url, &fields, "").await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    assert!(!browser.has_session(TOOL.trim_start_matches("https://")));
    // The other still has its cookie, whose token is dead there at once.
    assert!(browser.has_session(OTHER.trim_start_matches("https://")));
    let answer = browser.send("GET", &format!("{OTHER}/"), "", "").await;
    assert_eq!(answer.status(), 401, "{}", answer.0);
    scene.tool.assert_untouched();
    // Who is signed in at GHES comes back with a new token.
    let (answer, questions) = browser.visit(&format!("{OTHER}/"), "octocat").await;
    assert_eq!((answer.status(), questions), (200, 0));
}

/// oauth2-proxy#780, verdaccio-github-oauth-ui#204.
#[tokio::test]
async fn a_token_that_ghes_revokes_ends_the_session_with_the_next_purge() {
    let mut scene = Scene::with("forward_token = true").await;
    let mut browser = scene.browser();
    browser.visit(&format!("{TOOL}/"), "octocat").await;
    let seen = scene.tool.request().await;
    let token = field(&seen, "authorization").and_then(|line| line.strip_prefix("Bearer "));
    assert!(scene.emulator.revoke(token.expect("a token")));
    scene.purge().await;
    let page = format!("{TOOL}/page");
    let answer = browser
        .send("GET", &page, "Accept: application/json\r\n", "")
        .await;
    assert_eq!(answer.status(), 401, "{}", answer.0);
    assert!(answer.0.contains("invalid_token"), "{}", answer.0);
    scene.tool.assert_untouched();
    // To the next page, it costs redirects and no question.
    let (answer, questions) = browser.visit(&page, "octocat").await;
    assert_eq!((answer.status(), questions), (200, 0));
}

/// oauth2-proxy#780, verdaccio-github-oauth-ui#204.
#[tokio::test]
async fn who_has_left_an_organization_is_out_with_the_next_purge() {
    let mut scene = Scene::start().await;
    let mut browser = scene.browser();
    let page = format!("{OTHER}/page");
    let (answer, _) = browser.visit(&page, "octocat").await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    scene.tool.request().await;
    // GHES still knows the token, and a member no more.
    scene.emulator.fail(Fault::slow(Duration::ZERO));
    let left = Fault::status(StatusCode::OK).with_body("{\"state\":\"inactive\"}");
    scene.emulator.fail(left);
    scene.purge().await;
    let answer = browser.go(&page).await;
    assert_eq!(answer.status(), 403, "{}", answer.0);
    assert!(
        body(&answer.0).contains("<strong>octocat</strong>"),
        "{}",
        answer.0
    );
    scene.tool.assert_untouched();
}

/// oauth2-proxy's `stored_session.go`: tabs that renew a session at once lose it.
#[tokio::test]
async fn tabs_at_once_are_judged_alike_and_change_no_cookie() {
    let mut scene = Scene::start().await;
    let browser = scene.logged_in().await;
    let ask = async |expected: u16| {
        let tabs = (0..20).map(|at| {
            let mut tab = browser.clone();
            async move {
                tab.send("GET", &format!("{TOOL}/{at}"), "Accept: */*\r\n", "")
                    .await
            }
        });
        for answer in futures_util::future::join_all(tabs).await {
            assert_eq!(answer.status(), expected, "{}", answer.0);
            assert_eq!(answer.header("set-cookie"), None, "{}", answer.0);
        }
    };
    ask(200).await;
    scene.purge().await;
    ask(200).await;
    for _ in 0..40 {
        scene.tool.request().await;
    }
    let own = format!("Origin: {TOOL}\r\n");
    let mut last = browser.clone();
    let answer = last
        .send("POST", &format!("{TOOL}/oauth2/sign_out"), &own, "")
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    ask(401).await;
    scene.tool.assert_untouched();
}

#[tokio::test]
async fn an_outage_shows_a_page_and_logs_nobody_out() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    let down = Fault::status(StatusCode::SERVICE_UNAVAILABLE);
    scene.emulator.fail(down.times(1_000));
    scene.purge().await;
    let page = format!("{TOOL}/page");
    let answer = browser.go(&page).await;
    assert_eq!(answer.status(), 503, "{}", answer.0);
    assert!(
        is_page(&answer) && body(&answer.0).contains("You stay signed in"),
        "{}",
        answer.0
    );
    assert!(answer.header("retry-after").is_some(), "{}", answer.0);
    let answer = browser
        .send("GET", &page, "Accept: application/json\r\n", "")
        .await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert!(browser.has_session("tool.example.com"));
    scene.emulator.clear_faults();
}

#[tokio::test]
async fn who_may_not_enter_learns_by_which_account() {
    let mut scene = Scene::start().await;
    let mut browser = scene.browser();
    let (answer, _) = browser.visit(&format!("{OTHER}/"), "monalisa").await;
    assert_eq!(answer.status(), 403, "{}", answer.0);
    let page = body(&answer.0);
    assert!(
        is_page(&answer) && page.contains("<strong>monalisa</strong>"),
        "{page}"
    );
    assert!(page.contains("action=\"/oauth2/sign_out\""), "{page}");
    let answer = browser
        .send("GET", &format!("{OTHER}/"), "Accept: */*\r\n", "")
        .await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    scene.tool.assert_untouched();
}

#[tokio::test]
async fn the_page_of_a_person_is_kept_out_of_shared_caches() {
    let mut scene = Scene::start().await;
    let mut browser = scene.logged_in().await;
    let answer = browser.go(&format!("{TOOL}/")).await;
    assert_eq!(
        answer.header("cache-control"),
        Some("private"),
        "{}",
        answer.0
    );
    scene.tool.request().await;
    let open = browser.go(&format!("{TOOL}/open")).await;
    assert_eq!(open.header("cache-control"), None, "{}", open.0);
}

#[tokio::test]
async fn the_endpoints_say_who_is_logged_in() {
    let mut scene = Scene::start().await;
    let mut browser = scene.browser();
    assert_eq!(
        browser.go(&format!("{TOOL}/oauth2/auth")).await.status(),
        401
    );
    let mut browser = scene.logged_in().await;
    assert_eq!(
        browser.go(&format!("{TOOL}/oauth2/auth")).await.status(),
        202
    );
    let answer = browser.go(&format!("{TOOL}/oauth2/userinfo")).await;
    assert!(
        body(&answer.0).contains("\"user\":\"octocat\""),
        "{}",
        answer.0
    );
    // They are at hosts with a login, and nowhere else.
    let answer = browser.go("https://nobody.example.com/oauth2/auth").await;
    assert_eq!(answer.status(), 404, "{}", answer.0);
    let answer = browser.go(&format!("{LOGIN}/elsewhere")).await;
    assert_eq!(answer.status(), 404, "{}", answer.0);
}

/// Lets octocat in without a look at the teams.
const WITH_TEAMS: &str = "users = [\"octocat\"]\nteams = [\"octo-org/platform\", \"octo-org/other\"]\n\
                          people = \"any\"";

#[tokio::test]
async fn who_is_logged_in_learns_of_the_groups_that_the_host_asks_for() {
    let mut scene = Scene::with(WITH_TEAMS).await;
    let mut browser = scene.logged_in().await;
    browser.visit(&format!("{OTHER}/"), "octocat").await;
    for (host, groups) in [
        (TOOL, "[\"octo-org:platform\"]"),
        (OTHER, "[\"octo-org\"]"),
        // It has no route of its own.
        (LOGIN, "[]"),
    ] {
        let answer = browser.go(&format!("{host}/oauth2/userinfo")).await;
        let name = "{\"user\":\"octocat\",\"preferredUsername\":\"octocat\"";
        let expected = format!("{name},\"groups\":{groups}}}");
        assert_eq!(body(&answer.0), expected, "{host}");
    }
    let mut browser = scene.browser();
    browser.visit(&format!("{OTHER}/"), "monalisa").await;
    let answer = browser.go(&format!("{OTHER}/oauth2/userinfo")).await;
    assert!(answer.0.ends_with(",\"groups\":[]}"), "{}", answer.0);
}

#[tokio::test]
async fn groups_that_cannot_be_asked_about_are_not_none() {
    let mut scene = Scene::with(WITH_TEAMS).await;
    let mut browser = scene.logged_in().await;
    let down = Fault::status(StatusCode::SERVICE_UNAVAILABLE);
    scene.emulator.fail(down.times(1_000));
    let answer = browser.go(&format!("{TOOL}/oauth2/userinfo")).await;
    assert_eq!(answer.status(), 503, "{}", answer.0);
    // The token itself is known.
    let answer = browser.go(&format!("{TOOL}/oauth2/auth")).await;
    assert_eq!(answer.status(), 202, "{}", answer.0);
    scene.emulator.clear_faults();
}

fn is_page(answer: &Answer) -> bool {
    answer.header("content-type") == Some("text/html; charset=utf-8")
}
