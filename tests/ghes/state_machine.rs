//! The client takes the emulated GHES through the life of tokens, grants and authorizations.
//!
//! Both were written from the same documents and share no type, so where they agree, neither has
//! misread them alone.

use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{
    ApiError, App, AuthorizationUpdate, AuthorizationsClient, GetOrCreate, GhesClient, IssuedToken,
    ListOptions, NewAuthorization, ScopeRequest, UserCredentials,
};
use ghes_gatekeeper::token::AccessToken;

const GITHUB_APP: &str = "Iv1.8a61f9b3a7aba766";
const OAUTH_APP: &str = "abcde12345fghij67890";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

fn apps(ghes: &Emulator, client_id: &str) -> GhesClient<Emulator> {
    let url = "http://localhost".parse().expect("a URL");
    let app = App::new(client_id, SECRET);
    GhesClient::new(&url, &app, ghes.clone()).expect("an app")
}

fn octocat(ghes: &Emulator) -> AuthorizationsClient<Emulator> {
    let url = "http://localhost".parse().expect("a URL");
    let credentials = UserCredentials::new("octocat", "octocat");
    AuthorizationsClient::new(&url, &credentials, ghes.clone()).expect("a client")
}

fn status<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> u16 {
    let error = outcome.expect_err("a refusal");
    error.status_code().expect("a reply").as_u16()
}

#[tokio::test]
async fn a_reset_keeps_the_authorization_and_kills_the_token() {
    let ghes = Emulator::default();
    let app = apps(&ghes, GITHUB_APP);
    let old = AccessToken::new("e72e16c7e42f292c6912e7710c838347ae178b4a");
    let before = app.check_token(&old).await.expect("a good token");
    let IssuedToken {
        authorization,
        token: new,
        ..
    } = app.reset_token(&old).await.expect("a new token");
    assert_eq!(authorization.id, before.id);
    assert_eq!(status(app.check_token(&old).await), 404);
    let after = app.check_token(&new).await.expect("a good token");
    assert_eq!(after.id, before.id);
    assert_eq!(after.scopes, before.scopes);

    app.delete_token(&new).await.expect("deleted");
    assert_eq!(status(app.delete_token(&new).await), 404);
    assert_eq!(status(app.check_token(&new).await), 404);
}

#[tokio::test]
async fn deleting_a_grant_kills_all_tokens_of_its_app_and_user_and_no_other() {
    let ghes = Emulator::default();
    let app = apps(&ghes, OAUTH_APP);
    let mint = |login: &str, scopes: &[&str]| {
        let token = ghes.mint(OAUTH_APP, login, scopes, None);
        AccessToken::new(token.expect("a token"))
    };
    let (one, two) = (mint("octocat", &["repo"]), mint("octocat", &["gist"]));
    let hubots = mint("hubot", &["repo"]);
    assert_eq!(status(apps(&ghes, GITHUB_APP).check_token(&one).await), 404);

    app.delete_authorization(&one).await.expect("deleted");
    for dead in [&one, &two] {
        assert_eq!(status(app.check_token(dead).await), 404);
    }
    assert!(app.check_token(&hubots).await.is_ok());
    assert_eq!(status(app.delete_authorization(&one).await), 404);
}

#[tokio::test]
async fn a_scoped_token_is_another_one() {
    let ghes = Emulator::default();
    let app = apps(&ghes, GITHUB_APP);
    let token = AccessToken::new("e72e16c7e42f292c6912e7710c838347ae178b4a");
    let request = ScopeRequest::for_target("octocat");
    let scoped = app.scope_token(&token, &request).await.expect("a token");
    assert!(scoped.authorization.installation.is_some());
    assert!(app.check_token(&scoped.token).await.is_ok());
    assert!(app.check_token(&token).await.is_ok());
}

#[tokio::test]
async fn a_user_makes_finds_changes_and_deletes_authorizations() {
    let ghes = Emulator::default();
    let client = octocat(&ghes);
    let wanted = NewAuthorization::new()
        .with_scopes(["repo"])
        .with_note("a test");
    let app = App::new(OAUTH_APP, SECRET);
    let made = client.create_authorization(Some(&app), &wanted).await;
    let made = made.expect("an authorization");
    let id = made.authorization.id;
    let checked = apps(&ghes, OAUTH_APP).check_token(&made.token).await;
    assert_eq!(checked.expect("a good token").id, id);

    let again = client
        .get_or_create_authorization_for_app(&app, &wanted)
        .await
        .expect("the same");
    assert!(matches!(again, GetOrCreate::Existing(found) if found.id == id));

    let update = AuthorizationUpdate::new().with_added_scopes(["gist"]);
    let updated = client.update_authorization(id, &update).await;
    assert_eq!(updated.expect("an authorization").scopes, ["repo", "gist"]);

    client.delete_authorization(id).await.expect("deleted");
    assert_eq!(status(client.authorization(id).await), 404);
    let dead = apps(&ghes, OAUTH_APP).check_token(&made.token).await;
    assert_eq!(status(dead), 404);
}

#[tokio::test]
async fn a_list_comes_whole_however_its_pages_are_cut() {
    let ghes = Emulator::default();
    let client = octocat(&ghes);
    for number in 0..7 {
        let note = format!("number {number}");
        let wanted = NewAuthorization::new().with_note(&note);
        let made = client.create_authorization(None, &wanted).await;
        made.expect("an authorization");
    }
    let mut sizes = Vec::new();
    let options = ListOptions::new().with_per_page(3);
    let mut pages = client.authorizations(&options);
    while let Some(page) = pages.next_page().await.expect("a page") {
        sizes.push(page.len());
    }
    // Seven, and the token of GitHub's documents.
    assert_eq!(sizes, [3, 3, 2]);
}

#[tokio::test]
async fn wrong_credentials_are_401() {
    let ghes = Emulator::default();
    let url = "http://localhost".parse().expect("a URL");
    let stranger = App::new(OAUTH_APP, "wrong");
    let app = GhesClient::new(&url, &stranger, ghes.clone()).expect("an app");
    assert_eq!(
        status(app.check_token(&AccessToken::new("gho_x")).await),
        401
    );

    let nobody = UserCredentials::new("octocat", "wrong");
    let client = AuthorizationsClient::new(&url, &nobody, ghes).expect("a client");
    assert_eq!(status(client.authorization(1).await), 401);
}
