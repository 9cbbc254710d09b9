//! What others got wrong, and what nobody may do.

use super::*;
use crate::rejection::{Rejection, RejectionKind};

/// CVE-2017-1000069, sigbit/mcp-auth-proxy#27.
#[test]
fn a_state_is_random_of_this_browser_and_good_once() {
    let (sessions, app) = (sessions(), App::default());
    let begin = |browser: &mut Browser| {
        browser
            .go(&sessions, &app, &start(&sessions, LOGIN, "/"), NOW)
            .location
    };
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let (of_victim, of_attacker) = (begin(&mut victim), begin(&mut attacker));
    assert_ne!(
        query_of(&of_victim)["state"],
        query_of(&of_attacker)["state"]
    );
    // The attacker's way back in the victim's browser.
    let back = app.approve(&of_attacker, "attacker");
    assert_eq!(victim.go(&sessions, &app, &back, NOW).status, 400);
    assert_eq!(token(&sessions, &victim, LOGIN, NOW), None);
    // None, an empty and a shortened state.
    for url in [
        format!("https://{LOGIN}/oauth2/callback?code=attacker"),
        format!("https://{LOGIN}/oauth2/callback?code=attacker&state="),
        back[..back.len() - 1].to_owned(),
        format!("{back}x"),
    ] {
        assert_eq!(attacker.go(&sessions, &app, &url, NOW).status, 400, "{url}");
    }
    let before = attacker.clone();
    assert_eq!(attacker.go(&sessions, &app, &back, NOW).status, 302);
    // A copy of the cookie, and a fresh code.
    let mut replayed = before;
    let again = app.approve(&of_attacker, "fresh");
    assert_eq!(replayed.go(&sessions, &app, &again, NOW).status, 400);
    assert_eq!(token(&sessions, &replayed, LOGIN, NOW), None);
}

#[test]
fn a_login_that_took_too_long_has_ended() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let to = browser
        .go(&sessions, &app, &start(&sessions, LOGIN, "/"), NOW)
        .location;
    let back = app.approve(&to, "octocat");
    assert_eq!(browser.go(&sessions, &app, &back, NOW + 600).status, 400);
    assert_eq!(app.exchanged.load(Ordering::Relaxed), 0);
}

/// Stops at the hand-over on its way to `TOOL`.
fn hand_over(sessions: &Sessions, app: &App, browser: &mut Browser) -> String {
    let to = browser
        .go(sessions, app, &start(sessions, TOOL, "/page"), NOW)
        .location;
    let to = browser.go(sessions, app, &to, NOW).location;
    let to = app.approve(&to, "octocat");
    let to = browser.go(sessions, app, &to, NOW).location;
    assert!(
        to.starts_with(&format!("https://{TOOL}/oauth2/callback?")),
        "{to}"
    );
    to
}

#[test]
fn a_hand_over_is_good_once_in_the_browser_that_asked() {
    let (sessions, app) = (sessions(), App::default());
    let (mut browser, mut victim) = (Browser::default(), Browser::default());
    let to = hand_over(&sessions, &app, &mut browser);
    // A link of the attacker's logs nobody in as them, not even in the middle of a login.
    victim.go(&sessions, &app, &start(&sessions, TOOL, "/"), NOW);
    assert_eq!(victim.go(&sessions, &app, &to, NOW).status, 400);
    assert_eq!(token(&sessions, &victim, TOOL, NOW), None);
    let copy = browser.clone();
    let answered = browser.go(&sessions, &app, &to, NOW + 29);
    assert_eq!(answered.location, format!("https://{TOOL}/page"));
    let mut replayed = copy;
    assert_eq!(replayed.go(&sessions, &app, &to, NOW + 29).status, 400);
    assert_eq!(token(&sessions, &replayed, TOOL, NOW), None);
}

