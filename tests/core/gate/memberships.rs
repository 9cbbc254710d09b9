//! Organizations and teams of the emulated GHES, asked with the tokens of its people.

use std::convert::Infallible;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::{Emulator, Fault, Operation, World as Ghes};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::membership::Group;
use ghes_gatekeeper::policy::{GitHubAppUser, Policy, RequireGroup, RequireScopes};
use ghes_gatekeeper::protection::Protection;
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::validator::Validator;
use http::{Request, Response, StatusCode};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

use super::{CLIENT_ID, SECRET, bearer, header};

const OAUTH_APP: &str = "abcde12345fghij67890";
const ORGANIZATION: &str = "Octo-Org";
const TEAM: &str = "octo-org/Platform";

/// A gate as the proxy has it, with all protection, before one emulated GHES.
struct World {
    ghes: Emulator,
    gate: BoxCloneService<Request<()>, Response<Bytes>, Infallible>,
}

impl World {
    fn new(client_id: &str, policy: impl Policy) -> Self {
        let ghes = Emulator::new(people());
        let url = "http://ghes.test".parse().expect("a URL");
        let app = App::new(client_id, SECRET);
        let client = GhesClient::new(&url, &app, ghes.clone()).expect("an app");
        let (check, memberships, _) =
            Protection::new().protect_with_memberships(client.clone(), [], client);
        let validator = Validator::builder(check).with_memberships(memberships);
        let inner = service_fn(async |_: Request<()>| Ok(Response::new(Bytes::new())));
        let layer = GatekeeperLayer::new(validator.build()).with_policy(policy);
        Self {
            ghes,
            gate: BoxCloneService::new(layer.layer(inner)),
        }
    }

    async fn send(&self, token: &str) -> Response<Bytes> {
        let Ok(response) = self.gate.clone().oneshot(bearer(token)).await;
        response
    }

    async fn status(&self, token: &str) -> u16 {
        self.send(token).await.status().as_u16()
    }

    fn mint(&self, client_id: &str, login: &str, scopes: &[&str]) -> String {
        let token = self.ghes.mint(client_id, login, scopes, None);
        token.expect("a token")
    }

    fn questions(&self) -> u64 {
        self.ghes.calls(Operation::GetOrganizationMembership)
            + self.ghes.calls(Operation::GetTeamMembership)
    }
}

/// Octocat is in the team, hubot in its organization, monalisa is invited to both.
fn people() -> Ghes {
    let app = |kind: &str, client_id: &str| {
        format!(
            "[[apps]]\nkind = \"{kind}\"\nclient_id = \"{client_id}\"\nclient_secret = \"{SECRET}\"\n\
             name = \"a\"\nurl = \"http://a\"\n"
        )
    };
    let user = |login: &str, id: u8, places: &str| {
        format!("[[users]]\nlogin = \"{login}\"\nid = {id}\npassword = \"x\"\n{places}\n")
    };
    let (org, team) = ("[\"octo-org\"]", "[\"octo-org/platform\"]");
    let world = [
        user("octocat", 1, &format!("orgs = {org}\nteams = {team}")),
        user("hubot", 2, &format!("orgs = {org}")),
        user(
            "monalisa",
            3,
            &format!("invited_to = {org}\nteams = {team}"),
        ),
        app("github-app", CLIENT_ID),
        app("oauth-app", OAUTH_APP),
    ];
    Ghes::from_toml(&world.concat()).expect("a world")
}

fn group(name: &str) -> RequireGroup {
    RequireGroup::new(name.parse::<Group>().expect("a group"))
}

#[tokio::test(start_paused = true)]
async fn members_come_in_and_those_who_are_only_invited_do_not() {
    for (name, octocat, hubot, monalisa) in [
        (ORGANIZATION, 200, 200, 403),
        (TEAM, 200, 403, 403),
        ("other-org", 403, 403, 403),
        ("octo-org/other", 403, 403, 403),
    ] {
        for (client_id, scopes) in [(CLIENT_ID, &[][..]), (OAUTH_APP, &["write:org"])] {
            let world = World::new(client_id, group(name));
            for (login, status) in [
                ("octocat", octocat),
                ("hubot", hubot),
                ("monalisa", monalisa),
            ] {
                let token = world.mint(client_id, login, scopes);
                let before = world.questions();
                for _ in 0..2 {
                    assert_eq!(world.status(&token).await, status, "{name} {login}");
                }
                assert_eq!(world.questions(), before + 1, "{name} {login}");
            }
        }
    }
}

