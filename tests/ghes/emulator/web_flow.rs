//! The web flow: a user lets an app in.
use std::collections::HashMap;
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, OAUTH_APP, SECRET, call, check, send, world};

const CALLBACK: &str = "http://tool.test/callback";

/// Sends a form, and answers to JSON.
pub(crate) async fn post(ghes: &Emulator, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    let request = Request::post(path)
        .header("host", "ghes.test")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded");
    send(ghes, request.body(form.finish()).unwrap()).await
}

async fn authorize(ghes: &Emulator, client_id: &str, fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("state", "s t"),
    ];
    all.extend(fields);
    post(ghes, "/login/oauth/authorize", &all).await
}

const APPROVE: &[(&str, &str)] = &[
    ("login", "octocat"),
    ("password", "octocat"),
    ("decision", "authorize"),
];

/// Reads where the browser is sent.
fn sent_to(answer: &Answer) -> (String, HashMap<String, String>) {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text);
    let (place, query) = answer.header("location").unwrap().split_once('?').unwrap();
    let query = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    (place.to_owned(), query)
}

pub(crate) async fn code(ghes: &Emulator, client_id: &str, scope: &str) -> String {
    let fields: Vec<_> = APPROVE.iter().copied().chain([("scope", scope)]).collect();
    let (_, query) = sent_to(&authorize(ghes, client_id, &fields).await);
    query["code"].clone()
}

