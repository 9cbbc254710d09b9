//! Signed identity: what upstreams get, and what others make of it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use ghes_gatekeeper::assertion::{Claims, HEADER, InvalidAssertion, KeySet, Verifier};
use http::{HeaderMap, HeaderValue, Method};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::TOKEN;
use super::peers::run;
use super::support::{Gate, Upstream, body, headers, route, status};
use super::tls::{Directory, pass};

/// What the gate calls itself in these tests.
pub(super) const ISSUER: &str = "https://gate.example.com";

/// A new key in a directory of its own.
pub(super) fn new_key() -> Directory {
    let directory = Directory::new();
    directory.put("key.pem", &pem());
    directory
}

fn pem() -> String {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    key.serialize_pem()
}

/// The `[assertion]` of a configuration.
pub(super) fn assertion(directory: &Directory, more: &str) -> String {
    let file = directory.file("key.pem");
    format!("[assertion]\nissuer = \"{ISSUER}\"\nkey_files = [\"{file}\"]\n{more}\n")
}

/// What operators are told to be the keys.
pub(super) async fn keys(gate: &Gate) -> KeySet {
    let request = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = gate.admin().await.exchange(request).await;
    KeySet::from_json(body(&answer).as_bytes()).expect("keys")
}

/// A gate before one upstream that keeps what it gets.
async fn gate(directory: &Directory, upstream: &Upstream, more: &str) -> Gate {
    let routes = [
        route("/", upstream.address, ""),
        route("/public", upstream.address, "anonymous = true"),
        route("/named", upstream.address, "audience = \"urn:tool\""),
    ];
    Gate::start(&format!(
        "{}{}",
        routes.concat(),
        assertion(directory, more)
    ))
    .await
}

async fn ask(gate: &Gate, line: &str, fields: &str) -> u16 {
    let request =
        format!("{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{fields}\r\n");
    status(&gate.connect().await.exchange(&request).await)
}

/// The assertion that came with a request.
fn assertion_of(request: &str) -> Option<String> {
    let mut values = headers(request)
        .into_iter()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| {
            name.replace(['_', '.'], "-")
                .eq_ignore_ascii_case(HEADER.as_str())
        });
    let value = values.next().map(|(_, value)| value.to_owned());
    assert_eq!(values.next(), None, "{request}");
    value
}

fn verify(verifier: &Verifier, request: &str) -> Result<Claims, InvalidAssertion> {
    let assertion = assertion_of(request).expect("an assertion");
    let value = HeaderValue::try_from(assertion).expect("ASCII");
    let headers = HeaderMap::from_iter([(HEADER, value)]);
    let mut words = request.split(' ');
    let method: Method = words.next().expect("a method").parse().expect("a method");
    let target = words.next().expect("a target");
    verifier.verify(&headers, &method, target.split('?').next().expect("a path"))
}

