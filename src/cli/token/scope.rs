use clap::{ArgGroup, Args};
use ghes_gatekeeper::ghes::ScopeRequest;

use crate::cli::Failure;
use crate::cli::answer::{AnswerForm, Record};
use crate::cli::api::AppArguments;

#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("whose").required(true).args(["target", "target_id"]),
    after_help = "\
Example:
  ghes-gatekeeper token scope --config gatekeeper.toml --target octo-org \\
    --repository octo-repo --permission contents=read --json < token.txt

The given token keeps working."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    app: AppArguments,

    /// The user or organization that the new token may access.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// The same, by id.
    #[arg(long, value_name = "ID")]
    target_id: Option<u64>,

    /// A repository, without its owner; repeat it for several.
    #[arg(long, value_name = "NAME", conflicts_with = "repository_id")]
    repository: Vec<String>,

    /// The same, by id.
    #[arg(long, value_name = "ID")]
    repository_id: Vec<u64>,

    /// A permission of the app and its level; repeat it for several.
    #[arg(long, value_name = "NAME=LEVEL", value_parser = permission)]
    permission: Vec<(String, String)>,

    #[command(flatten)]
    form: AnswerForm,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut client = arguments.app.client()?;
    let scope = wanted(arguments)?;
    let token = client.read_token()?;
    let issued = client
        .change("no token with less is made", async |ghes| {
            ghes.scope_token(&token, &scope).await
        })
        .await?;
    arguments.form.print_one(&Record::from(&issued))
}

fn wanted(arguments: &Arguments) -> Result<ScopeRequest, Failure> {
    let mut scope = match (&arguments.target, arguments.target_id) {
        (Some(name), _) => ScopeRequest::for_target(name),
        (None, Some(id)) => ScopeRequest::for_target_id(id),
        (None, None) => return Err(Failure::usage("give --target or --target-id")),
    };
    if !arguments.repository.is_empty() {
        scope = scope.with_repositories(&arguments.repository);
    }
    if !arguments.repository_id.is_empty() {
        scope = scope.with_repository_ids(arguments.repository_id.iter().copied());
    }
    for (name, level) in &arguments.permission {
        scope = scope.with_permission(name, level);
    }
    Ok(scope)
}

fn permission(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, level)) if !name.is_empty() && !level.is_empty() => {
            Ok((name.to_owned(), level.to_owned()))
        }
        _ => Err("write it like contents=read".to_owned()),
    }
}
