//! A person that is looked up by login.

use super::{Stub, json};

/// As the documents show it, as far as it is read.
const OCTOCAT: &str = r#"{"login":"octocat","id":1,"node_id":"MDQ6VXNlcjE=","type":"User","site_admin":false,"name":"monalisa octocat","followers":20}"#;

#[tokio::test]
async fn a_login_is_asked_about_as_the_app() {
    for login in ["octocat", "OctoCat"] {
        let stub = Stub::new([json(200, OCTOCAT)]);
        let user = stub.client().get_user(login).await.expect("a user");
        assert_eq!((&*user.login, user.id), ("octocat", 1));
        let wire = stub.wire();
        let begin = format!("GET https://ghes.example.com/api/v3/users/{login}\n");
        assert!(wire.starts_with(&begin), "{wire}");
        assert!(wire.contains("\nauthorization: Basic "), "{wire}");
    }
}

#[tokio::test]
async fn a_login_stays_in_its_part_of_the_path() {
    for (login, path) in [
        ("deploy[bot]", "deploy%5Bbot%5D"),
        ("../user", "..%2Fuser"),
        ("a?b#c", "a%3Fb%23c"),
    ] {
        let stub = Stub::new([json(200, OCTOCAT)]);
        assert!(stub.client().get_user(login).await.is_err());
        let wire = stub.wire();
        assert!(wire.contains(&format!("/api/v3/users/{path}\n")), "{wire}");
    }
}

/// Its id would purge the wrong person.
#[tokio::test]
async fn a_reply_about_another_user_is_an_error() {
    let stub = Stub::new([json(200, OCTOCAT)]);
    let error = stub.client().get_user("hubot").await.unwrap_err();
    let chain = format!(
        "{error}: {:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    );
    assert!(chain.contains("it is about another user"), "{chain}");
}

#[tokio::test]
async fn the_status_of_an_error_is_kept() {
    let missing = r#"{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}"#;
    for status in [404, 401, 500] {
        let stub = Stub::new([json(status, missing)]);
        let error = stub.client().get_user("nobody").await.unwrap_err();
        let said = error.status_code().map(|status| status.as_u16());
        assert_eq!(said, Some(status));
    }
}