/// For a team, GHES says 404 where the scope is missing; for an organization, 403.
#[tokio::test(start_paused = true)]
async fn a_member_whose_token_may_not_show_it_is_told_the_scope() {
    for name in [ORGANIZATION, TEAM] {
        let world = World::new(OAUTH_APP, group(name));
        let blind = world.mint(OAUTH_APP, "octocat", &["repo"]);
        let response = world.send(&blind).await;
        assert_eq!(response.status(), 403, "{name}");
        assert_eq!(
            header(&response, "www-authenticate"),
            Some("Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"read:org\""),
        );
        let seeing = world.mint(OAUTH_APP, "octocat", &["read:org"]);
        assert_eq!(world.status(&seeing).await, 200, "{name}");
    }
}

/// GHES has confirmed the token, and takes it no more when it is asked with it.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_meanwhile_is_401() {
    let world = World::new(CLIENT_ID, group(TEAM));
    let token = world.mint(CLIENT_ID, "octocat", &[]);
    world
        .ghes
        .fail(Fault::status(StatusCode::OK).with_body(confirmed(&token)));
    world.ghes.revoke(&token);
    assert_eq!(world.status(&token).await, 401);
    assert_eq!(world.ghes.calls(Operation::CheckToken), 2);
}

/// What GHES said about a token before it was revoked.
fn confirmed(token: &str) -> String {
    let last_eight = &token[token.len() - 8..];
    format!(
        r#"{{"id":9,"app":{{"client_id":"{CLIENT_ID}","name":"a","url":"http://a"}},"scopes":[],
            "token_last_eight":"{last_eight}","hashed_token":null,"expires_at":null,
            "user":{{"login":"octocat","id":1,"type":"User","site_admin":false}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_503_and_no_403() {
    for outage in [
        Fault::dropped(),
        Fault::slow(std::time::Duration::from_secs(60)),
        Fault::status(StatusCode::BAD_GATEWAY),
        Fault::status(StatusCode::NOT_FOUND).with_body("<html>no such host</html>"),
        Fault::status(StatusCode::FORBIDDEN).with_body("<html>blocked</html>"),
        Fault::status(StatusCode::TOO_MANY_REQUESTS),
        Fault::status(StatusCode::MOVED_PERMANENTLY),
    ] {
        let shown = format!("{outage:?}");
        let world = World::new(CLIENT_ID, group(TEAM));
        let token = world.mint(CLIENT_ID, "octocat", &[]);
        let unknown = world.status("gho_nobody").await;
        assert_eq!(unknown, 401);
        // The check is answered before the outage begins.
        world.ghes.fail(Fault::slow(std::time::Duration::ZERO));
        world.ghes.fail(outage.times(u64::MAX));
        let response = world.send(&token).await;
        assert_eq!(response.status(), 503, "{shown}");
        assert_eq!(header(&response, "www-authenticate"), None, "{shown}");
        assert!(header(&response, "retry-after").is_some(), "{shown}");
        world.ghes.clear_faults();
        // So long a limit without a time is heeded.
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        assert_eq!(world.status(&token).await, 200, "{shown}");
    }
}

/// Scopes are for the tokens of OAuth apps; users of a GitHub App come in by another rule.
#[tokio::test(start_paused = true)]
async fn users_of_github_apps_may_come_in_by_where_they_belong() {
    let policy = || {
        let scopes = Scopes::parse(["read:org"]).expect("a scope");
        RequireScopes::new(scopes).or(GitHubAppUser.and(group(ORGANIZATION)))
    };
    for (client_id, login, scopes, status, questions) in [
        (CLIENT_ID, "octocat", &[][..], 200, 1),
        (CLIENT_ID, "monalisa", &[], 403, 1),
        (OAUTH_APP, "octocat", &[], 403, 0),
        (OAUTH_APP, "monalisa", &["read:org"], 200, 0),
    ] {
        let world = World::new(client_id, policy());
        let token = world.mint(client_id, login, scopes);
        assert_eq!(world.status(&token).await, status, "{client_id} {login}");
        assert_eq!(world.questions(), questions, "{client_id} {login}");
    }
}
