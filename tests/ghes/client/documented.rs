//! The literal examples of GitHub's published descriptions, of every operation and version.

use ghes_gatekeeper::ghes::{
    App, Authorization, AuthorizationUpdate, AuthorizationsClient, GetOrCreate, GhesClient, Grant,
    ListOptions, NewAuthorization, ScopeRequest,
};
use ghes_gatekeeper::token::AccessToken;
use http::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{CLIENT_ID, SECRET, Stub, TOKEN, json};

const VERSIONS: [(&str, &str); 6] = [
    (
        "2.22",
        include_str!("../../fixtures/openapi-examples/2.22.json"),
    ),
    (
        "3.8",
        include_str!("../../fixtures/openapi-examples/3.8.json"),
    ),
    (
        "3.9",
        include_str!("../../fixtures/openapi-examples/3.9.json"),
    ),
    (
        "3.10",
        include_str!("../../fixtures/openapi-examples/3.10.json"),
    ),
    (
        "3.15",
        include_str!("../../fixtures/openapi-examples/3.15.json"),
    ),
    (
        "3.19",
        include_str!("../../fixtures/openapi-examples/3.19.json"),
    ),
];

#[derive(Deserialize)]
struct Document {
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    operation: String,
    method: String,
    path: String,
    status: u16,
    request: Option<Value>,
    reply: Option<Value>,
}

impl Example {
    fn stub(&self) -> Stub {
        let mut reply = match &self.reply {
            Some(body) => json(self.status, body.to_string()),
            None => Response::default(),
        };
        *reply.status_mut() = self.status.try_into().expect("a status");
        Stub::new([reply])
    }

    /// Asserts that what was sent is what the description says.
    fn assert_sent(&self, version: &str, stub: &Stub, arguments: &[(&str, &str)]) {
        let [request] = &stub.seen()[..] else {
            panic!("one request");
        };
        let mut path = self.path.clone();
        for (name, value) in arguments {
            path = path.replace(name, value);
        }
        let place = format!("GHES {version}, {}", self.operation);
        assert_eq!(request.method().as_str(), self.method, "{place}");
        assert_eq!(request.uri().path(), format!("/api/v3{path}"), "{place}");
        if let Some(documented) = &self.request {
            let sent: Value = serde_json::from_slice(request.body()).expect("JSON");
            assert_eq!(&sent, documented, "{place}");
        }
    }

    fn documented(&self) -> &Value {
        self.reply.as_ref().expect("a reply")
    }

    /// Asserts that what was read is what stands in the example.
    fn assert_read(&self, version: &str, read: &Authorization) {
        self.assert_one(version, read, self.documented());
    }

    fn assert_one(&self, version: &str, read: &Authorization, reply: &Value) {
        let place = format!("GHES {version}, {}", self.operation);
        let text = |member: &Option<String>| member.clone().map_or(Value::Null, Value::String);
        assert_eq!(reply["id"], read.id, "{place}");
        assert_eq!(reply["url"], text(&read.url), "{place}");
        assert_eq!(reply["scopes"], Value::from(read.scopes.clone()), "{place}");
        assert_eq!(reply["app"]["client_id"], read.app.client_id, "{place}");
        assert_eq!(reply["app"]["name"], text(&read.app.name), "{place}");
        assert_eq!(reply["app"]["url"], text(&read.app.url), "{place}");
        assert_eq!(reply["hashed_token"], text(&read.hashed_token), "{place}");
        let last_eight = text(&read.token_last_eight);
        assert_eq!(reply["token_last_eight"], last_eight, "{place}");
        assert_eq!(reply["note"], text(&read.note), "{place}");
        assert_eq!(reply["note_url"], text(&read.note_url), "{place}");
        assert_eq!(reply["fingerprint"], text(&read.fingerprint), "{place}");
        for (member, is_read) in [
            ("created_at", read.created_at.is_some()),
            ("updated_at", read.updated_at.is_some()),
            ("expires_at", read.expires_at.is_some()),
            ("user", read.user.is_some()),
            ("installation", read.installation.is_some()),
        ] {
            let is_there = reply.get(member).is_some_and(|value| !value.is_null());
            assert_eq!(is_read, is_there, "{place}: {member}");
        }
    }
}

fn documents() -> impl Iterator<Item = (&'static str, Document)> {
    VERSIONS.into_iter().map(|(version, text)| {
        let document = serde_json::from_str(text).expect("a document");
        (version, document)
    })
}

#[tokio::test]
async fn the_applications_api_is_spoken_as_every_version_documents_it() {
    let mut calls = 0;
    for (version, document) in documents() {
        for example in &document.examples {
            if example.operation.starts_with("apps/") {
                call_application(version, example).await;
                calls += 1;
            }
        }
    }
    // Four each, and scope-token from 3.4 on.
    assert_eq!(calls, 6 * 4 + 5);
}

