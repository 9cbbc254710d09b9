use clap::Args;

use super::Terminal;
use crate::cli::Failure;

/// Whether to ask before something is gone for good.
#[derive(Args, Debug)]
pub(crate) struct Confirmation {
    /// Do not ask on the terminal before it is done.
    #[arg(long, short)]
    yes: bool,
}

impl Confirmation {
    /// Returns the terminal to ask on, or none if no question is needed.
    ///
    /// Called before a secret is read or anything is sent, so that a script without `--yes` fails
    /// before it has done half of its work.
    pub(crate) fn terminal(&self) -> Result<Option<Terminal>, Failure> {
        if self.yes {
            return Ok(None);
        }
        Terminal::open().map(Some).map_err(|_| {
            Failure::usage("there is no terminal to ask on; give --yes to go on without")
        })
    }
}
