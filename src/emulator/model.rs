//! The JSON of the REST API, in the order of members that recorded answers have.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::access_token;
use super::clock::rfc3339;
use super::{state, world};

/// The schema `authorization`.
#[derive(Serialize)]
pub(super) struct Authorization<'a> {
    id: u64,
    url: String,
    app: App<'a>,
    token: &'a str,
    hashed_token: String,
    token_last_eight: &'a str,
    note: Option<&'a str>,
    note_url: Option<&'a str>,
    created_at: String,
    updated_at: String,
    scopes: &'a [String],
    fingerprint: Option<&'a str>,
    expires_at: Option<String>,
    user: SimpleUser<'a>,
}

#[derive(Serialize)]
struct App<'a> {
    name: &'a str,
    url: &'a str,
    client_id: &'a str,
}

/// The schema `nullable-simple-user`, without its optional members.
#[derive(Serialize)]
struct SimpleUser<'a> {
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

impl<'a> Authorization<'a> {
    pub(super) fn new(
        host: &str,
        token: &'a str,
        authorization: &'a state::Authorization,
        app: &'a world::App,
        user: &'a world::User,
    ) -> Self {
        Self {
            id: authorization.id,
            url: format!("http://{host}/api/v3/authorizations/{}", authorization.id),
            app: App {
                name: &app.name,
                url: &app.url,
                client_id: &app.client_id,
            },
            token,
            hashed_token: access_token::hashed(token),
            token_last_eight: access_token::last_eight(token),
            // Null for every token of the web flow.
            note: None,
            note_url: None,
            created_at: rfc3339(authorization.created_at),
            updated_at: rfc3339(authorization.updated_at),
            scopes: &authorization.scopes,
            fingerprint: None,
            expires_at: authorization.expires_at.map(rfc3339),
            user: SimpleUser::new(host, user),
        }
    }
}

impl<'a> SimpleUser<'a> {
    fn new(host: &str, user: &'a world::User) -> Self {
        let (login, id) = (user.login.as_str(), user.id);
        let url = format!("http://{host}/api/v3/users/{login}");
        Self {
            login,
            id,
            node_id: STANDARD.encode(format!("04:User{id}")),
            avatar_url: format!("http://{host}/avatars/u/{id}?"),
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
            r#type: "User",
            site_admin: user.site_admin,
            url,
        }
    }
}