async fn call_application(version: &str, example: &Example) {
    let stub = example.stub();
    let client: GhesClient<Stub> = stub.client();
    let token = AccessToken::new(TOKEN);
    match example.operation.as_str() {
        "apps/check-token" => {
            let read = client.check_token(&token).await.expect("a reply");
            example.assert_read(version, &read);
        }
        "apps/reset-token" => {
            let issued = client.reset_token(&token).await.expect("a reply");
            example.assert_read(version, &issued.authorization);
        }
        "apps/scope-token" => {
            let scope = ScopeRequest::for_target("octocat")
                .with_permission("metadata", "read")
                .with_permission("issues", "write")
                .with_permission("contents", "read");
            let issued = client.scope_token(&token, &scope).await.expect("a reply");
            example.assert_read(version, &issued.authorization);
            let installation = issued.authorization.installation.expect("an installation");
            assert_eq!(installation.account.login, "octocat");
            assert_eq!(installation.permissions["issues"], "write");
            assert_eq!(installation.repository_selection, "selected");
        }
        "apps/delete-token" => client.delete_token(&token).await.expect("204"),
        "apps/delete-authorization" => client.delete_authorization(&token).await.expect("204"),
        operation => panic!("{operation} is not called"),
    }
    example.assert_sent(version, &stub, &[("{client_id}", CLIENT_ID)]);
}

#[tokio::test]
async fn the_authorizations_api_is_spoken_as_every_version_documents_it() {
    let mut calls = 0;
    for (version, document) in documents() {
        for example in &document.examples {
            if let Some(operation) = example.operation.strip_prefix("oauth-authorizations/") {
                let stub = example.stub();
                let client = stub.authorizations();
                if operation.ends_with("grant") || operation.ends_with("grants") {
                    call_grants(example, operation, &client).await;
                } else {
                    call_authorizations(version, example, operation, &client).await;
                }
                example.assert_sent(version, &stub, &ARGUMENTS);
                calls += 1;
            }
        }
    }
    assert_eq!(calls, 6 * 12);
}

const ARGUMENTS: [(&str, &str); 4] = [
    ("{grant_id}", "1"),
    ("{authorization_id}", "1"),
    ("{client_id}", "abcde12345fghij67890"),
    ("{fingerprint}", "jklmnop12345678"),
];

async fn call_grants(example: &Example, operation: &str, client: &AuthorizationsClient<Stub>) {
    let assert_read = |read: &Grant, documented: &Value| {
        assert_eq!(documented["id"], read.id);
        assert_eq!(documented["url"], read.url.as_deref().expect("a URL"));
        assert_eq!(documented["app"]["client_id"], read.app.client_id);
        assert_eq!(documented["scopes"], Value::from(read.scopes.clone()));
        assert!(read.created_at < read.updated_at);
    };
    match operation {
        "list-grants" => {
            let mut pages = client.grants(&ListOptions::new());
            let page = pages.next_page().await.expect("a reply").expect("a page");
            assert_read(&page[0], &example.documented()[0]);
            assert!(pages.next_page().await.expect("no call").is_none());
        }
        "get-grant" => {
            let grant = client.grant(1).await.expect("a reply");
            assert_read(&grant, example.documented());
        }
        "delete-grant" => client.delete_grant(1).await.expect("204"),
        operation => panic!("{operation} is not called"),
    }
}

async fn call_authorizations(
    version: &str,
    example: &Example,
    operation: &str,
    client: &AuthorizationsClient<Stub>,
) {
    let app = App::new("abcde12345fghij67890", SECRET);
    let new = NewAuthorization::new()
        .with_scopes(["public_repo"])
        .with_note("optional note")
        .with_note_url("http://optional/note/url");
    let update = AuthorizationUpdate::new()
        .with_added_scopes(["public_repo"])
        .with_removed_scopes(["user"])
        .with_note("optional note");
    let read = match operation {
        "list-authorizations" => {
            let mut pages = client.authorizations(&ListOptions::new());
            let page = pages.next_page().await.expect("a reply").expect("a page");
            assert!(pages.next_page().await.expect("no call").is_none());
            return example.assert_one(version, &page[0], &example.documented()[0]);
        }
        "delete-authorization" => return client.delete_authorization(1).await.expect("204"),
        "create-authorization" => {
            let issued = client.create_authorization(Some(&app), &new).await;
            issued.expect("a reply").authorization
        }
        "get-or-create-authorization-for-app" => {
            let reply = client.get_or_create_authorization_for_app(&app, &new).await;
            either(example, reply.expect("a reply"))
        }
        "get-or-create-authorization-for-app-and-fingerprint" => {
            let (client, fingerprint) = (client.clone(), "jklmnop12345678");
            let reply = client
                .get_or_create_authorization_for_app_and_fingerprint(&app, fingerprint, &new)
                .await;
            either(example, reply.expect("a reply"))
        }
        "get-authorization" => client.authorization(1).await.expect("a reply"),
        "update-authorization" => {
            let reply = client.update_authorization(1, &update).await;
            reply.expect("a reply")
        }
        operation => panic!("{operation} is not called"),
    };
    example.assert_read(version, &read);
}

fn either(example: &Example, reply: GetOrCreate) -> Authorization {
    match reply {
        GetOrCreate::Created(issued) => {
            assert_eq!(example.status, 201);
            assert_eq!(example.documented()["token"], issued.token.expose());
            issued.authorization
        }
        GetOrCreate::Existing(authorization) => {
            assert_eq!(example.status, 200);
            authorization
        }
    }
}
