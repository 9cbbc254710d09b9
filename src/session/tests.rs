//! A browser, an app at GHES, and two hosts.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use parking_lot::Mutex;

use super::accounts::Answer;
use super::*;
use crate::ghes::Code;
use crate::identity::{Identity, User};
use crate::scope::Scopes;

const LOGIN: &str = "login.example.com";
const TOOL: &str = "tool.example.com";
const OTHER: &str = "other.example.com";
const NOW: u64 = 1_800_000_000;

/// An app that gives `gho_CODE` for a code, once, and only for the verifier of its challenge.
#[derive(Default)]
struct App {
    challenges: Mutex<HashMap<String, String>>,
    revoked: Mutex<Vec<String>>,
    is_away: Mutex<bool>,
    exchanged: AtomicUsize,
}

impl App {
    /// A person approves: GHES sends the browser back.
    fn approve(&self, authorize: &str, code: &str) -> String {
        let query = query_of(authorize);
        let challenge = query["code_challenge"].clone();
        self.challenges.lock().insert(code.to_owned(), challenge);
        format!(
            "{}?code={code}&state={}",
            query["redirect_uri"], query["state"]
        )
    }

    fn answer<T>(&self, token: &str, good: T) -> Result<T, Failure> {
        if *self.is_away.lock() {
            return Err(Failure::Away);
        }
        match self.revoked.lock().iter().any(|revoked| revoked == token) {
            true => Err(Failure::Refused("revoked".into())),
            false => Ok(good),
        }
    }
}

impl Accounts for App {
    fn exchange(&self, code: Code) -> Answer<'_, AccessToken> {
        self.exchanged.fetch_add(1, Ordering::Relaxed);
        let (code, uri, verifier) = code.parts();
        assert_eq!(uri, format!("https://{LOGIN}/oauth2/callback"));
        let challenge = self.challenges.lock().remove(code);
        let is_good = challenge.is_some_and(|known| known == attempt::challenge(verifier));
        let answer = match is_good {
            true => self.answer("", AccessToken::new(format!("gho_{code}"))),
            false => Err(Failure::Refused("bad_verification_code".into())),
        };
        Box::pin(async move { answer })
    }

    fn check<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, Identity> {
        let login = token.expose().trim_start_matches("gho_").to_owned();
        let person = Identity::new(User::new(&login, 1), "client", 1, Scopes::default());
        let answer = self.answer(token.expose(), person.expect("a login"));
        Box::pin(async move { answer })
    }

    fn revoke<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, ()> {
        let answer = self.answer(token.expose(), ());
        self.revoked.lock().push(token.expose().to_owned());
        Box::pin(async move { answer })
    }
}

fn query_of(url: &str) -> BTreeMap<String, String> {
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn keys(secrets: &[u8]) -> Keys {
    Keys::new(secrets.iter().map(|byte| vec![*byte; 32])).expect("long enough")
}

fn sessions() -> Sessions {
    let options = Options {
        scheme: "https".into(),
        login_host: LOGIN.into(),
        hosts: [TOOL, OTHER]
            .map(|host| host.parse().expect("a host"))
            .to_vec(),
        server: "default".into(),
        authorize: "https://ghes.example.com/login/oauth/authorize".into(),
        client_id: "client".into(),
        scopes: vec!["read:org".into()],
        max_age: Duration::from_secs(7 * 24 * 3600),
        prefix: "/oauth2".into(),
    };
    Sessions::new(options, keys(b"1"), Used::default())
}

/// Keeps cookies as browsers do, by host.
#[derive(Clone, Default)]
struct Browser(BTreeMap<(String, String), String>);

struct Answered {
    status: u16,
    location: String,
    body: String,
}

impl Browser {
    fn headers(&self, host: &str) -> HeaderMap {
        let cookies = self.0.iter().filter(|((of, _), _)| of == host);
        let cookies: Vec<_> = cookies
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut headers = HeaderMap::new();
        if !cookies.is_empty() {
            let cookies = HeaderValue::from_str(&cookies.join("; ")).expect("cookies");
            headers.insert(http::header::COOKIE, cookies);
        }
        headers
    }

    fn names(&self, host: &str) -> Vec<&str> {
        let names = self.0.keys().filter(|(of, _)| of == host);
        names.map(|(_, name)| name.as_str()).collect()
    }

    fn go(&mut self, sessions: &Sessions, app: &App, url: &str, now: u64) -> Answered {
        self.send(sessions, app, &Method::GET, url, &[], now)
    }

    fn send(
        &mut self,
        sessions: &Sessions,
        app: &App,
        method: &Method,
        url: &str,
        fields: &[(&'static str, &str)],
        now: u64,
    ) -> Answered {
        let uri: http::Uri = url.parse().expect("a URL");
        let host = uri.authority().expect("a host").as_str();
        let mut headers = self.headers(host);
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let endpoint = sessions.endpoint(uri.path()).expect("an endpoint");
        let visit = Visit {
            host,
            headers: &headers,
            query: uri.query().unwrap_or_default(),
            navigates: true,
            now,
        };
        let answer = sessions.answer(endpoint, method, &visit, app);
        let response = answer.now_or_never().expect("the app answers at once");
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("text");
            let (pair, attributes) = line.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            let key = (host.to_owned(), name.to_owned());
            match attributes.contains("Max-Age=0;") {
                true => self.0.remove(&key),
                false => self.0.insert(key, value.to_owned()),
            };
        }
        let location = response.headers().get(LOCATION);
        let location = location.map(|to| to.to_str().expect("text").to_owned());
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body());
        let body = body
            .now_or_never()
            .expect("it is there")
            .expect("no error")
            .to_bytes();
        Answered {
            status,
            location: location.unwrap_or_default(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Goes from a page of a host through the whole; returns where it ends.
    fn log_in(&mut self, sessions: &Sessions, app: &App, page: &str, code: &str) -> String {
        let mut url = page.to_owned();
        for _ in 0..8 {
            if url.starts_with("https://ghes.example.com/") {
                url = app.approve(&url, code);
            }
            if !url.contains("/oauth2/") {
                return url;
            }
            url = self.go(sessions, app, &url, NOW).location;
        }
        panic!("no end: {url}");
    }
}

fn token(sessions: &Sessions, browser: &Browser, host: &str, now: u64) -> Option<String> {
    let session = sessions.session(&browser.headers(host), host, now)?;
    Some(session.token.expose().to_owned())
}

fn start(sessions: &Sessions, host: &str, path: &str) -> String {
    sessions.start_url(host, path)
}

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
        let visitor = sessions.enter(&mut request, Some(&host), false);
        let visitor = visitor.ok().flatten().expect("a host of ours");
        let refused = crate::rejection::RejectionKind::InvalidToken.into();
        sessions.page(&visitor, &refused).expect("a page").status()
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
        r#"{"user":"octocat","preferredUsername":"octocat","groups":[]}"#
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
