//! Commands about one token of an app, which is read from standard input, but for the kept one.

mod check;
mod delete;
mod print;
mod reset;
mod scope;

use clap::Subcommand;
use ghes_gatekeeper::ghes::Authorization;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Show the user and the scopes of a token, if GHES knows it as the app's.
    Check(check::Arguments),
    /// Replace a token and print the new one; the old one stops working at once.
    Reset(reset::Arguments),
    /// Make and print a token with fewer permissions; for user tokens of GitHub Apps.
    Scope(scope::Arguments),
    /// Print the token that login has kept.
    Print(print::Arguments),
    /// Revoke a token.
    Delete(delete::Arguments),
}

pub(super) async fn run(command: Token) -> Result<(), Failure> {
    match command {
        Token::Check(arguments) => check::run(&arguments).await,
        Token::Reset(arguments) => reset::run(&arguments).await,
        Token::Scope(arguments) => scope::run(&arguments).await,
        Token::Print(arguments) => print::run(&arguments),
        Token::Delete(arguments) => delete::run(&arguments).await,
    }
}

/// Names a token for a question, as far as GitHub shows it itself.
fn named(authorization: &Authorization) -> String {
    let owner = owner(authorization);
    let app = super::named_app(&authorization.app);
    match &authorization.token_last_eight {
        Some(end) => format!("the token of {owner} for {app} that ends in {end}"),
        None => format!("the token of {owner} for {app}"),
    }
}

/// Returns the login of the token's user.
pub(super) fn owner(authorization: &Authorization) -> &str {
    let user = authorization.user.as_ref();
    user.map_or("an unnamed user", |user| &user.login)
}
