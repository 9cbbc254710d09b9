//! With a person in front: a real terminal, which the command asks on.
//!
//! The terminal stands still until somebody writes, so these tests block; the emulator goes on
//! on the runtime's other thread.

use std::process::Command;

use ghes_gatekeeper::emulator::{Operation, World};
use rexpect::session::{PtySession, spawn_command};

use super::{Done, Ghes, TOKEN, run, words};

/// Nothing here waits for long, but for its turn on a machine that has much else to do.
const PATIENCE_MS: u64 = 60_000;

/// A world in which octocat needs a one-time password.
const WITH_OTP: &str =
    "[[users]]\nlogin = \"octocat\"\nid = 1\npassword = \"octocat\"\notp = \"123456\"";

const YES: &str = "[y/N] ";

/// Runs a line of a shell on a terminal of its own, where `$gate` is the command.
fn shell(ghes: &Ghes, line: &str) -> PtySession {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{line}; echo exit=$?"));
    command.env_clear();
    command.envs(ghes.variables());
    command.env("gate", env!("CARGO_BIN_EXE_ghes-gatekeeper"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    spawn_command(command, Some(PATIENCE_MS)).expect("a terminal")
}

/// Reads the rest, and the exit code.
fn end(mut session: PtySession) -> (String, u8) {
    let rest = session.exp_eof().expect("the rest");
    let (rest, code) = rest.rsplit_once("exit=").expect("an exit code");
    let code = code.trim().parse().expect("an exit code");
    (rest.to_owned(), code)
}

fn answer(mut session: PtySession, answer: &str) -> (String, String, u8) {
    let question = session.exp_string(YES).expect("a question");
    session.send_line(answer).expect("a terminal");
    let (rest, code) = end(session);
    (question, rest, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_names_what_will_be_gone() {
    let ghes = Ghes::start().await;
    let piped = |command: &str| format!("echo {TOKEN} | $gate {command}");
    let typed = |command: &str| format!("echo octocat | $gate {command} --user octocat");
    for (line, says) in [
        (
            piped("token delete"),
            "Delete the token of octocat for my github app (Iv1.8a61f9b3a7aba766) \
             that ends in ae178b4a?",
        ),
        (
            piped("token reset"),
            "Reset the token of octocat for my github app (Iv1.8a61f9b3a7aba766) \
             that ends in ae178b4a? It stops working at once.",
        ),
        (
            piped("grant delete"),
            "Delete all tokens of octocat for my github app (Iv1.8a61f9b3a7aba766), \
             and the SSH keys that it made?",
        ),
        (
            typed("authorizations delete 1"),
            "Delete authorization 1 and the token of octocat for my github app \
             (Iv1.8a61f9b3a7aba766)?",
        ),
        (
            typed("grants delete 1"),
            "Delete grant 1, all tokens of octocat for my github app (Iv1.8a61f9b3a7aba766), \
             and the SSH keys that it made?",
        ),
    ] {
        for no in ["n", "", "yess", "no"] {
            let (question, rest, code) = answer(shell(&ghes, &line), no);
            assert_eq!(question.trim_end(), says);
            assert!(
                rest.contains("not confirmed; nothing was changed"),
                "{rest}"
            );
            assert_eq!(code, 1);
        }
    }
    assert!(ghes.knows(TOKEN).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn yes_goes_on() {
    let ghes = Ghes::start().await;
    let reset = format!("echo {TOKEN} | $gate token reset > /dev/null");
    let (_, rest, code) = answer(shell(&ghes, &reset), "YES");
    assert_eq!((rest.trim(), code), ("", 0));
    assert!(!ghes.knows(TOKEN).await);
    let delete = "echo octocat | $gate authorizations delete 1 --user octocat";
    let (_, rest, code) = answer(shell(&ghes, delete), "y");
    assert_eq!(
        (rest.trim(), code),
        ("the authorization and its token are deleted", 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_yes_beforehand_is_not_asked() {
    let ghes = Ghes::start().await;
    let line = format!("echo {TOKEN} | $gate token delete --yes");
    let (all, code) = end(shell(&ghes, &line));
    assert_eq!((all.trim(), code), ("the token is deleted", 0));
    assert_eq!(ghes.emulator.calls(Operation::CheckToken), 0);
}

/// The end of input is no consent.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_ends_says_no() {
    let ghes = Ghes::start().await;
    let mut session = shell(&ghes, &format!("echo {TOKEN} | $gate token delete"));
    session.exp_string(YES).expect("a question");
    session.send_control('d').expect("a terminal");
    assert_eq!(end(session).1, 1);
    assert!(ghes.knows(TOKEN).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_secret_is_not_shown() {
    let ghes = Ghes::start().await;
    // A terminal shows what is typed, unless it is told not to.
    let mut session = shell(&ghes, "stty echo; $gate token delete");
    session.exp_string("Token: ").expect("a prompt");
    session.send_line(TOKEN).expect("a terminal");
    let before = session.exp_string(YES).expect("a question");
    session.send_line("y").expect("a terminal");
    let (rest, code) = end(session);
    assert!(
        !before.contains(TOKEN) && !rest.contains(TOKEN),
        "{before}{rest}"
    );
    assert!(rest.starts_with("y\r\n"), "echo is on again: {rest:?}");
    assert_eq!(code, 0);
    let list = "stty echo; $gate grants list --user octocat";
    let mut session = shell(&ghes, list);
    session
        .exp_string("Password of octocat: ")
        .expect("a prompt");
    session.send_line("octocat").expect("a terminal");
    let (rest, code) = end(session);
    assert!(!rest.contains("octocat") && code == 0, "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_password_is_asked_for() {
    let ghes = Ghes::with(World::from_toml(WITH_OTP).expect("a world")).await;
    let line = "stty echo; echo octocat | $gate grants list --json --user octocat";
    for (otp, code) in [("123456", 0), ("654321", 1)] {
        let mut session = shell(&ghes, line);
        session
            .exp_string("One-time password from your authenticator app: ")
            .expect("a prompt");
        session.send_line(otp).expect("a terminal");
        let (rest, exit) = end(session);
        assert!(!rest.contains(otp) && exit == code, "{rest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_lines_around_a_table() {
    let ghes = Ghes::start().await;
    let line = "echo octocat | $gate authorizations list --user octocat";
    let (table, code) = end(shell(&ghes, line));
    assert!(table.contains("-----") && code == 0, "{table}");
    let one = format!("echo {TOKEN} | $gate token check");
    let (shown, code) = end(shell(&ghes, &one));
    assert!(shown.is_ascii() && code == 0, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_prompt_leaves_the_terminal_as_it_was() {
    let ghes = Ghes::start().await;
    let mut session = shell(&ghes, "stty echo; $gate token delete; stty -a");
    session.exp_string("Token: ").expect("a prompt");
    session.send_control('c').expect("a terminal");
    let (settings, _) = end(session);
    assert!(settings.contains("interrupted; nothing was changed"));
    let has = |flag| settings.split_whitespace().any(|word| word == flag);
    assert!(has("echo") && has("icanon") && has("isig"), "{settings}");
    assert_eq!(ghes.emulator.calls(Operation::CheckToken), 0);
}

/// Tells whether what this process starts ignores interrupts, as what a shell without job control
/// starts in the background does (POSIX, Shell Command Language §2.11). No child can undo it.
fn interrupts_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & SIGINT != 0)
}

/// The bit of signal 2.
const SIGINT: u64 = 1 << 1;

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_question_is_a_no() {
    if interrupts_are_ignored() {
        eprintln!("skipped: interrupts are ignored here; run it in the foreground");
        return;
    }
    let ghes = Ghes::start().await;
    for line in ["$gate token delete", "echo $token | $gate token delete"] {
        // The shell stays to tell the exit code.
        let line = format!("trap : INT; token={TOKEN}; {line}");
        let mut session = shell(&ghes, &line);
        if line.ends_with("; $gate token delete") {
            session.exp_string("Token: ").expect("a prompt");
            session.send_line(TOKEN).expect("a terminal");
        }
        session.exp_string(YES).expect("a question");
        session.send_control('c').expect("a terminal");
        assert_eq!(end(session).1, 130);
    }
    assert!(ghes.knows(TOKEN).await);
}

/// Runs a command in a session of its own, which has no terminal; none if that cannot be done.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
async fn without_terminal(ghes: &Ghes, line: &str, input: &str) -> Option<Done> {
    if Command::new("setsid").arg("-V").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI has setsid");
        eprintln!("skipped: setsid is not installed");
        return None;
    }
    let mut command = tokio::process::Command::new("setsid");
    command.arg("-w").arg(env!("CARGO_BIN_EXE_ghes-gatekeeper"));
    command.args(words(line)).envs(ghes.variables());
    Some(run(command, input).await)
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_one_time_password_is_an_argument() {
    let ghes = Ghes::with(World::from_toml(WITH_OTP).expect("a world")).await;
    for otp in ["", " --otp 654321"] {
        let line = format!("grants list --user octocat{otp}");
        let Some(done) = without_terminal(&ghes, &line, "octocat").await else {
            return;
        };
        done.failed(1, &["401", "give a one-time password by --otp"]);
        assert!(!done.err.contains("654321"));
    }
}

/// The question comes before anything is read or sent, so that a script fails at once.
#[tokio::test]
async fn where_nobody_can_be_asked_yes_is_required() {
    let ghes = Ghes::start().await;
    for (line, input) in [
        ("token delete", TOKEN),
        ("token reset", TOKEN),
        ("grant delete", TOKEN),
        ("grants delete 1 --user octocat", "octocat"),
        ("authorizations delete 1 --user octocat", "octocat"),
    ] {
        let Some(done) = without_terminal(&ghes, line, input).await else {
            return;
        };
        done.failed(2, &["there is no terminal to ask on; give --yes"]);
    }
    let calls = [
        Operation::CheckToken,
        Operation::DeleteToken,
        Operation::ResetToken,
        Operation::GetGrant,
    ];
    assert!(calls.iter().all(|call| ghes.emulator.calls(*call) == 0));
    assert!(ghes.knows(TOKEN).await);
}
