//! Secrets come in by standard input or a file, and by nothing else.

use ghes_gatekeeper::emulator::Operation;

use super::{Ghes, TOKEN, command, run};

#[tokio::test]
async fn a_token_is_one_line() {
    let ghes = Ghes::start().await;
    for input in [format!(" \t{TOKEN}\r\n\n"), TOKEN.to_owned()] {
        ghes.run("token check", &input).await.good();
    }
    for input in [format!("{TOKEN}\n{TOKEN}"), format!("{TOKEN} {TOKEN}\n")] {
        let done = ghes.run("token check", &input).await;
        done.failed(2, &["standard input holds more than one token"]);
    }
    for input in ["", "\n", "  \n\n"] {
        let done = ghes.run("token check", input).await;
        done.failed(2, &["standard input holds no token; pipe it in"]);
    }
    let endless = "a".repeat(9000);
    let done = ghes.run("token check", &endless).await;
    done.failed(2, &["standard input", "too long"]);
    assert_eq!(ghes.emulator.calls(Operation::CheckToken), 2);
}

#[tokio::test]
async fn no_secret_is_an_argument() {
    let ghes = Ghes::start().await;
    for line in [
        format!("token check {TOKEN}"),
        format!("token check --token {TOKEN}"),
        "grants list --user octocat --password octocat".to_owned(),
    ] {
        let mut command = ghes.command(&line);
        let output = command.output().await.expect("the command");
        assert_eq!(output.status.code(), Some(2), "{line}");
    }
    for group in ["token", "grant", "authorizations", "grants"] {
        let help = command(&[group, "--help"]).output().await.expect("help");
        let help = String::from_utf8(help.stdout).expect("UTF-8");
        assert!(!help.contains("SECRET"), "{help}");
    }
}

#[tokio::test]
async fn a_password_is_one_line_or_a_file() {
    let ghes = Ghes::start().await;
    let list = "grants list --user octocat";
    for input in ["octocat", "octocat\n", "octocat\r\n"] {
        ghes.run(list, input).await.good();
    }
    // Space may belong to a password.
    for input in [" octocat\n", "octocat \n"] {
        ghes.run(list, input).await.failed(1, &["401"]);
    }
    ghes.run(list, "a\nb\n").await.failed(2, &["several lines"]);
    ghes.run(list, "\n").await.failed(2, &["holds no password"]);
    let file = std::env::temp_dir().join(format!("ghes-password-{}", std::process::id()));
    let by_file = format!("{list} --password-file {}", file.display());
    ghes.run(&by_file, "")
        .await
        .failed(2, &["ghes-password-", "cannot be read"]);
    std::fs::write(&file, "octocat\n").expect("a file");
    ghes.run(&by_file, "").await.good();
    std::fs::write(&file, "\n").expect("a file");
    ghes.run(&by_file, "")
        .await
        .failed(2, &["ghes-password-", "is empty"]);
    std::fs::remove_file(&file).expect("the file");
}

#[tokio::test]
async fn a_login_that_cannot_be_one_is_refused_before_a_call() {
    let ghes = Ghes::start().await;
    let done = ghes.run("grants list --user a:b", "octocat").await;
    done.failed(2, &["--user: a login is not empty and has no colon"]);
    let done = ghes
        .run("grants list --user a --otp \u{e9}", "octocat")
        .await;
    done.failed(2, &["--otp: a one-time password"]);
    assert_eq!(ghes.emulator.calls(Operation::ListGrants), 0);
    assert_eq!(run(ghes.command("grants list"), "").await.code, 2);
}
