//! A check that GitHub refuses: one test for each row of its error catalogue.
use ghes_gatekeeper::emulator::{Emulator, Operation};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{
    Answer, GITHUB_APP, OAUTH_APP, SECRET, TOKEN, access_token, as_app, basic, call, check,
    path_of, send, version,
};

const ROOT: &str = "https://docs.github.com/enterprise-server@3.19/rest";
const PAGE: &str =
    "https://docs.github.com/enterprise-server@3.19/rest/apps/oauth-applications#check-a-token";

fn assert_refused(answer: &Answer, status: u16, message: &str, documentation_url: &str) {
    let body = json!({
        "message": message,
        "documentation_url": documentation_url,
        "status": status.to_string(),
    });
    assert_eq!(answer.json(), body);
    assert_eq!(answer.status.as_u16(), status);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(answer.header("x-github-enterprise-version"), Some("3.19.0"));
    assert_eq!(
        answer.header("x-github-api-version-selected"),
        Some("2022-11-28")
    );
    assert_eq!(
        answer.header("vary"),
        Some("Accept-Encoding, X-Requested-With")
    );
    assert_eq!(
        (answer.header("etag"), answer.header("cache-control")),
        (None, None)
    );
}

async fn with_credential(credential: Option<&str>) -> Answer {
    let mut request = path_of(GITHUB_APP);
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await
}

async fn with_body(body: &str) -> Answer {
    send(
        &Emulator::default(),
        as_app().body(body.to_owned()).unwrap(),
    )
    .await
}

#[tokio::test]
async fn bad_or_missing_credentials_are_401() {
    let pair = basic(GITHUB_APP, SECRET);
    let credentials = [
        None,
        Some(basic(GITHUB_APP, "wrong")),
        Some(basic(GITHUB_APP, "")),
        Some(basic("unknown", SECRET)),
        Some(basic("octocat", "octocat")),
        Some(pair.replace("Basic", "Bearer")),
        Some(pair.replace("Basic ", "Basic")),
        Some("Basic %%%".to_owned()),
        // printf %s no-colon | base64
        Some("Basic bm8tY29sb24=".to_owned()),
        Some(format!("Bearer {TOKEN}")),
    ];
    for credential in credentials {
        let answer = with_credential(credential.as_deref()).await;
        assert_refused(&answer, 401, "Bad credentials", ROOT);
    }
}

#[tokio::test]
async fn path_of_another_app_is_404() {
    let request = path_of(OAUTH_APP).header("authorization", basic(GITHUB_APP, SECRET));
    let answer = send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await;
    assert_refused(&answer, 404, "Not Found", PAGE);
}

#[tokio::test]
async fn unknown_token_is_404() {
    let answer = check(&Emulator::default(), GITHUB_APP, "gho_unknown").await;
    assert_refused(&answer, 404, "Not Found", PAGE);
}

#[tokio::test]
async fn token_of_another_app_is_404() {
    let answer = check(&Emulator::default(), OAUTH_APP, TOKEN).await;
    assert_refused(&answer, 404, "Not Found", PAGE);
}