pub(crate) async fn redeem(ghes: &Emulator, client_id: &str, fields: &[(&str, &str)]) -> Value {
    let mut all = vec![("client_id", client_id), ("client_secret", SECRET)];
    all.extend(fields);
    let answer = post(ghes, "/login/oauth/access_token", &all).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

/// Who is signed in, and has let the app in, is sent back without a question.
#[tokio::test]
async fn a_browser_that_is_signed_in_is_asked_once() {
    let ghes = Emulator::default();
    let fields: Vec<_> = APPROVE
        .iter()
        .copied()
        .chain([("scope", "repo gist")])
        .collect();
    let approved = authorize(&ghes, OAUTH_APP, &fields).await;
    let (_, query) = sent_to(&approved);
    redeem(&ghes, OAUTH_APP, &[("code", &query["code"])]).await;
    let cookie = approved
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let show = async |client_id: &str, cookie: &str, more: &str| {
        let url = format!(
            "/login/oauth/authorize?client_id={client_id}&redirect_uri={CALLBACK}&state=s+t{more}"
        );
        let request = Request::get(url).header("cookie", cookie);
        send(&ghes, request.body(String::new()).unwrap()).await
    };
    for more in [
        "&scope=repo",
        "&scope=gist+repo",
        "",
        "&scope=repo&login=OctoCat",
    ] {
        let (_, query) = sent_to(&show(OAUTH_APP, &cookie, more).await);
        let token = redeem(&ghes, OAUTH_APP, &[("code", &query["code"])]).await;
        assert!(token["access_token"].is_string(), "{token}");
    }
    for (client_id, cookie, more) in [
        (OAUTH_APP, "", "&scope=repo"),
        (OAUTH_APP, "user_session=made-up", "&scope=repo"),
        (OAUTH_APP, &*cookie, "&scope=repo+user"),
        (OAUTH_APP, &*cookie, "&scope=repo&prompt=select_account"),
        (OAUTH_APP, &*cookie, "&scope=repo&login=hubot"),
    ] {
        let page = show(client_id, cookie, more).await;
        assert_eq!(page.status, StatusCode::OK, "{client_id} {more}");
    }
}

#[tokio::test]
async fn user_approves_and_the_app_gets_a_token() {
    let ghes = Emulator::default();
    let page = Request::get(format!(
        "/login/oauth/authorize?client_id={OAUTH_APP}&redirect_uri={CALLBACK}&state=s+t&scope=repo+gist&login=octocat"
    ));
    let page = send(&ghes, page.body(String::new()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "my oauth app asks for: repo gist",
        "name=\"state\" value=\"s t\"",
        "name=\"login\" value=\"octocat\"",
    ] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }

    let fields: Vec<_> = APPROVE
        .iter()
        .copied()
        .chain([("scope", "repo gist public_repo")])
        .collect();
    let (place, query) = sent_to(&authorize(&ghes, OAUTH_APP, &fields).await);
    assert_eq!((&*place, &*query["state"]), (CALLBACK, "s t"));
    let code = query["code"].as_str();
    assert!(code.len() == 20 && code.bytes().all(|byte| byte.is_ascii_hexdigit()));

    let fields = [("code", code), ("redirect_uri", CALLBACK)];
    let answer = redeem(&ghes, OAUTH_APP, &fields).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(
        answer,
        json!({ "access_token": token, "scope": "repo,gist", "token_type": "bearer" })
    );
    assert!(token.starts_with("gho_"));
    let checked = check(&ghes, OAUTH_APP, token).await.json();
    assert_eq!(
        (&checked["user"]["login"], &checked["scopes"]),
        (&json!("octocat"), &json!(["repo", "gist"]))
    );
    let user = call(&ghes, "GET /user", &format!("Bearer {token}"), Value::Null).await;
    assert_eq!(user.json()["login"], "octocat");
}

#[tokio::test]
async fn code_is_good_once_for_its_app_and_place() {
    let ghes = Emulator::default();
    let bad = |answer: &Value| {
        assert_eq!(answer["error"], "bad_verification_code");
        assert_eq!(
            answer["error_description"],
            "The code passed is incorrect or expired."
        );
    };
    let first = code(&ghes, OAUTH_APP, "repo").await;
    assert!(redeem(&ghes, OAUTH_APP, &[("code", &first)]).await["access_token"].is_string());
    bad(&redeem(&ghes, OAUTH_APP, &[("code", &first)]).await);
    let second = code(&ghes, OAUTH_APP, "repo").await;
    bad(&redeem(&ghes, GITHUB_APP, &[("code", &second)]).await);
    bad(&redeem(&ghes, OAUTH_APP, &[("code", "unknown")]).await);
    bad(&redeem(&ghes, OAUTH_APP, &[]).await);
    let third = code(&ghes, OAUTH_APP, "repo").await;
    let elsewhere = [
        ("code", third.as_str()),
        ("redirect_uri", "http://elsewhere.test/"),
    ];
    assert_eq!(
        redeem(&ghes, OAUTH_APP, &elsewhere).await["error"],
        "redirect_uri_mismatch"
    );
}

#[tokio::test(start_paused = true)]
async fn code_expires_after_ten_minutes() {
    let ghes = Emulator::default();
    let early = code(&ghes, OAUTH_APP, "").await;
    tokio::time::advance(Duration::from_secs(599)).await;
    assert!(redeem(&ghes, OAUTH_APP, &[("code", &early)]).await["access_token"].is_string());
    let late = code(&ghes, OAUTH_APP, "").await;
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(
        redeem(&ghes, OAUTH_APP, &[("code", &late)]).await["error"],
        "bad_verification_code"
    );
}

#[tokio::test]
async fn cancelling_tells_the_app() {
    let answer = authorize(&Emulator::default(), OAUTH_APP, &[("decision", "cancel")]).await;
    let (place, query) = sent_to(&answer);
    assert_eq!(place, CALLBACK);
    assert_eq!(query["error"], "access_denied");
    assert_eq!(
        query["error_description"],
        "The user has denied your application access."
    );
    assert!(query["error_uri"].ends_with("#access-denied"));
    assert_eq!(query["state"], "s t");
}

#[tokio::test]
async fn wrong_password_shows_the_page_again() {
    let ghes = world(|world| {
        world.replace(
            "password = \"octocat\"",
            "password = \"octocat\"\notp = \"123456\"",
        )
    });
    let approve = |password: &'static str, otp: &'static str| {
        [
            ("login", "octocat"),
            ("password", password),
            ("otp", otp),
            ("decision", "authorize"),
        ]
    };
    for (fields, problem) in [
        (
            approve("wrong", "123456"),
            "Incorrect username or password.",
        ),
        (approve("octocat", ""), "Two-factor authentication failed."),
    ] {
        let answer = authorize(&ghes, OAUTH_APP, &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains(problem), "{}", answer.text);
    }
    sent_to(&authorize(&ghes, OAUTH_APP, &approve("octocat", "123456")).await);
}

#[tokio::test]
async fn callback_url_bounds_where_the_flow_leads() {
    let ghes = world(|world| {
        world.replace(
            "name = \"my oauth app\"",
            "name = \"my oauth app\"\ncallback_url = \"http://tool.test/callback\"",
        )
    });
    for place in ["http://evil.test/callback", "http://tool.test/other"] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect_uri", place)
            .finish();
        let request = Request::get(format!(
            "/login/oauth/authorize?client_id={OAUTH_APP}&{query}"
        ));
        let (sent, query) = sent_to(&send(&ghes, request.body(String::new()).unwrap()).await);
        assert_eq!(
            (&*sent, &*query["error"]),
            (CALLBACK, "redirect_uri_mismatch")
        );
        let mut fields = vec![("client_id", OAUTH_APP), ("redirect_uri", place)];
        fields.extend(APPROVE);
        let (_, query) = sent_to(&post(&ghes, "/login/oauth/authorize", &fields).await);
        assert_eq!(query["error"], "redirect_uri_mismatch");
    }
    let mut fields = vec![
        ("client_id", OAUTH_APP),
        ("redirect_uri", "http://tool.test/callback/deep?x=1"),
    ];
    fields.extend(APPROVE);
    let answer = post(&ghes, "/login/oauth/authorize", &fields).await;
    assert!(
        answer
            .header("location")
            .unwrap()
            .starts_with("http://tool.test/callback/deep?x=1&code=")
    );
}

