//! `authorizations`: what a user does by password.

use ghes_gatekeeper::emulator::{Operation, World};
use serde_json::{Value, json};

use super::{Done, GITHUB_APP, Ghes, OAUTH_APP, SECRET, member, run};

fn ids(list: &Value) -> Vec<u64> {
    let items = list.as_array().expect("an array").iter();
    items
        .map(|item| item["id"].as_u64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn an_authorization_lives_from_create_to_delete() {
    let ghes = Ghes::start().await;
    let create = "authorizations create --scope gist --note gists --note-url http://a.test/";
    let made = ghes.as_octocat(&format!("{create} --json")).await.json();
    assert_eq!(made["note"], "gists");
    assert!(made["token"].as_str().expect("a token").starts_with("ghp_"));
    let id = made["id"].as_u64().expect("an id");
    let shown = ghes
        .as_octocat(&format!("authorizations get {id}"))
        .await
        .good();
    assert_eq!(member(&shown, "note_url"), "http://a.test/");
    assert!(!shown.contains("\ntoken "), "{shown}");
    let change = "--add-scope repo --remove-scope gist --note repos --fingerprint f";
    let update = format!("authorizations update {id}");
    let changed = ghes.as_octocat(&format!("{update} {change} --json")).await;
    let changed = changed.json();
    assert_eq!(changed["scopes"], json!(["repo"]));
    assert_eq!(
        (&changed["note"], &changed["fingerprint"]),
        (&json!("repos"), &json!("f"))
    );
    let replaced = ghes.as_octocat(&format!("{update} --scope user")).await;
    assert_eq!(member(&replaced.good(), "scopes"), "user");
    let delete = format!("authorizations delete {id} --yes");
    let done = ghes.as_octocat(&delete).await.good();
    assert_eq!(done, "the authorization and its token are deleted\n");
    let again = ghes.as_octocat(&delete).await;
    again.failed(1, &["404", "octocat has none with this id", "see list"]);
}

#[tokio::test]
async fn a_token_for_an_app_needs_the_app_in_the_configuration() {
    let ghes = Ghes::start().await;
    let create = "authorizations create --client-id";
    let unknown = ghes.as_octocat(&format!("{create} {OAUTH_APP}")).await;
    unknown.failed(2, &["--client-id: ghes.apps has no such app", GITHUB_APP]);
    let mut command = ghes.command(&format!("{create} {OAUTH_APP} --user octocat --json"));
    command
        .env("GHES_GATEKEEPER_GHES__APPS__1__CLIENT_ID", OAUTH_APP)
        .env("GHES_GATEKEEPER_GHES__APPS__1__CLIENT_SECRET", SECRET);
    let made = run(command, "octocat").await.json();
    assert_eq!(made["app"]["client_id"], OAUTH_APP);
}

/// GHES does this for OAuth apps only.
async fn get_or_create(ghes: &Ghes, arguments: &str) -> Done {
    let line = format!("authorizations get-or-create --user octocat {arguments}");
    let mut command = ghes.command(&line);
    command.env("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID", OAUTH_APP);
    run(command, "octocat").await
}

#[tokio::test]
async fn what_exists_is_got_without_its_token() {
    let ghes = Ghes::start().await;
    for (arguments, operation) in [
        (
            "--fingerprint laptop --scope gist",
            Operation::GetOrCreateAuthorizationByFingerprint,
        ),
        ("--scope user", Operation::GetOrCreateAuthorization),
    ] {
        let as_json = format!("{arguments} --json");
        let made = get_or_create(&ghes, &as_json).await.json();
        let found = get_or_create(&ghes, &as_json).await.json();
        assert_ne!(made["token"], "");
        assert_eq!((&found["token"], &found["id"]), (&json!(""), &made["id"]));
        let table = get_or_create(&ghes, arguments).await.good();
        assert_eq!(member(&table, "id"), made["id"].to_string());
        assert!(!table.contains("\ntoken "), "{table}");
        assert_eq!(ghes.emulator.calls(operation), 3);
    }
    let nowhere = get_or_create(&ghes, "--fingerprint ..").await;
    assert_eq!(nowhere.code, 2);
}

#[tokio::test]
async fn a_list_has_all_pages_or_as_much_as_is_wanted() {
    let ghes = Ghes::start().await;
    for _ in 0..8 {
        for scope in 0..15 {
            let scope = format!("s{scope}");
            let minted = ghes.emulator.mint(OAUTH_APP, "octocat", &[&scope], None);
            minted.expect("a token");
        }
    }
    let all = ghes.as_octocat("authorizations list --json").await.json();
    assert_eq!(ids(&all), (1..=121).collect::<Vec<_>>());
    assert_eq!(ghes.emulator.calls(Operation::ListAuthorizations), 2);
    let some = ghes
        .as_octocat("authorizations list --json --limit 3")
        .await
        .json();
    assert_eq!(ids(&some), [1, 2, 3]);
    assert_eq!(ghes.emulator.calls(Operation::ListAuthorizations), 3);
    let more = ghes
        .as_octocat("authorizations list --json --limit 110")
        .await
        .json();
    assert_eq!(ids(&more).len(), 110);
    let one_app = format!("authorizations list --client-id {GITHUB_APP}");
    let table = ghes.as_octocat(&one_app).await.good();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("id  app "), "{table}");
    assert!(lines[1].starts_with("1   my github app (Iv1."), "{table}");
    assert!(lines.len() == 2 && table.is_ascii(), "{table}");
}

#[tokio::test]
async fn a_one_time_password_may_be_given() {
    let user = "[[users]]\nlogin = \"octocat\"\nid = 1\npassword = \"octocat\"\notp = \"123456\"";
    let ghes = Ghes::with(World::from_toml(user).expect("a world")).await;
    let list = ghes
        .as_octocat("authorizations list --json --otp 123456")
        .await;
    assert_eq!(list.json(), json!([]));
}

#[tokio::test]
async fn what_ghes_finds_wrong_is_told() {
    let ghes = Ghes::start().await;
    let nameless = ghes.as_octocat("authorizations create --scope gist").await;
    nameless.failed(
        1,
        &[
            "no token is made",
            "422",
            "Validation Failed [",
            "description missing_field",
        ],
    );
    let nothing = ghes.as_octocat("authorizations update 1").await;
    assert_eq!(nothing.code, 2, "{}", nothing.err);
    let both = ghes
        .as_octocat("authorizations update 1 --scope a --add-scope b")
        .await;
    assert_eq!(both.code, 2, "{}", both.err);
}
