use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::{Accounts, Failure, Person, Sessions, Visit};
use crate::endpoint::{Problem, empty, json};
use crate::membership::Group;

impl Sessions {
    /// Answers 202 for who is logged in, as oauth2-proxy does.
    pub(super) async fn auth(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        let session = self.session(visit.headers, visit.host, visit.now);
        let Some(session) = session else {
            return NOBODY.into_response();
        };
        match accounts.check(&session.token).await {
            Ok(_) => empty(StatusCode::ACCEPTED),
            Err(failure) => problem(&failure).into_response(),
        }
    }

    /// Says who is logged in, for the page's own scripts.
    pub(super) async fn userinfo(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        let session = self.session(visit.headers, visit.host, visit.now);
        let Some(session) = session else {
            return NOBODY.into_response();
        };
        match accounts.person(&session.token, visit.host).await {
            Ok(person) => json(StatusCode::OK, &UserInfo::of(&person)),
            Err(failure) => problem(&failure).into_response(),
        }
    }
}

const fn problem(failure: &Failure) -> Problem {
    match failure {
        Failure::Refused(_) => NOBODY,
        Failure::Away => AWAY,
    }
}

/// The members that oauth2-proxy has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo<'i> {
    user: &'i str,
    preferred_username: &'i str,
    /// Of those that the routes of this host name.
    groups: Vec<String>,
}

impl<'i> UserInfo<'i> {
    fn of(person: &'i Person) -> Self {
        let login = person.identity.user().login();
        Self {
            user: login,
            preferred_username: login,
            groups: person.groups.iter().map(Group::with_colon).collect(),
        }
    }
}

pub(super) const NOBODY: Problem =
    Problem::new(StatusCode::UNAUTHORIZED, "nobody is logged in here");

const AWAY: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "GitHub cannot be asked at the moment; try again",
);
