//! The login of an app, as a layer around its gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::any;
use ghes_gatekeeper::emulator::{Emulator, Fault};
use ghes_gatekeeper::ghes::{App, GhesUrl};
use ghes_gatekeeper::session::{SessionLayer, SessionOptions};
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{Purge, Validator};
use ghes_gatekeeper::{GatekeeperLayer, Identity};
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

const GHES: &str = "http://ghes.example.com";
const TOOL: &str = "https://tool.example.com";
const OTHER: &str = "https://other.example.com";
const KEY: &str = "0123456789abcdef0123456789abcdef";

type Check = ghes_gatekeeper::protection::ProtectedCheck;

/// Says who asks, with which cookies.
async fn tool(who: Identity, headers: HeaderMap) -> String {
    let cookies = headers
        .get(COOKIE)
        .map_or("", |line| line.to_str().expect("text"));
    assert!(!headers.contains_key("authorization"));
    format!("{} [{cookies}]", who.user().login())
}

fn options(key: &str) -> SessionOptions {
    let options = SessionOptions::new(TOOL, key.to_owned()).expect("options");
    options.with_hosts(["other.example.com"])
}

/// The app, its validator, and the credential that its gate saw last.
fn app(ghes: &Emulator, options: SessionOptions) -> (Router, Validator<Check>, Arc<Mutex<String>>) {
    let url: GhesUrl = GHES.parse().expect("a URL");
    let app = App::new(
        "Iv1.8a61f9b3a7aba766",
        "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f",
    );
    let validator = Validator::for_ghes_over(&url, &app, ghes.clone()).expect("a client id");
    let login = SessionLayer::for_ghes_over(&url, &app, &validator, options, ghes.clone())
        .expect("a client id");
    let seen = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&seen);
    let seeing = axum::middleware::map_request(move |request: Request<Body>| {
        if let Some(line) = request.headers().get("authorization") {
            line.to_str()
                .expect("text")
                .clone_into(&mut note.lock().expect("no panic"));
        }
        std::future::ready(request)
    });
    let router = Router::new()
        .route("/", any(tool))
        .route("/page", any(tool))
        .layer(GatekeeperLayer::new(validator.clone()))
        .layer(seeing)
        .layer(login);
    (router, validator, seen)
}

/// Keeps cookies by host, and follows redirects between the app's hosts and GHES.
struct Browser {
    app: Router,
    ghes: Emulator,
    cookies: BTreeMap<(String, String), String>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn of<B: http_body::Body<Data = Bytes>>(response: Response<B>) -> Self
    where
        B::Error: std::fmt::Debug,
    {
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    fn location(&self) -> Option<&str> {
        Some(self.headers.get(LOCATION)?.to_str().expect("text"))
    }
}

impl Browser {
    fn new(app: &Router, ghes: &Emulator) -> Self {
        Self {
            app: app.clone(),
            ghes: ghes.clone(),
            cookies: BTreeMap::new(),
        }
    }

    async fn go(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, &[("accept", "text/html")])
            .await
    }

