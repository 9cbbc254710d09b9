//! Clients that know no other scheme than Basic, as people run them, before tools as they are.

mod containers;
mod git;
mod maven;
mod packages;
mod site;

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

/// Runs a program to its end, without the settings of whoever runs the test; none where it is not
/// installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn run(home: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_CONFIG_FILE", "/dev/null")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    match output.await {
        Ok(output) => Some(output),
        Err(_) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: {program} is not installed");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn text(output: &Output) -> String {
    let both = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
