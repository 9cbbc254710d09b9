use bytes::Bytes;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::endpoint::{Problem, json};
use crate::rejection::{Realm, Rejection, RejectionKind, with_problem_json};
use crate::upstream::body::Body;

/// Why a caller gets no answer to its question.
pub(crate) enum Refused {
    /// It does not prove who it is.
    InvalidClient,
    /// The question is not in the form of the endpoint.
    Malformed(&'static str),
    /// Nothing can be asked so.
    Problem(Problem),
    /// There is no answer now.
    Unanswered(Rejection),
}

impl Refused {
    /// The same for a client of OAuth, which reads errors as RFC 6749 §5.2 has them: RFC 7662 §2.3
    /// refers to it. What OAuth has no word for is a problem.
    pub(crate) fn into_oauth(self, realm: &Realm) -> Response<Body> {
        match self {
            Self::InvalidClient => {
                let why = Rejection::new(RejectionKind::InvalidClient);
                let status = StatusCode::UNAUTHORIZED;
                let response = oauth_error(status, "invalid_client", &why.to_string());
                noted(challenged(response, realm), why)
            }
            Self::Malformed(text) => {
                let response = oauth_error(StatusCode::BAD_REQUEST, "invalid_request", text);
                noted(response, RejectionKind::InvalidRequest.into())
            }
            other => other.into_problem(realm),
        }
    }

    pub(crate) fn into_problem(self, realm: &Realm) -> Response<Body> {
        match self {
            Self::InvalidClient => {
                let why = Rejection::new(RejectionKind::InvalidClient);
                challenged(with_problem_json(why.into_response(realm)), realm)
            }
            Self::Malformed(text) => {
                Self::Problem(Problem::new(StatusCode::BAD_REQUEST, text)).into_problem(realm)
            }
            Self::Problem(problem) => {
                let response: Response<Full<Bytes>> = problem.into_response();
                noted(
                    response.map(Body::Own),
                    RejectionKind::InvalidRequest.into(),
                )
            }
            Self::Unanswered(why) => with_problem_json(why.into_response(realm)),
        }
    }
}

/// Leaves in a response why it is not what was hoped for, for the log and the counts.
pub(crate) fn noted(mut response: Response<Body>, why: Rejection) -> Response<Body> {
    response.extensions_mut().insert(why);
    response
}

/// Tells whether a rejection says something about the token or its person, so that the answer is no.
/// Every other one only says that there is no answer.
pub(crate) fn is_no(rejection: &Rejection) -> bool {
    matches!(
        rejection.kind(),
        RejectionKind::Forbidden
            | RejectionKind::InsufficientScope
            // What cannot be a token is none.
            | RejectionKind::InvalidRequest
            | RejectionKind::InvalidToken
    )
}

pub(crate) fn of_json(body: &impl Serialize) -> Response<Body> {
    json(StatusCode::OK, body).map(Body::Own)
}

fn oauth_error(status: StatusCode, error: &'static str, description: &str) -> Response<Body> {
    #[derive(Serialize)]
    struct OAuthError<'a> {
        error: &'static str,
        error_description: &'a str,
    }
    let body = OAuthError {
        error,
        error_description: description,
    };
    json(status, &body).map(Body::Own)
}

/// Names both schemes by which a caller can prove who it is (RFC 9110 §11.6.1).
fn challenged(mut response: Response<Body>, realm: &Realm) -> Response<Body> {
    let bearer = format!("Bearer realm=\"{}\"", realm.as_str());
    let bearer = HeaderValue::try_from(bearer).expect("a realm is visible ASCII and spaces");
    let headers = response.headers_mut();
    headers.append(WWW_AUTHENTICATE, realm.basic_challenge());
    headers.append(WWW_AUTHENTICATE, bearer);
    response
}
