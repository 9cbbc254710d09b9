//! Browsers log in: a session is a sealed token.
//!
//! ```text
//! tool host                   login host                      GHES
//! page ─ 401 ─► start ─────► start ─ no session ───────────► authorize
//!                 │            │ session                         │ code, state
//!                 │            │                   callback ◄────┘
//!                 │            │                      │ exchange, check: a cookie of its own
//!              callback ◄──────┴──── hand-over ◄──────┘
//!                 │ a cookie of its own
//! page ◄──────────┘
//! ```
//!
//! 1. **The cookie is the token.** What it opens to goes the way of a bearer token: the same gate,
//!    the same answers, the same purge. So a token that is revoked, or a person who has left a team,
//!    is out within the published bound, and no session is stored anywhere.
//! 2. **One login host.** An OAuth app has one callback URL, and GHES keeps ten tokens for each
//!    user and app. So one host logs in, and the others get its token handed over.
//! 3. **A link logs nobody in.** What comes back from elsewhere is good in the browser that began,
//!    once, for ten minutes; a hand-over for thirty seconds.
//! 4. **A page that is not ours changes nothing.** Browsers send cookies with the requests of
//!    all pages: what could change anything has to come from a page of the same origin.
//!
//! The proxy does this for its routes with `login = true`. In an app of your own, a [`SessionLayer`]
//! stands around the [`GatekeeperLayer`](crate::GatekeeperLayer).

mod accounts;
mod app;
mod attempt;
pub(crate) mod browser;
mod callback;
pub(crate) mod cookie;
mod door;
mod layer;
mod pages;
mod seal;
mod sign_out;
mod spent;
mod start;
mod target;
#[cfg(test)]
mod tests;
mod whoami;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use http::{Method, Response, StatusCode};
use http_body_util::Full;

pub(crate) use self::accounts::{Accounts, Failure, Person};
#[cfg(feature = "proxy")]
pub(crate) use self::app::NamedGroups;
pub(crate) use self::app::{App, AppClients};
use self::attempt::Attempt;
#[cfg(feature = "proxy")]
pub(crate) use self::door::Shown;
pub(crate) use self::door::{Opens, Visitor};
pub use self::layer::{
    InvalidSession, SessionFuture, SessionLayer, SessionOptions, SessionService,
};
pub(crate) use self::pages::Page;
pub(crate) use self::seal::Keys;
use self::seal::Purpose;
use self::spent::Spent;
use crate::authority::bare_host;
use crate::endpoint::Problem;
use crate::token::AccessToken;

/// The logins of one app. A handle.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    keys: ArcSwap<Keys>,
    options: Options,
    used: Used,
}

/// What was used up, for all the configurations that there were. A handle.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    states: Spent,
    hand_overs: Spent,
}

impl Default for Used {
    fn default() -> Self {
        Self {
            states: Spent::for_life(attempt::LIFE),
            hand_overs: Spent::for_life(callback::HAND_OVER_LIFE),
        }
    }
}

/// What is decided once for all logins.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How browsers reach this gate: `https` but for tests on loopback.
    pub(crate) scheme: String,
    /// The host that logs in, with its port.
    pub(crate) login_host: String,
    /// The other hosts that ask for a login, as [`bare_host`] has them.
    pub(crate) hosts: Vec<Box<str>>,
    /// The name of the GHES.
    pub(crate) server: String,
    /// Where that asks people: `https://ghes.example.com/login/oauth/authorize`.
    pub(crate) authorize: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    /// How long a person stays logged in.
    pub(crate) max_age: Duration,
    /// The path of the endpoints.
    pub(crate) prefix: String,
}

/// What a browser has proved.
pub(crate) struct Session {
    pub(crate) token: AccessToken,
    /// Whose it was when they logged in.
    login: Box<str>,
    /// When the person logged in, in seconds since 1970.
    since: u64,
    /// When this host got its cookie.
    set: u64,
    /// How many cookies of this host came one soon after the other, before this one.
    streak: u8,
}

/// What a browser can ask of the login itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Endpoint {
    /// Where nginx sends people that had oauth2-proxy.
    SignIn,
    Start,
    Callback,
    SignOut,
    Auth,
    UserInfo,
}

/// What an endpoint reads of a request.
pub(crate) struct Visit<'r> {
    /// The host, as the browser knows it.
    pub(crate) host: &'r str,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) query: &'r str,
    /// Whether a browser shows the answer.
    pub(crate) navigates: bool,
    /// In seconds since 1970.
    pub(crate) now: u64,
}

