use clap::Args;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::{ListArguments, UserArguments};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper authorizations list --config gatekeeper.toml --user octocat")]
pub(crate) struct Arguments {
    #[command(flatten)]
    user: UserArguments,

    #[command(flatten)]
    list: ListArguments,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut user = arguments.user.sign_in(&arguments.user.config()?)?;
    let options = arguments.list.options();
    let authorizations = user
        .list(
            "no list of authorizations",
            arguments.list.limit(),
            |ghes| ghes.authorizations(&options),
        )
        .await?;
    let records: Vec<Record> = authorizations.iter().map(Record::from).collect();
    arguments.form.print_list(&records, &COLUMNS)
}

const COLUMNS: [&str; 7] = [
    "id",
    "app",
    "scopes",
    "note",
    "token_last_eight",
    "created_at",
    "expires_at",
];