    async fn send(&mut self, method: Method, url: &str, fields: &[(&str, &str)]) -> Answer {
        let (_, rest) = url.split_once("://").expect("a URL");
        let (host, path) = rest.split_once('/').expect("a path");
        let mut request = Request::builder().method(method).uri(format!("/{path}"));
        request = request.header(HOST, host).header(COOKIE, "theirs=1");
        for ((of, name), value) in &self.cookies {
            if of == host {
                request = request.header(COOKIE, format!("{name}={value}"));
            }
        }
        for (name, value) in fields {
            request = request.header(name.parse::<HeaderName>().expect("a name"), *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let Ok(response) = self.app.clone().oneshot(request).await;
        let answer = Answer::of(response).await;
        for line in answer.headers.get_all(SET_COOKIE) {
            let (pair, rest) = line
                .to_str()
                .expect("text")
                .split_once(';')
                .expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            let key = (host.to_owned(), name.to_owned());
            match rest.contains("Max-Age=0;") {
                true => self.cookies.remove(&key),
                false => self.cookies.insert(key, value.to_owned()),
            };
        }
        answer
    }

    /// A person approves at GHES; returns where that leads.
    async fn approve(&self, url: &str) -> String {
        let (page, query) = url.split_once('?').expect("a query");
        let form = format!("{query}&login=octocat&password=octocat&decision=authorize");
        let request = Request::post(page).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Full::<Bytes>::from(form)).expect("a request");
        let answer = Answer::of(self.ghes.clone().oneshot(request).await.expect("an answer")).await;
        answer.location().expect(&answer.body).to_owned()
    }

    /// Goes to a page and wherever it leads; returns the last, and how often GHES asked.
    async fn visit(&mut self, url: &str) -> (Answer, usize) {
        let (mut url, mut questions) = (url.to_owned(), 0);
        for _ in 0..12 {
            if url.starts_with(GHES) {
                questions += 1;
                url = self.approve(&url).await;
            }
            let answer = self.go(&url).await;
            match answer.location() {
                Some(next) => next.clone_into(&mut url),
                None => return (answer, questions),
            }
        }
        panic!("no end: {url}");
    }

    fn session(&self, host: &str) -> Option<&String> {
        let key = (host.to_owned(), "__Host-ghes-gatekeeper".to_owned());
        self.cookies.get(&key)
    }
}

#[tokio::test]
async fn people_log_in_and_out() {
    let ghes = Emulator::default();
    let (app, _, _) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&app, &ghes);
    let (page, questions) = browser.visit(&format!("{TOOL}/page?a=1")).await;
    assert_eq!((page.status, questions), (200, 1));
    // The tool has the identity, and its own cookies alone.
    assert_eq!(page.body, "octocat [theirs=1]");
    assert_eq!(page.headers["cache-control"], "private");
    assert!(browser.cookies.len() == 1, "{:?}", browser.cookies.keys());
    // Another host asks no second time, in the same process or another.
    let (page, questions) = browser.visit(&format!("{OTHER}/")).await;
    assert_eq!((page.status, questions), (200, 0), "{}", page.body);
    let page = browser.go(&format!("{TOOL}/oauth2/sign_out")).await;
    assert!(
        page.status == 200 && page.body.contains("<form"),
        "{}",
        page.body
    );
    let fields = [("origin", TOOL), ("sec-fetch-site", "same-origin")];
    let url = format!("{TOOL}/oauth2/sign_out");
    assert_eq!(browser.send(Method::POST, &url, &fields).await.status, 200);
    assert!(browser.session("tool.example.com").is_none());
    // The other host has its cookie still, of a token that is no more.
    assert!(browser.session("other.example.com").is_some());
    let answer = browser.send(Method::GET, &format!("{OTHER}/"), &[]).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn whoever_shows_no_page_is_told_as_without_a_login() {
    let ghes = Emulator::default();
    let (app, _, _) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&app, &ghes);
    let url = format!("{TOOL}/page");
    for (method, fields) in [
        (Method::GET, &[("accept", "application/json")][..]),
        (Method::GET, &[]),
        (Method::POST, &[("accept", "text/html")]),
        (
            Method::GET,
            &[("accept", "text/html"), ("sec-fetch-mode", "cors")],
        ),
        (
            Method::GET,
            &[("accept", "text/html"), ("authorization", "Bearer gho_bad")],
        ),
    ] {
        let answer = browser.send(method, &url, fields).await;
        assert_eq!(answer.status, 401, "{fields:?}");
        assert_eq!(answer.headers[CONTENT_TYPE], "application/problem+json");
        assert!(answer.headers.contains_key("www-authenticate"));
        assert!(browser.cookies.is_empty(), "{fields:?}");
    }
    // A token is judged as before, and alone.
    browser.visit(&url).await;
    let good = "Bearer e72e16c7e42f292c6912e7710c838347ae178b4a";
    for (credential, status) in [(good, 200), ("Bearer gho_bad", 401)] {
        let answer = browser
            .send(Method::GET, &url, &[("authorization", credential)])
            .await;
        assert_eq!(answer.status, status, "{credential}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let ghes = Emulator::default();
    let (app, _, _) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&app, &ghes);
    let url = format!("{TOOL}/page");
    browser.visit(&url).await;
    let upgrade = ("upgrade", "websocket");
    for (method, fields, status) in [
        (Method::POST, &[("origin", TOOL)][..], 200),
        (Method::GET, &[upgrade, ("origin", TOOL)], 200),
        (Method::GET, &[("sec-fetch-site", "cross-site")], 200),
        (Method::POST, &[("origin", "https://evil.example")], 403),
        (Method::POST, &[("origin", OTHER)], 403),
        (Method::POST, &[("origin", "null")], 403),
        (Method::POST, &[], 403),
        (Method::DELETE, &[("sec-fetch-site", "same-site")], 403),
        (
            Method::GET,
            &[upgrade, ("origin", "https://evil.example")],
            403,
        ),
        (Method::GET, &[("x-http-method-override", "DELETE")], 403),
    ] {
        let answer = browser.send(method.clone(), &url, fields).await;
        assert_eq!(answer.status, status, "{method} {fields:?}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let ghes = Emulator::default();
    let (app, validator, seen) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&app, &ghes);
    let url = format!("{TOOL}/page");
    browser.visit(&url).await;
    let credential = seen.lock().unwrap().clone();
    let token = credential.strip_prefix("Bearer ").expect("a token");
    assert!(ghes.revoke(token));
    assert_eq!(browser.send(Method::GET, &url, &[]).await.status, 200);
    validator.purge(&Purge::Token(AccessToken::new(token).hash()));
    assert_eq!(browser.send(Method::GET, &url, &[]).await.status, 401);
    // A navigation leads to GHES again, which asks the person no more than it has to.
    let (page, questions) = browser.visit(&url).await;
    assert_eq!((page.status, questions), (200, 1));
}

#[tokio::test]
async fn an_outage_logs_nobody_out() {
    let ghes = Emulator::default();
    let (app, validator, _) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&app, &ghes);
    let url = format!("{TOOL}/page");
    browser.visit(&url).await;
    validator.purge(&Purge::All);
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY).times(1_000));
    let page = browser.go(&url).await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("<h1>") && page.headers.contains_key(RETRY_AFTER));
    let answer = browser.send(Method::GET, &url, &[]).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/problem+json");
    assert!(browser.session("tool.example.com").is_some());
    ghes.clear_faults();
}

