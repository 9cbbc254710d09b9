//! Where somebody belongs: what is asked, and what each reply means.

use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::{Group, Membership, MembershipRequest};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::token::AccessToken;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::Full;
use tower::ServiceExt;

use super::outcomes::NOT_FOUND;
use super::row::{HTML, LIMITED, SPAMMED};
use super::{CLIENT_ID, Stub, TOKEN, json, shown};

/// As the documents show it, of an organization.
const ORGANIZATION: &str = r#"{"url":"https://ghes.example.com/api/v3/orgs/octo-org/memberships/octocat","state":"active","role":"member","organization_url":"https://ghes.example.com/api/v3/orgs/octo-org","organization":{"login":"octo-org","id":7,"node_id":"MDEyOk9yZ2FuaXphdGlvbjE=","url":"https://ghes.example.com/api/v3/orgs/octo-org"},"user":{"login":"octocat","id":1,"node_id":"MDQ6VXNlcjE=","type":"User","site_admin":false}}"#;

/// As the documents show it, of a team.
const TEAM: &str = r#"{"url":"https://ghes.example.com/api/v3/teams/1/memberships/octocat","role":"maintainer","state":"active"}"#;

const BAD_CREDENTIALS: &str =
    r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}"#;

type Answer = Result<Membership, CheckError>;

fn request(group: &str, login: &str) -> MembershipRequest {
    let identity = Identity::new(User::new(login, 1), CLIENT_ID, 1, Scopes::default());
    let group: Group = group.parse().expect("a group");
    MembershipRequest::new(
        AccessToken::new(TOKEN),
        identity.expect("an identity"),
        group,
    )
}

async fn ask(group: &str, reply: Response<Full<Bytes>>) -> Answer {
    let client = Stub::new([reply]).client();
    client.oneshot(request(group, "octocat")).await
}

/// Asks about an organization and about a team.
async fn both(reply: &Response<Full<Bytes>>) -> [Answer; 2] {
    let organization = ask("octo-org", reply.clone()).await;
    [organization, ask("octo-org/platform", reply.clone()).await]
}

fn with(
    mut reply: Response<Full<Bytes>>,
    headers: &[(&'static str, &'static str)],
) -> Response<Full<Bytes>> {
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    reply
}

fn not_visible(scopes: &[&str]) -> Membership {
    Membership::NotVisible(Scopes::parse(scopes.iter().copied()).expect("scopes"))
}

#[tokio::test]
async fn the_request_is_the_documented_one_with_the_persons_own_token() {
    for (group, login, path) in [
        ("Octo-Org", "octocat", "/user/memberships/orgs/octo-org"),
        (
            "octo-org/Platform",
            "OctoCat",
            "/orgs/octo-org/teams/platform/memberships/OctoCat",
        ),
        // A login can be anything that GHES says.
        (
            "octo-org/platform",
            "a/../b?c#d%[bot]",
            "/orgs/octo-org/teams/platform/memberships/a%2F..%2Fb%3Fc%23d%25%5Bbot%5D",
        ),
    ] {
        let stub = Stub::new([json(200, TEAM)]);
        let answer = stub.client().oneshot(request(group, login)).await;
        assert_eq!(answer.expect("an answer"), Membership::Active);
        let expected = format!(
            "GET https://ghes.example.com/api/v3{path}\n\
             accept-encoding: identity\n\
             accept: application/vnd.github+json\n\
             authorization: Bearer {TOKEN}\n\
             user-agent: ghes-gatekeeper/{}\n\n",
            env!("CARGO_PKG_VERSION"),
        );
        assert_eq!(stub.wire(), expected);
    }
}

