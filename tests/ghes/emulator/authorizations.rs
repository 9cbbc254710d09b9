//! The legacy Authorizations API, as its user calls it.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer, GITHUB_APP, OAUTH_APP, SECRET, TOKEN, basic, by_octocat, call, check, version,
};

const LIST: &str = "GET /authorizations";
const CREATE: &str = "POST /authorizations";
const RELEASES: &[&str] = &["3.8", "3.9", "3.10", "3.15", "3.19", "3.22"];

async fn ensure(ghes: &Emulator, end: &str, body: Value) -> Answer {
    by_octocat(
        ghes,
        &format!("PUT /authorizations/clients/{OAUTH_APP}{end}"),
        body,
    )
    .await
}

fn personal(note: &str) -> Value {
    json!({ "note": note, "scopes": ["repo"] })
}

fn of_app() -> Value {
    json!({ "client_id": OAUTH_APP, "client_secret": SECRET, "scopes": ["repo"] })
}

#[tokio::test]
async fn new_authorization_is_201_with_its_location_and_its_token() {
    for release in RELEASES {
        let ghes = version(release);
        let answer = by_octocat(&ghes, CREATE, of_app()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let body = answer.json();
        assert_eq!(answer.header("location"), body["url"].as_str());
        assert_eq!(body["url"], "http://ghes.test/api/v3/authorizations/2");
        let token = body["token"].as_str().unwrap();
        assert!(token.starts_with("gho_"));
        assert_eq!(body["token_last_eight"], token[32..]);
        assert_eq!(body.get("user"), None);
        assert_eq!(
            check(&ghes, OAUTH_APP, token).await.json()["hashed_token"],
            body["hashed_token"]
        );
    }
}

#[tokio::test]
async fn without_an_app_it_is_a_personal_access_token() {
    let ghes = Emulator::default();
    let body = by_octocat(&ghes, CREATE, personal("cli")).await.json();
    assert!(body["token"].as_str().unwrap().starts_with("ghp_"));
    assert_eq!(body["app"]["client_id"], "00000000000000000000");
    assert_eq!(
        (&body["app"]["name"], &body["note"]),
        (&json!("cli"), &json!("cli"))
    );
    let grants = by_octocat(&ghes, "GET /applications/grants", Value::Null)
        .await
        .json();
    assert_eq!(
        grants.as_array().unwrap().len(),
        1,
        "a personal token is no grant"
    );
}

#[tokio::test]
async fn an_empty_client_id_and_secret_are_none() {
    let ghes = Emulator::default();
    let mut order = personal("cli");
    (order["client_id"], order["client_secret"]) = (json!(""), json!(""));
    let body = by_octocat(&ghes, CREATE, order.clone()).await.json();
    assert_eq!(body["app"]["client_id"], "00000000000000000000", "{body}");

    order["client_secret"] = json!(SECRET);
    let half = by_octocat(&ghes, CREATE, order).await;
    assert_eq!(half.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn note_of_a_personal_token_is_needed_and_unique() {
    let ghes = Emulator::default();
    let invalid =
        |code: &str| json!([{ "resource": "OauthAccess", "code": code, "field": "description" }]);
    for body in [json!({}), json!({ "note": "" })] {
        let answer = by_octocat(&ghes, CREATE, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.message(), "Validation Failed");
        assert_eq!(answer.json()["errors"], invalid("missing_field"));
    }
    for status in [StatusCode::CREATED, StatusCode::UNPROCESSABLE_ENTITY] {
        assert_eq!(
            by_octocat(&ghes, CREATE, personal("a")).await.status,
            status
        );
    }
    let other = by_octocat(&ghes, CREATE, personal("b")).await.json();
    let line = format!("PATCH /authorizations/{}", other["id"]);
    let taken = by_octocat(&ghes, &line, json!({ "note": "a" })).await;
    assert_eq!(taken.json()["errors"], invalid("already_exists"));
    let own = by_octocat(&ghes, &line, json!({ "note": "b" })).await;
    assert_eq!(own.status, StatusCode::OK);
    let hubot = call(&ghes, CREATE, &basic("hubot", "hubot"), personal("a")).await;
    assert_eq!(hubot.status, StatusCode::CREATED);
}

#[tokio::test]
async fn pair_in_the_body_must_be_an_oauth_apps() {
    let ghes = Emulator::default();
    for body in [
        json!({ "client_id": OAUTH_APP }),
        json!({ "client_id": OAUTH_APP, "client_secret": "wrong" }),
        json!({ "client_id": "unknown", "client_secret": SECRET }),
        json!({ "client_id": GITHUB_APP, "client_secret": SECRET }),
        json!({ "client_secret": SECRET }),
    ] {
        let answer = by_octocat(&ghes, CREATE, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.message(), "Invalid Application client_id or secret.");
    }
    let wrong = ensure(&ghes, "", json!({ "client_secret": "wrong" })).await;
    assert_eq!(wrong.message(), "Invalid Application client_id or secret.");
}

#[tokio::test]
async fn bodies_that_break_the_schema_are_422_and_those_that_are_none_400() {
    let ghes = Emulator::default();
    for (line, body, detail) in [
        (
            CREATE,
            json!({ "scopes": "repo" }),
            "For 'properties/scopes', \"repo\" is not an array.",
        ),
        (
            CREATE,
            json!({ "scopes": [1] }),
            "For 'properties/scopes/0', 1 is not a string.",
        ),
        (
            CREATE,
            json!({ "note": null }),
            "For 'properties/note', nil is not a string.",
        ),
        (CREATE, json!({ "x": 1 }), "\"x\" is not a permitted key."),
        (
            "PUT /authorizations/clients/x",
            json!({}),
            "\"client_secret\" wasn't supplied.",
        ),
        (
            "PUT /authorizations/clients/x/y",
            json!({ "client_secret": "a", "fingerprint": "z" }),
            "\"fingerprint\" is not a permitted key.",
        ),
        (
            "PATCH /authorizations/1",
            json!({ "scopes": [], "add_scopes": [] }),
            "You can only send one of these scope keys at a time.",
        ),
    ] {
        let answer = by_octocat(&ghes, line, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.message(), format!("Invalid request.\n\n{detail}"));
    }
    let no_object = by_octocat(&ghes, CREATE, json!([])).await;
    assert_eq!(
        (no_object.status, no_object.message()),
        (
            StatusCode::BAD_REQUEST,
            "Body should be a JSON object".to_owned()
        )
    );
}

#[tokio::test]
async fn token_is_shown_once() {
    let ghes = Emulator::default();
    by_octocat(&ghes, CREATE, personal("a")).await;
    let list = by_octocat(&ghes, LIST, Value::Null).await.json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    for one in list.as_array().unwrap() {
        assert_eq!(one["token"], "");
        assert_eq!(one["hashed_token"].as_str().unwrap().len(), 64);
        assert_eq!(one["token_last_eight"].as_str().unwrap().len(), 8);
    }
    let line = format!("GET /authorizations/{}", list[1]["id"]);
    assert_eq!(by_octocat(&ghes, &line, Value::Null).await.json(), list[1]);
    let only = format!("{LIST}?client_id={GITHUB_APP}");
    let only = by_octocat(&ghes, &only, Value::Null).await.json();
    assert_eq!(only, json!([list[0]]));
}

#[tokio::test]
async fn get_or_create_is_201_and_then_200_without_the_token() {
    for release in RELEASES {
        let ghes = version(release);
        let body = json!({ "client_secret": SECRET, "scopes": ["repo"], "note": "optional note" });
        let first = ensure(&ghes, "", body.clone()).await;
        assert_eq!(first.status, StatusCode::CREATED);
        assert_eq!(
            first.header("location"),
            Some("http://ghes.test/api/v3/authorizations/2")
        );
        let second = ensure(&ghes, "", body.clone()).await;
        assert_eq!(
            (second.status, second.header("location")),
            (StatusCode::OK, None)
        );
        assert_eq!(second.json()["id"], first.json()["id"]);
        assert_eq!(second.json()["token"], "");
        assert_eq!(second.json()["hashed_token"], first.json()["hashed_token"]);

        let by_path = ensure(&ghes, "/laptop", json!({ "client_secret": SECRET })).await;
        assert_eq!(by_path.status, StatusCode::CREATED);
        assert_eq!(by_path.json()["fingerprint"], "laptop");
        let by_body = json!({ "client_secret": SECRET, "fingerprint": "laptop" });
        let same = ensure(&ghes, "", by_body).await;
        assert_eq!(
            (same.status, &same.json()["id"]),
            (StatusCode::OK, &by_path.json()["id"])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn update_changes_what_it_names() {
    let ghes = Emulator::default();
    let before = by_octocat(&ghes, "GET /authorizations/1", Value::Null)
        .await
        .json();
    tokio::time::advance(Duration::from_secs(1)).await;
    // The example of GitHub's documents, which sends two of the scope keys.
    let change =
        json!({ "add_scopes": ["repo"], "remove_scopes": ["user"], "note": "optional note" });
    let after = by_octocat(&ghes, "PATCH /authorizations/1", change).await;
    assert_eq!(after.status, StatusCode::OK);
    let after = after.json();
    assert_eq!(after["scopes"], json!(["repo"]), "repo implies public_repo");
    assert_eq!(after["note"], "optional note");
    for member in [
        "id",
        "token",
        "hashed_token",
        "created_at",
        "fingerprint",
        "note_url",
    ] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_ne!(after["updated_at"], before["updated_at"]);
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.json()["scopes"],
        json!(["repo"])
    );

    let change = json!({ "scopes": ["user:email", "user"], "note_url": "http://n.test", "fingerprint": "f" });
    let again = by_octocat(&ghes, "PATCH /authorizations/1", change)
        .await
        .json();
    assert_eq!(again["scopes"], json!(["user"]));
    assert_eq!(
        (&again["note_url"], &again["fingerprint"]),
        (&json!("http://n.test"), &json!("f"))
    );
    let none = by_octocat(&ghes, "PATCH /authorizations/1", json!({ "scopes": null }))
        .await
        .json();
    assert_eq!(none["scopes"], json!([]));
}

#[tokio::test]
async fn delete_is_204_and_then_404() {
    let ghes = Emulator::default();
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        assert_eq!(
            by_octocat(&ghes, "DELETE /authorizations/1", Value::Null)
                .await
                .status,
            status
        );
    }
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn anothers_authorization_is_404() {
    let ghes = Emulator::default();
    let hubot = basic("hubot", "hubot");
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({})),
        ("DELETE", Value::Null),
    ] {
        for id in ["1", "99", "x"] {
            let answer = call(
                &ghes,
                &format!("{method} /authorizations/{id}"),
                &hubot,
                body.clone(),
            )
            .await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {id}");
        }
    }
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn expired_tokens_are_not_listed() {
    let ghes = Emulator::default();
    ghes.mint(
        OAUTH_APP,
        "octocat",
        &["repo"],
        Some(Duration::from_secs(1)),
    )
    .unwrap();
    let count = async || {
        by_octocat(&ghes, LIST, Value::Null)
            .await
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count().await, 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(count().await, 1);
}
