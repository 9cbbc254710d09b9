//! A check that succeeds.
use std::collections::BTreeSet;

use ghes_gatekeeper::emulator::{Emulator, World};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, SECRET, TOKEN, access_token, as_app, basic, check, send, version};

/// The example `authorization-with-user` of GitHub's OpenAPI description of GHES 3.19, from the
/// npm package `@octokit/openapi` 23.0.2 (MIT, Octokit contributors).
const PUBLISHED: &str = include_str!("../../fixtures/ghes-3.19-authorization-with-user.json");

/// The members that the schema `authorization` lets be null.
const NULLABLE: &[&str] = &["note", "note_url", "fingerprint", "expires_at"];

/// The members in the order that recorded answers of GitHub have.
const ORDER: &[&str] = &[
    "id",
    "url",
    "app",
    "token",
    "hashed_token",
    "token_last_eight",
    "note",
    "note_url",
    "created_at",
    "updated_at",
    "scopes",
    "fingerprint",
    "expires_at",
    "user",
];

/// The `curl` call of GitHub's documents, with what curl adds.
fn documented_request() -> Request<String> {
    Request::post("/api/v3/applications/Iv1.8a61f9b3a7aba766/token")
        .header("Host", "ghes.test")
        .header("User-Agent", "curl/8.14.1")
        .header("Accept", "application/vnd.github+json")
        .header("Authorization", basic(GITHUB_APP, SECRET))
        .header("X-GitHub-Api-Version", "2022-11-28")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(r#"{"access_token":"e72e16c7e42f292c6912e7710c838347ae178b4a"}"#.to_owned())
        .unwrap()
}

async fn documented_answer() -> Answer {
    let answer = send(&Emulator::default(), documented_request()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn assert_same_shape(path: &str, published: &Value, actual: &Value) {
    match (published, actual) {
        (Value::Object(members), Value::Object(_)) => {
            assert_eq!(keys(published), keys(actual), "members of `{path}`");
            for (key, value) in members {
                assert_same_shape(&format!("{path}/{key}"), value, &actual[key]);
            }
        }
        (Value::Array(published), Value::Array(actual)) => {
            for value in actual {
                assert_same_shape(&format!("{path}[]"), &published[0], value);
            }
        }
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::Number(_), Value::Number(actual)) => assert!(actual.is_u64(), "`{path}`"),
        (_, Value::Null) if NULLABLE.contains(&path.trim_start_matches('/')) => {}
        _ => panic!("`{path}`: {actual} where the document has {published}"),
    }
}

#[tokio::test]
async fn documented_request_gets_the_documented_shape() {
    let published: Value = serde_json::from_str(PUBLISHED).unwrap();
    assert_same_shape("", &published, &documented_answer().await.json());
}

#[tokio::test]
async fn body_tells_the_token_its_app_and_its_user() {
    let body = documented_answer().await.json();
    assert_eq!(body["id"], 1);
    assert_eq!(body["token"], TOKEN);
    // printf %s TOKEN | sha256sum
    assert_eq!(
        body["hashed_token"],
        "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200"
    );
    assert_eq!(body["token_last_eight"], "ae178b4a");
    assert_eq!(body["scopes"], json!(["public_repo", "user"]));
    let app = json!({ "name": "my github app", "url": "http://my-github-app.com", "client_id": GITHUB_APP });
    assert_eq!(body["app"], app);
    for member in ["note", "note_url", "fingerprint", "expires_at"] {
        assert_eq!(body[member], Value::Null, "{member}");
    }
    let user = &body["user"];
    assert_eq!(
        (&user["login"], &user["id"]),
        (&json!("octocat"), &json!(1))
    );
    assert_eq!(user["node_id"], "MDQ6VXNlcjE=");
    assert_eq!(
        (&user["type"], &user["site_admin"]),
        (&json!("User"), &json!(false))
    );
}

#[tokio::test]
async fn urls_are_absolute_on_the_host_of_the_request() {
    let body = documented_answer().await.json();
    assert_eq!(body["url"], "http://ghes.test/api/v3/authorizations/1");
    assert_eq!(body["user"]["url"], "http://ghes.test/api/v3/users/octocat");
    assert_eq!(body["user"]["html_url"], "http://ghes.test/octocat");
    let gists = "http://ghes.test/api/v3/users/octocat/gists{/gist_id}";
    assert_eq!(body["user"]["gists_url"], gists);

    let target = format!("http://other.test:8080/api/v3/applications/{GITHUB_APP}/token");
    let request = Request::post(target).header("authorization", basic(GITHUB_APP, SECRET));
    let body = send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await
    .json();
    assert_eq!(
        body["url"],
        "http://other.test:8080/api/v3/authorizations/1"
    );
}

#[tokio::test]
async fn members_stand_in_recorded_order() {
    let text = documented_answer().await.text;
    let position = |member: &&str| text.find(&format!("\"{member}\":")).unwrap();
    // Only the first `url` and `id` count: app and user have their own.
    let positions: Vec<usize> = ORDER.iter().map(position).collect();
    assert!(positions.is_sorted(), "{text}");
    assert!(
        text.contains(r#""app":{"name":"my github app","url":"#),
        "{text}"
    );
}

#[tokio::test]
async fn times_are_utc_with_whole_seconds() {
    let body = documented_answer().await.json();
    for member in ["created_at", "updated_at"] {
        let text = body[member].as_str().unwrap();
        assert_eq!(text.len(), "2011-09-06T17:26:27Z".len(), "{text}");
        assert!(
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            "{text}"
        );
    }
}

#[tokio::test]
async fn headers_are_those_of_a_ghes() {
    let answer = documented_answer().await;
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "public, max-age=60, s-maxage=60"),
        ("vary", "Accept, Accept-Encoding, X-Requested-With"),
        ("x-github-api-version-selected", "2022-11-28"),
        ("x-github-enterprise-version", "3.19.0"),
        ("x-github-media-type", "github.v3; format=json"),
        (
            "x-github-request-id",
            "00000001-0000-4000-8000-000000000001",
        ),
    ];
    for (name, value) in headers {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let etag = answer.header("etag").unwrap();
    assert!(etag.starts_with("W/\"") && etag.ends_with('"'), "{etag}");
    // A GHES has its rate limits off by default, and then sends no such header.
    assert!(
        !answer
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("x-ratelimit"))
    );
    assert_eq!(
        answer.headers.len(),
        headers.len() + 1,
        "{:?}",
        answer.headers
    );
}

#[tokio::test]
async fn every_answer_has_its_own_request_id() {
    let ghes = Emulator::default();
    let first = check(&ghes, GITHUB_APP, TOKEN).await;
    let second = check(&ghes, GITHUB_APP, "unknown").await;
    assert_ne!(
        first.header("x-github-request-id"),
        second.header("x-github-request-id")
    );
}

#[tokio::test]
async fn basic_scheme_is_case_insensitive() {
    // As octokit sends it.
    let credential = basic(GITHUB_APP, SECRET).replace("Basic", "basic");
    let request = super::path_of(GITHUB_APP).header("authorization", credential);
    let answer = send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn query_and_trailing_newline_do_not_matter() {
    let request = as_app().uri(format!("/api/v3/applications/{GITHUB_APP}/token?x=1"));
    let body = format!("{}\n", access_token(TOKEN));
    assert_eq!(
        send(&Emulator::default(), request.body(body).unwrap())
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn supported_api_versions_are_selected() {
    for (release, asked, selected) in [
        ("3.8", None, None),
        ("3.8", Some("2026-03-10"), None),
        ("3.9", None, Some("2022-11-28")),
        ("3.20", Some("2022-11-28"), Some("2022-11-28")),
        ("3.21", None, Some("2022-11-28")),
        ("3.21", Some("2026-03-10"), Some("2026-03-10")),
        ("3.22", Some("2022-11-28"), Some("2022-11-28")),
    ] {
        let mut request = as_app();
        if let Some(asked) = asked {
            request = request.header("x-github-api-version", asked);
        }
        let answer = send(
            &version(release),
            request.body(access_token(TOKEN)).unwrap(),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{release} {asked:?}");
        assert_eq!(
            answer.header("x-github-api-version-selected"),
            selected,
            "{release} {asked:?}"
        );
        let patch_release = format!("{release}.0");
        assert_eq!(
            answer.header("x-github-enterprise-version"),
            Some(&*patch_release)
        );
    }
}

#[tokio::test]
async fn no_scopes_are_an_empty_list_and_node_ids_follow_the_id() {
    let world = World::from_toml(
        r#"
        users = [{ login = "mona", id = 4711, password = "p", site_admin = true }]
        apps = [{ kind = "oauth-app", client_id = "abc", client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f", name = "n", url = "http://n.test" }]
        tokens = [{ token = "short", client_id = "abc", user = "mona" }]
        "#,
    );
    let body = check(&Emulator::new(world.unwrap()), "abc", "short")
        .await
        .json();
    assert_eq!(body["scopes"], json!([]));
    assert_eq!(body["token_last_eight"], "short");
    // printf %s 04:User4711 | base64
    assert_eq!(body["user"]["node_id"], "MDQ6VXNlcjQ3MTE=");
    assert_eq!(body["user"]["site_admin"], true);
}
