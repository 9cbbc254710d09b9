//! `token` and `grant`: what an app does to a token.

use ghes_gatekeeper::emulator::Operation;
use serde_json::json;

use super::{GITHUB_APP, Ghes, TOKEN, member};

#[tokio::test]
async fn a_token_is_shown_without_itself() {
    let ghes = Ghes::start().await;
    let table = ghes.run("token check", TOKEN).await.good();
    assert_eq!(
        member(&table, "app"),
        "my github app (Iv1.8a61f9b3a7aba766)"
    );
    assert_eq!(member(&table, "user"), "octocat");
    assert_eq!(member(&table, "scopes"), "public_repo, user");
    assert_eq!(member(&table, "token_last_eight"), "ae178b4a");
    assert!(
        !table.contains(TOKEN) && !table.contains("\ntoken "),
        "{table}"
    );
    let json = ghes.run("token check --json", TOKEN).await.json();
    assert_eq!(json["app"]["client_id"], GITHUB_APP);
    assert_eq!(json["user"]["login"], "octocat");
    assert_eq!(json["scopes"], json!(["public_repo", "user"]));
    assert_eq!(json["token"], "");
}

#[tokio::test]
async fn a_reset_prints_the_new_token_and_kills_the_old_one() {
    let ghes = Ghes::start().await;
    let first = ghes.run("token reset --yes", TOKEN).await.good();
    let first = member(&first, "token").to_owned();
    assert_ne!(first, TOKEN);
    assert!(!ghes.knows(TOKEN).await);
    let second = ghes.run("token reset -y --json", &first).await.json();
    assert_eq!(second["id"], 1);
    let token = second["token"].as_str().expect("a token");
    assert!(ghes.knows(token).await && !ghes.knows(&first).await);
    ghes.run("token reset --yes", TOKEN).await.failed(
        1,
        &[
            "the token is not reset",
            "404",
            "Not Found",
            "revoked",
            "https://docs.github.com/",
        ],
    );
}

#[tokio::test]
async fn a_second_delete_finds_nothing() {
    let ghes = Ghes::start().await;
    let done = ghes.run("token delete --yes", TOKEN).await.good();
    assert_eq!(done, "the token is deleted\n");
    let again = ghes.run("token delete --yes", TOKEN).await;
    again.failed(
        1,
        &[
            "the token is not deleted",
            "404",
            "revoked or another app's",
        ],
    );
}

#[tokio::test]
async fn deleting_a_grant_deletes_all_tokens_of_the_user_and_no_others() {
    let ghes = Ghes::start().await;
    let mint = |user| {
        ghes.emulator
            .mint(GITHUB_APP, user, &[], None)
            .expect("a token")
    };
    let (other, hubots) = (mint("octocat"), mint("hubot"));
    let done = ghes.run("grant delete --yes", TOKEN).await.good();
    assert_eq!(done, "the grant and all of its tokens are deleted\n");
    assert!(!ghes.knows(TOKEN).await && !ghes.knows(&other).await);
    assert!(ghes.knows(&hubots).await);
    let again = ghes.run("grant delete --yes", &other).await;
    again.failed(1, &["the grant is not deleted", "404"]);
}

#[tokio::test]
async fn a_narrowed_token_is_made_beside_the_given_one() {
    let ghes = Ghes::start().await;
    let line = "token scope --target octo-org --repository rails --permission contents=read";
    let json = ghes.run(&format!("{line} --json"), TOKEN).await.json();
    let narrowed = &json["installation"];
    assert_eq!(narrowed["account"]["login"], "octo-org");
    assert_eq!(narrowed["repository_selection"], "selected");
    assert_eq!(narrowed["permissions"], json!({ "contents": "read" }));
    let token = json["token"].as_str().expect("a token");
    assert!(ghes.knows(token).await && ghes.knows(TOKEN).await);
    let by_id = "token scope --target-id 1 --repository-id 1";
    let table = ghes.run(by_id, TOKEN).await.good();
    assert!(member(&table, "token").starts_with("ghu_"), "{table}");
    for wrong in [
        "token scope",
        "token scope --target a --permission contents",
    ] {
        assert_eq!(ghes.run(wrong, TOKEN).await.code, 2);
    }
    assert_eq!(ghes.emulator.calls(Operation::ScopeToken), 2);
}
