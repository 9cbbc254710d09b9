use std::path::PathBuf;

use clap::Args;
use ghes_gatekeeper::config::Config;

use super::Failure;
use super::answer::print_json;
use super::listen::print;
use super::serve::load;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper check config --config gatekeeper.toml
  ghes-gatekeeper check config --example > gatekeeper.toml
  ghes-gatekeeper check config --schema > gatekeeper.schema.json

Exits with 2 and one line for each mistake if the configuration cannot be used.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints a file with every key, its default and what it is for, and checks nothing.
    #[arg(long, conflicts_with_all = ["config", "schema"])]
    example: bool,
    /// Prints a JSON Schema of the file (2020-12) for editors, and checks nothing.
    #[arg(long, conflicts_with = "config")]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.example {
        return print(&Config::example());
    }
    if arguments.schema {
        return print_json(&Config::schema());
    }
    let config = load(arguments.config.as_deref())?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    print(&config.to_redacted_toml())
}
