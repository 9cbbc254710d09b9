//! The command line: one file per command.

mod check_config;
mod demo;
mod emulator;
mod failure;
mod health;
mod listen;
mod logging;
mod sample_upstream;
mod serve;

use clap::{Parser, Subcommand};

pub(crate) use self::failure::Failure;
use self::logging::LogFormat;

/// Accept GitHub Enterprise Server OAuth tokens in front of internal tools.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// What is logged, to standard error: error, warn, info, debug, trace, or a list of
    /// TARGET=LEVEL. At trace, libraries below may log what they send.
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
    /// Look at what would be used.
    #[command(subcommand)]
    Check(Check),
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Print the effective configuration, with secrets redacted.
    Config(check_config::Arguments),
}

/// Runs the command that the arguments name, to its end.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    logging::start(&arguments.log, arguments.log_format)?;
    match arguments.command {
        Command::Check(Check::Config(arguments)) => check_config::run(&arguments),
        Command::Demo(arguments) => block_on(demo::run(arguments)),
        Command::Emulator(arguments) => block_on(emulator::run(arguments)),
        Command::Health(arguments) => block_on(health::run(arguments)),
        Command::Serve(arguments) => block_on(serve::run(arguments)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::running("cannot start the runtime", error))?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }
}