#[test]
fn a_hand_over_is_for_one_host_and_half_a_minute() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let to = hand_over(&sessions, &app, &mut browser);
    let late = browser.clone().go(&sessions, &app, &to, NOW + 30);
    assert_eq!(late.status, 400);
    // The same browser waits on the other host too.
    let waits = browser
        .go(&sessions, &app, &start(&sessions, OTHER, "/"), NOW)
        .location;
    let state = &query_of(&waits)["state"];
    let sealed = &query_of(&to)["hand_over"];
    let elsewhere = format!("https://{OTHER}/oauth2/callback?state={state}&hand_over={sealed}");
    assert_eq!(browser.go(&sessions, &app, &elsewhere, NOW).status, 400);
    for broken in ["", "x", &sealed[1..]] {
        let mut browser = Browser::default();
        let waits = browser
            .go(&sessions, &app, &start(&sessions, TOOL, "/"), NOW)
            .location;
        let state = &query_of(&waits)["state"];
        let to = format!("https://{TOOL}/oauth2/callback?state={state}&hand_over={broken}");
        assert_eq!(browser.go(&sessions, &app, &to, NOW).status, 400);
    }
}

#[test]
fn a_cookie_is_of_one_host_one_key_and_one_week() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    let headers = browser.headers(TOOL);
    let is_open = |sessions: &Sessions, host, now| sessions.session(&headers, host, now).is_some();
    let week = 7 * 24 * 3600;
    for (host, now, expected) in [
        (TOOL, NOW, true),
        (TOOL, NOW + week - 1, true),
        (TOOL, NOW + week, false),
        (TOOL, NOW - 1, false),
        (OTHER, NOW, false),
        (LOGIN, NOW, false),
        ("tool.example.com:8443", NOW, false),
    ] {
        assert_eq!(is_open(&sessions, host, now), expected, "{host} {now}");
    }
    sessions.replace_keys(keys(b"21"));
    assert!(is_open(&sessions, TOOL, NOW));
    sessions.replace_keys(keys(b"2"));
    assert!(!is_open(&sessions, TOOL, NOW));
}

/// oauth2-proxy#2163, #2383.
#[test]
fn at_most_three_logins_are_pending() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    for at in 0..20 {
        browser.go(&sessions, &app, &start(&sessions, TOOL, "/"), NOW + at);
        assert!(browser.names(TOOL).len() <= 3, "{at}");
    }
    // Logins that are slow are no loop.
    for at in 0..20 {
        let answered = browser.go(
            &sessions,
            &app,
            &start(&sessions, LOGIN, "/"),
            NOW + 30 * at,
        );
        assert_eq!(answered.status, 302, "{at}");
        assert!(browser.names(LOGIN).len() <= 3, "{at}");
    }
}

/// oauth2-proxy#2606.
#[test]
fn a_loop_ends_in_a_page_with_a_button() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let mut begin = |now| browser.go(&sessions, &app, &start(&sessions, LOGIN, "/page"), now);
    for _ in 0..3 {
        assert_eq!(begin(NOW).status, 302);
    }
    let answered = begin(NOW + 1);
    assert_eq!(answered.status, 403);
    assert!(
        answered
            .body
            .contains("https://login.example.com/oauth2/start?rd=%2Fpage")
    );
    // The button works.
    assert_eq!(begin(NOW + 2).status, 302);
}

/// nginx sends whoever gets 401 to log in, on routes without a login as well.
#[test]
fn who_is_logged_in_and_sent_by_a_proxy_does_not_go_round() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let sent = |browser: &mut Browser, host| {
        let url = format!("https://{host}/oauth2/start");
        let fields = [("x-auth-request-redirect", "/page")];
        browser.send(&sessions, &app, &Method::GET, &url, &fields, NOW)
    };
    for host in [TOOL, LOGIN] {
        assert_eq!(sent(&mut Browser::default(), host).status, 302);
    }
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    for host in [TOOL, LOGIN] {
        let answered = sent(&mut browser, host);
        assert_eq!(answered.status, 403, "{host}");
        assert!(answered.body.contains("<strong>octocat</strong>"), "{host}");
    }
    *app.is_away.lock() = true;
    assert_eq!(sent(&mut browser, TOOL).status, 503);
    *app.is_away.lock() = false;
    // A link of a person is followed, and a token that is dead is renewed.
    let answered = browser.go(&sessions, &app, &start(&sessions, TOOL, "/"), NOW);
    assert_eq!(answered.status, 302);
    app.revoked.lock().push("gho_octocat".into());
    assert_eq!(sent(&mut browser, TOOL).status, 302);
}

