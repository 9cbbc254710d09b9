//! Commands about a user's grants, by login and password.

mod delete;
mod get;
mod list;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Grants {
    /// List which apps may act for the user.
    List(list::Arguments),
    /// Show one grant.
    Get(get::Arguments),
    /// Delete a grant, and all tokens that the app has for the user.
    Delete(delete::Arguments),
}

pub(super) async fn run(command: Grants) -> Result<(), Failure> {
    match command {
        Grants::List(arguments) => list::run(&arguments).await,
        Grants::Get(arguments) => get::run(&arguments).await,
        Grants::Delete(arguments) => delete::run(&arguments).await,
    }
}
