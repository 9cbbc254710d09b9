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

  ghes-gatekeeper check config --config new.toml --against gatekeeper.toml

Exits with 2 and one line for each mistake if the configuration cannot be used,
and with 1 if some route or caller could decide otherwise than by the file of --against.")]
pub(super) struct Arguments {
    /// The configuration file; without it, only the environment is read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Names the routes and callers that could decide otherwise than by this configuration, and
    /// the keys.
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    /// Prints a file with every key, its default and what it is for, and checks nothing.
    #[arg(long, conflicts_with_all = ["against", "config", "schema"])]
    example: bool,
    /// Prints a JSON Schema of the file (2020-12) for editors, and checks nothing.
    #[arg(long, conflicts_with_all = ["against", "config"])]
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
    match &arguments.against {
        Some(old) => compare(&config, &load(Some(old))?),
        None => print(&config.to_redacted_toml()),
    }
}

fn compare(new: &Config, old: &Config) -> Result<(), Failure> {
    let differences = new.differences(old);
    if differences.is_empty() {
        return print("every route and caller decides as before\n");
    }
    print(&format!("{}\n", differences.join("\n")))?;
    let deciders = match differences.len() {
        1 => "one route or caller".to_owned(),
        several => format!("{several} routes or callers"),
    };
    Err(Failure::negative(format!(
        "{deciders} could decide otherwise than before"
    )))
}
