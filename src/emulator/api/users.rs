//! The operations about the user of the token.
use super::Call;
use super::authentication::Caller;
use super::failure::Failure;
use super::organizations::check_scopes;
use super::pagination::Page;
use super::reply::Success;
use crate::emulator::model::{AuthenticatedUser, Email};
use crate::emulator::scopes;

/// Answers `users/get-authenticated`.
pub(in crate::emulator) fn get_authenticated(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    let private = match call.caller {
        Caller::Token(authorization) => scopes::permit(&authorization.scopes, &["user"]),
        Caller::Nobody | Caller::App(_) | Caller::User(_) => true,
    };
    let body = AuthenticatedUser::new(call.host(), user, call.request.version(), private);
    Ok(Success::private(&body))
}

/// Answers `users/get-by-username`, which shows to everybody what is public.
pub(in crate::emulator) fn get_by_login(call: &Call<'_>) -> Result<Success, Failure> {
    let login = call.parameters.get("username");
    let user = call.server.directory().user(login);
    let user = user.ok_or(Failure::NotFound)?;
    let body = AuthenticatedUser::new(call.host(), user, call.request.version(), false);
    Ok(Success::private(&body))
}

/// Answers `users/list-emails-for-authenticated-user`; without the scope, there is nothing to see.
pub(in crate::emulator) fn list_emails(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    check_scopes(call, "").map_err(|_| Failure::NotFound)?;
    let page = Page::of(call.request);
    let emails = page.take([Email::of(user)].into_iter());
    Ok(Success::private(&emails).with_link(page.link(call.request, 1)))
}
