//! Teams.
use serde::Serialize;

use super::organization::OrganizationSimple;
use super::user::{BIRTHDAY, node_id};
use crate::emulator::directory::Team;

/// The schema `team-full`.
#[derive(Serialize)]
pub(in crate::emulator) struct TeamFull<'a> {
    id: u64,
    node_id: String,
    url: String,
    html_url: String,
    name: &'a str,
    slug: &'a str,
    description: Option<&'static str>,
    privacy: &'static str,
    permission: &'static str,
    members_url: String,
    repositories_url: String,
    r#type: &'static str,
    parent: Option<()>,
    members_count: usize,
    repos_count: u64,
    created_at: &'static str,
    updated_at: &'static str,
    organization: TeamOrganization<'a>,
}

/// The schema `team-organization`.
#[derive(Serialize)]
struct TeamOrganization<'a> {
    #[serde(flatten)]
    simple: OrganizationSimple<'a>,
    html_url: String,
    has_organization_projects: bool,
    has_repository_projects: bool,
    public_repos: u64,
    public_gists: u64,
    followers: u64,
    following: u64,
    r#type: &'static str,
    created_at: &'static str,
    updated_at: &'static str,
    archived_at: Option<&'static str>,
}

impl<'a> TeamFull<'a> {
    pub(in crate::emulator) fn new(host: &str, team: &'a Team<'_>) -> Self {
        let login = &team.organization.login;
        let url = format!("http://{host}/api/v3/orgs/{login}/teams/{}", team.slug);
        Self {
            id: team.id,
            node_id: node_id("Team", team.id),
            html_url: format!("http://{host}/orgs/{login}/teams/{}", team.slug),
            name: &team.slug,
            slug: &team.slug,
            description: None,
            privacy: "closed",
            permission: "pull",
            members_url: format!("{url}/members{{/member}}"),
            repositories_url: format!("{url}/repos"),
            r#type: "organization",
            parent: None,
            members_count: team.members,
            repos_count: 0,
            created_at: BIRTHDAY,
            updated_at: BIRTHDAY,
            organization: TeamOrganization {
                simple: OrganizationSimple::new(host, team.organization),
                html_url: format!("http://{host}/{login}"),
                has_organization_projects: true,
                has_repository_projects: true,
                public_repos: 0,
                public_gists: 0,
                followers: 0,
                following: 0,
                r#type: "Organization",
                created_at: BIRTHDAY,
                updated_at: BIRTHDAY,
                archived_at: None,
            },
            url,
        }
    }
}
