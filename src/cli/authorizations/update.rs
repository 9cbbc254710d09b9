use clap::{ArgGroup, Args};
use ghes_gatekeeper::ghes::AuthorizationUpdate;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::UserArguments;

#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("change").required(true).multiple(true).args([
        "scope", "add_scope", "remove_scope", "note", "note_url", "fingerprint",
    ]),
    after_help = "\
Example:
  ghes-gatekeeper authorizations update 1 --config gatekeeper.toml --user octocat \\
    --add-scope repo --remove-scope gist"
)]
pub(crate) struct Arguments {
    /// The id of the authorization, as list shows it.
    #[arg(value_name = "ID")]
    id: u64,

    #[command(flatten)]
    user: UserArguments,

    /// A scope that replaces all current ones; repeat it for several.
    #[arg(long, value_name = "SCOPE", conflicts_with_all = ["add_scope", "remove_scope"])]
    scope: Vec<String>,

    /// A scope to add; repeat it for several.
    #[arg(long, value_name = "SCOPE")]
    add_scope: Vec<String>,

    /// A scope to remove; repeat it for several.
    #[arg(long, value_name = "SCOPE")]
    remove_scope: Vec<String>,

    /// What the token is for.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// A URL for the note.
    #[arg(long, value_name = "URL")]
    note_url: Option<String>,

    /// A fingerprint that tells apart several authorizations of one app and user.
    #[arg(long, value_name = "TEXT")]
    fingerprint: Option<String>,

    #[command(flatten)]
    form: AnswerForm,
}

impl Arguments {
    fn change(&self) -> AuthorizationUpdate {
        let mut change = AuthorizationUpdate::new();
        if !self.scope.is_empty() {
            change = change.with_scopes(&self.scope);
        }
        if !self.add_scope.is_empty() {
            change = change.with_added_scopes(&self.add_scope);
        }
        if !self.remove_scope.is_empty() {
            change = change.with_removed_scopes(&self.remove_scope);
        }
        if let Some(note) = &self.note {
            change = change.with_note(note);
        }
        if let Some(url) = &self.note_url {
            change = change.with_note_url(url);
        }
        if let Some(fingerprint) = &self.fingerprint {
            change = change.with_fingerprint(fingerprint);
        }
        change
    }
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let change = arguments.change();
    let mut user = arguments.user.sign_in(&arguments.user.config()?)?;
    let authorization = user
        .change("the authorization is not changed", async |ghes| {
            ghes.update_authorization(arguments.id, &change).await
        })
        .await?;
    arguments.form.print_one(&Record::from(&authorization))
}
