//! What `Debug` shows of every public type that has to do with a secret: nothing of it.

use std::fmt::Debug;

use bytes::Bytes;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest};
use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::{Emulator, World};
use ghes_gatekeeper::ghes::{
    App, AuthorizationUpdate, AuthorizationsClient, GhesClient, HttpsTransport, ListOptions,
    NewAuthorization, ProxyUrl, ScopeRequest, UserCredentials,
};
use ghes_gatekeeper::membership::MembershipRequest;
use ghes_gatekeeper::protection::Protection;
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::testing::{TestIssuer, identity};
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{Purge, Validator};
use http::{Request, Response};
use tower::{Layer, Service, service_fn};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "CANARYsecret";
const TOKEN: &str = "gho_CANARYtoken";

fn hidden(value: &impl Debug) {
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!shown.contains("CANARY"), "{shown}");
        // The pair of client id and secret in base64.
        assert!(!shown.contains("SXYxLjhh"), "{shown}");
    }
}

fn world() -> World {
    let world = format!(
        "[[users]]\nlogin = \"octocat\"\nid = 1\npassword = \"CANARYpassword\"\n\
         [[apps]]\nkind = \"github-app\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{SECRET}\"\n\
         name = \"a\"\nurl = \"http://a\"\n\
         [[tokens]]\ntoken = \"{TOKEN}\"\nclient_id = \"{CLIENT_ID}\"\nuser = \"octocat\"\n"
    );
    World::from_toml(&world).expect("a world")
}

fn config() -> Config {
    let toml = format!(
        "[ghes]\nurl = \"https://ghes.example.com\"\n\
         proxy = \"http://gate:CANARYproxy@127.0.0.1:1\"\n[[ghes.apps]]\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{SECRET}\"\nclient_secret_next = \"CANARYnext\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n\
         [webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"CANARYwebhook\"\n"
    );
    Config::parse(&toml, []).expect("a configuration")
}

#[tokio::test]
async fn of_tokens_and_checks() {
    let token = AccessToken::new(TOKEN);
    hidden(&token);
    hidden(&CheckRequest::new(token.clone()));
    hidden(&CheckRequest::renewal(token.clone()));
    let octocat = identity("octocat", 1, []);
    let group = "octo-org".parse().expect("a group");
    hidden(&MembershipRequest::new(
        token.clone(),
        octocat.clone(),
        group,
    ));
    hidden(&TestIssuer::new().with_token(TOKEN, octocat));
    hidden(&CheckError::new(CheckErrorKind::Timeout));
    hidden(&Purge::ClientId(TOKEN.into()));
    hidden(&Purge::Token(token.hash()));
}

#[tokio::test]
async fn of_the_client_and_what_it_brings() {
    let ghes = Emulator::new(world());
    hidden(&ghes);
    hidden(&world());
    let app = App::new(CLIENT_ID, SECRET);
    let user = UserCredentials::new("octocat", "CANARYpassword");
    let url = "http://localhost".parse().expect("a URL");
    let client = GhesClient::new(&url, &app, ghes.clone()).expect("an app");
    let users = AuthorizationsClient::new(&url, &user, ghes.clone()).expect("a client");
    hidden(&app);
    hidden(&user);
    hidden(&client);
    hidden(&users.clone().with_otp("CANARY").expect("a password"));
    hidden(&users);
    let proxy: ProxyUrl = "http://CANARYuser:CANARYproxy@a".parse().expect("a URL");
    hidden(&proxy);
    hidden(
        &HttpsTransport::new()
            .expect("a transport")
            .with_proxy(proxy),
    );
    hidden(&ScopeRequest::for_target("octocat"));
    hidden(&NewAuthorization::new().with_note("a"));
    hidden(&AuthorizationUpdate::new().with_note("a"));

    let token = AccessToken::new(TOKEN);
    hidden(&client.check_token(&token).await.expect("good"));
    let issued = client.reset_token(&token).await.expect("another");
    let shown = format!("{issued:?}");
    assert!(!shown.contains(issued.token.expose()), "{shown}");
    let refused = client.check_token(&token).await.expect_err("dead");
    hidden(&refused);
    assert!(!refused.to_string().contains("CANARY"));
    let mut pages = users.authorizations(&ListOptions::default());
    hidden(&pages);
    let page = pages.next_page().await.expect("a page");
    hidden(&page.expect("authorizations"));
    let note = NewAuthorization::new().with_note("a");
    let created = users.create_authorization(None, &note).await;
    let created = created.expect("an authorization");
    let shown = format!("{created:?}");
    assert!(!shown.contains(created.token.expose()), "{shown}");
}

#[tokio::test]
async fn of_the_gate_with_a_request_in_it() {
    let ghes = Emulator::new(world());
    let url = "http://localhost".parse().expect("a URL");
    let app = App::new(CLIENT_ID, SECRET);
    let client = GhesClient::new(&url, &app, ghes).expect("an app");
    let (check, monitor) = Protection::new().protect(client, []);
    hidden(&monitor);
    let builder = Validator::builder(check);
    hidden(&builder);
    let validator = builder.build();
    hidden(&validator.check(AccessToken::new(TOKEN)));
    hidden(&validator);
    let layer = GatekeeperLayer::new(validator);
    hidden(&layer);
    let inner = service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(Bytes::new()))
    });
    let mut gate = layer.layer(inner);
    hidden(&gate);
    let request = Request::get("/").header("authorization", format!("Bearer {TOKEN}"));
    let response = gate.call(request.body(()).expect("a request"));
    hidden(&response);
    hidden(&response.await.expect("a response"));
}

#[tokio::test]
async fn of_the_proxy_and_its_configuration() {
    let config = config();
    hidden(&config);
    assert!(!config.to_redacted_toml().contains("CANARY"));
    let proxy = Proxy::new(&config).expect("a proxy");
    hidden(&proxy);
    hidden(&proxy.admin());
    hidden(&proxy.webhook());
}
