//! The client with which an API server of Kubernetes asks its webhook, by the kubeconfig that we show.

use std::fs;
use std::process::Stdio;

use ghes_gatekeeper::emulator::Operation;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::encrypted::{Encrypted, installed};
use super::*;
use crate::support::status;

const NAMING: &str = "[decisions.token_review]\ngroups = ['octo-org', 'octo-org/platform', 'other']\n\
                      username_prefix = 'ghes:'\ngroups_prefix = 'ghes:'\n[[routes]]";

async fn gate(name: &str) -> Encrypted {
    let tables = tables("", "").replace("[[routes]]", NAMING);
    Encrypted::start(name, &tables).await
}

/// The program of `tests/kubernetes`, which asks as an API server does.
struct Reviewer {
    _child: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Reviewer {
    /// Starts it with the kubeconfig of `examples/kubernetes`. Each question may take so long.
    fn start(program: &str, gate: &Encrypted, version: &str, seconds: u8) -> Self {
        let secret = gate.file("secret");
        fs::write(&secret, format!("{SECRET}\n")).expect("a file");
        let kubeconfig = gate.example("kubernetes/token-review.kubeconfig");
        let shown = "/etc/kubernetes/token-review.secret";
        assert!(kubeconfig.contains(shown), "{kubeconfig}");
        let file = gate.file("kubeconfig");
        fs::write(&file, kubeconfig.replace(shown, &secret)).expect("a file");
        let mut child = Command::new(program)
            .args([&file, version, &format!("{seconds}s")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program");
        let answers = BufReader::new(child.stdout.take().expect("its answers"));
        Self {
            questions: child.stdin.take().expect("its questions"),
            answers: answers.lines(),
            _child: child,
        }
    }

    async fn ask(&mut self, question: &str) {
        let line = format!("{question}\n");
        let asked = self.questions.write_all(line.as_bytes()).await;
        asked.expect("it reads");
    }

    async fn answer(&mut self) -> Value {
        let line = self.answers.next_line().await.expect("it writes");
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    }

    /// Asks for a token, and perhaps an audience.
    async fn review(&mut self, question: &str) -> Value {
        self.ask(question).await;
        self.answer().await
    }
}

/// GHES, and so the gate, says to come back in a second: the client does wait as long.
fn unavailable() -> Fault {
    let fault = Fault::status(http::StatusCode::SERVICE_UNAVAILABLE);
    fault.with_header(http::header::RETRY_AFTER, "1".parse().expect("a value"))
}

fn program() -> Option<String> {
    installed("KUBERNETES_REVIEWER")
}

#[tokio::test]
async fn an_api_server_learns_whose_a_token_is_and_which_is_none() {
    let Some(program) = program() else { return };
    let gate = gate("kubernetes").await;
    let mint = |client_id: &str, login: &str| {
        let token = gate.gate.ghes.mint(client_id, login, &["read:org"], None);
        token.expect("a token")
    };
    let good = mint(CLIENT_ID, "octocat");
    let of_another_app = mint(OTHER_APP, "octocat");
    for version in ["v1", "v1beta1"] {
        let mut server = Reviewer::start(&program, &gate, version, 30);
        for (login, id, groups) in [
            (
                "octocat",
                "1",
                json!(["ghes:octo-org", "ghes:octo-org:platform"]),
            ),
            ("hubot", "2", json!(["ghes:octo-org"])),
            ("monalisa", "3", json!(null)),
        ] {
            let expected = json!({
                "authenticated": true, "error": "", "user": format!("ghes:{login}"), "uid": id,
                "groups": groups, "audiences": null,
                "extra": { "oauth-client-id": [CLIENT_ID], "oauth-scopes": ["read:org"] },
            });
            let said = server.review(&mint(CLIENT_ID, login)).await;
            assert_eq!(said, expected, "{version}");
        }
        for (token, why) in [
            ("gho_wrong", "unknown, revoked or expired"),
            ("ghp_wrong", "Personal access tokens"),
            (&*of_another_app, "belongs to another app"),
        ] {
            let said = server.review(token).await;
            assert_eq!(said["authenticated"], false, "{version} {said}");
            let error = said["error"].as_str().expect("text");
            assert!(error.contains(why), "{version} {said}");
        }
        let of_itself = "https://kubernetes.default.svc";
        let said = server.review(&format!("{good} {of_itself}")).await;
        assert_eq!(said["audiences"], json!([of_itself]), "{version} {said}");
        assert_eq!(said["user"], "ghes:octocat", "{version}");
        // Another audience is nothing that the gate has looked at, so the client turns it down.
        for audience in ["vault", "https://other.example.com"] {
            let said = server.review(&format!("{good} {audience}")).await;
            let told = (&said["authenticated"], &said["error"], &said["user"]);
            assert_eq!(
                told,
                (&json!(false), &json!(""), &json!("")),
                "{version} {said}"
            );
        }
    }
}

#[tokio::test]
async fn an_api_server_learns_of_a_revoked_token_once_it_is_forgotten() {
    let Some(program) = program() else { return };
    let gate = gate("kubernetes-purge").await;
    let ghes = &gate.gate.ghes;
    let mut server = Reviewer::start(&program, &gate, "v1", 30);
    for login in ["octocat", "hubot", "monalisa"] {
        let token = ghes.mint(CLIENT_ID, login, &[], None).expect("a token");
        assert_eq!(server.review(&token).await["authenticated"], true);
        assert!(ghes.revoke(&token));
        let said = server.review(&token).await;
        assert_eq!(said["authenticated"], true, "within its age");
        let purge = "{\"all\": true}";
        let purge = format!(
            "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{purge}",
            purge.len()
        );
        let purged = gate.gate.admin().await.exchange(&purge).await;
        assert_eq!(status(&purged), 200, "{purged}");
        let said = server.review(&token).await;
        assert_eq!(said["authenticated"], false, "{login} {said}");
        let error = said["error"].as_str().expect("text");
        assert!(error.contains("unknown, revoked or expired"), "{said}");
    }
}

/// It waits as long as `Retry-After` says, and asks again.
#[tokio::test]
async fn an_api_server_bridges_a_short_outage() {
    let Some(program) = program() else { return };
    let gate = gate("kubernetes-hiccup").await;
    let ghes = &gate.gate.ghes;
    let mut server = Reviewer::start(&program, &gate, "v1", 30);
    for login in ["octocat", "hubot", "monalisa"] {
        let token = ghes.mint(CLIENT_ID, login, &[], None).expect("a token");
        let before = ghes.calls(Operation::CheckToken);
        ghes.fail(unavailable().times(2));
        let said = server.review(&token).await;
        assert_eq!(said["user"], format!("ghes:{login}"), "{said}");
        assert!(ghes.calls(Operation::CheckToken) > before + 1, "{login}");
    }
}

/// An outage ends as an error about the webhook, and never as a word about the token.
#[tokio::test]
async fn an_api_server_is_told_nothing_of_a_token_in_an_outage() {
    let Some(program) = program() else { return };
    for version in ["v1", "v1beta1"] {
        let gate = gate(&format!("kubernetes-outage-{version}")).await;
        let mint = |login: &str| gate.gate.ghes.mint(CLIENT_ID, login, &["read:org"], None);
        let (known, other) = (mint("octocat").unwrap(), mint("hubot").unwrap());
        let mut server = Reviewer::start(&program, &gate, version, 2);
        assert_eq!(server.review(&known).await["authenticated"], true);
        gate.gate.ghes.fail(unavailable().times(u64::MAX));
        assert_eq!(server.review(&known).await["authenticated"], true);
        for token in [&other, "gho_wrong"] {
            let said = server.review(token).await;
            assert_eq!(said["authenticated"], false, "{said}");
            let error = said["error"].as_str().expect("text");
            let is_of_webhook = error.contains("could not be checked")
                || error.contains("context deadline exceeded");
            assert!(is_of_webhook, "{error}");
            assert!(!error.contains("revoked"), "{error}");
        }
    }
}
