//! The answer for a request that may pass: who it is from, in fields that a proxy copies.

use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};

use crate::assertion;
use crate::config::IdentityHeaders;
use crate::fronts::Dialect;
use crate::gatekeeper::{Observed, headers};
use crate::hygiene::names::X_REQUEST_ID;
use crate::membership::{Group, Groups};
use crate::proxy::rules::routes::Route;
use crate::rejection::RejectionKind;
use crate::upstream::body::Body;

/// A request that may pass to its tool.
pub(super) struct Admitted {
    /// All fields that say who it is from, always each of them: a proxy that gets none of a name
    /// passes on what the client wrote there. Empty where there is nothing to say.
    pub(super) told: HeaderMap,
    /// What the client wrote that the tool could take for ours, by its very names, but for names
    /// that are told. The credential is among it, unless the tool gets that.
    pub(super) removed: Vec<HeaderName>,
    /// Why it would not pass, had the gate not only observed.
    pub(super) observed: Option<Observed>,
}

impl Admitted {
    /// Reads what the gate has written into a `request`; `removed` is what the client had put
    /// there, and the tool may not get from it. Where browsers log in, the cookies are told, without
    /// ours.
    pub(super) fn new(
        route: &Route,
        request: &Request<Body>,
        mut removed: Vec<HeaderName>,
        tells_cookies: bool,
    ) -> Result<Self, RejectionKind> {
        let mut told = identity(route, request);
        if let Some(signing) = &route.assertion {
            let assertion = signing.signed(request)?.unwrap_or_else(nothing);
            told.insert(assertion::HEADER, assertion);
        }
        // Envoy removes after it has set.
        removed.retain(|name| !told.contains_key(name));
        // Ours are taken out. A proxy that copies the field passes on the others.
        if tells_cookies {
            told.insert(COOKIE, cookies(request.headers()));
        }
        match request.headers().get(AUTHORIZATION) {
            Some(credential) => drop(told.insert(AUTHORIZATION, credential.clone())),
            None => removed.push(AUTHORIZATION),
        }
        Ok(Self {
            told,
            removed,
            observed: request.extensions().get().cloned(),
        })
    }

    /// Writes it for a proxy that speaks a dialect: exactly 200, and nothing for the client.
    pub(super) fn into_response(self, dialect: Dialect, request_id: HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::default());
        let headers = response.headers_mut();
        *headers = self.told;
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_REQUEST_ID.clone(), request_id);
        if dialect == Dialect::Envoy {
            let removed = names(&self.removed, headers);
            headers.insert(X_ENVOY_AUTH_HEADERS_TO_REMOVE, removed);
        }
        response
    }
}

/// The names that Envoy is to remove, those of empty fields among them.
fn names(removed: &[HeaderName], told: &HeaderMap) -> HeaderValue {
    let empty = told.iter().filter(|(_, value)| value.is_empty());
    let names = removed.iter().chain(empty.map(|(name, _)| name));
    let names: Vec<&str> = names.map(HeaderName::as_str).collect();
    // Names have no byte that a value may not have.
    HeaderValue::try_from(names.join(",")).unwrap_or_else(|_| nothing())
}

/// Returns who a request is from, under each name of it.
fn identity(route: &Route, request: &Request<Body>) -> HeaderMap {
    let headers = request.headers();
    let told = |name: &HeaderName| headers.get(name).cloned().unwrap_or_else(nothing);
    let login = told(&headers::X_FORWARDED_USER);
    let mut all = HeaderMap::with_capacity(FIELDS);
    let names = [IdentityHeaders::XAuthRequest, route.identity_headers];
    for name in names.into_iter().flat_map(IdentityHeaders::of_the_login) {
        all.insert(name.clone(), login.clone());
    }
    all.insert(X_AUTH_REQUEST_GROUPS, groups(request));
    for name in headers::OF_GITHUB {
        all.insert(name.clone(), told(name));
    }
    all
}

/// The cookies of a request in one line (RFC 9113 §8.2.3).
fn cookies(headers: &HeaderMap) -> HeaderValue {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let line = HeaderValue::from_bytes(&lines.collect::<Vec<_>>().join(&b"; "[..]));
    line.unwrap_or_else(|_| nothing())
}

/// The groups by which the gate has admitted a person: `octo-org,octo-org:platform`.
fn groups(request: &Request<Body>) -> HeaderValue {
    let groups = request.extensions().get::<Groups>();
    let names = groups.into_iter().flat_map(Groups::iter);
    let names = names.map(Group::with_colon);
    let names: Vec<String> = names.collect();
    HeaderValue::try_from(names.join(",")).unwrap_or_else(|_| nothing())
}

fn nothing() -> HeaderValue {
    HeaderValue::from_static("")
}

const FIELDS: usize = 12;

const X_AUTH_REQUEST_GROUPS: HeaderName = HeaderName::from_static("x-auth-request-groups");

const X_ENVOY_AUTH_HEADERS_TO_REMOVE: HeaderName =
    HeaderName::from_static("x-envoy-auth-headers-to-remove");
