use clap::Args;

use super::wish::Wish;
use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::{UserArguments, pick_app};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper authorizations create --config gatekeeper.toml --user octocat \\
    --scope gist --note gists

GHES shows the token this one time. Without --client-id it is a personal access token, which must
have a note that no other has.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    user: UserArguments,

    /// The configured app that the token is for.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    #[command(flatten)]
    wish: Wish,

    /// A fingerprint that tells apart several authorizations of one app and user.
    #[arg(long, value_name = "TEXT")]
    fingerprint: Option<String>,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.user.config()?;
    let client_id = arguments.client_id.as_deref();
    let app = client_id
        .map(|id| pick_app(&config, Some(id)))
        .transpose()?;
    let mut wanted = arguments.wish.authorization();
    if let Some(fingerprint) = &arguments.fingerprint {
        wanted = wanted.with_fingerprint(fingerprint);
    }
    let mut user = arguments.user.sign_in(&config)?;
    let issued = user
        .change("no token is made", async |ghes| {
            ghes.create_authorization(app.as_ref(), &wanted).await
        })
        .await?;
    arguments.form.print_one(&Record::from(&issued))
}
