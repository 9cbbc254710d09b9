//! Users.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::emulator::state::Account;
use crate::emulator::version::Version;
use crate::emulator::world::User;

/// The schema `simple-user`, without its optional members.
#[derive(Serialize)]
pub(in crate::emulator) struct SimpleUser<'a> {
    login: &'a str,
    id: u64,
    node_id: String,
    avatar_url: String,
    gravatar_id: &'static str,
    url: String,
    html_url: String,
    followers_url: String,
    following_url: String,
    gists_url: String,
    starred_url: String,
    subscriptions_url: String,
    organizations_url: String,
    repos_url: String,
    events_url: String,
    received_events_url: String,
    r#type: &'static str,
    site_admin: bool,
}

/// The schemas `public-user` and `private-user`: the one, or that and the other.
#[derive(Serialize)]
pub(in crate::emulator) struct AuthenticatedUser<'a> {
    #[serde(flatten)]
    simple: SimpleUser<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_view_type: Option<&'static str>,
    name: Option<&'a str>,
    company: Option<&'static str>,
    blog: &'static str,
    location: Option<&'static str>,
    email: Option<&'a str>,
    hireable: Option<bool>,
    bio: Option<&'static str>,
    public_repos: u64,
    public_gists: u64,
    followers: u64,
    following: u64,
    created_at: &'static str,
    updated_at: &'static str,
    #[serde(flatten)]
    private: Option<PrivateProfile>,
}

/// What only a token with the scope `user` may see.
#[derive(Serialize)]
struct PrivateProfile {
    private_gists: u64,
    total_private_repos: u64,
    owned_private_repos: u64,
    disk_usage: u64,
    collaborators: u64,
    two_factor_authentication: bool,
}

/// The schema `email`.
#[derive(Serialize)]
pub(in crate::emulator) struct Email {
    email: String,
    primary: bool,
    verified: bool,
    visibility: &'static str,
}

impl Email {
    /// Shows a user's only address; one that the world leaves out is there still, but private.
    pub(in crate::emulator) fn of(user: &User) -> Self {
        let public = user.email.clone();
        Self {
            visibility: if public.is_some() {
                "public"
            } else {
                "private"
            },
            email: public.unwrap_or_else(|| format!("{}@example.com", user.login)),
            primary: true,
            verified: true,
        }
    }
}

impl<'a> SimpleUser<'a> {
    pub(in crate::emulator) fn new(host: &str, user: &'a User) -> Self {
        Self::of_kind(host, &user.login, user.id, "User", user.site_admin)
    }

    pub(in crate::emulator) fn of_account(host: &str, account: &'a Account) -> Self {
        let kind = if account.is_organization {
            "Organization"
        } else {
            "User"
        };
        Self::of_kind(host, &account.login, account.id, kind, account.site_admin)
    }

    fn of_kind(
        host: &str,
        login: &'a str,
        id: u64,
        r#type: &'static str,
        site_admin: bool,
    ) -> Self {
        let url = format!("http://{host}/api/v3/users/{login}");
        Self {
            login,
            id,
            node_id: node_id(r#type, id),
            avatar_url: avatar_url(host, id),
            gravatar_id: "",
            html_url: format!("http://{host}/{login}"),
            followers_url: format!("{url}/followers"),
            following_url: format!("{url}/following{{/other_user}}"),
            gists_url: format!("{url}/gists{{/gist_id}}"),
            starred_url: format!("{url}/starred{{/owner}}{{/repo}}"),
            subscriptions_url: format!("{url}/subscriptions"),
            organizations_url: format!("{url}/orgs"),
            repos_url: format!("{url}/repos"),
            events_url: format!("{url}/events{{/privacy}}"),
            received_events_url: format!("{url}/received_events"),
            r#type,
            site_admin,
            url,
        }
    }
}

impl<'a> AuthenticatedUser<'a> {
    /// Shows a user; `private` as the user alone may see it.
    pub(in crate::emulator) fn new(
        host: &str,
        user: &'a User,
        version: Version,
        private: bool,
    ) -> Self {
        let view = if private { "private" } else { "public" };
        Self {
            simple: SimpleUser::new(host, user),
            user_view_type: version.has_user_view_type().then_some(view),
            name: user.name.as_deref(),
            company: None,
            blog: "",
            location: None,
            email: user.email.as_deref(),
            hireable: None,
            bio: None,
            public_repos: 0,
            public_gists: 0,
            followers: 0,
            following: 0,
            created_at: BIRTHDAY,
            updated_at: BIRTHDAY,
            private: private.then(|| PrivateProfile {
                private_gists: 0,
                total_private_repos: 0,
                owned_private_repos: 0,
                disk_usage: 0,
                collaborators: 0,
                two_factor_authentication: user.otp.is_some(),
            }),
        }
    }
}

/// Returns the id of the other API in its old form, which a GHES still gives.
pub(super) fn node_id(kind: &str, id: u64) -> String {
    STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}

pub(super) fn avatar_url(host: &str, id: u64) -> String {
    format!("http://{host}/avatars/u/{id}?")
}

/// When everybody of an emulated server came and last changed.
pub(super) const BIRTHDAY: &str = "2011-01-25T18:44:36Z";
