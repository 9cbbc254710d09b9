//! Where the person behind a token belongs, asked with that token:
//! [organization memberships] and [team memberships].
//!
//! | reply | means |
//! |---|---|
//! | 200, `state` is `active` | a member |
//! | 200, `state` is `pending` or another word, or the role is `billing_manager` | none |
//! | 200 about another person or organization | no answer, and an alarm |
//! | 404 of GHES's, and the token lacks a scope that it names | the token may not see it |
//! | 404 of GHES's otherwise | not a member |
//! | 403 about limits, 429 | no answer, and a wait |
//! | 403 of GHES's otherwise | the token may not see it, by the scope that GHES names if it does |
//! | 401 of GHES's | the token is no longer good, and has to be checked again |
//! | 3xx, which a proxy in between may send | no answer, and an alarm; never followed |
//! | anything else | no answer |
//!
//! "Of GHES's" has the form of its errors. A 403 or 404 from a proxy on the way says nothing about
//! a person.
//!
//! [organization memberships]: https://docs.github.com/en/enterprise-server/rest/orgs/members#get-an-organization-membership-for-the-authenticated-user
//! [team memberships]: https://docs.github.com/en/enterprise-server/rest/teams/members#get-team-membership-for-a-user

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, StatusCode};
use serde::Deserialize;
use tower::Service;

use super::authorization_request::percent_encoded;
use super::bearer::bearer;
use super::verdict::{failure_of, is_about_limits, said_by_ghes};
use crate::check::{CheckError, CheckErrorKind};
use crate::ghes::client::GhesClient;
use crate::ghes::error::{ApiError, ApiErrorKind};
use crate::ghes::wire::connection::Call;
use crate::ghes::wire::lenient::lenient;
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;
use crate::identity::Identity;
use crate::membership::{Group, Membership, MembershipRequest};

impl<T: Transport> Service<MembershipRequest> for GhesClient<T> {
    type Response = Membership;
    type Error = CheckError;
    type Future = Pin<Box<dyn Future<Output = Result<Membership, CheckError>> + Send>>;

    /// Always ready: the transport is waited for in the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: MembershipRequest) -> Self::Future {
        let client = self.clone();
        Box::pin(async move {
            let reply = client.place(&request).await;
            membership(reply, &request)
        })
    }
}

impl<T: Transport> GhesClient<T> {
    async fn place(&self, request: &MembershipRequest) -> Result<Place, ApiError> {
        let path = path(request.group(), request.identity());
        let call = Call::to(Method::GET, &self.connection().url(&path))?
            .with_credentials(bearer(request.token())?);
        let response = self.connection().send(call).await?;
        // 202 and its like say nothing about the token.
        if response.status() != StatusCode::OK {
            return Err(ApiError::doubtful(&response, "the status is not 200"));
        }
        reply::json(&response)
    }
}

/// GitHub's `org-membership` and `team-membership`, as far as they are needed.
#[derive(Deserialize)]
struct Place {
    /// Those who are no members yet or no longer have other words than `active`.
    state: String,
    #[serde(default, deserialize_with = "lenient")]
    role: Option<String>,
    // Only of an organization.
    #[serde(default, deserialize_with = "lenient")]
    organization: Option<Organization>,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
}

impl Place {
    /// Tells whether the whole reply is about this person and this group.
    fn is_about(&self, request: &MembershipRequest) -> bool {
        let asked = (request.group().organization(), request.identity());
        let organization = self.organization.as_ref();
        organization.is_none_or(|organization| organization.login.eq_ignore_ascii_case(asked.0))
            && self
                .user
                .as_ref()
                .is_none_or(|user| user.id == asked.1.user().id())
    }

    /// A billing manager is not a member.
    fn is_member(&self) -> bool {
        self.state == "active" && self.role.as_deref() != Some("billing_manager")
    }
}

fn membership(
    reply: Result<Place, ApiError>,
    request: &MembershipRequest,
) -> Result<Membership, CheckError> {
    match reply {
        Ok(place) if !place.is_about(request) => Err(CheckError::with_source(
            CheckErrorKind::DoubtfulResponse,
            "it names another user or organization",
        )),
        Ok(place) if place.is_member() => Ok(Membership::Active),
        Ok(_) => Ok(Membership::NotMember),
        Err(error) => refused(error),
    }
}

fn refused(error: ApiError) -> Result<Membership, CheckError> {
    let ApiErrorKind::Status(status, _) = *error.kind() else {
        return Err(failure_of(error));
    };
    let is_said_by_ghes = said_by_ghes(&error).is_some();
    match status {
        StatusCode::UNAUTHORIZED if is_said_by_ghes => Ok(Membership::TokenRefused),
        // Some other server wants credentials; ours are not wrong.
        StatusCode::UNAUTHORIZED => {
            let kind = CheckErrorKind::DoubtfulResponse;
            Err(CheckError::with_source(kind, error))
        }
        StatusCode::NOT_FOUND if is_said_by_ghes => Ok(match error.missing_scopes() {
            Some(accepted) => Membership::NotVisible(accepted.clone()),
            None => Membership::NotMember,
        }),
        StatusCode::FORBIDDEN if is_said_by_ghes && !is_about_limits(&error) => Ok(
            Membership::NotVisible(error.missing_scopes().cloned().unwrap_or_default()),
        ),
        _ => Err(failure_of(error)),
    }
}

/// Names in a group have no character that a path could read as anything else; a login may, since
/// it is what GHES says.
fn path(group: &Group, identity: &Identity) -> String {
    let organization = group.organization();
    match group.team() {
        None => format!("/user/memberships/orgs/{organization}"),
        Some(slug) => {
            let login = percent_encoded(identity.user().login());
            format!("/orgs/{organization}/teams/{slug}/memberships/{login}")
        }
    }
}
