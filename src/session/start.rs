use std::cmp::Reverse;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Response;
use http_body_util::Full;

use super::attempt::{self, Attempt, Then, challenge, verifier};
use super::seal::Purpose;
use super::target::Target;
use super::whoami::NOBODY;
use super::{Accounts, Failure, Page, Sessions, Visit, cookie, redirect, with_cookie};

/// What `start` was asked for.
pub(super) struct Wanted {
    pub(super) target: Target,
    /// The host that waits for a hand-over, and the state it gave.
    pub(super) waits: Option<(String, String)>,
    /// Whether GHES lets the person choose an account.
    chooses: bool,
}

impl Sessions {
    /// Returns where a browser that wants `path` of `host` begins to log in.
    pub(crate) fn start_url(&self, host: &str, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("rd", path);
        format!("{}?{}", self.url(host, "start"), query.finish())
    }

    /// Shows a button. nginx may show the page in place of the one that was asked for, under the
    /// address and with the status of that: a redirect would lead nowhere.
    pub(super) fn sign_in(&self, visit: &Visit<'_>) -> Response<Full<Bytes>> {
        if !visit.navigates {
            return NOBODY.into_response();
        }
        let target = self.wanted(visit).target;
        let start = self.start_url(&target.host, target.path());
        Page::SignIn { start: &start }.into_response()
    }

    pub(super) async fn start(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        if !visit.navigates {
            return NOBODY.into_response();
        }
        let wanted = self.wanted(visit);
        if let Some(page) = self.stays_out(visit, &wanted, accounts).await {
            return page;
        }
        if visit.host != self.0.options.login_host {
            return self.go_to_login_host(visit, &wanted);
        }
        let session = self.session(visit.headers, visit.host, visit.now);
        let session = session.filter(|_| !wanted.chooses);
        if let Some(session) = session {
            // A token that a host refuses must not be handed over to it again and again.
            match accounts.check(&session.token).await {
                Ok(_) => return self.go_on(wanted, &session, visit),
                Err(Failure::Refused(_)) => {}
                Err(Failure::Away) => return Page::Away.into_response(),
            }
        }
        self.go_to_ghes(visit, wanted)
    }

    /// Returns what is shown to a person who is logged in here, and whom a proxy sends to log in all
    /// the same: the route takes no session, or not of this app. They would come back for ever.
    async fn stays_out(
        &self,
        visit: &Visit<'_>,
        wanted: &Wanted,
        accounts: &dyn Accounts,
    ) -> Option<Response<Full<Bytes>>> {
        self.told_by_front(visit).filter(|_| !wanted.chooses)?;
        let session = self.session(visit.headers, visit.host, visit.now)?;
        let sign_out = self.path("sign_out");
        let page = match accounts.check(&session.token).await {
            Ok(_) => Page::NotAllowed {
                login: &session.login,
                sign_out: &sign_out,
            },
            Err(Failure::Away) => Page::Away,
            Err(Failure::Refused(_)) => return None,
        };
        Some(page.into_response())
    }

    fn wanted(&self, visit: &Visit<'_>) -> Wanted {
        let mut wanted = Wanted {
            target: Target::read(self.told_by_front(visit), visit.host, |h| self.has(h)),
            waits: None,
            chooses: false,
        };
        let (mut host, mut state) = (None, None);
        for (name, value) in form_urlencoded::parse(visit.query.as_bytes()) {
            match &*name {
                "rd" => wanted.target = Target::read(Some(&value), visit.host, |h| self.has(h)),
                "host" => host = Some(value.into_owned()).filter(|host| self.has(host)),
                "state" => state = Some(value.into_owned()).filter(|state| is_state(state)),
                "prompt" => wanted.chooses = value == "select_account",
                _ => {}
            }
        }
        wanted.waits = host.zip(state);
        wanted
    }

