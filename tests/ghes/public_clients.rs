//! Public clients of GitHub, unmodified, over a loopback socket.
//!
//! Each needs its language and what stands beside its script in `tests/public_clients`:
//! `npm ci` in `javascript`; in `python` a `venv` with `requirements.txt`; for Go Debian's packages
//! of the libraries. For octocrab, `rust` is a package of its own. `.ci/run` installs it all. Without, a test says `skipped: …`, and fails where
//! `CI` is set.
use std::env;
use std::path::Path;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use tokio::process::Command;

use crate::emulator::sockets::serve;
use crate::emulator::{GITHUB_APP, OAUTH_APP, SECRET, TOKEN};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/public_clients");
/// Where Debian keeps Go's libraries, which are not those of any module proxy.
const GOPATH: &str = "/usr/share/gocode";

/// What apps do with a token.
const APP_CALLS: [Operation; 3] = [
    Operation::CheckToken,
    Operation::ResetToken,
    Operation::DeleteToken,
];

#[tokio::test]
async fn octokit_oauth_methods_obtain_check_reset_and_delete_tokens() {
    if let Some(ghes) = node("oauth_methods.js").await {
        assert_called(&ghes, &APP_CALLS);
        let calls = [Operation::DeleteAppAuthorization, Operation::ScopeToken];
        assert_called(&ghes, &calls);
    }
}

#[tokio::test]
async fn octokit_oauth_app_and_passport_sign_in() {
    if let Some(ghes) = node("libraries.js").await {
        assert_called(&ghes, &APP_CALLS);
        let calls = [Operation::ListAuthorizations, Operation::ListEmails];
        assert_called(&ghes, &calls);
    }
}

#[tokio::test]
async fn githubkit_pygithub_and_requests_oauthlib_sign_in() {
    let python = format!("{SCRIPTS}/python/venv/bin/python");
    let needed = Path::new(&python);
    let command = Command::new(needed);
    if let Some(ghes) = run(command, "python/flows.py", needed).await {
        assert_called(&ghes, &APP_CALLS);
        let calls = [Operation::ScopeToken, Operation::UpdateAuthorization];
        assert_called(&ghes, &calls);
    }
}

#[tokio::test]
async fn go_github_and_oauth2_and_cli_oauth_sign_in() {
    let needed = Path::new(GOPATH).join("src/github.com/cli/oauth");
    let mut command = Command::new("go");
    command.arg("run");
    command.env("GOPATH", GOPATH).env("GO111MODULE", "off");
    if let Some(ghes) = run(command, "go/flows.go", &needed).await {
        assert_called(&ghes, &APP_CALLS);
        assert_called(&ghes, &[Operation::DeleteAppAuthorization]);
    }
}

async fn node(script: &str) -> Option<Emulator> {
    let needed = format!("{SCRIPTS}/javascript/node_modules/@octokit/oauth-app");
    let script = format!("javascript/{script}");
    run(Command::new("node"), &script, Path::new(&needed)).await
}

/// Lets a script use an emulator, which is returned if it did.
async fn run(mut command: Command, script: &str, needed: &Path) -> Option<Emulator> {
    if !needed.exists() {
        return skip(&format!("there is no {}", needed.display()));
    }
    let ghes = Emulator::default();
    let url = format!("http://{}", serve(ghes.clone()).await);
    command.arg(format!("{SCRIPTS}/{script}"));
    command.args([&url, GITHUB_APP, OAUTH_APP, SECRET, TOKEN]);
    let Ok(output) = command.kill_on_drop(true).output().await else {
        return skip(&format!("{command:?} does not start"));
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert_eq!(said.trim(), "done");
    Some(ghes)
}

fn assert_called(ghes: &Emulator, operations: &[Operation]) {
    for &operation in operations {
        assert!(ghes.calls(operation) > 0, "{operation}");
    }
}

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn skip(reason: &str) -> Option<Emulator> {
    assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
    println!("skipped: {reason}");
    None
}
