use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Response;
use http_body_util::Full;
use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Then};
use super::seal::Purpose;
use super::start::Wanted;
use super::target::Target;
use super::{Accounts, Failure, Page, Session, Sessions, Visit, cookie, redirect, with_cookie};
use crate::ghes::Code;
use crate::token::AccessToken;

/// A browser is sent from one host to the next within it.
pub(super) const HAND_OVER_LIFE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Default)]
struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    hand_over: Option<String>,
}

impl Returned {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let part = match &*name {
                "state" => &mut read.state,
                "code" => &mut read.code,
                "error" => &mut read.error,
                "hand_over" => &mut read.hand_over,
                _ => continue,
            };
            *part = Some(value.into_owned());
        }
        read
    }
}

impl Sessions {
    pub(super) async fn callback(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        let returned = Returned::read(visit.query);
        let Some(attempt) = self.take_attempt(visit, returned.state.as_deref()) else {
            let start = self.start_url(visit.host, "/");
            return Page::NoSuchLogin { start: &start }.into_response();
        };
        let response = match &attempt.then {
            Then::Await { path } => self.take_hand_over(visit, &attempt, path, &returned),
            Then::Stay { verifier, .. } | Then::HandOver { verifier, .. } => {
                let logged_in = self.log_in(visit, verifier, &returned, accounts).await;
                logged_in.map(|session| self.logged_in(visit, &session, &attempt.then))
            }
        };
        let response = response.unwrap_or_else(|failure| self.failed(visit, &failure));
        with_cookie(response, cookie::clear(&attempt.cookie()))
    }

    /// Finds the login that a state is of, in this browser, and uses it up.
    fn take_attempt(&self, visit: &Visit<'_>, state: Option<&str>) -> Option<Attempt> {
        let state = state?;
        let mut attempts = self.attempts(visit).into_iter();
        let attempt = attempts.find(|attempt| attempt.has_state(state))?;
        self.0.used.states.spend(state).then_some(attempt)
    }

    async fn log_in(
        &self,
        visit: &Visit<'_>,
        verifier: &str,
        returned: &Returned,
        accounts: &dyn Accounts,
    ) -> Result<Session, Failure> {
        let refused = |error: &str| Failure::Refused(error.to_owned());
        if let Some(error) = &returned.error {
            return Err(refused(error));
        }
        let code = returned.code.clone();
        let code = code.ok_or_else(|| refused("no code"))?;
        let code = Code::new(code, self.redirect_uri(), verifier.to_owned());
        let token = accounts.exchange(code).await?;
        let person = accounts.check(&token).await?;
        Ok(Session {
            token,
            login: person.user().login().into(),
            since: visit.now,
            set: visit.now,
            streak: self.streak(visit),
        })
    }

    fn logged_in(
        &self,
        visit: &Visit<'_>,
        session: &Session,
        then: &Then,
    ) -> Response<Full<Bytes>> {
        let response = match then {
            Then::HandOver { host, state, .. } => {
                redirect(&self.hand_over_url(visit, host, state, session))
            }
            Then::Stay { path, .. } | Then::Await { path } => self.show(visit, path),
        };
        with_cookie(response, self.cookie(session, visit.host, visit.now))
    }

    fn show(&self, visit: &Visit<'_>, path: &str) -> Response<Full<Bytes>> {
        let target = Target::on(visit.host, path);
        let target = target.unwrap_or_else(|| Target::read(None, visit.host, |_| false));
        redirect(&target.url(&self.0.options.scheme))
    }

    /// Goes on from the login host with a session that is there.
    pub(super) fn go_on(
        &self,
        wanted: Wanted,
        session: &Session,
        visit: &Visit<'_>,
    ) -> Response<Full<Bytes>> {
        match wanted.waits {
            Some((host, state)) => redirect(&self.hand_over_url(visit, &host, &state, session)),
            None if wanted.target.host != visit.host => {
                redirect(&self.start_url(&wanted.target.host, wanted.target.path()))
            }
            None => self.show(visit, wanted.target.path()),
        }
    }

    /// Returns the URL that takes a session to the host that waits for it. It opens there alone,
    /// and only for the login with this state.
    fn hand_over_url(
        &self,
        visit: &Visit<'_>,
        host: &str,
        state: &str,
        session: &Session,
    ) -> String {
        let hand_over = HandOver {
            token: session.token.expose(),
            login: &session.login,
            since: session.since,
            made: visit.now,
        };
        let plain = serde_json::to_vec(&hand_over).unwrap_or_default();
        let sealed = self.seal(Purpose::HandOver, &[host, state], &plain);
        let mut query = Serializer::new(String::new());
        query.append_pair("state", state);
        query.append_pair("hand_over", &sealed);
        format!("{}?{}", self.url(host, "callback"), query.finish())
    }

    fn take_hand_over(
        &self,
        visit: &Visit<'_>,
        attempt: &Attempt,
        path: &str,
        returned: &Returned,
    ) -> Result<Response<Full<Bytes>>, Failure> {
        let refused = || Failure::Refused("no hand-over".to_owned());
        let sealed = returned.hand_over.as_deref().ok_or_else(refused)?;
        let place = [visit.host, &attempt.state()];
        let plain = self.open(Purpose::HandOver, &place, sealed.as_bytes());
        let plain = plain.ok_or_else(refused)?;
        let hand_over: HandOver<'_> = serde_json::from_slice(&plain).map_err(|_| refused())?;
        let age = visit.now.saturating_sub(hand_over.made);
        let is_good = age < HAND_OVER_LIFE.as_secs() && self.0.used.hand_overs.spend(sealed);
        if !is_good {
            return Err(refused());
        }
        let session = Session {
            token: AccessToken::new(hand_over.token),
            login: hand_over.login.into(),
            since: hand_over.since,
            set: visit.now,
            streak: self.streak(visit),
        };
        Ok(with_cookie(
            self.show(visit, path),
            self.cookie(&session, visit.host, visit.now),
        ))
    }

    fn failed(&self, visit: &Visit<'_>, failure: &Failure) -> Response<Full<Bytes>> {
        let start = self.start_url(visit.host, "/");
        match failure {
            Failure::Away => Page::Away.into_response(),
            Failure::Refused(error) => Page::Refused {
                error,
                start: &start,
            }
            .into_response(),
        }
    }
}

/// A session on its way to another host.
#[derive(Serialize, Deserialize)]
struct HandOver<'t> {
    token: &'t str,
    login: &'t str,
    since: u64,
    made: u64,
}
