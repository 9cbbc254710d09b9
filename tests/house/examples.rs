//! Every example runs alone and ends by itself.

use std::process::Command;

/// Runs an example, which checks its own results.
///
/// By way of cargo, so that it is built if it is not, and never an old one.
fn run(example: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--example", example])
        .output()
        .expect("cargo");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn axum_app() {
    let output = run("axum_app");
    assert!(
        output.contains("200 OK: {\"id\":1,\"login\":\"octocat\""),
        "{output}"
    );
    assert!(output.contains("\"reason\":\"invalid_token\""), "{output}");
}

#[test]
fn hyper_app() {
    let output = run("hyper_app");
    assert_eq!(
        output.matches("200 OK: Hello, octocat!").count(),
        2,
        "{output}"
    );
    assert!(output.contains("400 Bad Request"), "{output}");
}

#[test]
fn members_app() {
    let output = run("members_app");
    assert!(
        output.contains("octocat of the team: POST /notes: 200"),
        "{output}"
    );
    assert!(
        output.contains("octocat without read:org: GET /notes: 403"),
        "{output}"
    );
}

#[test]
fn openapi_app() {
    let output = run("openapi_app");
    let scopes = "\"security\":[{\"ghes\":[\"read:org\"]}]";
    assert!(output.contains(scopes), "{output}");
    assert!(output.contains("GET /notes: 403: "), "{output}");
}

#[test]
fn own_policy() {
    let output = run("own_policy");
    assert!(
        output.contains("hubot POST /notes: 403 Forbidden None"),
        "{output}"
    );
    assert!(output.contains("scope=\\\"read:org\\\""), "{output}");
}

#[test]
fn tonic_app() {
    let output = run("tonic_app");
    assert!(output.contains("OK: Hello, octocat!"), "{output}");
    assert!(output.contains("Unauthenticated: "), "{output}");
}

#[test]
fn signed_identity() {
    let output = run("signed_identity");
    assert!(
        output.contains("through the gate: 200 OK: {\"id\":1,\"login\":\"octocat\"}"),
        "{output}"
    );
    assert!(output.contains("directly: 401 Unauthorized"), "{output}");
}
