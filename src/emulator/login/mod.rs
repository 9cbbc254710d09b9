//! The sign-in flows, on the web host: what stands below `/login`.
mod access_token;
mod authorize;
mod device;
mod fields;
mod page;
mod redirect;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;

use self::fields::Fields;
use super::api::failure::Failure;
use super::api::request;
use super::api::{authentication, credentials};
use super::server::Server;
use super::version::Version;
use super::world::{App, User};

/// A request to a page or endpoint of a flow.
struct Visit<'a> {
    server: &'a Server,
    version: Version,
    head: &'a Parts,
    /// From the query and the body.
    fields: Fields,
}

/// Answers a request to a path below `/login`; the body is absent if it was too large.
pub(super) fn answer(
    server: &Server,
    version: Version,
    head: &Parts,
    path: &str,
    body: Option<&Bytes>,
) -> Response<Full<Bytes>> {
    let Some(mut fields) = body.and_then(|body| Fields::read(head.uri.query(), body)) else {
        return page::bad_request();
    };
    // RFC 6749 §2.3.1. GitHub's documents have the parameters alone, but x/oauth2 and authlib send
    // this to GitHub unless told otherwise.
    if let Some((client_id, secret)) = credentials::basic_pair(&head.headers) {
        fields.add("client_id", client_id);
        fields.add("client_secret", secret);
    }
    let visit = Visit {
        server,
        version,
        head,
        fields,
    };
    match (head.method.as_str(), path) {
        ("GET", "/oauth/authorize") => authorize::show(&visit),
        ("POST", "/oauth/authorize") => authorize::decide(&visit),
        ("POST", "/oauth/access_token") => access_token::give(&visit),
        ("POST", "/device/code") => device::start(&visit),
        ("GET", "/device") => device::show(&visit),
        ("POST", "/device") => device::decide(&visit),
        _ => page::not_found(),
    }
}

impl<'a> Visit<'a> {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    fn app(&self) -> Option<&'a Arc<App>> {
        self.server.directory().app(self.field("client_id")?)
    }

    fn host(&self) -> &'a str {
        request::host(&self.head.headers, &self.head.uri)
    }

    /// Returns the user with this login, password and one-time password, or the message to show.
    fn user(&self) -> Result<&'a Arc<User>, &'static str> {
        let known = self
            .server
            .directory()
            .user(self.field("login").unwrap_or_default());
        let user = known
            .filter(|user| self.field("password") == Some(user.password.expose()))
            .ok_or("Incorrect username or password.")?;
        match authentication::admit(user, self.field("otp")) {
            Ok(()) => Ok(user),
            Err(Failure::OtpRequired) => Err("Two-factor authentication failed."),
            Err(_) => Err("Sorry. Your account was suspended."),
        }
    }

    fn allows(&self) -> bool {
        self.field("decision") == Some("authorize")
    }
}
