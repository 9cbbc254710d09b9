//! A browser, an app at GHES, and two hosts.

mod cookies;
mod logins;
mod mistakes;

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

    fn person<'a>(&'a self, token: &'a AccessToken, host: &'a str) -> Answer<'a, Person> {
        Box::pin(async move {
            let identity = self.check(token).await?;
            let group = host.split_once('.').map_or(host, |(first, _)| first);
            let groups = vec![format!("octo-org/{group}").parse().expect("a team")];
            Ok(Person { identity, groups })
        })
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
    Sessions::new(options(), keys(b"1"), Used::default())
}

fn options() -> Options {
    Options {
        scheme: "https".into(),
        login_host: LOGIN.into(),
        hosts: [TOOL, OTHER].map(Into::into).to_vec(),
        server: "default".into(),
        authorize: "https://ghes.example.com/login/oauth/authorize".into(),
        client_id: "client".into(),
        scopes: vec!["read:org".into()],
        max_age: Duration::from_secs(7 * 24 * 3600),
        prefix: "/oauth2".into(),
    }
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