/// Returns the seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Sessions {
    pub(crate) fn new(options: Options, keys: Keys, used: Used) -> Self {
        Self(Arc::new(Inner {
            keys: ArcSwap::from_pointee(keys),
            options,
            used,
        }))
    }

    /// Seals with the first of other keys from now on, and opens with all of them.
    #[cfg(feature = "proxy")]
    pub(crate) fn replace_keys(&self, keys: Keys) {
        self.0.keys.store(Arc::new(keys));
    }

    /// Returns which endpoint stands at a path, if one does.
    pub(crate) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let behind = path.strip_prefix(self.0.options.prefix.as_str())?;
        Some(match behind.strip_prefix('/')? {
            "start" => Endpoint::Start,
            "sign_in" => Endpoint::SignIn,
            "callback" => Endpoint::Callback,
            "sign_out" => Endpoint::SignOut,
            "auth" => Endpoint::Auth,
            "userinfo" => Endpoint::UserInfo,
            _ => return None,
        })
    }

    /// Answers a request for an endpoint.
    pub(crate) async fn answer(
        &self,
        endpoint: Endpoint,
        method: &Method,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        let allow = match endpoint {
            Endpoint::SignOut => "GET, HEAD, POST",
            _ => "GET, HEAD",
        };
        if !allow.split(", ").any(|allowed| method == allowed) {
            return Problem::method_not_allowed(allow).into_response();
        }
        match endpoint {
            Endpoint::SignIn => self.sign_in(visit),
            Endpoint::Start => self.start(visit, accounts).await,
            Endpoint::Callback => self.callback(visit, accounts).await,
            Endpoint::SignOut => self.sign_out(method, visit, accounts).await,
            Endpoint::Auth => self.auth(visit, accounts).await,
            Endpoint::UserInfo => self.userinfo(visit, accounts).await,
        }
    }

    /// Tells whether a host is the login's, or has a route with one.
    pub(crate) fn has(&self, host: &str) -> bool {
        let Options {
            hosts, login_host, ..
        } = &self.0.options;
        login_host == host || hosts.iter().any(|known| **known == *bare_host(host))
    }

    /// Returns the session of a browser: of several, the one that was set last.
    pub(crate) fn session(&self, headers: &HeaderMap, host: &str, now: u64) -> Option<Session> {
        let cookies = cookie::ours(headers).filter(|(name, _)| *name == cookie::SESSION.as_bytes());
        let sessions = cookies.filter_map(|(_, value)| self.opened(value, host, now));
        sessions.max_by_key(|session| session.set)
    }

    fn opened(&self, value: &[u8], host: &str, now: u64) -> Option<Session> {
        let plain = self.open(Purpose::Session, &[host], value)?;
        let session = Session::read(&plain)?;
        // A cookie from the future is of a clock that is wrong, and would never end.
        let age = now.checked_sub(session.since)?;
        (age < self.0.options.max_age.as_secs()).then_some(session)
    }

    /// Returns how many cookies came to a browser one soon after the other, up to now.
    fn streak(&self, visit: &Visit<'_>) -> u8 {
        let last = self.session(visit.headers, visit.host, visit.now);
        let last = last.filter(|session| session.is_just_set(visit.now));
        last.map_or(0, |session| session.streak.saturating_add(1))
    }

    /// Returns the cookie of a session on `host`.
    fn cookie(&self, session: &Session, host: &str, now: u64) -> HeaderValue {
        let value = self.seal(Purpose::Session, &[host], &session.bytes());
        let left = self.0.options.max_age.as_secs();
        let left = left.saturating_sub(now.saturating_sub(session.since));
        cookie::set(cookie::SESSION, &value, Duration::from_secs(left))
    }

    fn seal(&self, purpose: Purpose, place: &[&str], plain: &[u8]) -> String {
        let place = self.place(place);
        self.0.keys.load().seal(purpose, &place, plain)
    }

    fn open(
        &self,
        purpose: Purpose,
        place: &[&str],
        text: &[u8],
    ) -> Option<secrecy::zeroize::Zeroizing<Vec<u8>>> {
        let place = self.place(place);
        self.0.keys.load().open(purpose, &place, text)
    }

    /// What is sealed is good for the app that it was sealed for.
    fn place<'p>(&'p self, place: &[&'p str]) -> Vec<&'p str> {
        let Options {
            server, client_id, ..
        } = &self.0.options;
        [server.as_str(), client_id]
            .into_iter()
            .chain(place.iter().copied())
            .collect()
    }

    /// Returns the logins of a browser that can still succeed, with the names of their cookies.
    fn attempts(&self, visit: &Visit<'_>) -> Vec<Attempt> {
        let cookies = cookie::ours(visit.headers);
        let cookies = cookies.filter(|(name, _)| name.starts_with(cookie::PENDING.as_bytes()));
        let opened = cookies.filter_map(|(name, value)| {
            let plain = self.open(Purpose::Pending, &[visit.host], value)?;
            let attempt: Attempt = serde_json::from_slice(&plain).ok()?;
            let is_good = attempt.is_pending(visit.now) && attempt.cookie().as_bytes() == name;
            is_good.then_some(attempt)
        });
        opened.collect()
    }

    /// Returns the URL of an endpoint on `host`.
    fn url(&self, host: &str, endpoint: &str) -> String {
        let Options { scheme, prefix, .. } = &self.0.options;
        format!("{scheme}://{host}{prefix}/{endpoint}")
    }

    /// Returns the path of an endpoint.
    pub(crate) fn path(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}", self.0.options.prefix)
    }
}

impl Session {
    fn bytes(&self) -> Vec<u8> {
        let times = [self.since.to_be_bytes(), self.set.to_be_bytes()].concat();
        let head = [times.as_slice(), &[self.streak]].concat();
        // Neither has a space in it.
        let text = format!("{} {}", self.login, self.token.expose());
        [head.as_slice(), text.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (since, rest) = bytes.split_first_chunk()?;
        let (set, rest) = rest.split_first_chunk()?;
        let (streak, text) = rest.split_first()?;
        let (login, token) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        Some(Self {
            token: AccessToken::new(token),
            login: login.into(),
            since: u64::from_be_bytes(*since),
            set: u64::from_be_bytes(*set),
            streak: *streak,
        })
    }

    /// Tells whether logins end in such cookies again and again, and the gate refuses each.
    fn is_loop(&self, now: u64) -> bool {
        self.is_just_set(now) && usize::from(self.streak) + 1 >= attempt::MOST_PENDING
    }

    fn is_just_set(&self, now: u64) -> bool {
        now.saturating_sub(self.set) < attempt::LOOP.as_secs()
    }
}

/// Sends a browser elsewhere.
fn redirect(to: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    // The URL is of ours, but for a path and a query that were read as printable ASCII.
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    headers.insert(LOCATION, to);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_cookie(mut response: Response<Full<Bytes>>, cookie: HeaderValue) -> Response<Full<Bytes>> {
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sessions").field(&self.0.options).finish()
    }
}
