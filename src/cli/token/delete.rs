use clap::Args;

use super::named;
use crate::cli::Failure;
use crate::cli::answer::print_done;
use crate::cli::api::AppArguments;
use crate::cli::terminal::Confirmation;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper token delete --config gatekeeper.toml < token.txt

A gate may still accept the token for active_max_age, a minute by default.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    app: AppArguments,

    #[command(flatten)]
    confirmation: Confirmation,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut client = arguments.app.client()?;
    let terminal = arguments.confirmation.terminal()?;
    let token = client.read_token()?;
    if let Some(mut terminal) = terminal {
        let named = named(&client.look_up(&token).await?);
        terminal.confirm(&format!("Delete {named}?"))?;
    }
    client
        .change("the token is not deleted", async |ghes| {
            ghes.delete_token(&token).await
        })
        .await?;
    print_done("the token is deleted")
}
