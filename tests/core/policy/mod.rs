//! Policies against a plain reference, and their finer points one by one.

mod agreement;
mod decisions;
#[cfg(feature = "proxy")]
mod explanation;
mod reference;
mod short_cuts;

use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::scope::Scopes;

fn identity(user: User, scopes: &[&str]) -> Identity {
    let scopes = Scopes::parse(scopes.iter().copied()).expect("scopes");
    Identity::new(user, "Iv1.8a61f9b3a7aba766", 1, scopes).expect("an identity")
}

fn octocat() -> Identity {
    identity(User::new("octocat", 1), &[])
}
