use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::listen::print;
use super::serve::load;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper check config --config gatekeeper.toml

Exits with 2 and one line for each mistake if the configuration cannot be used.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    print(&config.to_redacted_toml())
}
