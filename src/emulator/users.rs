//! The operation `users/get-authenticated`: who a token stands for.
use super::api::Call;
use super::authentication::Caller;
use super::failure::Failure;
use super::model::AuthenticatedUser;
use super::reply::Success;
use super::scopes;

/// Answers `users/get-authenticated`.
pub(super) fn get_authenticated(call: &Call<'_>) -> Result<Success, Failure> {
    let user = call.caller.user()?;
    let private = match call.caller {
        Caller::Token(authorization) => scopes::permit(&authorization.scopes, &["user"]),
        Caller::Nobody | Caller::App(_) | Caller::User(_) => true,
    };
    let body = AuthenticatedUser::new(call.host(), user, call.request.version(), private);
    Ok(Success::private(&body))
}
