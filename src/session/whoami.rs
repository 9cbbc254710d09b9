use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::{Accounts, Failure, Sessions, Visit};
use crate::endpoint::{Problem, empty, json};
use crate::identity::Identity;

impl Sessions {
    /// Answers 202 for who is logged in, as oauth2-proxy does.
    pub(super) async fn auth(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        match self.person(visit, accounts).await {
            Ok(_) => empty(StatusCode::ACCEPTED),
            Err(problem) => problem.into_response(),
        }
    }

    /// Says who is logged in, for the page's own scripts.
    pub(super) async fn userinfo(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Response<Full<Bytes>> {
        match self.person(visit, accounts).await {
            Ok(identity) => json(StatusCode::OK, &UserInfo::of(&identity)),
            Err(problem) => problem.into_response(),
        }
    }

    async fn person(
        &self,
        visit: &Visit<'_>,
        accounts: &dyn Accounts,
    ) -> Result<Identity, Problem> {
        let session = self.session(visit.headers, visit.host, visit.now);
        let session = session.ok_or(NOBODY)?;
        let person = accounts.check(&session.token).await;
        person.map_err(|failure| match failure {
            Failure::Refused(_) => NOBODY,
            Failure::Away => AWAY,
        })
    }
}

/// The members that oauth2-proxy has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo<'i> {
    user: &'i str,
    preferred_username: &'i str,
    groups: [&'i str; 0],
}

impl<'i> UserInfo<'i> {
    fn of(identity: &'i Identity) -> Self {
        let login = identity.user().login();
        Self {
            user: login,
            preferred_username: login,
            groups: [],
        }
    }
}

pub(super) const NOBODY: Problem =
    Problem::new(StatusCode::UNAUTHORIZED, "nobody is logged in here");

const AWAY: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "GitHub cannot be asked at the moment; try again",
);
