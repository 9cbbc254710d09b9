use clap::Args;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::AppArguments;

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper token check --config gatekeeper.toml < token.txt

Exits with 1 if GHES does not know the token as the app's. For what the gate decides about a request
with the token, and why, see ghes-gatekeeper check token.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    app: AppArguments,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut client = arguments.app.client()?;
    let token = client.read_token()?;
    let authorization = client
        .call("the token is not valid", async |ghes| {
            ghes.check_token(&token).await
        })
        .await?;
    arguments.form.print_one(&Record::from(&authorization))
}
