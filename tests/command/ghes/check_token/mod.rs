//! `check token`: how the gate decides about a request, and by what exit code scripts know.

mod form;
mod nowhere;
mod several;

use std::net::TcpListener;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ghes_gatekeeper::emulator::{Fault, Operation};
use ghes_gatekeeper::token::TokenHash;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Done, GITHUB_APP, Ghes, OAUTH_APP, SECRET, TOKEN, command, member, run, words};

/// A gate that would run with these routes, in front of an upstream that keeps an eye on who comes.
struct Gate {
    ghes: Ghes,
    upstream: TcpListener,
    config: PathBuf,
    client_id: &'static str,
}

/// Below the front page, a route for each rule.
const ROUTES: &str = r#"
[[routes]]
path = "/"
upstream = "UPSTREAM"
[[routes]]
path = "/repo"
upstream = "UPSTREAM"
scopes = ["user", "repo"]
[[routes]]
path = "/team"
strip_prefix = true
upstream = "UPSTREAM"
users = ["monalisa"]
teams = ["octo-org/platform"]
[[routes]]
path = "/org"
upstream = "UPSTREAM"
orgs = ["octo-org"]
[[routes]]
path = "/open"
anonymous = true
upstream = "UPSTREAM"
[[routes]]
path = "/post"
hosts = ["tools.example.com"]
methods = ["POST"]
upstream = "UPSTREAM"
"#;

impl Gate {
    async fn with(name: &str, client_id: &'static str, more: &str) -> Self {
        let ghes = Ghes::start().await;
        let upstream = TcpListener::bind("127.0.0.1:0").expect("a port");
        upstream.set_nonblocking(true).expect("a socket");
        let address = upstream.local_addr().expect("an address");
        let routes = ROUTES.replace("UPSTREAM", &format!("http://{address}"));
        let toml = format!(
            "{more}\n[ghes]\nurl = \"{}\"\n[[ghes.apps]]\nclient_id = \"{client_id}\"\n\
             client_secret = \"{SECRET}\"\n{routes}",
            ghes.url
        );
        let file = format!("check-token-{name}-{}.toml", std::process::id());
        let config = std::env::temp_dir().join(file);
        std::fs::write(&config, toml).expect("a file");
        Self {
            ghes,
            upstream,
            config,
            client_id,
        }
    }

    async fn new(name: &str) -> Self {
        Self::with(name, GITHUB_APP, "").await
    }

    fn mint(&self, login: &str, scopes: &[&str]) -> String {
        let minted = self.ghes.emulator.mint(self.client_id, login, scopes, None);
        minted.expect("a token")
    }

    /// Runs the command. Whatever comes of it, the token is not printed, and nobody was at the
    /// upstream.
    async fn check(&self, line: &str, token: &str) -> Done {
        let line = format!("check token --config {} {line}", self.config.display());
        let done = run(command(&words(&line)), token).await;
        assert!(!done.out.contains(token), "{}", done.out);
        assert!(!done.out.contains(SECRET), "{}", done.out);
        let came = self.upstream.accept();
        assert!(came.is_err(), "somebody was at the upstream");
        done
    }

    async fn json(&self, line: &str, token: &str) -> (i32, Value) {
        let done = self.check(&format!("{line} --json"), token).await;
        let json = serde_json::from_str(&done.out);
        (
            done.code,
            json.unwrap_or_else(|error| panic!("{error}: {}", done.out)),
        )
    }