#[tokio::test]
async fn only_an_active_member_is_one() {
    let (active, pending) = (r#""state":"active""#, r#""state":"pending""#);
    for (body, expected) in [
        (ORGANIZATION.to_owned(), Membership::Active),
        (TEAM.to_owned(), Membership::Active),
        (ORGANIZATION.replace(active, pending), Membership::NotMember),
        (TEAM.replace(active, pending), Membership::NotMember),
        // GHES may come to know more states; none of them is a member's.
        (TEAM.replace("active", "suspended"), Membership::NotMember),
        (ORGANIZATION.replace("active", ""), Membership::NotMember),
        (TEAM.replace("active", "Active"), Membership::NotMember),
        (
            ORGANIZATION.replace("member\"", "admin\""),
            Membership::Active,
        ),
        // Whoever only pays belongs to nothing.
        (
            ORGANIZATION.replace(r#""role":"member""#, r#""role":"billing_manager""#),
            Membership::NotMember,
        ),
        // Both are compared without regard to case.
        (
            ORGANIZATION.replace("octo-org", "Octo-Org"),
            Membership::Active,
        ),
        // GitHub's schema allows a membership without its user.
        (
            r#"{"state":"active","user":null}"#.to_owned(),
            Membership::Active,
        ),
    ] {
        let answer = ask("octo-org", json(200, body.clone())).await;
        assert_eq!(answer.expect("an answer"), expected, "{body}");
    }
}

#[tokio::test]
async fn a_404_of_ghes_is_a_no_unless_a_scope_is_missing() {
    let plain = json(404, NOT_FOUND);
    let scopes = |held, accepted| {
        let headers = [
            ("x-oauth-scopes", held),
            ("x-accepted-oauth-scopes", accepted),
        ];
        with(json(404, NOT_FOUND), &headers)
    };
    for (reply, expected) in [
        (plain, Membership::NotMember),
        (scopes("repo", "read:org"), not_visible(&["read:org"])),
        (
            scopes("", "admin:org, read:org"),
            not_visible(&["admin:org", "read:org"]),
        ),
        (scopes("read:org", "read:org"), Membership::NotMember),
        (scopes("gist, admin:org", "read:org"), Membership::NotMember),
        (scopes("gist", ""), Membership::NotMember),
    ] {
        for answer in both(&reply).await {
            assert_eq!(
                answer.expect("an answer"),
                expected,
                "{:?}",
                reply.headers()
            );
        }
    }
}

#[tokio::test]
async fn a_403_of_ghes_hides_the_membership_and_may_name_a_scope() {
    let hidden = r#"{"message":"You need at least read:org scope to see a membership.","documentation_url":"x"}"#;
    let integration =
        r#"{"message":"Resource not accessible by integration","documentation_url":"x"}"#;
    let scopes = |body, held| {
        let headers = [
            ("x-oauth-scopes", held),
            ("x-accepted-oauth-scopes", "read:org"),
        ];
        with(json(403, body), &headers)
    };
    for (reply, expected) in [
        (scopes(hidden, "repo"), not_visible(&["read:org"])),
        // An organization that does not let the app in, whatever its tokens hold.
        (scopes(hidden, "read:org"), not_visible(&[])),
        (json(403, integration), not_visible(&[])),
        // The tokens of GitHub Apps can have no scopes.
        (
            with(
                json(403, hidden),
                &[("x-accepted-oauth-scopes", "read:org")],
            ),
            not_visible(&[]),
        ),
    ] {
        for answer in both(&reply).await {
            assert_eq!(
                answer.expect("an answer"),
                expected,
                "{:?}",
                reply.headers()
            );
        }
    }
}

#[tokio::test]
async fn a_401_of_ghes_is_about_the_token() {
    for answer in both(&json(401, BAD_CREDENTIALS)).await {
        assert_eq!(answer.expect("an answer"), Membership::TokenRefused);
    }
}

#[tokio::test]
async fn anything_else_says_nothing_about_the_person() {
    use CheckErrorKind as Kind;
    let renamed = r#"{"message":"Moved Permanently","url":"https://ghes.example.com/api/v3/organizations/7","documentation_url":"x"}"#;
    let somebody_else = ORGANIZATION.replace(r#""id":1,"#, r#""id":2,"#);
    let elsewhere = ORGANIZATION.replace("octo-org", "other-org");
    let location = [(
        "location",
        "https://ghes.example.com/api/v3/organizations/7",
    )];
    for (reply, kind, wait) in [
        (json(200, somebody_else), Kind::DoubtfulResponse, None),
        (json(200, elsewhere), Kind::DoubtfulResponse, None),
        (
            json(200, TEAM.replace("\"active\"", "7")),
            Kind::UnexpectedResponse,
            None,
        ),
        (json(200, "{}"), Kind::UnexpectedResponse, None),
        (json(200, "[]"), Kind::UnexpectedResponse, None),
        (
            json(200, " ".repeat(64 * 1024) + TEAM),
            Kind::TooLarge,
            None,
        ),
        (
            with(json(200, HTML), &[("content-type", "text/html")]),
            Kind::DoubtfulResponse,
            None,
        ),
        (
            with(json(200, TEAM), &[("content-encoding", "gzip")]),
            Kind::DoubtfulResponse,
            None,
        ),
        (json(202, TEAM), Kind::DoubtfulResponse, None),
        (json(204, ""), Kind::DoubtfulResponse, None),
        (with(json(301, renamed), &location), Kind::Redirect, None),
        (json(302, NOT_FOUND), Kind::Redirect, None),
        (json(307, NOT_FOUND), Kind::Redirect, None),
        (json(304, ""), Kind::Redirect, None),
        (json(400, BAD_CREDENTIALS), Kind::DoubtfulResponse, None),
        (json(401, HTML), Kind::DoubtfulResponse, None),
        (json(403, HTML), Kind::Forbidden, None),
        (json(403, LIMITED), Kind::RateLimited, Some(60)),
        (
            with(json(403, BAD_CREDENTIALS), &[("retry-after", "17")]),
            Kind::RateLimited,
            Some(17),
        ),
        (
            with(
                json(403, BAD_CREDENTIALS),
                &[("x-ratelimit-remaining", "0")],
            ),
            Kind::RateLimited,
            Some(60),
        ),
        (json(404, HTML), Kind::UnexpectedResponse, None),
        (json(404, "{}"), Kind::UnexpectedResponse, None),
        (
            json(404, r#"{"message":"no Route matched"}"#),
            Kind::UnexpectedResponse,
            None,
        ),
        (json(410, NOT_FOUND), Kind::DoubtfulResponse, None),
        (json(422, SPAMMED), Kind::RateLimited, Some(60)),
        (json(422, NOT_FOUND), Kind::UnexpectedResponse, None),
        (json(429, HTML), Kind::RateLimited, Some(60)),
        (
            with(json(429, HTML), &[("retry-after", "5")]),
            Kind::RateLimited,
            Some(5),
        ),
        (json(500, NOT_FOUND), Kind::ServerError, None),
        (
            with(json(503, HTML), &[("retry-after", "120")]),
            Kind::ServerError,
            Some(120),
        ),
    ] {
        let shown = format!("{reply:?}");
        let error = ask("octo-org", reply).await.expect_err(&shown);
        assert_eq!(error.kind(), kind, "{shown}");
        assert_eq!(
            error.retry_after(),
            wait.map(Duration::from_secs),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let reply = with(
        json(301, NOT_FOUND),
        &[("location", "https://evil.example.com/")],
    );
    let stub = Stub::new([reply]);
    let answer = stub.client().oneshot(request("octo-org", "octocat")).await;
    assert!(answer.is_err());
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn no_error_shows_the_token_or_a_body() {
    let quoting = format!(r#"{{"message":"{TOKEN} is spam"}}"#);
    for reply in [json(500, quoting.clone()), json(200, quoting)] {
        let error = ask("octo-org", reply).await.expect_err("no answer");
        let shown = shown(&error);
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    let request = request("octo-org", "octocat");
    assert!(!format!("{request:?}").contains(TOKEN));
}
