//! The operations about organisations and teams: where a user belongs.
use super::Call;
use super::authentication::Caller;
use super::failure::{Failure, Invalid};
use super::operation::Operation;
use super::pagination::Page;
use super::reply::Success;
use crate::emulator::directory::Membership;
use crate::emulator::model::{
    OrganizationMembership, OrganizationSimple, TeamFull, TeamMembership,
};
use crate::emulator::scopes;
use crate::emulator::world::AppKind;

/// Answers `orgs/list-for-authenticated-user`; invitations are not in the list.
pub(in crate::emulator) fn list(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    check_scopes(
        call,
        "You need at least read:org scope or user scope to list your organizations.",
    )?;
    let organizations = call.server.directory().organizations_of(user);
    let page = Page::of(call.request);
    let link = page.link(call.request, organizations.len());
    let bodies = page
        .take(organizations.into_iter())
        .into_iter()
        .map(|organization| OrganizationSimple::new(call.host(), organization));
    let bodies: Vec<_> = bodies.collect();
    Ok(Success::private(&bodies).with_link(link))
}

/// Answers `orgs/get-membership-for-authenticated-user`.
pub(in crate::emulator) fn membership(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    check_scopes(
        call,
        "You need at least read:org scope to see a membership.",
    )?;
    let organization = call
        .server
        .directory()
        .organization(call.parameters.get("org"))
        .ok_or(Failure::NotFound)?;
    let membership = organization.membership(user).ok_or(Failure::NotFound)?;
    let body = OrganizationMembership::new(call.host(), organization, user, membership);
    Ok(Success::uncached(&body))
}

/// Answers `orgs/list-memberships-for-authenticated-user`, invitations included.
pub(in crate::emulator) fn memberships(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    check_scopes(
        call,
        "You need at least read:org scope to list your organization memberships.",
    )?;
    let state = call.request.query().find(|(name, _)| name == "state");
    let wanted = match state.as_ref().map(|(_, state)| state.as_str()) {
        None => None,
        Some("active") => Some(false),
        Some("pending") => Some(true),
        Some(_) => return Err(Failure::ValidationFailed(UNKNOWN_STATE)),
    };
    let memberships = call.server.directory().memberships_of(user);
    let memberships: Vec<_> = memberships
        .into_iter()
        .filter(|(_, membership)| {
            wanted.is_none_or(|pending| pending == (*membership == Membership::Invited))
        })
        .collect();
    let page = Page::of(call.request);
    let link = page.link(call.request, memberships.len());
    let bodies = page.take(memberships.into_iter()).into_iter();
    let bodies = bodies.map(|(organization, membership)| {
        OrganizationMembership::new(call.host(), organization, user, membership)
    });
    let bodies: Vec<_> = bodies.collect();
    Ok(Success::private(&bodies).with_link(link))
}

/// Answers `orgs/check-membership-for-user`. A caller that may not see the members of an
/// organisation is redirected to the list of its public members, which is empty.
pub(in crate::emulator) fn check_member(call: &Call<'_>) -> Result<Success, Failure> {
    let directory = call.server.directory();
    let organization = directory
        .organization(call.parameters.get("org"))
        .ok_or(Failure::NotFound)?;
    let login = call.parameters.get("username");
    let viewer = call.caller.user().ok();
    let may_look = check_scopes(call, "").is_ok();
    if !may_look || !viewer.is_some_and(|viewer| organization.has(viewer)) {
        let path = format!("/orgs/{}/public_members/{login}", organization.login);
        return Ok(Success::found(call.url(&path)));
    }
    let is_member = directory
        .user(login)
        .is_some_and(|user| organization.has(user));
    is_member.then(Success::no_content).ok_or(Failure::NotFound)
}

/// Answers `teams/list-for-authenticated-user`.
pub(in crate::emulator) fn teams(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    check_scopes(
        call,
        "You need at least read:org scope, repo scope or user scope to list your teams.",
    )?;
    let teams = call.server.directory().teams_of(user);
    let page = Page::of(call.request);
    let link = page.link(call.request, teams.len());
    let teams = page.take(teams.into_iter());
    let bodies = teams.iter().map(|team| TeamFull::new(call.host(), team));
    let bodies: Vec<_> = bodies.collect();
    Ok(Success::private(&bodies).with_link(link))
}

const UNKNOWN_STATE: Invalid = Invalid {
    resource: "OrganizationMembership",
    code: "invalid",
    field: "state",
};

/// Answers `teams/get-membership-for-user-in-org`; teams are visible to members alone.
pub(in crate::emulator) fn team_membership(call: &Call<'_>) -> Result<Success, Failure> {
    let viewer = call.caller.user()?;
    let may_look = check_scopes(call, "").is_ok();
    let directory = call.server.directory();
    let organization = directory
        .organization(call.parameters.get("org"))
        .filter(|organization| may_look && organization.has(viewer))
        .ok_or(Failure::NotFound)?;
    let slug = call.parameters.get("team_slug");
    let team = format!("{}/{slug}", organization.login);
    let user = directory
        .user(call.parameters.get("username"))
        .filter(|user| {
            user.teams
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&team))
        })
        .ok_or(Failure::NotFound)?;
    let membership = organization.membership(user).ok_or(Failure::NotFound)?;
    let team_url = call.url(&format!("/orgs/{}/teams/{slug}", organization.login));
    let body = TeamMembership::new(&team_url, user, membership);
    Ok(Success::uncached(&body))
}

/// Refuses a token of an OAuth app that has none of the scopes.
pub(in crate::emulator) fn check_scopes(
    call: &Call<'_>,
    message: &'static str,
) -> Result<(), Failure> {
    let Caller::Token(authorization) = call.caller else {
        return Ok(());
    };
    let app = authorization.app.as_ref();
    if app.is_some_and(|app| app.kind == AppKind::GitHubApp) {
        // What a GitHub App may see is for its permissions to say; here it may see all.
        return Ok(());
    }
    let accepted = call
        .request
        .operation()
        .map_or(&[][..], Operation::accepted_scopes);
    scopes::permit(&authorization.scopes, accepted)
        .then_some(())
        .ok_or(Failure::InsufficientScope(message))
}
