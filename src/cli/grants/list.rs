use clap::Args;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::{ListArguments, UserArguments};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper grants list --config gatekeeper.toml --user octocat")]
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
    let grants = user
        .list("no list of grants", arguments.list.limit(), |ghes| {
            ghes.grants(&options)
        })
        .await?;
    let records: Vec<Record> = grants.iter().map(Record::from).collect();
    arguments.form.print_list(&records, &COLUMNS)
}

const COLUMNS: [&str; 5] = ["id", "app", "scopes", "created_at", "updated_at"];
