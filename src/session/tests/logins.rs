//! What happens to people.

use super::*;

#[test]
fn a_person_logs_in_and_a_second_host_asks_nothing() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let at_tool = start(&sessions, TOOL, "/page?x=1&y=%2F");
    let end = browser.log_in(&sessions, &app, &at_tool, "octocat");
    assert_eq!(end, format!("https://{TOOL}/page?x=1&y=%2F"));
    assert_eq!(
        token(&sessions, &browser, TOOL, NOW).as_deref(),
        Some("gho_octocat")
    );
    let at_other = start(&sessions, OTHER, "/");
    // Nobody approves again.
    let end = browser.log_in(&sessions, &app, &at_other, "unused");
    assert_eq!(end, format!("https://{OTHER}/"));
    assert_eq!(
        token(&sessions, &browser, OTHER, NOW).as_deref(),
        Some("gho_octocat")
    );
    assert_eq!(app.exchanged.load(Ordering::Relaxed), 1);
    for host in [LOGIN, TOOL, OTHER] {
        assert_eq!(browser.names(host), [cookie::SESSION], "{host}");
    }
}

#[test]
fn the_login_host_itself_may_have_pages() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let end = browser.log_in(
        &sessions,
        &app,
        &start(&sessions, LOGIN, "/page"),
        "octocat",
    );
    assert_eq!(end, format!("https://{LOGIN}/page"));
    let rd = format!("https://{LOGIN}/oauth2/start?rd=https://{TOOL}/page");
    assert_eq!(
        browser.log_in(&sessions, &app, &rd, "unused"),
        format!("https://{TOOL}/page")
    );
}

#[test]
fn a_session_that_is_handed_over_ends_with_the_first() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    let later = NOW + 6 * 24 * 3600;
    let to = browser
        .go(&sessions, &app, &start(&sessions, OTHER, "/"), later)
        .location;
    let to = browser.go(&sessions, &app, &to, later).location;
    browser.go(&sessions, &app, &to, later);
    assert!(token(&sessions, &browser, OTHER, later).is_some());
    assert_eq!(token(&sessions, &browser, OTHER, NOW + 7 * 24 * 3600), None);
}

/// CVE-2026-34454.
#[test]
fn to_sign_out_revokes_the_token_and_ends_the_cookie() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    browser.log_in(&sessions, &app, &start(&sessions, OTHER, "/"), "unused");
    let url = format!("https://{TOOL}/oauth2/sign_out");
    let shown = browser.go(&sessions, &app, &url, NOW);
    assert!(
        shown
            .body
            .contains("<form method=\"post\" action=\"/oauth2/sign_out\">")
    );
    assert!(
        token(&sessions, &browser, TOOL, NOW).is_some(),
        "a link signs nobody out"
    );
    for fields in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "null")],
    ] {
        let answered = browser.send(&sessions, &app, &Method::POST, &url, fields, NOW);
        assert_eq!(answered.status, 403, "{fields:?}");
        assert!(app.revoked.lock().is_empty());
    }
    let fields = [("origin", "https://tool.example.com")];
    let answered = browser.send(&sessions, &app, &Method::POST, &url, &fields, NOW);
    assert_eq!(answered.status, 200);
    assert_eq!(*app.revoked.lock(), ["gho_octocat"]);
    assert_eq!(token(&sessions, &browser, TOOL, NOW), None);
    // The other host has the cookie, whose token every gate refuses.
    let to = browser
        .go(&sessions, &app, &start(&sessions, OTHER, "/"), NOW)
        .location;
    let to = browser.go(&sessions, &app, &to, NOW).location;
    assert!(to.starts_with("https://ghes.example.com/"), "{to}");
}

#[test]
fn who_signs_out_while_ghes_is_away_is_told() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    *app.is_away.lock() = true;
    let url = format!("https://{TOOL}/oauth2/sign_out");
    let fields = [("sec-fetch-site", "same-origin")];
    let answered = browser.send(&sessions, &app, &Method::POST, &url, &fields, NOW);
    assert_eq!(answered.status, 503);
    assert!(answered.body.contains("signed out here alone"));
    assert_eq!(token(&sessions, &browser, TOOL, NOW), None);
}

