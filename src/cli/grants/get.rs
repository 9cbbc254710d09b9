use clap::Args;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::UserArguments;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper grants get 1 --config gatekeeper.toml --user octocat")]
pub(crate) struct Arguments {
    /// The id of the grant, as list shows it.
    #[arg(value_name = "ID")]
    id: u64,

    #[command(flatten)]
    user: UserArguments,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut user = arguments.user.sign_in(&arguments.user.config()?)?;
    let grant = user
        .call("no such grant", async |ghes| ghes.grant(arguments.id).await)
        .await?;
    arguments.form.print_one(&Record::from(&grant))
}
