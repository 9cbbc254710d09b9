//! Requests of web pages from other origins (Fetch §3.2).
//!
//! 1. A preflight is exactly the request that a browser sends: OPTIONS with one `Origin` and one
//!    `Access-Control-Request-Method`, no credential, no cookie, no body, and no field by which some
//!    tools take it for another method. Any other request needs a token.
//! 2. A preflight is about the route of the request that would follow, so that method decides.
//! 3. An origin is sent back only if the configuration lists it, byte for byte.
//! 4. Where the gate answers, rejections have the same headers as responses of upstreams: a page
//!    must be able to read that its token has expired.

use std::sync::Arc;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER,
    USER_AGENT, VARY, VIA,
};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

use crate::config::{self, CorsAnswers, RouteConfig};
use crate::fold::remove_where;
use crate::method_override;

/// How a route treats other origins.
#[derive(Debug)]
pub(crate) enum Cors {
    Gate,
    Upstream,
    Answer(Arc<Answers>),
}

/// The CORS headers that a response will get.
#[derive(Debug)]
pub(crate) struct Marking {
    answers: Arc<Answers>,
    origin: Option<HeaderValue>,
}

/// The CORS headers of one route, ready to send.
#[derive(Debug)]
pub(crate) struct Answers {
    origins: Vec<HeaderValue>,
    is_for_all: bool,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: HeaderValue,
    max_age: HeaderValue,
    credentials: bool,
}

/// Returns the method that a preflight asks about; none for every other request.
pub(crate) fn preflight<B: Body>(request: &Request<B>) -> Option<Method> {
    let headers = request.headers();
    let is_plain = request.method() == Method::OPTIONS
        && request.body().is_end_stream()
        && !headers.contains_key(AUTHORIZATION)
        && !headers.contains_key(COOKIE)
        && !method_override::is_there(headers);
    if !is_plain {
        return None;
    }
    only(headers, &ORIGIN)?;
    let method = only(headers, &ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(method.as_bytes()).ok()
}

/// Keeps only the fields that browsers send in a preflight: it needs no token, so it must not carry
/// more.
pub(crate) fn strip_preflight(headers: &mut HeaderMap) {
    remove_where(headers, |name| {
        let is_asked = name.as_str().starts_with("access-control-request-");
        let is_browsers = name.as_str().starts_with("sec-fetch-");
        !is_asked && !is_browsers && !OF_A_PREFLIGHT.contains(name)
    });
}

impl Cors {
    pub(crate) fn of(route: &RouteConfig) -> Self {
        match &route.cors {
            config::Cors::Gate => Self::Gate,
            config::Cors::Upstream => Self::Upstream,
            config::Cors::Answer(answers) => {
                Self::Answer(Arc::new(Answers::new(answers, &route.matches.methods)))
            }
        }
    }

    /// Returns the CORS headers for the response to a request, if the gate sets them.
    pub(crate) fn marking<B>(&self, request: &Request<B>) -> Option<Marking> {
        match self {
            Self::Answer(answers) => Some(Marking {
                answers: Arc::clone(answers),
                origin: only(request.headers(), &ORIGIN).cloned(),
            }),
            Self::Gate | Self::Upstream => None,
        }
    }
}

impl Marking {
    /// Sets the CORS headers of a response.
    pub(crate) fn mark<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        self.answers.mark(headers, self.origin.as_ref());
    }
}

impl Answers {
    fn new(config: &CorsAnswers, methods: &[Method]) -> Self {
        let methods = match methods {
            [] => &USUAL_METHODS,
            some => some,
        };
        Self {
            origins: config.allow_origins.clone(),
            is_for_all: config.allows_any_origin(),
            methods: list(methods.iter().map(Method::as_str)),
            headers: list(config.allow_headers.iter().map(HeaderName::as_str)),
            exposed: list(config.expose_headers.iter().map(HeaderName::as_str)),
            max_age: HeaderValue::from(config.max_age.as_secs()),
            credentials: config.allow_credentials,
        }
    }

    /// Answers a preflight. A page without permission gets no headers, and its browser does not
    /// send the request.
    pub(crate) fn to_preflight<B: Default, C>(&self, request: &Request<C>) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.vary(headers);
        let origin = only(request.headers(), &ORIGIN);
        if origin.is_some_and(|origin| self.allow(headers, origin)) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        response
    }

    /// Replaces an upstream's headers about other origins.
    fn mark(&self, headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
        remove_where(headers, |name| name.as_str().starts_with("access-control-"));
        self.vary(headers);
        if origin.is_some_and(|origin| self.allow(headers, origin)) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        }
    }

    /// The response depends on the origin, even if it has no CORS headers (Fetch §3.2.6).
    fn vary(&self, headers: &mut HeaderMap) {
        if !self.is_for_all {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
    }

    fn allow(&self, headers: &mut HeaderMap, origin: &HeaderValue) -> bool {
        let allowed = match self.is_for_all {
            true => Some(HeaderValue::from_static("*")),
            false => self.origins.iter().find(|one| *one == origin).cloned(),
        };
        let Some(allowed) = allowed else {
            return false;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        true
    }
}

/// A browser never sends two lines.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> HeaderValue {
    let names: Vec<&str> = names.collect();
    HeaderValue::try_from(names.join(", ")).expect("methods and names of headers are ASCII")
}

/// The methods allowed to a page where a route is for all methods.
static USUAL_METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Allowed beside `Access-Control-Request-*` and `Sec-Fetch-*`: fields that only describe the
/// client and the way it came.
static OF_A_PREFLIGHT: [HeaderName; 7] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    ORIGIN,
    REFERER,
    USER_AGENT,
    VIA,
];