#[test]
fn an_expired_token_costs_redirects_and_no_question_of_ours() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    app.revoked.lock().push("gho_octocat".into());
    let end = browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/page"), "renewed");
    assert_eq!(end, format!("https://{TOOL}/page"));
    assert_eq!(
        token(&sessions, &browser, TOOL, NOW).as_deref(),
        Some("gho_renewed")
    );
}

#[test]
fn an_outage_logs_nobody_out_and_lets_nobody_in() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, LOGIN, "/"), "octocat");
    let mut new = Browser::default();
    let to = new
        .go(&sessions, &app, &start(&sessions, LOGIN, "/"), NOW)
        .location;
    let back = app.approve(&to, "second");
    *app.is_away.lock() = true;
    let answered = browser.go(&sessions, &app, &start(&sessions, LOGIN, "/"), NOW);
    assert_eq!(answered.status, 503);
    assert!(token(&sessions, &browser, LOGIN, NOW).is_some());
    assert_eq!(new.go(&sessions, &app, &back, NOW).status, 503);
    assert_eq!(token(&sessions, &new, LOGIN, NOW), None);
    for (endpoint, browser, status) in [("auth", &mut browser, 503), ("userinfo", &mut new, 401)] {
        let url = format!("https://{LOGIN}/oauth2/{endpoint}");
        assert_eq!(browser.go(&sessions, &app, &url, NOW).status, status);
    }
}

#[test]
fn who_is_logged_in_is_said_in_the_words_of_oauth2_proxy() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let auth = format!("https://{TOOL}/oauth2/auth");
    assert_eq!(browser.go(&sessions, &app, &auth, NOW).status, 401);
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    assert_eq!(browser.go(&sessions, &app, &auth, NOW).status, 202);
    let answered = browser.go(
        &sessions,
        &app,
        &format!("https://{TOOL}/oauth2/userinfo"),
        NOW,
    );
    assert_eq!(
        answered.body,
        r#"{"user":"octocat","preferredUsername":"octocat","groups":["octo-org:tool"]}"#
    );
}

#[test]
fn endpoints_have_their_methods_and_their_paths() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    for path in [
        "/oauth2",
        "/oauth2/",
        "/oauth2/start/",
        "/oauth2x/start",
        "/start",
        "/oauth2/Start",
    ] {
        assert_eq!(sessions.endpoint(path), None, "{path}");
    }
    for endpoint in ["start", "callback", "auth", "userinfo"] {
        let url = format!("https://{TOOL}/oauth2/{endpoint}");
        let answered = browser.send(&sessions, &app, &Method::POST, &url, &[], NOW);
        assert_eq!(answered.status, 405, "{endpoint}");
    }
}

#[test]
fn a_thousand_logins_at_once_are_not_mixed_up() {
    let (sessions, app) = (sessions(), App::default());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (sessions, app) = (&sessions, &app);
            scope.spawn(move || {
                for at in 0..125 {
                    let (mut browser, name) = (Browser::default(), format!("{thread}-{at}"));
                    browser.log_in(sessions, app, &start(sessions, TOOL, "/"), &name);
                    let token = token(sessions, &browser, TOOL, NOW);
                    assert_eq!(token, Some(format!("gho_{name}")));
                }
            });
        }
    });
    assert_eq!(app.exchanged.load(Ordering::Relaxed), 1_000);
}

#[test]
fn cookies_are_small() {
    let sessions = sessions();
    for (length, most) in [(40, 300), (520, 1_100)] {
        let session = Session {
            token: AccessToken::new("x".repeat(length)),
            login: "x".repeat(39).into(),
            since: NOW,
            set: NOW,
            streak: 0,
        };
        let line = sessions.cookie(&session, TOOL, NOW);
        let pair = line
            .to_str()
            .expect("text")
            .split(';')
            .next()
            .expect("a pair")
            .len();
        assert!(pair < most, "{pair}");
    }
}

#[test]
fn the_whole_of_a_session_shows_no_secret() {
    let sessions = sessions();
    let shown = format!("{sessions:?}");
    assert!(shown.contains(LOGIN) && !shown.contains("Key {"), "{shown}");
}
