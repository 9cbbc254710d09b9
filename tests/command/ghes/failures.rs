//! "GHES said no" is exit code 1, "GHES could not be asked" is 3.

use std::process::Stdio;

use ghes_gatekeeper::emulator::{Fault, Operation};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::{Done, Ghes, TOKEN, run};

/// A command of each kind, and what is on its standard input.
const COMMANDS: [(&str, &str); 5] = [
    ("token check", TOKEN),
    ("token reset --yes", TOKEN),
    ("grant delete --yes", TOKEN),
    ("grants list --user octocat", "octocat"),
    ("authorizations create --note a --user octocat", "octocat"),
];

/// Whether a line is about a call that only reads.
fn reads(line: &str) -> bool {
    line.contains("check") || line.contains("list")
}

/// One of GHES's own errors.
fn said(status: StatusCode, message: &str) -> Fault {
    let url = "https://docs.github.com/rest";
    let body = json!({ "message": message, "documentation_url": url });
    Fault::status(status).with_body(body.to_string())
}

#[tokio::test]
async fn a_ghes_that_is_down_could_not_be_asked() {
    let mut ghes = Ghes::start().await;
    // Nothing listens on port 1.
    ghes.url = "http://127.0.0.1:1".to_owned();
    for (line, input) in COMMANDS {
        let done = ghes.run(line, input).await;
        let says = [
            "GHES at http://127.0.0.1:1 could not be asked",
            "refused",
            "ghes.url",
        ];
        done.failed(3, &says);
        assert!(!done.err.contains("all the same"), "{}", done.err);
    }
}

/// "It is not reset" would be a lie: the answer may be all that was lost.
#[tokio::test]
async fn a_change_without_an_answer_may_have_been_made() {
    let ghes = Ghes::start().await;
    for (line, input) in COMMANDS {
        for (fault, is_known) in [
            (Fault::dropped(), false),
            (Fault::status(StatusCode::BAD_GATEWAY), false),
            (Fault::status(StatusCode::OK).with_body("{}"), false),
            (said(StatusCode::FORBIDDEN, "no"), true),
        ] {
            ghes.emulator.fail(fault);
            let done = ghes.run(line, input).await;
            let is_unsure = done.err.contains("it may be done all the same");
            assert_eq!(is_unsure, !is_known && !reads(line), "{line}: {}", done.err);
        }
    }
}

#[tokio::test]
async fn no_answer_of_ghes_is_no_answer() {
    let ghes = Ghes::start().await;
    for (line, input) in COMMANDS {
        for (fault, says) in [
            (Fault::dropped(), "no complete reply"),
            (Fault::status(StatusCode::BAD_GATEWAY), "502"),
            (said(StatusCode::INTERNAL_SERVER_ERROR, "Oops"), "Oops"),
            (Fault::status(StatusCode::FOUND).with_body("{}"), "302"),
            (Fault::status(StatusCode::OK).with_body("<p>Sign in"), "200"),
            (Fault::status(StatusCode::OK).with_body("{}"), "200"),
            // A gateway's refusal: GHES links to its documentation.
            (
                Fault::status(StatusCode::NOT_FOUND).with_body(r#"{"message":"no"}"#),
                "404",
            ),
            (said(StatusCode::TOO_MANY_REQUESTS, "slowly"), "slowly"),
            (
                said(StatusCode::FORBIDDEN, "rate limit")
                    .with_header(http::header::RETRY_AFTER, HeaderValue::from_static("7")),
                "try again in 7 s",
            ),
        ] {
            ghes.emulator.fail(fault);
            ghes.run(line, input).await.failed(3, &[says]);
        }
        ghes.emulator.fail(said(StatusCode::FORBIDDEN, "no"));
        ghes.run(line, input)
            .await
            .failed(1, &["403", "no (https://docs"]);
    }
}

#[tokio::test]
async fn credentials_of_the_app_are_configuration_and_those_of_a_user_are_not() {
    let ghes = Ghes::start().await;
    let mut command = ghes.command("token check");
    command.env("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET", "wrong");
    let done = run(command, TOKEN).await;
    done.failed(
        3,
        &["401", "check client_id and client_secret in ghes.apps"],
    );
    let done = ghes.run("grants list --user octocat", "wrong").await;
    done.failed(1, &["401", "check the login octocat and the password"]);
    let done = ghes.run("token check", "gho_nobody").await;
    done.failed(1, &["the token is not valid", "404"]);
}

#[tokio::test]
async fn an_error_can_neither_order_a_terminal_nor_quote_a_secret() {
    let ghes = Ghes::start().await;
    let message = format!("\u{1b}[2J \u{9b}31m {TOKEN} \u{202e}\n{TOKEN}");
    ghes.emulator
        .fail(said(StatusCode::UNPROCESSABLE_ENTITY, &message));
    let done = ghes.run("token delete --yes", TOKEN).await;
    done.failed(
        1,
        &["\\u{1b}[2J \\u{9b}31m [redacted] \\u{202e}\\u{a}[redacted]"],
    );
    let message = "password hunter2 is wrong";
    ghes.emulator
        .fail(said(StatusCode::UNPROCESSABLE_ENTITY, message));
    let done = ghes.run("grants list --user octocat", "hunter2\n").await;
    done.failed(1, &["password [redacted] is wrong"]);
}

/// It may be the only time that GHES shows the token.
#[tokio::test]
async fn an_answer_that_cannot_be_printed_is_a_failure() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        assert!(std::env::var_os("CI").is_none(), "CI has /dev/full");
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let ghes = Ghes::start().await;
    let file = std::env::temp_dir().join(format!("ghes-token-{}", std::process::id()));
    std::fs::write(&file, TOKEN).expect("a file");
    let input = std::fs::File::open(&file).expect("the file");
    let mut command = ghes.command("token reset --yes");
    let command = command.stdin(input).stdout(full).stderr(Stdio::piped());
    let child = command.spawn().expect("the command");
    let output = child.wait_with_output().await;
    std::fs::remove_file(&file).expect("the file");
    let done = Done::new(output.expect("the command"));
    done.failed(1, &["done, but the answer cannot be printed"]);
    assert_eq!(ghes.emulator.calls(Operation::ResetToken), 1);
}