fn audience(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[tokio::test]
async fn an_upstream_gets_what_it_can_verify() {
    let directory = new_key();
    let mut upstream = Upstream::start().await;
    let gate = gate(&directory, &upstream, "max_age = \"10s\"").await;
    let verifier = Verifier::new(ISSUER, &audience(upstream.address), keys(&gate).await);
    for line in [
        "GET /",
        "GET /a?b=c",
        "DELETE /caf%C3%A9/~x",
        "GET http://elsewhere/a?b",
    ] {
        assert_eq!(ask(&gate, line, "").await, 200, "{line}");
        let request = upstream.request().await;
        let claims = verify(&verifier, &request).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((claims.user_id, &*claims.login), (1, "octocat"));
        assert_eq!(claims.scopes.join(" "), "public_repo user");
        assert_eq!(claims.client_id, "Iv1.8a61f9b3a7aba766");
        assert!(claims.groups.is_empty());
        assert_eq!(claims.expires_at - claims.issued_at, 10);
        let posted = request.replacen(line.split(' ').next().expect("a method"), "POST", 1);
        let error = verify(&verifier, &posted).expect_err("another method");
        assert_eq!(error, InvalidAssertion::WrongMethod);
    }
    assert_eq!(ask(&gate, "GET /named", "").await, 200);
    let request = upstream.request().await;
    let error = verify(&verifier, &request).expect_err("another upstream");
    assert_eq!(error, InvalidAssertion::WrongAudience);
    let named = Verifier::new(ISSUER, "urn:tool", keys(&gate).await);
    assert!(verify(&named, &request).is_ok());
}

#[tokio::test]
async fn the_groups_that_let_somebody_in_are_signed() {
    let directory = new_key();
    let mut upstream = Upstream::start().await;
    let rules = [
        ("/org", "orgs = ['other', 'Octo-Org']"),
        (
            "/both",
            "orgs = ['octo-org']\nteams = ['octo-org/platform']\npeople = 'all'",
        ),
        (
            "/user",
            "users = ['octocat']\nteams = ['octo-org/platform']",
        ),
    ];
    let routes = rules.map(|(path, rules)| route(path, upstream.address, rules));
    let gate = Gate::start(&(routes.concat() + &assertion(&directory, ""))).await;
    let verifier = Verifier::new(ISSUER, &audience(upstream.address), keys(&gate).await);
    for (path, groups) in [
        ("/org", &["octo-org"][..]),
        ("/both", &["octo-org", "octo-org/platform"]),
        // The user is let in by name, so nobody asks about the team.
        ("/user", &[]),
    ] {
        for _ in ["asked", "remembered"] {
            assert_eq!(ask(&gate, &format!("GET {path}"), "").await, 200);
            let claims = verify(&verifier, &upstream.request().await).expect("good");
            assert_eq!(claims.groups, groups, "{path}");
        }
    }
}

#[tokio::test]
async fn nobody_brings_an_assertion_of_their_own() {
    let directory = new_key();
    let mut upstream = Upstream::start().await;
    let with = gate(&directory, &upstream, "").await;
    let routes = [
        route("/", upstream.address, ""),
        route("/public", upstream.address, "anonymous = true"),
    ];
    let without = Gate::start(&routes.concat()).await;
    let verifier = Verifier::new(ISSUER, &audience(upstream.address), keys(&with).await);
    let forged = "X-Gatekeeper-Assertion: a.b.c\r\nx_gatekeeper_assertion: a.b.c\r\n\
                  X.Gatekeeper.Assertion: a.b.c\r\nConnection: x-gatekeeper-assertion\r\n";
    assert_eq!(ask(&with, "GET /", forged).await, 200);
    assert!(verify(&verifier, &upstream.request().await).is_ok());
    for (gate, line) in [
        (&with, "GET /public"),
        (&without, "GET /"),
        (&without, "GET /public"),
    ] {
        assert_eq!(ask(gate, line, forged).await, 200);
        assert_eq!(assertion_of(&upstream.request().await), None, "{line}");
    }
}

#[tokio::test]
async fn what_came_in_over_http_2_is_signed_as_it_goes_out() {
    let directory = new_key();
    let upstream = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = upstream.local_addr().expect("an address");
    let routes = format!("{}{}", route("/", address, ""), assertion(&directory, ""));
    let gate = Gate::start(&format!("[server]\nh2c = true\n{routes}")).await;
    let verifier = Verifier::new(ISSUER, &audience(address), keys(&gate).await);
    let mut client = super::websocket_http2::client(&gate).await;
    let opening = tokio::spawn(async move {
        client
            .send_request(super::websocket_http2::handshake(TOKEN))
            .await
    });
    let (mut stream, _) = upstream.accept().await.expect("a connection");
    let request = super::support::read_message(&mut stream)
        .await
        .expect("a request");
    assert!(request.starts_with("GET /chat?x=1 "), "{request}");
    assert!(verify(&verifier, &request).is_ok());
    drop(stream);
    assert_eq!(
        opening
            .await
            .expect("no panic")
            .expect("an answer")
            .status(),
        502
    );
}

#[tokio::test]
async fn keys_are_published_where_that_is_wanted() {
    let directory = new_key();
    let mut upstream = Upstream::start().await;
    let kept = gate(&directory, &upstream, "").await;
    let published = gate(&directory, &upstream, "publish = true").await;
    let get = |host: &str| format!("GET /.well-known/jwks.json HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for host in ["gate.example.com", "anything"] {
        let answer = published.connect().await.exchange(&get(host)).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(
            answer.contains("content-type: application/jwk-set+json"),
            "{answer}"
        );
        assert!(
            answer.contains("cache-control: public, max-age=300"),
            "{answer}"
        );
        let set = KeySet::from_json(body(&answer).as_bytes()).expect("keys");
        assert_eq!(set, keys(&published).await);
        assert!(
            !answer.contains("\"d\"") && !answer.contains(host),
            "{answer}"
        );
    }
    // Nothing else of the gate is open for it.
    for request in [
        get("a").replace("GET", "POST"),
        get("a").replace(".json", ".json/"),
        get("a").replace("jwks", "%6awks"),
    ] {
        let answer = published.connect().await.exchange(&request).await;
        assert_eq!(status(&answer), 401, "{request}");
    }
    assert_eq!(status(&kept.connect().await.exchange(&get("a")).await), 401);
    upstream.assert_untouched();
    let unsigned = Gate::before(upstream.address).await;
    let answer = unsigned.admin().await.exchange(&get("localhost")).await;
    assert_eq!(status(&answer), 404, "{answer}");
}

#[tokio::test]
async fn keys_are_replaced_without_a_restart_by_ones_that_work() {
    let directory = new_key();
    let mut upstream = Upstream::start().await;
    let gate = gate(&directory, &upstream, "").await;
    let old = keys(&gate).await;
    let before = fs::read_to_string(directory.file("key.pem")).expect("the file");
    for broken in ["", "-----BEGIN PRIVATE KEY-----\n?\n"] {
        directory.put("key.pem", broken);
        pass(Duration::from_secs(6)).await;
        assert_eq!(keys(&gate).await, old, "the last good ones stay");
    }
    let after = pem();
    directory.put("key.pem", &format!("{after}{before}"));
    pass(Duration::from_secs(6)).await;
    let both = keys(&gate).await;
    assert_eq!(both.kids().count(), 2);
    assert_eq!(both.kids().last(), old.kids().last());
    let verifier = |keys| Verifier::new(ISSUER, &audience(upstream.address), keys);
    let (old, both) = (verifier(old), verifier(both));
    assert_eq!(ask(&gate, "GET /", "").await, 200);
    let request = upstream.request().await;
    assert_eq!(verify(&old, &request), Err(InvalidAssertion::UnknownKey));
    assert!(verify(&both, &request).is_ok());
}

/// A verifier that others have written, and how it is called.
struct Other {
    program: String,
    script: String,
}

impl Other {
    /// `PyJWT`, where `.ci/run` put it, or wherever it is.
    async fn pyjwt() -> Option<Self> {
        let program = env::var("PYJWT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let has = run(&program, &["-c", "import jwt, cryptography"]).await;
        let script = format!(
            "{}/examples/verify_assertion.py",
            env!("CARGO_MANIFEST_DIR")
        );
        has_or_skip(has, "PyJWT").then_some(Self { program, script })
    }

    /// jose, in the directory where `.ci/run` put it. Node looks for it from the script on.
    async fn jose() -> Option<Self> {
        let directory = env::var("JOSE").unwrap_or_default();
        let installed = format!("{directory}/node_modules/jose/package.json");
        let has = run("node", &["-e", &format!("require({installed:?})")]).await;
        if !has_or_skip(has, "jose") {
            return None;
        }
        let script = format!("{directory}/verify_assertion.mjs");
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/verify_assertion.mjs");
        fs::copy(example, &script).expect("the example");
        let program = "node".to_owned();
        Some(Self { program, script })
    }

    async fn verify(&self, arguments: &[&str], assertion: &str) -> Output {
        let mut process = Command::new(&self.program)
            .arg(&self.script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program");
        let mut input = process.stdin.take().expect("standard input");
        input
            .write_all(assertion.as_bytes())
            .await
            .expect("a reader");
        drop(input);
        process.wait_with_output().await.expect("an exit")
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has_or_skip(output: Option<Output>, name: &str) -> bool {
    let has = output.is_some_and(|output| output.status.success());
    if !has {
        assert!(env::var_os("CI").is_none(), "CI has {name}");
        eprintln!("skipped: {name} is not installed");
    }
    has
}

/// Keys that OpenSSL made; none if it is not installed.
async fn keys_of_openssl() -> Option<[Directory; 2]> {
    let ed25519: &[&str] = &["ed25519"];
    let p256 = &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let mut made = Vec::new();
    for algorithm in [ed25519, p256] {
        let directory = Directory::new();
        let file = directory.file("key.pem");
        let arguments = [&["genpkey", "-out", &file, "-algorithm"], algorithm].concat();
        let output = run("openssl", &arguments).await?;
        assert!(output.status.success(), "{output:?}");
        made.push(directory);
    }
    made.try_into().ok()
}

async fn is_understood_by(other: &Other) {
    let Some(directories) = keys_of_openssl().await else {
        return;
    };
    for directory in directories {
        // Its address has to be its name, since the keys are fetched from there.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut upstream = Upstream::start().await;
        let section = assertion(&directory, "publish = true").replace(ISSUER, &url);
        let routes = format!("{}{section}", route("/", upstream.address, ""));
        let gate = Gate::start_on(listener, &routes);
        assert_eq!(ask(&gate, "GET /notes?all", "").await, 200);
        let assertion = assertion_of(&upstream.request().await).expect("an assertion");

        let audience = audience(upstream.address);
        let good = [&*url, &audience, "GET", "/notes"];
        let output = other.verify(&good, &assertion).await;
        let claims: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        assert_eq!(claims["sub"], "1");
        assert_eq!(claims["preferred_username"], "octocat");
        assert_eq!(claims["scope"], "public_repo user");

        let (message, _) = assertion.rsplit_once('.').expect("a signature");
        let unsigned = format!("{message}.");
        let zeroes = format!("{message}.{}", "A".repeat(86));
        for (arguments, assertion) in [
            ([&url, &audience, "POST", "/notes"], &assertion),
            ([&url, &audience, "GET", "/notes/1"], &assertion),
            ([&url, "http://other", "GET", "/notes"], &assertion),
            (good, &unsigned),
            (good, &zeroes),
        ] {
            let output = other.verify(&arguments, assertion).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.starts_with("refused: "), "{arguments:?}: {said}");
            assert_eq!(output.status.code(), Some(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_understands_it() {
    if let Some(pyjwt) = Other::pyjwt().await {
        is_understood_by(&pyjwt).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jose_understands_it() {
    if let Some(jose) = Other::jose().await {
        is_understood_by(&jose).await;
    }
}
