use clap::Args;

use crate::cli::answer::print_done;
use crate::cli::api::UserArguments;
use crate::cli::terminal::Confirmation;
use crate::cli::{Failure, named_app};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper authorizations delete 1 --config gatekeeper.toml --user octocat")]
pub(crate) struct Arguments {
    /// The id of the authorization, as list shows it.
    #[arg(value_name = "ID")]
    id: u64,

    #[command(flatten)]
    user: UserArguments,

    #[command(flatten)]
    confirmation: Confirmation,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.user.config()?;
    let terminal = arguments.confirmation.terminal()?;
    let mut user = arguments.user.sign_in(&config)?;
    let id = arguments.id;
    if let Some(mut terminal) = terminal {
        let authorization = user
            .call("cannot look up the authorization", async |ghes| {
                ghes.authorization(id).await
            })
            .await?;
        terminal.confirm(&format!(
            "Delete authorization {id} and the token of {} for {}?",
            arguments.user.login(),
            named_app(&authorization.app)
        ))?;
    }
    user.change("the authorization is not deleted", async |ghes| {
        ghes.delete_authorization(id).await
    })
    .await?;
    print_done("the authorization and its token are deleted")
}
