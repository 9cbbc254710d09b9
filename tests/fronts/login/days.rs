//! What a person does in a day.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::browser::{Answer, NAVIGATION};
use super::scene::Scene;
use super::{CLIENT_ID, TOOL, every_login};
use crate::fronts::Front;
use crate::tool::{assert_from, assert_from_nobody};

every_login!(
    a_person_logs_in_and_the_tool_sees_who_it_is,
    the_cookie_of_a_session_reaches_no_tool,
    who_may_not_enter_learns_so,
    to_sign_out_ends_the_session,
    a_revoked_token_ends_the_session_at_the_next_request,
    an_outage_is_503_and_ends_no_session,
);

/// What a script asks for.
const DATA: &str =
    "Accept: application/json\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n";

fn octocat(groups: &str) -> Vec<(&str, &str)> {
    let mut all = vec![
        ("x-auth-request-groups", groups),
        ("x-auth-request-preferred-username", "octocat"),
        ("x-auth-request-user", "octocat"),
        ("x-github-user-id", "1"),
        ("x-oauth-client-id", CLIENT_ID),
        ("x-oauth-scopes", "read:org"),
    ];
    all.retain(|(_, value)| !value.is_empty());
    all
}

/// Fails unless a browser is sent to log in, and comes back here.
fn assert_sent_to_log_in(answer: &Answer) {
    assert_eq!(answer.status(), 302, "{}", answer.0);
    let to = answer.location();
    assert!(to.contains("/oauth2/start?"), "{}", answer.0);
}

async fn a_person_logs_in_and_the_tool_sees_who_it_is(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.browser();
    let page = format!("{TOOL}/page?x=1&rd=%2Felsewhere");
    assert_sent_to_log_in(&browser.go(&page).await);
    scene.tool.assert_untouched();
    let (answer, questions) = browser.visit(&page, "octocat").await;
    assert_eq!((answer.status(), questions), (200, 1), "{}", answer.0);
    assert!(answer.0.ends_with("hello"), "{}", answer.0);
    let seen = scene.tool.request();
    assert_eq!(seen.line, "GET /page?x=1&rd=%2Felsewhere HTTP/1.1");
    assert_from(&seen, &octocat(""));
    scene.tool.assert_untouched();
    // It may do all that a page of the tool asks for.
    let own = format!("Origin: {TOOL}\r\nSec-Fetch-Site: same-origin\r\n");
    for (method, path, groups) in [("POST", "/change", ""), ("GET", "/team/board", "octo-org")] {
        let url = format!("{TOOL}{path}");
        let body = if method == "POST" { "a=b" } else { "" };
        let answer = browser.send(method, &url, &own, body).await;
        assert_eq!(answer.status(), 200, "{method} {path}: {}", answer.0);
        let seen = scene.tool.request();
        assert_eq!(seen.body, body);
        assert_from(&seen, &octocat(groups));
    }
}

async fn the_cookie_of_a_session_reaches_no_tool(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let browser = scene.logged_in().await;
    let ours = browser.cookies("tools.example.com");
    let ours = ours.trim_end().strip_prefix("Cookie: ").expect("cookies");
    for (sent, kept) in [
        (ours.to_owned(), ""),
        (format!("{ours}; theirs=1"), "theirs=1"),
        (format!("theirs=1; {ours}; more=2"), "theirs=1; more=2"),
        (format!("theirs=1; {ours}; {ours}"), "theirs=1"),
    ] {
        for path in ["/page", "/open/page"] {
            let fields = format!("{NAVIGATION}Cookie: {sent}\r\n");
            let url = format!("{TOOL}{path}");
            let answer = scene.browser().send("GET", &url, &fields, "").await;
            assert_eq!(answer.status(), 200, "{path} {}", answer.0);
            let seen = scene.tool.request();
            let cookies = seen.all("cookie").concat();
            let cookies = cookies.trim_end_matches("; ");
            assert_eq!(cookies, kept, "{path}: {seen:?}");
            match path {
                "/page" => assert_from(&seen, &octocat("")),
                _ => assert_from_nobody(&seen),
            }
        }
    }
}

async fn who_may_not_enter_learns_so(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.browser();
    let (answer, _) = browser.visit(&format!("{TOOL}/team"), "monalisa").await;
    assert_eq!(answer.status(), 403, "{}", answer.0);
    // auth_request keeps no body.
    let names = answer.0.contains("<strong>monalisa</strong>");
    assert_eq!(names, front != Front::Nginx, "{}", answer.0);
    scene.tool.assert_untouched();
}

async fn to_sign_out_ends_the_session(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.logged_in().await;
    let before = browser.cookies("tools.example.com");
    let url = format!("{TOOL}/oauth2/sign_out");
    let shown = browser.go(&url).await;
    assert!(shown.0.contains("<form method=\"post\""), "{}", shown.0);
    let foreign = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n";
    let answer = browser.send("POST", &url, foreign, "").await;
    assert_eq!(answer.status(), 403, "{}", answer.0);
    assert!(browser.has_session("tools.example.com"));
    let own = format!("Origin: {TOOL}\r\nSec-Fetch-Site: same-origin\r\n");
    let answer = browser.send("POST", &url, &own, "").await;
    assert_eq!(answer.status(), 200, "{}", answer.0);
    assert!(!browser.has_session("tools.example.com"));
    // A copy of the cookie opens nothing either.
    for cookies in ["", &before] {
        let fields = format!("{DATA}{cookies}");
        let answer = scene.browser().send("GET", TOOL, &fields, "").await;
        assert_eq!(answer.status(), 401, "{}", answer.0);
    }
    assert_sent_to_log_in(&browser.go(&format!("{TOOL}/page")).await);
    scene.tool.assert_untouched();
}

async fn a_revoked_token_ends_the_session_at_the_next_request(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.logged_in().await;
    scene.revoke().await;
    scene.purge().await;
    let page = format!("{TOOL}/page");
    let answer = browser.send("GET", &page, DATA, "").await;
    assert_eq!(answer.status(), 401, "{}", answer.0);
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("invalid_token"), "{}", answer.0);
    assert_sent_to_log_in(&browser.go(&page).await);
    scene.tool.assert_untouched();
}

async fn an_outage_is_503_and_ends_no_session(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let mut browser = scene.logged_in().await;
    let down = Fault::status(StatusCode::SERVICE_UNAVAILABLE);
    scene.emulator.fail(down.times(1_000));
    scene.purge().await;
    let answer = browser.go(&format!("{TOOL}/page")).await;
    assert_eq!(answer.status(), 503, "{}", answer.0);
    let habits = front.habits();
    let waits = answer.header("retry-after").is_some();
    assert_eq!(waits, habits.has_whole_outage, "{}", answer.0);
    let is_page = answer.0.contains("You stay signed in");
    assert_eq!(is_page, habits.has_whole_outage && habits.has_problem);
    assert!(browser.has_session("tools.example.com"));
    scene.tool.assert_untouched();
    scene.emulator.clear_faults();
}
