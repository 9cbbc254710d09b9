use std::pin::Pin;

use crate::ghes::Code;
use crate::identity::Identity;
use crate::membership::Group;
use crate::token::AccessToken;

/// The app at GHES that people log in by.
pub(crate) trait Accounts: Send + Sync {
    /// Exchanges a code for a token (RFC 6749 §4.1.3).
    fn exchange(&self, code: Code) -> Answer<'_, AccessToken>;

    /// Asks whose a token is. It must be one of the app.
    fn check<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, Identity>;

    /// Asks whose a token is, and to which of the groups they belong that the routes of `host` name.
    fn person<'a>(&'a self, token: &'a AccessToken, host: &'a str) -> Answer<'a, Person>;

    /// Revokes a token, and forgets what is known of it.
    fn revoke<'a>(&'a self, token: &'a AccessToken) -> Answer<'a, ()>;
}

/// Who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) identity: Identity,
    /// Those that the token may show.
    pub(crate) groups: Vec<Group>,
}

pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Why GHES gives no answer that helps.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// It says no, by this word of its own.
    Refused(String),
    /// It cannot be asked.
    Away,
}
