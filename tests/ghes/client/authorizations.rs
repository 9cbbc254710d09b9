//! The OAuth authorizations API: what each call sends, and what it makes of the answers.

use ghes_gatekeeper::ghes::{
    ApiError, App, AuthorizationUpdate, AuthorizationsClient, AuthorizationsSetupError,
    GetOrCreate, GhesUrl, ListOptions, NewAuthorization, OtpDelivery, UserCredentials,
};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::{PASSWORD, SECRET, Stub, json, live, no_content, shown};

/// What every request has in common; `printf 'octocat:correct horse battery staple' | base64`.
const HEADERS: &str = concat!(
    "accept-encoding: identity\n",
    "accept: application/vnd.github+json\n",
    "authorization: Basic b2N0b2NhdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl\n",
);
const USER_AGENT: &str = concat!(
    "user-agent: ghes-gatekeeper/",
    env!("CARGO_PKG_VERSION"),
    "\n\n"
);

fn request(method: &str, path: &str) -> String {
    format!("{method} https://ghes.example.com/api/v3{path}\n{HEADERS}{USER_AGENT}")
}

fn request_with(method: &str, path: &str, body: &str) -> String {
    let json = "content-type: application/json\n";
    format!("{method} https://ghes.example.com/api/v3{path}\n{HEADERS}{json}{USER_AGENT}{body}")
}

fn app() -> App {
    App::new("abcde12345fghij67890", SECRET)
}

fn new() -> NewAuthorization {
    NewAuthorization::new()
        .with_scopes(["public_repo"])
        .with_note("optional note")
}

async fn get_or_create(client: &AuthorizationsClient<Stub>) -> Result<GetOrCreate, ApiError> {
    client
        .get_or_create_authorization_for_app(&app(), &new())
        .await
}

const NEW: &str = r#""scopes":["public_repo"],"note":"optional note""#;

#[tokio::test]
async fn reading_and_deleting_send_no_body() {
    let stub = Stub::documented();
    let client = stub.authorizations();
    client.grant(17).await.expect("a grant");
    assert_eq!(stub.wire(), request("GET", "/applications/grants/17"));
    client.authorization(17).await.expect("an authorization");
    assert_eq!(stub.wire(), request("GET", "/authorizations/17"));

    let stub = Stub::new([no_content()]);
    let client = stub.authorizations();
    client.delete_grant(17).await.expect("204");
    assert_eq!(stub.wire(), request("DELETE", "/applications/grants/17"));
    client.delete_authorization(17).await.expect("204");
    assert_eq!(stub.wire(), request("DELETE", "/authorizations/17"));
}

#[tokio::test]
async fn a_list_is_asked_for_with_its_options() {
    let stub = Stub::new([json(200, "[]")]);
    let client = stub.authorizations();
    for (options, query) in [
        (ListOptions::new(), ""),
        (ListOptions::new().with_per_page(100), "?per_page=100"),
        (
            ListOptions::new()
                .with_client_id("a&b=ü/..")
                .with_per_page(1),
            "?client_id=a%26b%3D%C3%BC%2F..&per_page=1",
        ),
    ] {
        let grants = client.grants(&options).next_page().await;
        assert_eq!(grants.expect("a page").expect("a page").len(), 0);
        let path = format!("/applications/grants{query}");
        assert_eq!(stub.wire(), request("GET", &path));
        let authorizations = client.authorizations(&options).next_page().await;
        assert_eq!(authorizations.expect("a page").expect("a page").len(), 0);
        let path = format!("/authorizations{query}");
        assert_eq!(stub.wire(), request("GET", &path));
    }
}

