use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Failure;
use super::listen::print;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper completions bash > /etc/bash_completion.d/ghes-gatekeeper")]
pub(super) struct Arguments {
    /// The shell that the script is for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = super::Arguments::command();
    let mut script = Vec::new();
    generate(
        arguments.shell,
        &mut command,
        "ghes-gatekeeper",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script))
}
