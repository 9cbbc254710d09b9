//! Where a user belongs.
use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, OAUTH_APP, call, world};

/// Octocat owns octo-org and leads a team, hubot is a member of both, monalisa is invited.
fn ghes() -> Emulator {
    world(|world| {
        world
            .replace("login = \"octocat\"", "login = \"octocat\"\nowner_of = [\"octo-org\"]")
            .replace("login = \"hubot\"", "login = \"hubot\"\nteams = [\"octo-org/platform\"]")
            .replace(
                "login = \"monalisa\"",
                "login = \"monalisa\"\ninvited_to = [\"octo-org\"]\nteams = [\"octo-org/platform\"]",
            )
    })
}

async fn with_scopes(ghes: &Emulator, login: &str, scopes: &[&str], line: &str) -> Answer {
    let token = ghes.mint(OAUTH_APP, login, scopes, None).unwrap();
    call(ghes, line, &format!("token {token}"), Value::Null).await
}

async fn see(ghes: &Emulator, login: &str, line: &str) -> Answer {
    with_scopes(ghes, login, &["read:org"], line).await
}

const TEAM: &str = "GET /orgs/octo-org/teams/platform/memberships";

#[tokio::test]
async fn organizations_are_those_the_user_has_joined() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = ghes().with_version(release.parse().unwrap());
        for (login, expected) in [("octocat", 1), ("hubot", 1), ("monalisa", 0)] {
            let list = see(&ghes, login, "GET /user/orgs").await.json();
            assert_eq!(list.as_array().unwrap().len(), expected, "{login}");
        }
        let list = see(&ghes, "hubot", "GET /user/orgs").await.json();
        assert_eq!(list[0]["login"], "octo-org");
        assert_eq!(list[0]["url"], "http://ghes.test/api/v3/orgs/octo-org");
    }
}

#[tokio::test]
async fn membership_tells_state_and_role() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = ghes().with_version(release.parse().unwrap());
        for (login, state, role) in [
            ("octocat", "active", "admin"),
            ("hubot", "active", "member"),
            ("monalisa", "pending", "member"),
        ] {
            let answer = see(&ghes, login, "GET /user/memberships/orgs/Octo-Org").await;
            let body = answer.json();
            assert_eq!(
                (&body["state"], &body["role"]),
                (&json!(state), &json!(role)),
                "{login}"
            );
            assert_eq!(body["organization"]["login"], "octo-org");
            assert_eq!(body["user"]["login"], login);
            let url = format!("http://ghes.test/api/v3/orgs/octo-org/memberships/{login}");
            assert_eq!(body["url"], url);
        }
    }
    let nowhere = see(
        &Emulator::default(),
        "monalisa",
        "GET /user/memberships/orgs/octo-org",
    )
    .await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let unknown = see(&ghes(), "octocat", "GET /user/memberships/orgs/other").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn team_membership_tells_state_and_role() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = ghes().with_version(release.parse().unwrap());
        for (login, state, role) in [
            ("octocat", "active", "maintainer"),
            ("hubot", "active", "member"),
            ("monalisa", "pending", "member"),
        ] {
            let answer = see(&ghes, "hubot", &format!("{TEAM}/{login}")).await;
            let url =
                format!("http://ghes.test/api/v3/orgs/octo-org/teams/platform/memberships/{login}");
            assert_eq!(
                answer.json(),
                json!({ "state": state, "role": role, "url": url })
            );
        }
    }
}

