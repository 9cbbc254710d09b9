//! The command about the grant behind a token, which is read from standard input.

use clap::{Args, Subcommand};

use super::answer::print_done;
use super::api::AppArguments;
use super::terminal::Confirmation;
use super::token::owner;
use super::{Failure, named_app};

#[derive(Debug, Subcommand)]
pub(super) enum Grant {
    /// Revoke all tokens that the app has for the token's user.
    Delete(Arguments),
}

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper grant delete --config gatekeeper.toml < token.txt

Any valid token of the user for the app will do. Afterwards the user must
authorize the app again.")]
pub(super) struct Arguments {
    #[command(flatten)]
    app: AppArguments,

    #[command(flatten)]
    confirmation: Confirmation,
}

pub(super) async fn run(Grant::Delete(arguments): Grant) -> Result<(), Failure> {
    let mut client = arguments.app.client()?;
    let terminal = arguments.confirmation.terminal()?;
    let token = client.read_token()?;
    if let Some(mut terminal) = terminal {
        let authorization = client.look_up(&token).await?;
        let (app, owner) = (named_app(&authorization.app), owner(&authorization));
        terminal.confirm(&format!(
            "Delete all tokens of {owner} for {app}, and the SSH keys that it made?"
        ))?;
    }
    client
        .change("the grant is not deleted", async |ghes| {
            ghes.delete_authorization(&token).await
        })
        .await?;
    print_done("the grant and all of its tokens are deleted")
}