/// A gate that refuses what a login has just given would send the browser around for ever.
#[test]
fn logins_that_do_not_help_end_in_a_page_with_a_button() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    let shown = |browser: &Browser| {
        let mut request = http::Request::new(());
        *request.headers_mut() = browser.headers(TOOL);
        let html = HeaderValue::from_static("text/html");
        request.headers_mut().insert(http::header::ACCEPT, html);
        let host = HeaderValue::from_static(TOOL);
        let visitor = sessions.enter(&mut request, Some(&host), Opens::Nothing);
        let visitor = visitor.ok().flatten().expect("a host of ours");
        let mut response = Response::new(Full::default());
        let refused = Rejection::new(RejectionKind::InvalidToken);
        response.extensions_mut().insert(refused);
        sessions.show_page(&visitor, &mut response, |page| page);
        response.status()
    };
    for expected in [302, 302, 403] {
        let url = start(&sessions, TOOL, "/");
        let mut at = url;
        while at.contains("/oauth2/") || at.starts_with("https://ghes.") {
            if at.starts_with("https://ghes.") {
                at = app.approve(&at, "octocat");
            }
            at = browser.go(&sessions, &app, &at, now()).location;
        }
        assert_eq!(shown(&browser), expected);
    }
}

/// oauth2-proxy's `stored_session.go`: tabs and replicas that refresh one token race each other.
#[test]
fn a_session_keeps_one_token_and_no_other_to_refresh_it() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, LOGIN, "/"), "octocat");
    let key = (LOGIN.to_owned(), cookie::SESSION.to_owned());
    let plain = sessions.open(Purpose::Session, &[LOGIN], browser.0[&key].as_bytes());
    let plain = plain.expect("a session");
    // Two times and a count stand before it.
    let text = std::str::from_utf8(&plain[17..]).expect("text");
    assert_eq!(text, "octocat gho_octocat");
}

#[test]
fn of_two_cookies_the_good_one_counts() {
    let (sessions, app, mut browser) = (sessions(), App::default(), Browser::default());
    browser.log_in(&sessions, &app, &start(&sessions, TOOL, "/"), "octocat");
    let good = browser.headers(TOOL)[http::header::COOKIE].clone();
    let good = good.to_str().expect("text");
    for lines in [
        vec![format!("{good}; {}=broken", cookie::SESSION)],
        vec![format!("{}=broken; {good}", cookie::SESSION)],
        vec![format!("{}=", cookie::SESSION), good.to_owned()],
    ] {
        let lines = lines.iter().map(|line| {
            let value = HeaderValue::from_str(line).expect("a value");
            (http::header::COOKIE, value)
        });
        assert!(sessions.session(&lines.collect(), TOOL, NOW).is_some());
    }
}

#[test]
fn what_ghes_refuses_is_said_and_sets_no_cookie() {
    let (sessions, app) = (sessions(), App::default());
    for (extra, said) in [
        ("error=access_denied", "access_denied"),
        ("error=%3Cscript%3E", "&lt;script&gt;"),
        ("code=unknown", "bad_verification_code"),
        ("", "no code"),
    ] {
        let mut browser = Browser::default();
        let to = browser
            .go(&sessions, &app, &start(&sessions, LOGIN, "/"), NOW)
            .location;
        let state = &query_of(&to)["state"];
        let url = format!("https://{LOGIN}/oauth2/callback?state={state}&{extra}");
        let answered = browser.go(&sessions, &app, &url, NOW);
        assert_eq!(answered.status, 400);
        assert!(answered.body.contains(said), "{}", answered.body);
        assert!(browser.names(LOGIN).is_empty());
    }
}
