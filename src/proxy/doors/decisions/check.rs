use std::convert::Infallible;
use std::future::{Ready, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use prost::Message as _;

use super::asking::Asking;
use super::decide::Decision;
use super::{Decisions, Reply};
use crate::endpoint::small_body;
use crate::fronts::Question;
use crate::fronts::ext_authz::call::{framed, message_in, patience};
use crate::fronts::ext_authz::messages::{CheckRequest, CheckResponse};
use crate::hygiene::provenance::Hop;
use crate::metrics::Door;
use crate::proxy::rules::RuleSet;
use crate::rejection::{Rejection, RejectionDetail};
use crate::upstream::body::Body;

/// One message of gRPC, and the status behind it.
pub(super) type Message = WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>;

impl Decisions {
    /// Answers Envoy's `Authorization/Check`.
    pub(super) async fn check(
        &self,
        request: Request<Incoming>,
        rules: &RuleSet,
        peer: &Hop,
    ) -> Response<Reply> {
        let mut asking = Asking::by(Door::ExtAuthz, &self.0, rules, peer, &request);
        let deadline = asking.deadline(patience(request.headers()));
        let decision = match question(request, rules, peer).await {
            Ok(question) => {
                asking = asking.about(&question.request, rules, peer);
                self.0
                    .decide(rules, question, peer, deadline, asking.log())
                    .await
            }
            Err(rejection) => Decision::rejected(rules.reject(rejection)),
        };
        message(&match asking.end(decision) {
            Ok(admitted) => CheckResponse::admitted(&admitted.told, &admitted.removed),
            Err(response) => CheckResponse::denied(&whole(*response).await),
        })
    }
}

async fn question(
    request: Request<Incoming>,
    rules: &RuleSet,
    peer: &Hop,
) -> Result<Question, Rejection> {
    if !rules.fronts.trust(peer) {
        return Err(RejectionDetail::UntrustedProxy.into());
    }
    let body = small_body(request.into_body(), MOST_BYTES).await;
    let question = body.ok().and_then(|body| {
        let message = message_in(&body)?;
        CheckRequest::decode(message).ok()?.question()
    });
    question.ok_or_else(|| RejectionDetail::EnvoyQuestion.into())
}

fn message(response: &CheckResponse) -> Response<Reply> {
    let status = (GRPC_STATUS, HeaderValue::from_static("0"));
    let trailers = [status].into_iter().collect();
    let body = Full::from(framed(response)).with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(Either::Right(body));
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Rejections are made in one piece.
async fn whole(response: Response<Body>) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    Response::from_parts(head, body.unwrap_or_default())
}

/// The largest head that a gate may be configured to take, twice: as fields and as a path.
const MOST_BYTES: usize = 512 * 1024;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