#[tokio::test]
async fn body_that_breaks_the_schema_is_422() {
    for (body, detail) in [
        ("{}", "\"access_token\" wasn't supplied."),
        (
            r#"{"access_token":""}"#,
            "\"access_token\" wasn't supplied.",
        ),
        (
            r#"{"access_token":null}"#,
            "For 'properties/access_token', nil is not a string.",
        ),
        (
            r#"{"access_token":1}"#,
            "For 'properties/access_token', 1 is not a string.",
        ),
        (
            r#"{"access_token":["a"]}"#,
            "For 'properties/access_token', [\"a\"] is not a string.",
        ),
        (
            r#"{"access_token":"a","scope":"b"}"#,
            "\"scope\" is not a permitted key.",
        ),
        (r#"{"token":"a"}"#, "\"token\" is not a permitted key."),
        ("", "For 'links/0/schema', nil is not an object."),
    ] {
        let answer = with_body(body).await;
        assert_refused(&answer, 422, &format!("Invalid request.\n\n{detail}"), PAGE);
    }
}

/// Also where the schema asks for no member.
#[tokio::test]
async fn an_empty_body_is_422_whatever_is_posted_put_or_patched() {
    let ghes = Emulator::default();
    let octocat = basic("octocat", "octocat");
    let app = basic(GITHUB_APP, SECRET);
    for (line, credential) in [
        ("POST /applications/Iv1.8a61f9b3a7aba766/token", &app),
        ("PATCH /applications/Iv1.8a61f9b3a7aba766/token", &app),
        ("POST /applications/Iv1.8a61f9b3a7aba766/token/scoped", &app),
        ("POST /authorizations", &octocat),
        ("PUT /authorizations/clients/abcde12345fghij67890", &octocat),
        (
            "PUT /authorizations/clients/abcde12345fghij67890/a",
            &octocat,
        ),
        ("PATCH /authorizations/1", &octocat),
    ] {
        let answer = call(&ghes, line, credential, Value::Null).await;
        assert_eq!(answer.status, 422, "{line}: {}", answer.text);
        let nil = "Invalid request.\n\nFor 'links/0/schema', nil is not an object.";
        assert_eq!(answer.message(), nil, "{line}");
    }
}

#[tokio::test]
async fn body_that_is_no_json_is_400() {
    for body in [
        "{",
        "access_token=x",
        r#"{"access_token":"a"} x"#,
        r#"{"access_token":}"#,
    ] {
        assert_refused(&with_body(body).await, 400, "Problems parsing JSON", PAGE);
    }
}

#[tokio::test]
async fn body_that_is_no_object_is_400() {
    for body in ["[]", "\"a\"", "1", "null", "true"] {
        assert_refused(
            &with_body(body).await,
            400,
            "Body should be a JSON object",
            PAGE,
        );
    }
}

#[tokio::test]
async fn body_above_one_mebibyte_is_413() {
    let fits = with_body(&" ".repeat(1024 * 1024)).await;
    assert_eq!(fits.status, StatusCode::BAD_REQUEST);
    let exceeds = with_body(&" ".repeat(1024 * 1024 + 1)).await;
    assert_refused(&exceeds, 413, "Payload Too Large", PAGE);
}

#[tokio::test]
async fn unsupported_api_version_is_400_with_a_string_of_errors() {
    for (release, asked, supported) in [
        ("3.19", "v3", r#""2022-11-28" (most recent)"#),
        ("3.20", "2026-03-10", r#""2022-11-28" (most recent)"#),
        (
            "3.21",
            "v3",
            r#""2026-03-10" (most recent) and "2022-11-28""#,
        ),
    ] {
        let request = as_app().header("x-github-api-version", asked);
        let answer = send(
            &version(release),
            request.body(access_token(TOKEN)).unwrap(),
        )
        .await;
        let errors = format!(
            "The version you specified in the \"X-GitHub-API-Version\" request header, \"{asked}\", is not a \
             supported version. The following versions are currently supported: {supported}.",
        );
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let body = json!({
            "message": "Bad Request",
            "errors": errors,
            "documentation_url": format!("https://docs.github.com/enterprise-server@{release}/rest"),
            "status": "400",
        });
        assert_eq!(answer.json(), body);
        assert_eq!(answer.header("x-github-api-version-selected"), None);
    }
}

#[tokio::test]
async fn bad_credential_wins_over_bad_api_version_which_wins_over_none() {
    let request = path_of(GITHUB_APP).header("x-github-api-version", "v3");
    let none = send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);

    let request = path_of(GITHUB_APP)
        .header("x-github-api-version", "v3")
        .header("authorization", "Basic eDp5");
    let bad = send(
        &Emulator::default(),
        request.body(access_token(TOKEN)).unwrap(),
    )
    .await;
    assert_eq!(bad.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn path_outside_the_api_is_406() {
    for path in ["/", "/applications/x/token", "/api/v30/user", "/api"] {
        let request = Request::post(path).body(String::new()).unwrap();
        let answer = send(&Emulator::default(), request).await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{path}");
        assert_eq!(
            (&*answer.text, answer.header("content-type")),
            ("", Some("text/html")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn unknown_path_or_method_of_the_api_is_404() {
    let ghes = Emulator::default();
    let token = format!("/api/v3/applications/{GITHUB_APP}/token");
    for (method, path) in [
        ("GET", &*token),
        ("PUT", &*token),
        ("POST", "/api/v3/nothing"),
        ("POST", "/api/v3"),
    ] {
        let request = as_app()
            .method(method)
            .uri(path)
            .body(access_token(TOKEN))
            .unwrap();
        assert_refused(&send(&ghes, request).await, 404, "Not Found", ROOT);
    }
    assert_eq!(ghes.calls(Operation::CheckToken), 0);
}

#[tokio::test]
async fn status_member_and_documentation_follow_the_release() {
    for (release, page, status) in [
        ("3.8", "reference/apps#check-a-token", None),
        ("3.9", "reference/apps#check-a-token", None),
        ("3.14", "apps/oauth-applications#check-a-token", None),
        ("3.15", "apps/oauth-applications#check-a-token", Some("404")),
        ("3.22", "apps/oauth-applications#check-a-token", Some("404")),
    ] {
        let body = check(&version(release), GITHUB_APP, "unknown").await.json();
        assert_eq!(
            body.get("status").and_then(|status| status.as_str()),
            status,
            "{release}"
        );
        let url = format!("https://docs.github.com/enterprise-server@{release}/rest/{page}");
        assert_eq!(body["documentation_url"], url);
    }
}
