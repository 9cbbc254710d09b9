//! `completions` for the shells that people use.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::super::running::run;

#[tokio::test]
async fn every_shell_has_a_script_with_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]).await;
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        for word in ["get-or-create", "completions", "client-id", "emulator"] {
            assert!(script.contains(word), "{word} not in {script}");
        }
    }
    assert_eq!(run(&["completions", "dos"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn bash_takes_its_script() {
    let script = run(&["completions", "bash"]).await.stdout;
    let bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn();
    let Ok(mut bash) = bash else {
        assert!(std::env::var_os("CI").is_none(), "CI has bash");
        eprintln!("skipped: bash is not installed");
        return;
    };
    let mut stdin = bash.stdin.take().expect("standard input");
    stdin.write_all(&script).await.expect("a reader");
    drop(stdin);
    assert!(bash.wait().await.expect("an exit").success());
}
