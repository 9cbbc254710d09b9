//! Commands about a user's authorizations, by login and password.

mod create;
mod delete;
mod get;
mod get_or_create;
mod list;
mod update;
mod wish;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Authorizations {
    /// List the user's authorizations, without their tokens.
    List(list::Arguments),
    /// Show one authorization, without its token.
    Get(get::Arguments),
    /// Make and print a token: a personal access token, or one for an app.
    Create(create::Arguments),
    /// Make a token for an app, unless the app has one already.
    GetOrCreate(get_or_create::Arguments),
    /// Change an authorization.
    Update(update::Arguments),
    /// Delete an authorization and its token.
    Delete(delete::Arguments),
}

pub(super) async fn run(command: Authorizations) -> Result<(), Failure> {
    match command {
        Authorizations::List(arguments) => list::run(&arguments).await,
        Authorizations::Get(arguments) => get::run(&arguments).await,
        Authorizations::Create(arguments) => create::run(&arguments).await,
        Authorizations::GetOrCreate(arguments) => get_or_create::run(&arguments).await,
        Authorizations::Update(arguments) => update::run(&arguments).await,
        Authorizations::Delete(arguments) => delete::run(&arguments).await,
    }
}