    /// Returns the page from which a proxy sends a person here, if it says so. Anybody may write
    /// the field, as anybody may write the query.
    fn told_by_front<'v>(&self, visit: &Visit<'v>) -> Option<&'v str> {
        let told = visit
            .headers
            .get("x-auth-request-redirect")?
            .to_str()
            .ok()?;
        // Where it is asked for itself, it would be the page after itself.
        let is_own = told.starts_with(&self.path(""));
        (!is_own).then_some(told)
    }

    /// The other host waits for what only this browser can bring it.
    fn go_to_login_host(&self, visit: &Visit<'_>, wanted: &Wanted) -> Response<Full<Bytes>> {
        if wanted.target.host != visit.host {
            return redirect(&self.start_url(&wanted.target.host, wanted.target.path()));
        }
        let path = wanted.target.path().to_owned();
        let attempt = Attempt::new(Then::Await { path }, visit.now);
        let mut query = Serializer::new(String::new());
        query.append_pair("host", visit.host);
        query.append_pair("state", &attempt.state());
        if wanted.chooses {
            query.append_pair("prompt", "select_account");
        }
        let login_host = &self.0.options.login_host;
        let to = format!("{}?{}", self.url(login_host, "start"), query.finish());
        self.begun(visit, &attempt, &self.attempts(visit), redirect(&to))
    }

    fn go_to_ghes(&self, visit: &Visit<'_>, wanted: Wanted) -> Response<Full<Bytes>> {
        let pending = self.attempts(visit);
        if is_loop(&pending, visit.now) {
            let start = self.start_url(visit.host, wanted.target.path());
            let page = Page::SignInAgain { start: &start }.into_response();
            return pending.iter().fold(page, |page, attempt| {
                with_cookie(page, cookie::clear(&attempt.cookie()))
            });
        }
        let verifier = verifier();
        let challenge = challenge(&verifier);
        let chooses = wanted.chooses;
        let then = match wanted {
            Wanted {
                waits: Some((host, state)),
                ..
            } => Then::HandOver {
                host,
                state,
                verifier,
            },
            Wanted { target, .. } if target.host != visit.host => {
                return redirect(&self.start_url(&target.host, target.path()));
            }
            Wanted { target, .. } => Then::Stay {
                path: target.path().to_owned(),
                verifier,
            },
        };
        let attempt = Attempt::new(then, visit.now);
        let to = self.authorize_url(&attempt.state(), &challenge, chooses);
        self.begun(visit, &attempt, &pending, redirect(&to))
    }

    fn authorize_url(&self, state: &str, challenge: &str, chooses: bool) -> String {
        let options = &self.0.options;
        let mut query = Serializer::new(String::new());
        query.append_pair("client_id", &options.client_id);
        query.append_pair("redirect_uri", &self.redirect_uri());
        query.append_pair("scope", &options.scopes.join(" "));
        query.append_pair("state", state);
        // GHES up to 3.22 ignores it.
        query.append_pair("code_challenge", challenge);
        query.append_pair("code_challenge_method", "S256");
        if chooses {
            query.append_pair("prompt", "select_account");
        }
        format!("{}?{}", options.authorize, query.finish())
    }

    /// Returns the callback URL of the app.
    pub(super) fn redirect_uri(&self) -> String {
        self.url(&self.0.options.login_host, "callback")
    }

    /// Leaves the cookie of a new login, and ends the oldest where there are too many: a browser
    /// would send them all, until no server takes its requests any more.
    fn begun(
        &self,
        visit: &Visit<'_>,
        attempt: &Attempt,
        pending: &[Attempt],
        response: Response<Full<Bytes>>,
    ) -> Response<Full<Bytes>> {
        let plain = serde_json::to_vec(attempt).unwrap_or_default();
        let value = self.seal(Purpose::Pending, &[visit.host], &plain);
        let response = with_cookie(
            response,
            cookie::set(&attempt.cookie(), &value, attempt::LIFE),
        );
        let mut pending: Vec<_> = pending.iter().collect();
        pending.sort_by_key(|attempt| Reverse(attempt.started));
        let old = pending.iter().skip(attempt::MOST_PENDING - 1);
        old.fold(response, |response, old| {
            with_cookie(response, cookie::clear(&old.cookie()))
        })
    }
}

/// Tells whether logins begin without an end. A way to the login host is none.
fn is_loop(pending: &[Attempt], now: u64) -> bool {
    let recent = pending.iter().filter(|attempt| {
        let age = now.saturating_sub(attempt.started);
        age < attempt::LOOP.as_secs() && !matches!(attempt.then, Then::Await { .. })
    });
    recent.count() >= attempt::MOST_PENDING
}

/// Only what we make: it goes into a URL and a cookie.
fn is_state(state: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    state.len() <= 64 && state.bytes().all(is_plain)
}
