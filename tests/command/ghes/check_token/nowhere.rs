//! Requests about which GHES is not asked.

use super::super::{GITHUB_APP, TOKEN, command, member, run, words};
use super::Gate;

#[tokio::test]
async fn where_no_route_leads_ghes_is_not_asked() {
    let gate = Gate::new("nowhere").await;
    for (line, says) in [
        ("--path /post", "404 no_route"),
        ("--path /team/../org", "400 invalid_request"),
        ("--method TRACE", "501 not_implemented"),
        ("--host a@b", "400 invalid_request"),
    ] {
        // The front page would take what is left over.
        let only = "GHES_GATEKEEPER_ROUTES__0__EXACT";
        let line = format!("check token --config {} {line}", gate.config.display());
        let mut command = command(&words(&line));
        command.env(only, "true");
        let done = run(command, TOKEN).await;
        let text = done.turned_away(1, says);
        assert_eq!(member(text, "route"), "none, so GHES is not asked");
    }
    let line = "--path /post --host tools.example.com:8080";
    let done = gate.check(line, TOKEN).await;
    let text = done.turned_away(1, "405 method_not_allowed");
    assert_eq!(member(text, " allow"), "POST");
    assert_eq!(gate.calls(), 0);
    let line = format!("{line} --method POST");
    let text = gate.check(&line, TOKEN).await.good();
    assert_eq!(member(&text, " hosts"), "tools.example.com");
    assert_eq!(member(&text, " methods"), "POST");
    assert_eq!(member(&text, "route"), "routes[5]");
}

#[tokio::test]
async fn a_host_that_is_not_served_is_told_with_its_cure() {
    let hosts = "[server]\nallowed_hosts = [\"tools.example.com\"]";
    let gate = Gate::with("hosts", GITHUB_APP, hosts).await;
    let done = gate.check("", TOKEN).await;
    let text = done.turned_away(1, "421 misdirected_request");
    assert_eq!(
        member(text, " cure"),
        "give one of server.allowed_hosts by --host"
    );
    gate.check("--host tools.example.com", TOKEN).await.good();
}

#[tokio::test]
async fn on_an_anonymous_route_nobody_looks_at_the_token() {
    let gate = Gate::new("anonymous").await;
    let text = gate.check("--path /open", "gho_nobody").await.good();
    assert_eq!(
        member(&text, " anonymous"),
        "yes, so the token is not checked"
    );
    assert_eq!(member(&text, " removes"), "authorization");
    assert!(
        !text.contains("\nGHES") && !text.contains("\nrules"),
        "{text}"
    );
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn what_cannot_be_used_is_exit_code_2() {
    let gate = Gate::new("unusable").await;
    for (line, token, says) in [
        ("--path deploy", TOKEN, "--path: not a path"),
        ("--method get", TOKEN, "in capitals"),
        ("", "", "standard input holds no token"),
        ("", "a b", "more than one token"),
    ] {
        let line = format!("check token --config {} {line}", gate.config.display());
        let done = run(command(&words(&line)), token).await;
        assert_eq!((done.code, &*done.out), (2, ""), "{}", done.err);
        assert!(done.err.contains(says), "{says} not in {}", done.err);
    }
    let mut broken = command(&words(&format!(
        "check token --config {}",
        gate.config.display()
    )));
    broken.env("GHES_GATEKEEPER_ROUTES__1__SCOPES", "[\"a b\"]");
    let done = run(broken, TOKEN).await;
    done.failed(2, &["routes[1].scopes"]);
    let done = run(command(&["check", "token"]), TOKEN).await;
    assert_eq!((done.code, &*done.out), (2, ""));
    assert!(done.err.contains("ghes.url: missing"), "{}", done.err);
    assert_eq!(gate.calls(), 0);
}
