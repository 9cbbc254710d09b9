//! Organisations, teams and who is in them.
use serde::Serialize;

use super::user::{SimpleUser, avatar_url, node_id};
use crate::emulator::directory::{Membership, Organization};
use crate::emulator::world::User;

/// The schema `organization-simple`.
#[derive(Serialize)]
pub(in crate::emulator) struct OrganizationSimple<'a> {
    login: &'a str,
    id: u64,
    node_id: String,
    url: String,
    repos_url: String,
    events_url: String,
    hooks_url: String,
    issues_url: String,
    members_url: String,
    public_members_url: String,
    avatar_url: String,
    description: Option<&'static str>,
}

/// The schema `org-membership`.
#[derive(Serialize)]
pub(in crate::emulator) struct OrganizationMembership<'a> {
    url: String,
    state: &'static str,
    role: &'static str,
    organization_url: String,
    user: SimpleUser<'a>,
    organization: OrganizationSimple<'a>,
}

/// The schema `team-membership`.
#[derive(Serialize)]
pub(in crate::emulator) struct TeamMembership {
    state: &'static str,
    role: &'static str,
    url: String,
}

impl<'a> OrganizationSimple<'a> {
    pub(in crate::emulator) fn new(host: &str, organization: &'a Organization) -> Self {
        let (login, id) = (organization.login.as_str(), organization.id);
        let url = format!("http://{host}/api/v3/orgs/{login}");
        Self {
            login,
            id,
            node_id: node_id("Organization", id),
            repos_url: format!("{url}/repos"),
            events_url: format!("{url}/events"),
            hooks_url: format!("{url}/hooks"),
            issues_url: format!("{url}/issues"),
            members_url: format!("{url}/members{{/member}}"),
            public_members_url: format!("{url}/public_members{{/member}}"),
            avatar_url: avatar_url(host, id),
            description: None,
            url,
        }
    }
}

impl<'a> OrganizationMembership<'a> {
    pub(in crate::emulator) fn new(
        host: &str,
        organization: &'a Organization,
        user: &'a User,
        membership: Membership,
    ) -> Self {
        let organization = OrganizationSimple::new(host, organization);
        let organization_url = organization.url.clone();
        Self {
            url: format!("{organization_url}/memberships/{}", user.login),
            state: state(membership),
            role: match membership {
                Membership::Owner => "admin",
                Membership::Member | Membership::Invited => "member",
            },
            organization_url,
            user: SimpleUser::new(host, user),
            organization,
        }
    }
}

impl TeamMembership {
    /// Shows a membership in the team with this URL; owners of the organisation maintain all teams.
    pub(in crate::emulator) fn new(team_url: &str, user: &User, membership: Membership) -> Self {
        Self {
            state: state(membership),
            role: match membership {
                Membership::Owner => "maintainer",
                Membership::Member | Membership::Invited => "member",
            },
            url: format!("{team_url}/memberships/{}", user.login),
        }
    }
}

const fn state(membership: Membership) -> &'static str {
    match membership {
        Membership::Invited => "pending",
        Membership::Member | Membership::Owner => "active",
    }
}
