//! Envoy's call, over gRPC.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use prost::Message;

use super::*;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Calls the door as Envoy does.
pub(super) struct Envoy {
    url: String,
    client: HttpClient<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
}

/// What Envoy is told.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) code: i32,
    /// Of the answer for the client; none if the request may pass.
    pub(super) status: Option<i32>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) removed: Vec<String>,
    pub(super) body: String,
}

impl Envoy {
    pub(super) async fn before(gate: &Gate) -> Self {
        let address = gate.decisions().await.0.peer_addr().expect("an address");
        let client = HttpClient::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        Self {
            url: format!("http://{address}{CHECK}"),
            client,
        }
    }

    pub(super) async fn check(&self, held: &Held<'_>) -> Checked {
        self.check_within(held, None).await
    }

    pub(super) async fn check_within(&self, held: &Held<'_>, timeout: Option<&str>) -> Checked {
        let response = self
            .call(&framed(&asked(held).encode_to_vec()), timeout)
            .await;
        read(response).await
    }

    async fn call(&self, body: &[u8], timeout: Option<&str>) -> Response<Incoming> {
        let request = Request::post(&self.url)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let request = match timeout {
            Some(timeout) => request.header("grpc-timeout", timeout),
            None => request,
        };
        let body = Full::from(Bytes::copy_from_slice(body));
        let response = self
            .client
            .request(request.body(body).expect("a request"))
            .await;
        response.expect("an answer")
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = vec![0];
    framed.put_u32(message.len().try_into().expect("a short one"));
    framed.extend_from_slice(message);
    framed
}

/// Lines of one name are joined, as Envoy joins them.
fn asked(held: &Held<'_>) -> CheckRequest {
    let mut headers = BTreeMap::<String, String>::new();
    for line in held.lines.split_terminator("\r\n") {
        let (name, value) = line.split_once(": ").expect("a line");
        let joined = headers.entry(name.to_lowercase()).or_default();
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(value);
    }
    CheckRequest {
        attributes: Some(Attributes {
            request: Some(Asked {
                http: Some(Http {
                    method: held.method.to_owned(),
                    headers,
                    path: held.target.to_owned(),
                    host: held.host.to_owned(),
                    scheme: "https".to_owned(),
                }),
            }),
        }),
    }
}

async fn read(response: Response<Incoming>) -> Checked {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let body = response.into_body().collect().await.expect("a body");
    let trailers = body.trailers().expect("trailers");
    assert_eq!(
        trailers["grpc-status"], "0",
        "an error may let everybody in"
    );
    let answer = CheckResponse::decode(&body.to_bytes()[5..]).expect("a message");
    let (denied, ok) = (
        answer.denied.unwrap_or_default(),
        answer.ok.unwrap_or_default(),
    );
    let mut headers = BTreeMap::<String, String>::new();
    for option in denied.headers.iter().chain(&ok.headers) {
        let header = option.header.clone().expect("a field");
        let lines = headers.entry(header.key).or_default();
        match option.append_action {
            0 => lines.push_str(&header.value),
            2 => *lines = header.value,
            other => panic!("{other}"),
        }
    }
    Checked {
        code: answer.status.unwrap_or_default().code,
        status: denied.status.map(|status| status.code),
        headers,
        removed: ok.headers_to_remove,
        body: denied.body,
    }
}

#[tokio::test]
async fn who_may_pass_is_told_in_fields_that_replace_the_clients() {
    let gate = Gate::start(&format!("{TRUSTED}[[routes]]\npath = '/'\n")).await;
    let forged = "X-Forwarded-User: root\r\nX_Auth_Request_User: root\r\nX-Remote-User: root\r\n";
    let lines = format!("{}{forged}", bearer(TOKEN));
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    let checked = Envoy::before(&gate).await.check(&held).await;
    assert_eq!((checked.code, checked.status), (0, None));
    for (name, value) in [
        ("x-auth-request-user", "octocat"),
        ("x-forwarded-user", "octocat"),
        ("x-github-user-id", "1"),
        ("x-oauth-scopes", "public_repo, user"),
    ] {
        assert_eq!(checked.headers[name], value);
        assert!(
            !checked.removed.iter().any(|removed| removed == name),
            "{name}"
        );
    }
    for name in [
        "authorization",
        "x_auth_request_user",
        "x-remote-user",
        "x-auth-request-groups",
        "x-gatekeeper-stale",
    ] {
        assert!(
            checked.removed.iter().any(|removed| removed == name),
            "{name}"
        );
        assert!(!checked.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn whoever_is_not_trusted_is_denied_and_not_let_in_by_an_error() {
    let config = TRUSTED.replace("127.0.0.1']", "192.0.2.1']");
    let gate = Gate::start(&format!(
        "{config}[[routes]]\npath = '/'\nanonymous = true\nexact = true\n"
    ))
    .await;
    let checked = Envoy::before(&gate).await.check(&Held::GET).await;
    assert_eq!((checked.code, checked.status), (7, Some(403)));
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn what_is_no_message_is_denied() {
    let gate = Gate::start(&format!(
        "{TRUSTED}[[routes]]\npath = '/'\nanonymous = true\nexact = true\n"
    ))
    .await;
    let envoy = Envoy::before(&gate).await;
    let good = asked(&Held::GET).encode_to_vec();
    let checked = read(envoy.call(&framed(&good), None).await).await;
    assert_eq!(checked.code, 0);
    let mut compressed = framed(&good);
    compressed[0] = 1;
    for body in [
        Vec::new(),
        framed(b""),
        framed(b"\xff\xff"),
        framed(&good)[..20].to_vec(),
        [framed(&good), framed(&good)].concat(),
        compressed,
        framed(&vec![0; 600 * 1024]),
    ] {
        let checked = read(envoy.call(&body, None).await).await;
        assert_eq!(
            (checked.code, checked.status),
            (7, Some(400)),
            "{}",
            body.len()
        );
    }
}

#[tokio::test]
async fn an_outage_is_a_denial_with_503() {
    let gate = Gate::start(&format!("{TRUSTED}[[routes]]\npath = '/'\n")).await;
    outage(&gate);
    let lines = bearer("gho_unknown");
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    let checked = Envoy::before(&gate).await.check(&held).await;
    assert_eq!((checked.code, checked.status), (7, Some(503)));
    assert!(checked.headers.contains_key("retry-after"));
    assert!(!checked.headers.contains_key("www-authenticate"));
}

/// Envoy waits 200 ms unless it is told otherwise, and then does what `failure_mode_allow` says.
#[tokio::test]
async fn an_answer_that_would_come_too_late_is_an_outage_in_time() {
    let gate = Gate::start(&format!("{TRUSTED}[[routes]]\npath = '/'\n")).await;
    gate.ghes.fail(Fault::slow(Duration::from_secs(20)));
    let lines = bearer(TOKEN);
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    let envoy = Envoy::before(&gate).await;
    for timeout in ["150m", "90000u"] {
        let checked = envoy.check_within(&held, Some(timeout)).await;
        assert_eq!((checked.code, checked.status), (7, Some(503)), "{timeout}");
        assert!(checked.headers.contains_key("retry-after"));
    }
}

/// A client that calls by gRPC takes no problem for an answer.
#[tokio::test]
async fn a_call_of_grpc_is_denied_in_its_own_form() {
    let gate = Gate::start(&format!("{TRUSTED}[[routes]]\npath = '/'\n")).await;
    let envoy = Envoy::before(&gate).await;
    let kind = "content-type: application/grpc+proto\r\n";
    let known = format!("{kind}{}", bearer(TOKEN));
    let wrong = format!("{kind}{}", bearer("gho_wrong"));
    for (lines, is_slow, status, code) in [
        (kind, false, 401, "16"),
        (&*wrong, false, 401, "16"),
        (&*known, true, 503, "14"),
    ] {
        if is_slow {
            gate.ghes.fail(Fault::slow(Duration::from_secs(20)));
        }
        let held = Held { lines, ..Held::GET };
        let checked = envoy.check_within(&held, Some("150m")).await;
        assert_eq!(checked.status, Some(status), "{checked:?}");
        assert_eq!(checked.headers["grpc-status"], code, "{checked:?}");
        assert_eq!(checked.headers["content-type"], "application/grpc");
        assert_eq!(checked.body, "");
    }
}

/// One deadline is for all that is asked for a decision: about the token, and then about a team.
#[tokio::test]
async fn all_calls_of_a_decision_have_one_deadline() {
    let gate = Gate::start(&format!(
        "{TRUSTED}[[routes]]\npath = '/'\nteams = ['octo-org/platform']\n"
    ))
    .await;
    let token = gate.ghes.mint(CLIENT_ID, "octocat", &["read:org"], None);
    let lines = bearer(&token.unwrap());
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    let envoy = Envoy::before(&gate).await;
    gate.ghes
        .fail(Fault::slow(Duration::from_millis(600)).times(2));
    let checked = envoy.check_within(&held, Some("1000m")).await;
    assert_eq!(checked.status, Some(503), "{checked:?}");
    // What was asked is remembered when it comes.
    let checked = envoy.check(&held).await;
    assert_eq!(checked.code, 0, "{checked:?}");
}

// As in Envoy's `external_auth.proto`, read on their own.

#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "4")]
    request: Option<Asked>,
}

#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(message, optional, tag = "2")]
    http: Option<Http>,
}

#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(btree_map = "string, string", tag = "3")]
    headers: BTreeMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(string, tag = "6")]
    scheme: String,
}

#[derive(Clone, PartialEq, Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<Code>,
    #[prost(message, optional, tag = "2")]
    denied: Option<Denied>,
    #[prost(message, optional, tag = "3")]
    ok: Option<Passed>,
}

#[derive(Clone, PartialEq, Message)]
struct Code {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Denied {
    #[prost(message, optional, tag = "1")]
    status: Option<Code>,
    #[prost(message, repeated, tag = "2")]
    headers: Vec<FieldOption>,
    #[prost(string, tag = "3")]
    body: String,
}

#[derive(Clone, PartialEq, Message)]
struct Passed {
    #[prost(message, repeated, tag = "2")]
    headers: Vec<FieldOption>,
    #[prost(string, repeated, tag = "5")]
    headers_to_remove: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldOption {
    #[prost(message, optional, tag = "1")]
    header: Option<Field>,
    #[prost(int32, tag = "3")]
    append_action: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Field {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}
