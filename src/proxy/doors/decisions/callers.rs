//! The questions of callers: whose is this token?
//!
//! 1. A caller proves who it is before a byte of its question is read.
//! 2. Its question is short, and is never logged: it is a token.
//! 3. An outage is 503, and says nothing about the token.

use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::callers::{Refused, introspection, token_review};
use crate::endpoint::{Problem, small_body};
use crate::metrics::Door;
use crate::proxy::rules::RuleSet;
use crate::proxy::rules::callers::Caller;
use crate::upstream::body::Body;

/// What callers ask at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Endpoint {
    /// RFC 7662.
    Introspection,
    /// Kubernetes.
    TokenReview,
}

impl Endpoint {
    pub(super) fn of_path(path: &str) -> Option<Self> {
        match path {
            "/introspect" => Some(Self::Introspection),
            "/token-review" => Some(Self::TokenReview),
            _ => None,
        }
    }

    pub(super) const fn door(self) -> Door {
        match self {
            Self::Introspection => Door::Introspect,
            Self::TokenReview => Door::TokenReview,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Introspection => "application/x-www-form-urlencoded",
            Self::TokenReview => "application/json",
        }
    }

    /// Answers a question, and tells who asked it.
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
        rules: &RuleSet,
    ) -> (Option<Box<str>>, Response<Body>) {
        let caller = rules.callers.authenticate(request.headers()).cloned();
        let id = caller.as_ref().map(|caller| caller.id.clone());
        let answered = match caller {
            _ if request.method() != Method::POST => {
                Err(Refused::Problem(Problem::method_not_allowed("POST")))
            }
            Some(caller) => self.answer_caller(request, &caller).await,
            None => Err(Refused::InvalidClient),
        };
        let response = answered.unwrap_or_else(|refused| match self {
            Self::Introspection => refused.into_oauth(&rules.realm),
            Self::TokenReview => refused.into_problem(&rules.realm),
        });
        (id, response)
    }

    async fn answer_caller(
        self,
        request: Request<Incoming>,
        caller: &Caller,
    ) -> Result<Response<Body>, Refused> {
        if !is_of_type(request.headers(), self.content_type()) {
            return Err(Refused::Problem(match self {
                Self::Introspection => NO_FORM,
                Self::TokenReview => NO_JSON,
            }));
        }
        let body = small_body(request.into_body(), MAX_BYTES).await;
        let body = body.map_err(Refused::Problem)?;
        match self {
            Self::Introspection => {
                let token = introspection::token_in(&body)?;
                introspection::answer(caller.introspect(&token).await, &caller.issuer)
            }
            Self::TokenReview => {
                let (asked, token) = token_review::read(&body)?;
                asked.answer(caller.review(&token).await, &caller.naming)
            }
        }
    }
}

/// Tells whether a body is of this type, whatever its parameters.
fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let essence = line.as_bytes().split(|&b| b == b';').next();
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Many times what a token takes.
const MAX_BYTES: usize = 64 * 1024;

const NO_FORM: Problem = Problem::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "the question must be application/x-www-form-urlencoded",
);

const NO_JSON: Problem = Problem::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "the question must be application/json",
);
