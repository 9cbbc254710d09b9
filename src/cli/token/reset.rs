use clap::Args;

use super::named;
use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::AppArguments;
use crate::cli::terminal::Confirmation;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper token reset --config gatekeeper.toml --yes --json < token.txt

GHES shows the new token only once. The old token stops working at once, wherever it is used.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    app: AppArguments,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut client = arguments.app.client()?;
    let terminal = arguments.confirmation.terminal()?;
    let token = client.read_token()?;
    if let Some(mut terminal) = terminal {
        let named = named(&client.look_up(&token).await?);
        terminal.confirm(&format!("Reset {named}? It stops working at once."))?;
    }
    let issued = client
        .change("the token is not reset", async |ghes| {
            ghes.reset_token(&token).await
        })
        .await?;
    arguments.form.print_one(&Record::from(&issued))
}
