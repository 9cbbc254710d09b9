use clap::Args;

use super::wish::Wish;
use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::{UserArguments, pick_app};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper authorizations get-or-create --config gatekeeper.toml --user octocat \\
    --scope gist --fingerprint laptop

GHES shows a token only when it makes one: where there was one already, it is empty.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    user: UserArguments,

    /// The client id of the configured app to use, if there are several.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    #[command(flatten)]
    wish: Wish,

    /// The fingerprint of the authorization, among several of one app and user.
    #[arg(long, value_name = "TEXT", value_parser = fingerprint)]
    fingerprint: Option<String>,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.user.config()?;
    let app = pick_app(&config, arguments.client_id.as_deref())?;
    let wanted = arguments.wish.authorization();
    let mut user = arguments.user.sign_in(&config)?;
    let outcome = user
        .change("no token is made", async |ghes| {
            match &arguments.fingerprint {
                Some(fingerprint) => {
                    ghes.get_or_create_authorization_for_app_and_fingerprint(
                        &app,
                        fingerprint,
                        &wanted,
                    )
                    .await
                }
                None => {
                    ghes.get_or_create_authorization_for_app(&app, &wanted)
                        .await
                }
            }
        })
        .await?;
    arguments.form.print_one(&Record::from(&outcome))
}

/// The endpoint has it in its path.
fn fingerprint(text: &str) -> Result<String, String> {
    match text {
        "" | "." | ".." => Err("no path can hold it".to_owned()),
        text => Ok(text.to_owned()),
    }
}
