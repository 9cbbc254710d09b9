//! Starting the command, reading what it prints, and ending it.

use std::fs::File;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The path of the command.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ghes-gatekeeper");

/// The command with these arguments, and without any configuration of the environment's.
pub(crate) fn command(arguments: &[&str]) -> Command {
    by(PROGRAM, arguments)
}

/// The same for a program that starts the command.
pub(crate) fn by(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GHES_GATEKEEPER_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the command to its end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    command(arguments).output().await.expect("the command")
}

/// A command that goes on until it is told to stop.
pub(crate) struct Running {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, Stdio::null())
    }

    /// Starts it with its log in a file.
    pub(crate) fn start_logging(arguments: &[&str], log: &Path) -> Self {
        let log = File::create(log).expect("a file");
        Self::start_with(arguments, log.into())
    }

    fn start_with(arguments: &[&str], log: Stdio) -> Self {
        let mut command = command(arguments);
        command.stderr(log);
        Self::spawn(command)
    }

    /// Starts what has been prepared.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command");
        let output = child.stdout.take().expect("standard output");
        Self {
            child,
            output: BufReader::new(output).lines(),
        }
    }

    pub(crate) async fn line(&mut self) -> String {
        let line = self.output.next_line().await.expect("standard output");
        line.expect("another line")
    }

    /// Reads the line that names the address for `role`.
    pub(crate) async fn address(&mut self, role: &str) -> String {
        let line = self.line().await;
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix(&format!(" ({role})")));
        address.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status().await;
        assert!(kill.expect("kill").success());
    }

    /// Sends a signal and returns the exit code.
    pub(crate) async fn stop(mut self, signal: &str) -> Option<i32> {
        self.signal(signal).await;
        self.end().await
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        self.child.wait().await.expect("an exit").code()
    }
}