#[tokio::test]
async fn pages_escape_what_they_are_given() {
    let state = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let request = Request::get(format!(
        "/login/oauth/authorize?client_id={OAUTH_APP}&state={state}&scope={state}"
    ));
    let page = send(&Emulator::default(), request.body(String::new()).unwrap()).await;
    assert!(
        page.text.contains("&quot;&gt;&lt;script&gt;") && !page.text.contains("<script"),
        "{}",
        page.text
    );
    assert_eq!(
        page.header("content-security-policy"),
        Some("default-src 'none'; frame-ancestors 'none'")
    );
}

#[tokio::test]
async fn who_asks_for_nothing_gets_what_was_granted_before() {
    let ghes = Emulator::default();
    let first = code(&ghes, OAUTH_APP, "repo gist").await;
    redeem(&ghes, OAUTH_APP, &[("code", &first)]).await;
    let second = code(&ghes, OAUTH_APP, "").await;
    let answer = redeem(&ghes, OAUTH_APP, &[("code", &second)]).await;
    assert_eq!(answer["scope"], "repo,gist");
}

#[tokio::test]
async fn refusals_have_status_200_but_for_an_unknown_app() {
    let ghes = Emulator::default();
    let wrong = [
        ("client_id", OAUTH_APP),
        ("client_secret", "wrong"),
        ("code", "x"),
    ];
    let answer = post(&ghes, "/login/oauth/access_token", &wrong).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (StatusCode::OK, &json!("incorrect_client_credentials"))
    );
    let description = "The client_id and/or client_secret passed are incorrect.";
    assert_eq!(answer.json()["error_description"], description);
    assert!(
        answer.json()["error_uri"]
            .as_str()
            .unwrap()
            .ends_with("#incorrect-client-credentials")
    );
    let grant = redeem(&ghes, OAUTH_APP, &[("grant_type", "password")]).await;
    assert_eq!(grant["error"], "unsupported_grant_type");
    let unknown = post(
        &ghes,
        "/login/oauth/access_token",
        &[("client_id", "unknown")],
    )
    .await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (StatusCode::NOT_FOUND, json!({ "error": "Not Found" }))
    );
    for path in [
        "/login/oauth/authorize?client_id=unknown",
        "/login/nothing",
        "/login",
    ] {
        let request = Request::get(path).body(String::new()).unwrap();
        assert_eq!(
            send(&ghes, request).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let broken = Request::post("/login/oauth/access_token")
        .body("{".to_owned())
        .unwrap();
    assert_eq!(send(&ghes, broken).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn answer_comes_as_form_json_or_xml_and_the_request_as_form_or_json() {
    let ghes = Emulator::default();
    for (accept, content_type, start) in [
        (
            None,
            "application/x-www-form-urlencoded; charset=utf-8",
            "access_token=gho_",
        ),
        (
            Some("*/*"),
            "application/x-www-form-urlencoded; charset=utf-8",
            "access_token=gho_",
        ),
        (
            Some("application/json"),
            "application/json; charset=utf-8",
            "{\"access_token\":\"gho_",
        ),
        (
            Some("application/vnd.github+json"),
            "application/json; charset=utf-8",
            "{\"access_token\":\"gho_",
        ),
        (
            Some("application/xml"),
            "application/xml; charset=utf-8",
            "<OAuth>\n  <access_token>gho_",
        ),
    ] {
        let code = code(&ghes, OAUTH_APP, "repo gist").await;
        let body = json!({ "client_id": OAUTH_APP, "client_secret": SECRET, "code": code });
        let mut request = Request::post("/login/oauth/access_token");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        let answer = send(&ghes, request.body(body.to_string()).unwrap()).await;
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert!(answer.text.starts_with(start), "{}", answer.text);
        if accept.is_none() {
            assert!(
                answer
                    .text
                    .ends_with("&token_type=bearer&scope=repo%2Cgist"),
                "{}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn odd_scopes_and_places_break_no_answer() {
    let ghes = Emulator::default();
    let code = code(&ghes, OAUTH_APP, "<&>").await;
    let body = json!({ "client_id": OAUTH_APP, "client_secret": SECRET, "code": code });
    let request = Request::post("/login/oauth/access_token").header("accept", "application/xml");
    let answer = send(&ghes, request.body(body.to_string()).unwrap()).await;
    assert!(
        answer.text.contains("<scope>&lt;&amp;&gt;</scope>"),
        "{}",
        answer.text
    );
    for place in [
        "http://tool.test/\u{fc}",
        "http://tool.test/\r\nx: y",
        "javascript:alert(1)",
    ] {
        let fields = [
            ("client_id", OAUTH_APP),
            ("redirect_uri", place),
            ("decision", "cancel"),
        ];
        let (sent, query) = sent_to(&post(&ghes, "/login/oauth/authorize", &fields).await);
        assert_eq!(
            (&*sent, &*query["error"]),
            ("http://my-oauth-app.com", "redirect_uri_mismatch")
        );
    }
}
