//! `grants`: which apps may act for a user.

use ghes_gatekeeper::emulator::Operation;

use super::{GITHUB_APP, Ghes, OAUTH_APP, TOKEN, member};

#[tokio::test]
async fn grants_are_listed_shown_and_deleted() {
    let ghes = Ghes::start().await;
    let minted = ghes.emulator.mint(OAUTH_APP, "octocat", &["gist"], None);
    minted.expect("a token");
    let list = ghes.as_octocat("grants list --json").await.json();
    let apps = list.as_array().expect("an array").iter();
    let apps: Vec<_> = apps.map(|grant| &grant["app"]["client_id"]).collect();
    assert_eq!(apps, [GITHUB_APP, OAUTH_APP]);
    let id = &list[0]["id"];
    let table = ghes.as_octocat(&format!("grants get {id}")).await.good();
    assert_eq!(member(&table, "scopes"), "public_repo, user");
    let json = ghes
        .as_octocat(&format!("grants get {id} --json"))
        .await
        .json();
    assert_eq!(json, list[0]);
    let delete = format!("grants delete {id} --yes");
    let done = ghes.as_octocat(&delete).await.good();
    assert_eq!(done, "the grant and all of its tokens are deleted\n");
    assert!(!ghes.knows(TOKEN).await);
    ghes.as_octocat(&delete)
        .await
        .failed(1, &["404", "see list"]);
    let table = ghes.as_octocat("grants list --limit 1").await.good();
    assert!(table.starts_with("id  app "), "{table}");
    assert_eq!(table.lines().count(), 2, "{table}");
    assert_eq!(ghes.emulator.calls(Operation::DeleteGrant), 2);
}
