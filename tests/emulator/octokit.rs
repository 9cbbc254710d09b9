//! `@octokit/oauth-methods`, unmodified, over a loopback socket.
//!
//! Needs `node`, and in the environment `OCTOKIT_DIR`: where `npm ci` of `tests/octokit` put its
//! `node_modules`. Without them the test says `skipped: …`, and fails where `CI` is set.
use std::env;
use std::path::PathBuf;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use tokio::process::Command;

use super::client::serve;
use super::{GITHUB_APP, SECRET, TOKEN};

#[tokio::test]
async fn octokit_obtains_checks_resets_and_deletes_tokens() {
    let packages = match packages().await {
        Ok(packages) => packages,
        Err(reason) => return skip(&reason),
    };
    let ghes = Emulator::default();
    let address = serve(ghes.clone()).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/octokit/flows.js");
    let output = Command::new("node")
        .arg(script)
        .args([&format!("http://{address}"), GITHUB_APP, SECRET, TOKEN])
        .env("OCTOKIT_DIR", packages)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert_eq!(said.trim(), "octokit: done");
    for operation in [
        Operation::CheckToken,
        Operation::ResetToken,
        Operation::DeleteToken,
        Operation::DeleteAppAuthorization,
        Operation::ScopeToken,
        Operation::GetUser,
    ] {
        assert!(ghes.calls(operation) > 0, "{operation}");
    }
}

/// Returns the directory of the packages, or what is missing.
async fn packages() -> Result<PathBuf, String> {
    let directory = env::var_os("OCTOKIT_DIR").ok_or("OCTOKIT_DIR is not set")?;
    let directory = PathBuf::from(directory);
    if !directory
        .join("node_modules/@octokit/oauth-methods")
        .is_dir()
    {
        return Err("OCTOKIT_DIR has no node_modules/@octokit/oauth-methods".to_owned());
    }
    match Command::new("node").arg("--version").output().await {
        Ok(output) if output.status.success() => Ok(directory),
        _ => Err("node does not run".to_owned()),
    }
}

#[expect(clippy::print_stdout, reason = "says why nothing was tested")]
fn skip(reason: &str) {
    assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
    println!("skipped: {reason}");
}
