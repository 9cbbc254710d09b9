//! From a request to the REST API to its answer.
pub(super) mod applications;
pub(super) mod authentication;
pub(super) mod authorizations;
pub(super) mod body;
pub(super) mod credentials;
pub(super) mod failure;
pub(super) mod grants;
pub(super) mod meta;
pub(super) mod operation;
pub(super) mod organizations;
pub(super) mod pagination;
pub(super) mod reply;
pub(super) mod request;
pub(super) mod scoped_token;
pub(super) mod users;

use bytes::Bytes;
use http::Response;
use http::header::{HeaderMap, HeaderName};
use http_body_util::Full;

use self::authentication::Caller;
use self::failure::Failure;
use self::operation::{Operation, operations};
use self::reply::{Success, set};
use self::request::ApiRequest;
use super::clock;
use super::routes::PathParameters;
use super::server::Server;
use super::state::{Authorization, Quota};
use super::world::AppKind;

/// A request with its operation and caller.
pub(super) struct Call<'a> {
    pub(super) request: &'a ApiRequest,
    pub(super) parameters: &'a PathParameters,
    pub(super) caller: &'a Caller,
    pub(super) server: &'a Server,
    /// Absent without a rate limit.
    pub(super) quota: Option<Quota>,
}

impl<'a> Call<'a> {
    /// Returns the URL of a path below `/api/v3`.
    pub(super) fn url(&self, path: &str) -> String {
        self.request.url(path)
    }

    pub(super) fn host(&self) -> &'a str {
        self.request.host()
    }

    /// Returns a numeric parameter; nothing has an id that is no number.
    pub(super) fn id(&self, name: &str) -> Result<u64, Failure> {
        let value = self.parameters.get(name).parse();
        value.map_err(|_| Failure::NotFound)
    }
}

/// Answers a request; `limit` is how many an hour each caller may send.
pub(super) fn answer(
    request: &ApiRequest,
    limit: Option<u64>,
    server: &Server,
) -> Response<Full<Bytes>> {
    let (Some(operation), Some(parameters)) = (request.operation(), request.parameters()) else {
        let refusal = request.check_api_version().err();
        return reply::failure(request, &refusal.unwrap_or(Failure::NotFound));
    };
    let identified = Caller::identify(request.headers(), server);
    let quota = limit.map(|limit| quota(operation, identified.as_ref().ok(), limit, server));
    let mut response = match &identified {
        Ok(caller) => respond(
            operation,
            &Call {
                request,
                parameters,
                caller,
                server,
                quota,
            },
        ),
        Err(failure) => reply::failure(request, failure),
    };
    set_quota(response.headers_mut(), quota);
    response
}

fn respond(operation: Operation, call: &Call<'_>) -> Response<Full<Bytes>> {
    let mut response = match perform(operation, call) {
        Ok(success) => reply::success(call.request, success),
        Err(failure) => reply::failure(call.request, &failure),
    };
    if let Caller::Token(authorization) = call.caller {
        describe_token(response.headers_mut(), authorization, operation);
    }
    response
}

fn perform(operation: Operation, call: &Call<'_>) -> Result<Success, Failure> {
    // As github.com does with bearer tokens: a bad credential wins over a bad version, and a bad
    // version over no credential.
    call.request.check_api_version()?;
    if call.server.directory().is_private() && matches!(call.caller, Caller::Nobody) {
        return Err(Failure::PrivateMode);
    }
    if call.quota.is_some_and(|quota| quota.is_exceeded()) {
        return Err(Failure::RateLimitExceeded);
    }
    handle(operation, call)
}

macro_rules! declare_handler {
    ($($operation:ident {
        id: $id:literal,
        request: $method:ident $path:literal,
        documented: $category:literal / $page:literal # $anchor:literal,
        scopes: [$($scope:literal),*],
        handler: $handler:path,
    })*) => {
        fn handle(operation: Operation, call: &Call<'_>) -> Result<Success, Failure> {
            match operation {
                $(Operation::$operation => $handler(call),)*
            }
        }
    };
}

operations!(declare_handler);

/// Counts a request; asking for one's limits costs nothing.
fn quota(operation: Operation, caller: Option<&Caller>, limit: u64, server: &Server) -> Quota {
    let (name, limit) = match caller {
        Some(Caller::App(app)) => (format!("app {}", app.client_id), limit),
        Some(Caller::User(user)) => (format!("user {}", user.id), limit),
        Some(Caller::Token(authorization)) => (format!("user {}", authorization.user.id), limit),
        // Who has no good credential shares what GitHub gives an address.
        Some(Caller::Nobody) | None => ("nobody".to_owned(), limit.min(ANONYMOUS_LIMIT)),
    };
    let mut state = server.state();
    let now = state.now();
    if operation == Operation::GetRateLimit {
        state.quotas.quota(&name, limit, now)
    } else {
        state.quotas.spend(&name, limit, now)
    }
}

fn set_quota(headers: &mut HeaderMap, quota: Option<Quota>) {
    let Some(quota) = quota else {
        return;
    };
    for (name, value) in [
        (RATE_LIMIT, quota.limit.to_string()),
        (RATE_REMAINING, quota.remaining().to_string()),
        (RATE_USED, quota.used().to_string()),
        (RATE_RESET, quota.reset.to_string()),
        (RATE_RESOURCE, "core".to_owned()),
    ] {
        set(headers, name, &value);
    }
}

/// Tells a client about the token it used.
fn describe_token(headers: &mut HeaderMap, authorization: &Authorization, operation: Operation) {
    let app = authorization.app.as_ref();
    // A GitHub App's tokens have permissions in place of scopes.
    if app.is_none_or(|app| app.kind == AppKind::OAuthApp) {
        set(headers, SCOPES, &authorization.scopes.join(", "));
        let accepted = operation.accepted_scopes().join(", ");
        set(headers, ACCEPTED_SCOPES, &accepted);
    }
    if let Some(app) = app {
        set(headers, CLIENT_ID, &app.client_id);
    }
    if let Some(expires_at) = authorization.expires_at {
        set(headers, EXPIRATION, &clock::header_time(expires_at));
    }
}

/// What github.com gives an address in an hour.
const ANONYMOUS_LIMIT: u64 = 60;

const ACCEPTED_SCOPES: HeaderName = HeaderName::from_static("x-accepted-oauth-scopes");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-oauth-client-id");
const EXPIRATION: HeaderName = HeaderName::from_static("github-authentication-token-expiration");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const RATE_RESOURCE: HeaderName = HeaderName::from_static("x-ratelimit-resource");
const RATE_USED: HeaderName = HeaderName::from_static("x-ratelimit-used");
const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
