use clap::Args;

use crate::cli::answer::print_done;
use crate::cli::api::UserArguments;
use crate::cli::terminal::Confirmation;
use crate::cli::{Failure, named_app};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper grants delete 1 --config gatekeeper.toml --user octocat")]
pub(crate) struct Arguments {
    /// The id of the grant, as list shows it.
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
        let grant = user
            .call("cannot look up the grant", async |ghes| {
                ghes.grant(id).await
            })
            .await?;
        let app = named_app(&grant.app);
        terminal.confirm(&format!(
            "Delete grant {id}, all tokens of {} for {app}, and the SSH keys that it made?",
            arguments.user.login()
        ))?;
    }
    user.change("the grant is not deleted", async |ghes| {
        ghes.delete_grant(id).await
    })
    .await?;
    print_done("the grant and all of its tokens are deleted")
}
