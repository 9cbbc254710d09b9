//! Clients of introspection that others have written.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::{env, process};

use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::encrypted::{Encrypted, installed};
use super::*;
use crate::TOKEN;
use crate::real_peers::has;
use crate::support::{Client, PATIENCE, Upstream, status};

async fn free() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    free.local_addr().expect("an address")
}

/// Runs Apache on the example, between a client and an upstream.
async fn apache(gate: &Encrypted, at: SocketAddr, upstream: SocketAddr) -> Child {
    let modules = [
        "mpm_event",
        "auth_openidc",
        "authn_core",
        "authz_core",
        "authz_user",
        "headers",
        "proxy",
        "proxy_http",
    ];
    let load =
        |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules: String = modules.into_iter().map(load).collect();
    let example = gate.example("introspection/apache.conf");
    for shown in ["127.0.0.1:8000", "http://127.0.0.1:3000/"] {
        assert!(example.contains(shown), "{shown}");
    }
    let example = example.replace("127.0.0.1:8000", &at.to_string());
    let example = example.replace("http://127.0.0.1:3000/", &format!("http://{upstream}/"));
    let directory = gate.directory.display();
    let configuration = format!(
        "{modules}ServerRoot {directory}\nServerName localhost\nPidFile apache.pid\n\
         User www-data\nGroup www-data\nMutex posixsem\nStartServers 1\n\
         ErrorLog {directory}/error.log\nLogLevel warn\n{example}"
    );
    let file = gate.file("apache.conf");
    fs::write(&file, configuration).expect("a file");
    let process = Command::new("apache2")
        .args(["-X", "-f", &file])
        .env("WIKI_SECRET", SECRET)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("apache2");
    let listening = async {
        while TcpStream::connect(at).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let listening = tokio::time::timeout(PATIENCE, listening).await;
    let said = || fs::read_to_string(gate.file("error.log")).unwrap_or_default();
    listening.unwrap_or_else(|_| panic!("apache2 does not listen: {}", said()));
    process
}

#[tokio::test]
async fn mod_auth_openidc_lets_in_those_whose_tokens_are_active() {
    let module = Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so");
    if !has("apache2", "-v").await || !is_there(module) {
        return;
    }
    let gate = Encrypted::start("apache", &tables("orgs = ['octo-org']", "")).await;
    let mut upstream = Upstream::start().await;
    let at = free().await;
    let _apache = apache(&gate, at, upstream.address).await;
    let get = async |token: &str| {
        let request = format!(
            "GET /page HTTP/1.1\r\nHost: wiki\r\nX-Forwarded-User: root\r\n\
             Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        Client::to(at).await.exchange(&request).await
    };
    let mint = |login: &str| {
        let token = gate.gate.ghes.mint(CLIENT_ID, login, &["read:org"], None);
        token.expect("a token")
    };
    let good = mint("octocat");
    for _ in 0..3 {
        let response = get(&good).await;
        let log = fs::read_to_string(gate.file("error.log")).unwrap_or_default();
        assert_eq!(status(&response), 200, "{response} {log}");
        let request = upstream.request().await.to_lowercase();
        assert!(
            request.contains("x-forwarded-user: octocat\r\n"),
            "{request}"
        );
        assert!(
            !request.contains("root") && !request.contains(&good),
            "{request}"
        );
        assert!(!request.contains("\r\nauthorization:"), "{request}");
    }
    for token in ["gho_wrong", &mint("monalisa")] {
        assert_eq!(status(&get(token).await), 401, "{token}");
    }
    // It cannot tell an outage from a refusal, as the manual warns.
    let fault = Fault::status(http::StatusCode::BAD_GATEWAY);
    gate.gate.ghes.fail(fault.times(u64::MAX));
    assert_eq!(status(&get("gho_other").await), 401);
    assert_eq!(status(&get(&good).await), 200, "remembered");
    upstream.request().await;
    upstream.assert_untouched();
}

/// What Authlib's validator decides about each of some tokens.
#[tokio::test]
async fn authlib_takes_those_that_are_active_and_no_others() {
    let Some(python) = installed("INTROSPECTION_PYTHON") else {
        return;
    };
    let gate = Encrypted::start("authlib", &tables("scopes = ['gist']", "")).await;
    let mint = |scopes: &[&str]| {
        gate.gate
            .ghes
            .mint(CLIENT_ID, "octocat", scopes, None)
            .unwrap()
    };
    let (good, poor) = (mint(&["gist", "user"]), mint(&["user"]));
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/introspection/validator.py"
    );
    let url = format!("https://localhost:{}/introspect", gate.address.port());
    let run = async |tokens: &[&str]| {
        let output = Command::new(&python)
            .args([script, &url, "wiki", SECRET, &gate.file("gate.crt")])
            .args(tokens)
            .kill_on_drop(true)
            .output()
            .await
            .expect("python");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{complained}");
        said
    };
    let said = run(&[&good, &poor, "gho_wrong"]).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "200 octocat 1 gist user",
            "401 invalid_token",
            "401 invalid_token"
        ]
    );
    let fault = Fault::status(http::StatusCode::BAD_GATEWAY);
    gate.gate.ghes.fail(fault.times(u64::MAX));
    let said = run(&[&good, "gho_other"]).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines, ["200 octocat 1 gist user", "503"]);
}

#[tokio::test]
async fn a_token_review_is_what_the_api_of_kubernetes_describes() {
    let Some(program) = installed("KUBERNETES_VALIDATE") else {
        return;
    };
    let naming = "[decisions.token_review]\ngroups = ['octo-org']\n[[routes]]";
    let tables = tables("", "").replace("[[routes]]", naming);
    let front = Front::of_decisions(Carrier::Http1, &tables).await;
    let member = front
        .gate
        .ghes
        .mint(CLIENT_ID, "hubot", &["read:org"], None)
        .unwrap();
    let file = env::temp_dir().join(format!("ghes-gatekeeper-review-{}.json", process::id()));
    let is_valid = async |review: &[u8]| {
        fs::write(&file, review).expect("a file");
        let mut command = Command::new(&program);
        let output = command.args(["--strict"]).arg(&file).output().await;
        output.expect("kubernetes-validate").status.success()
    };
    for token in [&*member, TOKEN, "gho_wrong"] {
        let answer = front.answer(&review_of(token)).await;
        assert_eq!(answer.status, 200);
        let mut review = json(&answer);
        // The program names what it looks at.
        review["metadata"] = serde_json::json!({ "name": "review" });
        let text = review.to_string();
        assert!(is_valid(text.as_bytes()).await, "{text}");
        let wrong = text.replacen("\"authenticated\"", "\"authentic\"", 1);
        assert!(!is_valid(wrong.as_bytes()).await, "it would be found");
    }
    let rbac = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/kubernetes/rbac.yaml");
    let mut command = Command::new(&program);
    let output = command
        .args(["--strict", rbac])
        .output()
        .await
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let _ = fs::remove_file(&file);
}

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn is_there(path: &Path) -> bool {
    if !path.exists() {
        assert!(env::var_os("CI").is_none(), "CI has {}", path.display());
        println!("skipped: there is no {}", path.display());
    }
    path.exists()
}