#[tokio::test]
async fn keys_are_replaced_without_a_login_and_cookies_of_others_open_nothing() {
    const NEW: &str = "another key of thirty-two bytes.";
    let ghes = Emulator::default();
    let (old, _, _) = app(&ghes, options(KEY));
    let mut browser = Browser::new(&old, &ghes);
    let url = format!("{TOOL}/page");
    browser.visit(&url).await;
    let with_old = options(NEW).with_old_key(KEY.to_owned()).unwrap();
    for (options, status) in [(with_old, 200), (options(NEW), 401)] {
        browser.app = app(&ghes, options).0;
        assert_eq!(browser.send(Method::GET, &url, &[]).await.status, status);
    }
    // What is sealed for one host is nothing on another.
    browser.app = old;
    let stolen = browser.session("tool.example.com").unwrap().clone();
    let cookie = format!("__Host-ghes-gatekeeper={stolen}");
    let mut thief = Browser::new(&browser.app, &ghes);
    let fields = [("cookie", cookie.as_str())];
    let answer = thief.send(Method::GET, &format!("{OTHER}/"), &fields).await;
    assert_eq!(answer.status, 401);
    let answer = thief.send(Method::GET, &url, &fields).await;
    assert_eq!(answer.status, 200);
}

#[test]
fn a_login_that_others_could_read_is_refused() {
    for url in [
        "http://tool.example.com",
        "tool.example.com",
        "https://tool.example.com/path",
        "https://tool.example.com/?query",
        "https://user@tool.example.com",
        "https://",
        "",
    ] {
        assert!(SessionOptions::new(url, KEY.to_owned()).is_err(), "{url}");
    }
    for url in [
        TOOL,
        "https://tool.example.com:8443/",
        "http://127.0.0.1:80",
    ] {
        assert!(SessionOptions::new(url, KEY.to_owned()).is_ok(), "{url}");
    }
    let short = SessionOptions::new(TOOL, "too short".to_owned());
    let said = short.expect_err("a short key").to_string();
    assert!(said.contains("openssl rand -base64 32"), "{said}");
    for prefix in [
        "",
        "/",
        "login",
        "/login/",
        "/../login",
        "//login",
        "/a%2fb",
    ] {
        assert!(options(KEY).with_prefix(prefix).is_err(), "{prefix}");
    }
    let shown = format!("{:?}", options(KEY));
    assert!(!shown.contains(KEY), "{shown}");
}
