//! The operations the emulator answers, by their ids in GitHub's OpenAPI description.
use std::fmt;

/// An operation of the REST API that the emulator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `apps/check-token`: `POST /applications/{client_id}/token`.
    CheckToken,
    /// `apps/reset-token`: `PATCH /applications/{client_id}/token`.
    ResetToken,
    /// `apps/delete-token`: `DELETE /applications/{client_id}/token`.
    DeleteToken,
    /// `apps/delete-authorization`: `DELETE /applications/{client_id}/grant`.
    DeleteAppAuthorization,
    /// `apps/scope-token`: `POST /applications/{client_id}/token/scoped`.
    ScopeToken,
    /// `oauth-authorizations/list-grants`: `GET /applications/grants`.
    ListGrants,
    /// `oauth-authorizations/get-grant`: `GET /applications/grants/{grant_id}`.
    GetGrant,
    /// `oauth-authorizations/delete-grant`: `DELETE /applications/grants/{grant_id}`.
    DeleteGrant,
    /// `oauth-authorizations/list-authorizations`: `GET /authorizations`.
    ListAuthorizations,
    /// `oauth-authorizations/create-authorization`: `POST /authorizations`.
    CreateAuthorization,
    /// `oauth-authorizations/get-or-create-authorization-for-app`:
    /// `PUT /authorizations/clients/{client_id}`.
    GetOrCreateAuthorization,
    /// `oauth-authorizations/get-or-create-authorization-for-app-and-fingerprint`:
    /// `PUT /authorizations/clients/{client_id}/{fingerprint}`.
    GetOrCreateAuthorizationByFingerprint,
    /// `oauth-authorizations/get-authorization`: `GET /authorizations/{authorization_id}`.
    GetAuthorization,
    /// `oauth-authorizations/update-authorization`: `PATCH /authorizations/{authorization_id}`.
    UpdateAuthorization,
    /// `oauth-authorizations/delete-authorization`: `DELETE /authorizations/{authorization_id}`.
    DeleteAuthorization,
    /// `users/get-authenticated`: `GET /user`.
    GetUser,
    /// `users/get-by-username`: `GET /users/{username}`.
    GetUserByLogin,
    /// `users/list-emails-for-authenticated-user`: `GET /user/emails`.
    ListEmails,
    /// `orgs/list-for-authenticated-user`: `GET /user/orgs`.
    ListOrganizations,
    /// `orgs/list-memberships-for-authenticated-user`: `GET /user/memberships/orgs`.
    ListOrganizationMemberships,
    /// `orgs/get-membership-for-authenticated-user`: `GET /user/memberships/orgs/{org}`.
    GetOrganizationMembership,
    /// `orgs/check-membership-for-user`: `GET /orgs/{org}/members/{username}`.
    CheckOrganizationMember,
    /// `teams/list-for-authenticated-user`: `GET /user/teams`.
    ListTeams,
    /// `teams/get-membership-for-user-in-org`:
    /// `GET /orgs/{org}/teams/{team_slug}/memberships/{username}`.
    GetTeamMembership,
    /// `meta/root`: `GET /`.
    GetRoot,
    /// `meta/get`: `GET /meta`.
    GetMeta,
    /// `rate-limit/get`: `GET /rate_limit`.
    GetRateLimit,
}

impl Operation {
    /// Every operation, in the order of GitHub's documents.
    pub const ALL: &[Self] = &[
        Self::CheckToken,
        Self::ResetToken,
        Self::DeleteToken,
        Self::DeleteAppAuthorization,
        Self::ScopeToken,
        Self::ListGrants,
        Self::GetGrant,
        Self::DeleteGrant,
        Self::ListAuthorizations,
        Self::CreateAuthorization,
        Self::GetOrCreateAuthorization,
        Self::GetOrCreateAuthorizationByFingerprint,
        Self::GetAuthorization,
        Self::UpdateAuthorization,
        Self::DeleteAuthorization,
        Self::GetUser,
        Self::GetUserByLogin,
        Self::ListEmails,
        Self::ListOrganizations,
        Self::ListOrganizationMemberships,
        Self::GetOrganizationMembership,
        Self::CheckOrganizationMember,
        Self::ListTeams,
        Self::GetTeamMembership,
        Self::GetRoot,
        Self::GetMeta,
        Self::GetRateLimit,
    ];