#[tokio::test]
async fn teams_are_visible_to_members_alone() {
    let ghes = ghes();
    for (viewer, line) in [
        ("monalisa", format!("{TEAM}/hubot")),
        ("hubot", format!("{TEAM}/nobody")),
        ("hubot", TEAM.replace("platform", "other") + "/hubot"),
        ("hubot", TEAM.replace("octo-org", "other") + "/hubot"),
    ] {
        assert_eq!(
            see(&ghes, viewer, &line).await.status,
            StatusCode::NOT_FOUND,
            "{line}"
        );
    }
    let blind = with_scopes(&ghes, "hubot", &["repo"], &format!("{TEAM}/hubot")).await;
    assert_eq!(blind.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn scopes_are_needed_and_their_parents_do() {
    let ghes = ghes();
    for scope in ["read:org", "write:org", "admin:org", "user"] {
        let answer = with_scopes(&ghes, "hubot", &[scope], "GET /user/orgs").await;
        assert_eq!(answer.status, StatusCode::OK, "{scope}");
        assert_eq!(
            answer.header("x-accepted-oauth-scopes"),
            Some("read:org, user")
        );
    }
    let answer = with_scopes(&ghes, "hubot", &["repo"], "GET /user/orgs").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let message = "You need at least read:org scope or user scope to list your organizations.";
    assert_eq!(answer.message(), message);
    assert_eq!(answer.header("x-oauth-scopes"), Some("repo"));
    let answer = with_scopes(
        &ghes,
        "hubot",
        &["user"],
        "GET /user/memberships/orgs/octo-org",
    )
    .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn github_apps_need_no_scopes() {
    let ghes = ghes();
    let token = ghes.mint(GITHUB_APP, "hubot", &[], None).unwrap();
    for line in [
        "GET /user/orgs",
        "GET /user/memberships/orgs/octo-org",
        &format!("{TEAM}/hubot"),
    ] {
        let answer = call(&ghes, line, &format!("Bearer {token}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{line}");
    }
}

const RELEASES: [&str; 5] = ["3.8", "3.9", "3.10", "3.15", "3.19"];

#[tokio::test]
async fn memberships_are_listed_with_invitations() {
    for release in RELEASES {
        let ghes = ghes().with_version(release.parse().unwrap());
        let line = "GET /user/memberships/orgs";
        for (login, query, states) in [
            ("octocat", "", &["active"][..]),
            ("hubot", "?state=active", &["active"]),
            ("hubot", "?state=pending", &[]),
            ("monalisa", "", &["pending"]),
            ("monalisa", "?state=pending", &["pending"]),
            ("monalisa", "?state=active", &[]),
        ] {
            let answer = see(&ghes, login, &format!("{line}{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let list = answer.json();
            let found: Vec<_> = list.as_array().unwrap().iter().collect();
            let found: Vec<_> = found
                .iter()
                .map(|one| one["state"].as_str().unwrap())
                .collect();
            assert_eq!(found, states, "{login} {query}");
        }
        let odd = see(&ghes, "hubot", &format!("{line}?state=x")).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        let blind = with_scopes(&ghes, "hubot", &["repo"], line).await;
        assert_eq!(blind.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn teams_are_those_of_organizations_that_the_user_has_joined() {
    for release in RELEASES {
        let ghes = ghes().with_version(release.parse().unwrap());
        for (login, teams) in [("octocat", 1), ("hubot", 1), ("monalisa", 0)] {
            let answer = see(&ghes, login, "GET /user/teams").await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let list = answer.json();
            assert_eq!(list.as_array().unwrap().len(), teams, "{login}");
            if teams > 0 {
                assert_eq!(list[0]["slug"], "platform");
                assert_eq!(list[0]["organization"]["login"], "octo-org");
                assert_eq!(list[0]["members_count"], 2);
            }
        }
        for (scope, status) in [
            ("repo", 200),
            ("user", 200),
            ("admin:org", 200),
            ("gist", 403),
        ] {
            let answer = with_scopes(&ghes, "hubot", &[scope], "GET /user/teams").await;
            assert_eq!(answer.status, status, "{scope}");
        }
    }
}

#[tokio::test]
async fn members_alone_learn_who_is_a_member() {
    for release in RELEASES {
        let ghes = ghes().with_version(release.parse().unwrap());
        for (viewer, login, status) in [
            ("hubot", "octocat", 204),
            ("hubot", "Hubot", 204),
            ("octocat", "monalisa", 404),
            ("octocat", "nobody", 404),
            ("monalisa", "hubot", 302),
        ] {
            let line = format!("GET /orgs/octo-org/members/{login}");
            let answer = see(&ghes, viewer, &line).await;
            assert_eq!(answer.status, status, "{viewer} {login}: {}", answer.text);
            let public = "http://ghes.test/api/v3/orgs/octo-org/public_members/hubot";
            assert_eq!(answer.header("location"), (status == 302).then_some(public));
        }
        let line = "GET /orgs/octo-org/members/hubot";
        let blind = with_scopes(&ghes, "hubot", &["gist"], line).await;
        assert_eq!(blind.status, StatusCode::FOUND);
        let unknown = see(&ghes, "hubot", "GET /orgs/other/members/hubot").await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }
}
