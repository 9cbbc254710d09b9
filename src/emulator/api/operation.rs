//! The operations the emulator answers, by their ids in GitHub's OpenAPI description.
use std::fmt;

use http::Method;

/// Hands the table of operations to a macro. One row is all that the emulator knows of one:
///
/// - its id, method and path in the OpenAPI description;
/// - the category, page and anchor of GitHub's documents;
/// - the scopes one of which it asks of an OAuth app's token, none if it asks for none;
/// - what answers it, below `api`.
macro_rules! operations {
    ($then:ident) => {
        $then! {
            CheckToken {
                id: "apps/check-token",
                request: POST "/applications/{client_id}/token",
                documented: "apps" / "oauth-applications" # "check-a-token",
                scopes: [],
                handler: applications::check_token,
            }
            ResetToken {
                id: "apps/reset-token",
                request: PATCH "/applications/{client_id}/token",
                documented: "apps" / "oauth-applications" # "reset-a-token",
                scopes: [],
                handler: applications::reset_token,
            }
            DeleteToken {
                id: "apps/delete-token",
                request: DELETE "/applications/{client_id}/token",
                documented: "apps" / "oauth-applications" # "delete-an-app-token",
                scopes: [],
                handler: applications::delete_token,
            }
            DeleteAppAuthorization {
                id: "apps/delete-authorization",
                request: DELETE "/applications/{client_id}/grant",
                documented: "apps" / "oauth-applications" # "delete-an-app-authorization",
                scopes: [],
                handler: applications::delete_authorization,
            }
            ScopeToken {
                id: "apps/scope-token",
                request: POST "/applications/{client_id}/token/scoped",
                documented: "apps" / "apps" # "create-a-scoped-access-token",
                scopes: [],
                handler: scoped_token::scope_token,
            }
            ListGrants {
                id: "oauth-authorizations/list-grants",
                request: GET "/applications/grants",
                documented: "oauth-authorizations" / "oauth-authorizations" # "list-your-grants",
                scopes: [],
                handler: grants::list,
            }
            GetGrant {
                id: "oauth-authorizations/get-grant",
                request: GET "/applications/grants/{grant_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "get-a-single-grant",
                scopes: [],
                handler: grants::get,
            }
            DeleteGrant {
                id: "oauth-authorizations/delete-grant",
                request: DELETE "/applications/grants/{grant_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "delete-a-grant",
                scopes: [],
                handler: grants::delete,
            }
            ListAuthorizations {
                id: "oauth-authorizations/list-authorizations",
                request: GET "/authorizations",
                documented: "oauth-authorizations" / "oauth-authorizations" # "list-your-authorizations",
                scopes: [],
                handler: authorizations::list,
            }
            CreateAuthorization {
                id: "oauth-authorizations/create-authorization",
                request: POST "/authorizations",
                documented: "oauth-authorizations" / "oauth-authorizations" # "create-a-new-authorization",
                scopes: [],
                handler: authorizations::create,
            }
            GetOrCreateAuthorization {
                id: "oauth-authorizations/get-or-create-authorization-for-app",
                request: PUT "/authorizations/clients/{client_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "get-or-create-an-authorization-for-a-specific-app",
                scopes: [],
                handler: authorizations::get_or_create,
            }
            GetOrCreateAuthorizationByFingerprint {
                id: "oauth-authorizations/get-or-create-authorization-for-app-and-fingerprint",
                request: PUT "/authorizations/clients/{client_id}/{fingerprint}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "get-or-create-an-authorization-for-a-specific-app-and-fingerprint",
                scopes: [],
                handler: authorizations::get_or_create,
            }
            GetAuthorization {
                id: "oauth-authorizations/get-authorization",
                request: GET "/authorizations/{authorization_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "get-a-single-authorization",
                scopes: [],
                handler: authorizations::get,
            }
            UpdateAuthorization {
                id: "oauth-authorizations/update-authorization",
                request: PATCH "/authorizations/{authorization_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "update-an-existing-authorization",
                scopes: [],
                handler: authorizations::update,
            }
            DeleteAuthorization {
                id: "oauth-authorizations/delete-authorization",
                request: DELETE "/authorizations/{authorization_id}",
                documented: "oauth-authorizations" / "oauth-authorizations" # "delete-an-authorization",
                scopes: [],
                handler: authorizations::delete,
            }
            GetUser {
                id: "users/get-authenticated",
                request: GET "/user",
                documented: "users" / "users" # "get-the-authenticated-user",
                scopes: [],
                handler: users::get_authenticated,
            }
            GetUserByLogin {
                id: "users/get-by-username",
                request: GET "/users/{username}",
                documented: "users" / "users" # "get-a-user",
                scopes: [],
                handler: users::get_by_login,
            }
            ListEmails {
                id: "users/list-emails-for-authenticated-user",
                request: GET "/user/emails",
                documented: "users" / "emails" # "list-email-addresses-for-the-authenticated-user",
                scopes: ["user", "user:email"],
                handler: users::list_emails,
            }
            ListOrganizations {
                id: "orgs/list-for-authenticated-user",
                request: GET "/user/orgs",
                documented: "orgs" / "orgs" # "list-organizations-for-the-authenticated-user",
                scopes: ["read:org", "user"],
                handler: organizations::list,
            }
            ListOrganizationMemberships {
                id: "orgs/list-memberships-for-authenticated-user",
                request: GET "/user/memberships/orgs",
                documented: "orgs" / "members" # "list-organization-memberships-for-the-authenticated-user",
                scopes: ["read:org"],
                handler: organizations::memberships,
            }
            GetOrganizationMembership {
                id: "orgs/get-membership-for-authenticated-user",
                request: GET "/user/memberships/orgs/{org}",
                documented: "orgs" / "members" # "get-an-organization-membership-for-the-authenticated-user",
                scopes: ["read:org"],
                handler: organizations::membership,
            }
            CheckOrganizationMember {
                id: "orgs/check-membership-for-user",
                request: GET "/orgs/{org}/members/{username}",
                documented: "orgs" / "members" # "check-organization-membership-for-a-user",
                scopes: ["read:org"],
                handler: organizations::check_member,
            }
            ListTeams {
                id: "teams/list-for-authenticated-user",
                request: GET "/user/teams",
                documented: "teams" / "teams" # "list-teams-for-the-authenticated-user",
                scopes: ["read:org", "repo", "user"],
                handler: organizations::teams,
            }
            GetTeamMembership {
                id: "teams/get-membership-for-user-in-org",
                request: GET "/orgs/{org}/teams/{team_slug}/memberships/{username}",
                documented: "teams" / "members" # "get-team-membership-for-a-user",
                scopes: ["read:org"],
                handler: organizations::team_membership,
            }
            GetRoot {
                id: "meta/root",
                request: GET "/",
                documented: "meta" / "meta" # "github-api-root",
                scopes: [],
                handler: meta::root,
            }
            GetMeta {
                id: "meta/get",
                request: GET "/meta",
                documented: "meta" / "meta" # "get-apiname-meta-information",
                scopes: [],
                handler: meta::get,
            }
            GetRateLimit {
                id: "rate-limit/get",
                request: GET "/rate_limit",
                documented: "rate-limit" / "rate-limit" # "get-rate-limit-status-for-the-authenticated-user",
                scopes: [],
                handler: meta::rate_limit,
            }
        }
    };
}