    /// Returns the operation's id in GitHub's OpenAPI description.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.facts().0
    }

    pub(in crate::emulator) const fn documentation(self) -> Documentation {
        let (_, category, page, anchor) = self.facts();
        Documentation {
            category,
            page,
            anchor,
        }
    }

    /// Returns the id, and the category, page and anchor of the documents.
    #[rustfmt::skip] // A table: one row is one line.
    const fn facts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        const APPS: &str = "oauth-applications";
        const LEGACY: &str = "oauth-authorizations";
        match self {
            Self::CheckToken => ("apps/check-token", "apps", APPS, "check-a-token"),
            Self::ResetToken => ("apps/reset-token", "apps", APPS, "reset-a-token"),
            Self::DeleteToken => ("apps/delete-token", "apps", APPS, "delete-an-app-token"),
            Self::DeleteAppAuthorization => ("apps/delete-authorization", "apps", APPS, "delete-an-app-authorization"),
            Self::ScopeToken => ("apps/scope-token", "apps", "apps", "create-a-scoped-access-token"),
            Self::ListGrants => ("oauth-authorizations/list-grants", LEGACY, LEGACY, "list-your-grants"),
            Self::GetGrant => ("oauth-authorizations/get-grant", LEGACY, LEGACY, "get-a-single-grant"),
            Self::DeleteGrant => ("oauth-authorizations/delete-grant", LEGACY, LEGACY, "delete-a-grant"),
            Self::ListAuthorizations => ("oauth-authorizations/list-authorizations", LEGACY, LEGACY, "list-your-authorizations"),
            Self::CreateAuthorization => ("oauth-authorizations/create-authorization", LEGACY, LEGACY, "create-a-new-authorization"),
            Self::GetOrCreateAuthorization => ("oauth-authorizations/get-or-create-authorization-for-app", LEGACY, LEGACY, "get-or-create-an-authorization-for-a-specific-app"),
            Self::GetOrCreateAuthorizationByFingerprint => ("oauth-authorizations/get-or-create-authorization-for-app-and-fingerprint", LEGACY, LEGACY, "get-or-create-an-authorization-for-a-specific-app-and-fingerprint"),
            Self::GetAuthorization => ("oauth-authorizations/get-authorization", LEGACY, LEGACY, "get-a-single-authorization"),
            Self::UpdateAuthorization => ("oauth-authorizations/update-authorization", LEGACY, LEGACY, "update-an-existing-authorization"),
            Self::DeleteAuthorization => ("oauth-authorizations/delete-authorization", LEGACY, LEGACY, "delete-an-authorization"),
            Self::GetUser => ("users/get-authenticated", "users", "users", "get-the-authenticated-user"),
            Self::GetUserByLogin => ("users/get-by-username", "users", "users", "get-a-user"),
            Self::ListEmails => ("users/list-emails-for-authenticated-user", "users", "emails", "list-email-addresses-for-the-authenticated-user"),
            Self::ListOrganizations => ("orgs/list-for-authenticated-user", "orgs", "orgs", "list-organizations-for-the-authenticated-user"),
            Self::ListOrganizationMemberships => ("orgs/list-memberships-for-authenticated-user", "orgs", "members", "list-organization-memberships-for-the-authenticated-user"),
            Self::CheckOrganizationMember => ("orgs/check-membership-for-user", "orgs", "members", "check-organization-membership-for-a-user"),
            Self::ListTeams => ("teams/list-for-authenticated-user", "teams", "teams", "list-teams-for-the-authenticated-user"),
            Self::GetOrganizationMembership => ("orgs/get-membership-for-authenticated-user", "orgs", "members", "get-an-organization-membership-for-the-authenticated-user"),
            Self::GetTeamMembership => ("teams/get-membership-for-user-in-org", "teams", "members", "get-team-membership-for-a-user"),
            Self::GetRoot => ("meta/root", "meta", "meta", "github-api-root"),
            Self::GetMeta => ("meta/get", "meta", "meta", "get-apiname-meta-information"),
            Self::GetRateLimit => ("rate-limit/get", "rate-limit", "rate-limit", "get-rate-limit-status-for-the-authenticated-user"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Where GitHub's documents describe an operation.
pub(in crate::emulator) struct Documentation {
    pub(in crate::emulator) category: &'static str,
    pub(in crate::emulator) page: &'static str,
    pub(in crate::emulator) anchor: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_stand_in_order_and_have_their_own_ids() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
            let of_this_id = |other: &&Operation| other.id() == operation.id();
            assert_eq!(Operation::ALL.iter().filter(of_this_id).count(), 1);
        }
    }
}