#[tokio::test]
async fn create_sends_what_is_asked_for_and_brings_the_token() {
    let stub = Stub::new([json(201, live())]);
    let client = stub.authorizations();
    let secret = format!(r#""client_id":"abcde12345fghij67890","client_secret":"{SECRET}""#);
    let full = new().with_note_url("http://u").with_fingerprint("f");
    for (app, authorization, body) in [
        (None, NewAuthorization::new(), "{}".to_owned()),
        (None, new(), format!("{{{NEW}}}")),
        (
            Some(&app()),
            full,
            format!(r#"{{{secret},{NEW},"note_url":"http://u","fingerprint":"f"}}"#),
        ),
    ] {
        let issued = client.create_authorization(app, &authorization).await;
        let token = issued.expect("a token").token;
        assert_eq!(token.expose(), "ghu_16C7e42F292c6912E7710c838347Ae178B4a");
        assert_eq!(stub.wire(), request_with("POST", "/authorizations", &body));
    }
}

#[tokio::test]
async fn get_or_create_tells_new_from_old() {
    let old = live().replace("ghu_16C7e42F292c6912E7710c838347Ae178B4a", "");
    let stub = Stub::new([json(201, live()), json(200, old)]);
    let client = stub.authorizations();
    let path = "/authorizations/clients/abcde12345fghij67890";
    let body = format!(r#"{{"client_secret":"{SECRET}",{NEW}}}"#);

    let created = get_or_create(&client).await.expect("a reply");
    let GetOrCreate::Created(issued) = created else {
        panic!("{created:?}");
    };
    assert_eq!(issued.token.expose().len(), 40);
    assert_eq!(stub.wire(), request_with("PUT", path, &body));

    let existing = get_or_create(&client).await.expect("a reply");
    assert!(matches!(existing, GetOrCreate::Existing(_)), "{existing:?}");
    assert_eq!(stub.wire(), request_with("PUT", path, &body));
}

#[tokio::test]
async fn a_fingerprint_stays_within_its_segment() {
    let stub = Stub::new([json(200, live())]);
    let client = stub.authorizations();
    let body = format!(r#"{{"client_secret":"{SECRET}",{NEW}}}"#);
    let request_for = async |fingerprint: &str| {
        let new = new().with_fingerprint("in the path only");
        client
            .get_or_create_authorization_for_app_and_fingerprint(&app(), fingerprint, &new)
            .await
    };
    for (fingerprint, segment) in [
        ("jklmnop12345678", "jklmnop12345678"),
        ("../../x?a#b c%2f", "..%2F..%2Fx%3Fa%23b%20c%252f"),
        ("ü", "%C3%BC"),
    ] {
        request_for(fingerprint).await.expect("a reply");
        let path = format!("/authorizations/clients/abcde12345fghij67890/{segment}");
        assert_eq!(stub.wire(), request_with("PUT", &path, &body));
    }
    let long = "a".repeat(100_000);
    for fingerprint in ["", ".", "..", &long] {
        let error = request_for(fingerprint).await.expect_err("no path");
        assert_eq!(error.status_code(), None);
        assert!(stub.seen().is_empty());
    }
    let climbing = App::new("..", SECRET);
    let new = new();
    let reply = client.get_or_create_authorization_for_app(&climbing, &new);
    assert_eq!(reply.await.expect_err("no path").status_code(), None);
    let reply = client.create_authorization(Some(&climbing), &new);
    assert_eq!(reply.await.expect_err("no app").status_code(), None);
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn an_update_replaces_scopes_or_changes_them() {
    let stub = Stub::documented();
    let client = stub.authorizations();
    let update = AuthorizationUpdate::new;
    for (update, body) in [
        (update(), "{}"),
        (update().with_scopes([""; 0]), r#"{"scopes":[]}"#),
        (
            update().with_added_scopes(["a"]).with_scopes(["b"]),
            r#"{"scopes":["b"]}"#,
        ),
        (
            update()
                .with_scopes(["b"])
                .with_added_scopes(["a"])
                .with_removed_scopes(["c"]),
            r#"{"add_scopes":["a"],"remove_scopes":["c"]}"#,
        ),
        (
            update()
                .with_note("n")
                .with_note_url("http://u")
                .with_fingerprint("f"),
            r#"{"note":"n","note_url":"http://u","fingerprint":"f"}"#,
        ),
    ] {
        let reply = client.update_authorization(17, &update).await;
        assert_eq!(reply.expect("a reply").id, 1);
        assert_eq!(
            stub.wire(),
            request_with("PATCH", "/authorizations/17", body)
        );
    }
}

#[tokio::test]
async fn a_one_time_password_is_sent_once_it_is_given() {
    let mut asked = json(
        401,
        r#"{"message":"Must specify two-factor authentication OTP code."}"#,
    );
    let required = HeaderValue::from_static("required; sms");
    asked.headers_mut().insert("x-github-otp", required);
    let stub = Stub::new([asked, json(200, live())]);
    let client = stub.authorizations();
    let error = client.authorization(1).await.expect_err("no password");
    assert_eq!(error.otp_required(), Some(OtpDelivery::Sms));
    assert_eq!(stub.wire(), request("GET", "/authorizations/1"));

    let once = client.clone().with_otp("123456").expect("a password");
    once.authorization(1).await.expect("an authorization");
    let seen = stub.seen();
    let sent = &seen[0].headers()["x-github-otp"];
    assert_eq!(sent, "123456");
    assert!(sent.is_sensitive());
    client.authorization(1).await.expect("an authorization");
    assert!(!stub.seen()[0].headers().contains_key("x-github-otp"));

    for otp in ["", "12 34", "1\r\nx: y", "é"] {
        let error = client.clone().with_otp(otp).expect_err("no password");
        assert_eq!(error, AuthorizationsSetupError::Otp);
    }
}

#[tokio::test]
async fn only_the_documented_success_is_one() {
    for status in [200, 202] {
        let client = Stub::new([json(status, live())]).authorizations();
        assert!(client.delete_grant(1).await.is_err());
        assert!(client.delete_authorization(1).await.is_err());
    }
    let accepted = Stub::new([json(202, live())]).authorizations();
    assert!(get_or_create(&accepted).await.is_err());

    let mut tokenless: Value = serde_json::from_str(&live()).expect("JSON");
    tokenless["token"] = "".into();
    let client = Stub::new([json(201, tokenless.to_string())]).authorizations();
    assert!(client.create_authorization(None, &new()).await.is_err());

    let mut not_modified = no_content();
    *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
    let client = Stub::new([not_modified]).authorizations();
    let error = client.authorization(1).await.expect_err("304");
    assert_eq!(error.status_code(), Some(StatusCode::NOT_MODIFIED));
    assert_eq!(error.message(), None);
}

#[test]
fn only_ghes_has_the_api() {
    let make = |url: &str, login: &str| {
        let url: GhesUrl = url.parse().expect("a URL");
        let user = UserCredentials::new(login, PASSWORD);
        AuthorizationsClient::new(&url, &user, Stub::documented()).map(|_| ())
    };
    for url in [
        "https://github.com",
        "https://GitHub.com",
        "https://octocorp.ghe.com",
        "https://octocorp.GHE.com:443",
    ] {
        let error = make(url, "octocat").expect_err("no API");
        assert_eq!(error, AuthorizationsSetupError::NoSuchApi);
        assert!(error.to_string().contains("only GHES has it"));
    }
    assert_eq!(make("https://github.example.com", "octocat"), Ok(()));
    for login in ["", "a:b", "a\nb"] {
        let error = make("https://ghes.example.com", login);
        assert_eq!(error, Err(AuthorizationsSetupError::Login), "{login}");
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let stub = Stub::new([json(201, live())]);
    let client = stub
        .authorizations()
        .with_otp("123456")
        .expect("a password");
    let issued = client.create_authorization(Some(&app()), &new()).await;
    let created = get_or_create(&client).await;
    let user = UserCredentials::new("octocat", PASSWORD);
    let pages = client.authorizations(&ListOptions::new());
    let mut quoting = Value::from(PASSWORD).to_string();
    quoting = format!(r#"{{"message":{quoting}}}"#);
    let refused = Stub::new([json(422, quoting)]).authorizations();
    let error = refused.authorization(1).await.expect_err("422");
    let shown = format!(
        "{client:?} {user:?} {pages:?} {issued:?} {created:?} {:?} {}",
        app(),
        shown(&error)
    );
    for secret in [PASSWORD, SECRET, "123456", "ghu_", "Ae178B4a", "25f94a2a"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn calls_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let client = Stub::documented().authorizations();
    let (app, new, update) = (app(), new(), AuthorizationUpdate::new());
    is_send(&client.grant(1));
    is_send(&client.delete_grant(1));
    is_send(&client.authorization(1));
    is_send(&client.create_authorization(None, &new));
    is_send(&client.get_or_create_authorization_for_app(&app, &new));
    is_send(&client.update_authorization(1, &update));
    is_send(&client.delete_authorization(1));
    is_send(&client.grants(&ListOptions::new()).next_page());
}
