use std::io::{self, Write};

use clap::Args;
use ghes_gatekeeper::ghes::GhesUrl;

use crate::cli::Failure;
use crate::cli::login::{Kept, Wanted};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper token print
  ghes-gatekeeper token print --ghes https://ghes.example.com --client-id Iv1.8a61f9b3a7aba766

Prints what login has kept. Exits with 1 if there is none.")]
pub(crate) struct Arguments {
    /// The GHES of the token, if there are tokens of several.
    #[arg(long, value_name = "URL")]
    ghes: Option<GhesUrl>,

    /// The client id of the token's app, if there are tokens of several.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let kept = Kept::open()?;
    let wanted = Wanted {
        ghes: arguments.ghes.as_ref(),
        client_id: arguments.client_id.as_deref(),
    };
    let token = kept.find(wanted)?;
    let token = token.ok_or_else(|| Failure::negative(NO_TOKEN))?;
    let printed = writeln!(io::stdout(), "{}", token.token);
    printed.map_err(|error| Failure::running("cannot print the token", error))
}

const NO_TOKEN: &str = "no such token is kept; run ghes-gatekeeper login --ghes URL --client-id ID";