pub(super) use operations;

macro_rules! declare {
    ($($operation:ident {
        id: $id:literal,
        request: $method:ident $path:literal,
        documented: $category:literal / $page:literal # $anchor:literal,
        scopes: [$($scope:literal),*],
        handler: $handler:path,
    })*) => {
        /// An operation of the REST API that the emulator answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(
                #[doc = concat!("`", $id, "`: `", stringify!($method), " ", $path, "`.")]
                $operation,
            )*
        }

        impl Operation {
            /// Every operation, in the order of GitHub's documents.
            pub const ALL: &[Self] = &[$(Self::$operation),*];

            /// Returns the operation's id in GitHub's OpenAPI description.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$operation => $id,)*
                }
            }

            /// Returns the method, and the path below `/api/v3`.
            pub(in crate::emulator) const fn request(self) -> (Method, &'static str) {
                match self {
                    $(Self::$operation => (Method::$method, $path),)*
                }
            }

            pub(in crate::emulator) const fn documentation(self) -> Documentation {
                let (category, page, anchor) = match self {
                    $(Self::$operation => ($category, $page, $anchor),)*
                };
                Documentation { category, page, anchor }
            }

            /// Returns the scopes one of which it asks of an OAuth app's token.
            pub(in crate::emulator) const fn accepted_scopes(self) -> &'static [&'static str] {
                match self {
                    $(Self::$operation => &[$($scope),*],)*
                }
            }
        }
    };
}

operations!(declare);

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

    #[test]
    fn no_two_operations_answer_one_request() {
        for operation in Operation::ALL {
            let of_this_request = |other: &&Operation| other.request() == operation.request();
            let count = Operation::ALL.iter().filter(of_this_request).count();
            assert_eq!(count, 1, "{operation}");
        }
    }
}