    fn calls(&self) -> u64 {
        self.ghes.emulator.calls(Operation::CheckToken)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

impl Done {
    /// Expects a trace, this exit code, and this last line on standard error.
    #[track_caller]
    fn turned_away(&self, code: i32, says: &str) -> &str {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        let last = self.err.lines().last().unwrap_or_default();
        assert!(last.contains(says), "{says} not in {last}");
        &self.out
    }
}

#[tokio::test]
async fn who_passes_is_shown_with_what_the_upstream_sees() {
    let gate = Gate::new("passes").await;
    let text = gate.check("--path /team/deploy", TOKEN).await.good();
    for (label, says) in [
        ("request", "GET localhost/team/deploy"),
        ("token", "without a prefix, as on older servers"),
        (" path", "/team and below"),
        (" user", "octocat (id 1, User), authorization 1"),
        (" scopes", "public_repo, user"),
        (" users", "failed: monalisa"),
        (" teams", "passed: octo-org/platform"),
        ("decision", "allowed; the upstream sees"),
        (" removes", "authorization"),
    ] {
        assert_eq!(member(&text, label), says, "{text}");
    }
    let hash = TokenHash::of(TOKEN);
    assert_eq!(member(&text, " SHA-256"), hash.to_hex());
    let base64 = BASE64_STANDARD.encode(hash.as_bytes());
    assert_eq!(member(&text, " in base64"), base64);
    assert!(member(&text, "GHES").starts_with("active ("), "{text}");
    assert!(
        member(&text, " asked").starts_with("octo-org/platform: member ("),
        "{text}"
    );
    for header in ["x-forwarded-user: octocat\n", "x-forwarded-prefix: /team\n"] {
        assert!(text.contains(header), "{header} not in {text}");
    }
    let widest = text.lines().map(str::len).max();
    assert!(widest.is_some_and(|width| width <= 80), "{text}");
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let gate = Gate::new("scope").await;
    let done = gate.check("--path /repo", TOKEN).await;
    let text = done.turned_away(
        1,
        "not allowed: the gate would answer 403 insufficient_scope",
    );
    let rule = "failed: all of repo, user; missing scope repo";
    assert_eq!(
        member(text, " scopes"),
        "public_repo, user",
        "the token's come first"
    );
    assert!(text.contains(rule), "{text}");
    let challenge = "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"repo user\"";
    assert_eq!(member(text, " challenge"), challenge);
}

#[tokio::test]
async fn who_belongs_elsewhere_or_nowhere_is_told_so() {
    let gate = Gate::new("elsewhere").await;
    for (login, path, group) in [
        ("hubot", "/team", "octo-org/platform"),
        ("monalisa", "/org", "octo-org"),
    ] {
        let token = gate.mint(login, &[]);
        let done = gate.check(&format!("--path {path}"), &token).await;
        let text = done.turned_away(1, "403 forbidden");
        let said = member(text, " asked");
        assert!(
            said.starts_with(&format!("{group}: not a member (")),
            "{said}"
        );
        assert!(!said.contains("does not ask"), "{said}");
    }
}

#[tokio::test]
async fn what_the_gate_does_not_ask_is_asked_all_the_same_and_marked() {
    let gate = Gate::new("marked").await;
    let (code, trace) = gate.json("--path /team", &gate.mint("monalisa", &[])).await;
    assert_eq!((code, &trace["allowed"]), (0, &json!(true)));
    assert_eq!(trace["rules"][1]["rule"], "teams");
    assert_eq!(trace["rules"][1]["needed"], false);
    assert_eq!(trace["rules"][1]["outcome"], "failed");
    assert_eq!(trace["memberships"][0]["membership"], "not_member");
    assert_eq!(trace["memberships"][0]["needed"], false);
}

#[tokio::test]
async fn an_oauth_app_that_may_not_see_a_membership_learns_by_which_scope_it_could() {
    let gate = Gate::with("visible", OAUTH_APP, "").await;
    let done = gate.check("--path /org", &gate.mint("octocat", &[])).await;
    let text = done.turned_away(1, "403 insufficient_scope");
    assert_eq!(member(text, "token"), "gho_: of an OAuth app");
    assert_eq!(
        member(text, " orgs"),
        "not visible: octo-org; missing scope read:org"
    );
    let said = member(text, " asked");
    assert!(
        said.starts_with("octo-org: not visible without one of"),
        "{said}"
    );
    assert!(said.contains("read:org"), "{said}");
}

#[tokio::test]
async fn tokens_that_are_not_the_apps_are_told_from_those_that_no_app_has() {
    let gate = Gate::new("others").await;
    let other = gate.ghes.emulator.mint(OAUTH_APP, "octocat", &[], None);
    for token in [&*other.expect("a token"), "gho_nobody"] {
        let done = gate.check("--path /team", token).await;
        let text = done.turned_away(1, "401 invalid_token");
        let said = member(text, "GHES");
        assert!(
            said.starts_with("not valid: wrong, revoked, or another app's"),
            "{said}"
        );
        assert!(
            text.contains("unknown: monalisa (the gate does not ask)"),
            "{text}"
        );
    }
    assert_eq!(gate.calls(), 2);
    for (token, kind) in [
        ("ghp_a", "personal access"),
        ("ghr_a", "refresh"),
        ("ghs_a", "installation"),
    ] {
        let done = gate.check("", token).await;
        let text = done.turned_away(1, "401 invalid_token");
        assert!(member(text, "token").contains(kind), "{text}");
        assert!(
            member(text, "GHES").starts_with("not asked: no app"),
            "{text}"
        );
    }
    assert_eq!(gate.calls(), 2);
}

#[tokio::test]
async fn a_ghes_that_cannot_be_asked_is_exit_code_3() {
    let mut gate = Gate::new("down").await;
    gate.ghes
        .emulator
        .fail(Fault::status(StatusCode::BAD_GATEWAY));
    let done = gate.check("", TOKEN).await;
    let text = done.turned_away(3, "GHES could not be asked, so the gate would answer 503");
    let said = member(text, "GHES");
    assert!(said.starts_with("could not be asked: ghes_5xx ("), "{said}");
    assert_eq!(member(text, " retry after"), "5");
    // Nothing listens on port 1.
    gate.ghes.url = "http://127.0.0.1:1".to_owned();
    let line = format!("check token --json --config {}", gate.config.display());
    let mut down = command(&words(&line));
    down.env("GHES_GATEKEEPER_GHES__URL", &gate.ghes.url);
    let done = run(down, TOKEN).await;
    let json: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(done.code, 3);
    assert_eq!(json["apps"][0]["outcome"], "unavailable");
    assert_eq!(json["apps"][0]["reason"], "connect");
    let detail = json["apps"][0]["detail"].as_str().expect("a detail");
    assert!(detail.contains("refused"), "{detail}");
}

#[tokio::test]
async fn credentials_that_are_refused_are_no_answer_about_the_token() {
    let gate = Gate::new("credentials").await;
    let line = format!("check token --config {}", gate.config.display());
    let mut wrong = command(&words(&line));
    wrong.env("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET", "wrong");
    let done = run(wrong, TOKEN).await;
    let text = done.turned_away(3, "GHES could not be asked");
    assert!(
        member(text, "GHES").contains("client_auth_failed"),
        "{text}"
    );
}
