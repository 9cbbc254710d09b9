//! The command line: one file per command.

mod answer;
mod api;
mod authorizations;
mod check_config;
mod check_token;
mod completions;
mod demo;
mod descriptors;
mod emulator;
mod environment;
mod failure;
mod gate;
mod git_credential;
mod grant;
mod grants;
mod listen;
mod logging;
mod login;
mod sample_upstream;
mod self_check;
mod serve;
mod terminal;
mod token;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ghes_gatekeeper::ghes::AuthorizationApp;
use tokio::runtime::Builder;

use self::failure::Failure;
use self::gate::{health, purge};
use self::listen::Announcer;
use self::logging::{Delivery, LogFormat};

/// Accept GitHub Enterprise Server OAuth tokens in front of internal tools.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// What is logged to standard error: off, error, warn, info, debug, trace, or a list of
    /// TARGET=LEVEL, as in warn,access=info. Requests have the target access. At trace, libraries
    /// may log what they send.
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    log: String,

    /// The form of the log.
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run emulator, sample upstream and gate in one process, and print lines to try.
    Demo(demo::Arguments),
    /// Run the proxy.
    Serve(serve::Arguments),
    /// Run a GHES for development and tests.
    Emulator(emulator::Arguments),
    /// Ask a running proxy whether it is ready; for the health checks of containers.
    Health(health::Arguments),
    /// Make running gates forget tokens, and ask GHES about them again.
    Purge(purge::Arguments),
    /// Check the configuration, or a token.
    #[command(subcommand)]
    Check(Check),
    /// Sign in at GHES, and keep a token for the command line.
    Login(login::Arguments),
    /// Give git the token that login has kept.
    GitCredential(git_credential::Arguments),
    /// Check, reset, narrow or delete a token of an app.
    #[command(subcommand)]
    Token(token::Token),
    /// Delete all tokens that an app has for a user.
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Manage a user's tokens by password (OAuth authorizations API).
    #[command(subcommand)]
    Authorizations(authorizations::Authorizations),
    /// Manage by password which apps may act for a user (OAuth authorizations API).
    #[command(subcommand)]
    Grants(grants::Grants),
    /// Print a completion script for a shell.
    Completions(completions::Arguments),
}

impl Command {
    /// Commands that serve log for each request, on threads that have more to do than to write.
    fn delivery(&self) -> Delivery {
        match self {
            Self::Demo(_) | Self::Emulator(_) | Self::Serve(_) => Delivery::Queued,
            _ => Delivery::AtOnce,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Print the effective configuration, with secrets redacted.
    Config(check_config::Arguments),
    /// Print how the gate decides about a request with a token, step by step.
    Token(check_token::Arguments),
}

/// Runs the command that the process was started with, and returns its exit code.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(error),
    };
    let format = arguments.log_format;
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(format),
    }
}

/// Runs the command that the arguments name, to its end.
fn run(arguments: Arguments) -> Result<(), Failure> {
    let format = arguments.log_format;
    // Dropped last: what the command logs at its end is written before a failure is reported.
    let _log = logging::start(&arguments.log, format, arguments.command.delivery())?;
    let announcer = Announcer::new(format);
    match arguments.command {
        Command::Check(Check::Config(arguments)) => check_config::run(&arguments),
        Command::Check(Check::Token(arguments)) => {
            block_on_this_thread(check_token::run(arguments))
        }
        Command::Demo(arguments) => block_on(demo::run(arguments, announcer)),
        Command::Emulator(arguments) => block_on(emulator::run(arguments, announcer)),
        Command::Purge(arguments) => block_on_this_thread(purge::run(arguments)),
        Command::Health(arguments) => block_on_this_thread(health::run(arguments)),
        Command::Serve(arguments) => block_on_this_thread(serve::run(arguments, announcer)),
        Command::Login(arguments) => block_on_this_thread(login::run(arguments, format)),
        Command::GitCredential(arguments) => git_credential::run(&arguments),
        Command::Token(command) => block_on(token::run(command)),
        Command::Grant(command) => block_on(grant::run(command)),
        Command::Authorizations(command) => block_on(authorizations::run(command)),
        Command::Grants(command) => block_on(grants::run(command)),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

/// Names an app for a question, as its users and as its owners know it.
fn named_app(app: &AuthorizationApp) -> String {
    match &app.name {
        Some(name) => format!("{name} ({})", app.client_id),
        None => app.client_id.clone(),
    }
}

/// On as many threads as there are processors.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    run_in(Builder::new_multi_thread(), command)
}

/// For what has little to do, or threads of its own for it.
fn block_on_this_thread(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    run_in(Builder::new_current_thread(), command)
}

fn run_in(
    mut runtime: Builder,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::running("cannot start the runtime", error))?;
    let outcome = runtime.block_on(command);
    // Dropping it would wait for names that are still being looked up.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every command that does something, with its name in full.
    fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        let path = format!("{path} {}", command.get_name());
        if !command.has_subcommands() {
            return vec![(path, command.clone())];
        }
        let below = command.get_subcommands();
        below.flat_map(|command| leaves(command, &path)).collect()
    }

    /// The lines of a help text that call this command, without what is the shell's.
    fn examples(help: &str) -> Vec<String> {
        let help = help.replace("\\\n", "");
        let lines = help.lines().filter(|line| line.starts_with("  ghes-"));
        let ours = |line: &str| line.split(['<', '>']).next().unwrap().to_owned();
        lines.map(ours).collect()
    }

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_parses() {
        let leaves = leaves(&Arguments::command(), "");
        assert!(leaves.len() > 15, "{}", leaves.len());
        for (path, command) in leaves {
            let help = command.get_after_help().unwrap_or_default().to_string();
            let examples = examples(&help);
            assert!(!examples.is_empty(), "{path}");
            for example in examples {
                assert!(example.starts_with(&format!(" {path}")), "{example}");
                let words = example.split_whitespace();
                let parsed = Arguments::try_parse_from(words);
                assert!(parsed.is_ok(), "{example}\n{:?}", parsed.err());
            }
        }
    }
}
