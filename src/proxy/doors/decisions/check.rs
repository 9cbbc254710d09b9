use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::combinators::WithTrailers;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use prost::Message as _;

use super::asking::Asking;
use super::decide::Decision;
use super::{Decisions, LONGEST, Reply};
use crate::endpoint::small_body;
use crate::fronts::Question;
use crate::fronts::ext_authz::messages::{CheckRequest, CheckResponse};
use crate::hygiene::provenance::Hop;
use crate::metrics::Door;
use crate::proxy::rules::RuleSet;
use crate::rejection::{Rejection, RejectionDetail, RejectionKind};
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
        let deadline = deadline(request.headers()).map_or(LONGEST, |own| own.min(LONGEST));
        let decision = match self.question(request, rules, peer).await {
            Ok(question) => {
                asking = asking.about(&question.request);
                self.0.decide(rules, question, peer, deadline).await
            }
            Err(rejection) => Decision::rejected(rules.reject(rejection)),
        };
        message(&match asking.end(decision) {
            Ok(admitted) => CheckResponse::admitted(&admitted.told, &admitted.removed),
            Err(response) => CheckResponse::denied(&whole(*response).await),
        })
    }

    async fn question(
        &self,
        request: Request<Incoming>,
        rules: &RuleSet,
        peer: &Hop,
    ) -> Result<Question, Rejection> {
        if !rules.fronts.trust(peer) {
            return Err(RejectionKind::Forbidden.into());
        }
        let body = small_body(request.into_body(), MOST_BYTES).await;
        let question = body.ok().and_then(|body| {
            let message = message_in(&body)?;
            CheckRequest::decode(message).ok()?.question()
        });
        question.ok_or_else(|| RejectionDetail::EnvoyQuestion.into())
    }
}

/// Reads the only message of a unary call (gRPC over HTTP/2, "Length-Prefixed-Message"). Envoy
/// compresses none.
fn message_in(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_first_chunk::<PREFIX>()?;
    let [compressed, length @ ..] = *prefix;
    let is_whole = usize::try_from(u32::from_be_bytes(length)) == Ok(message.len());
    (compressed == 0 && is_whole).then_some(message)
}

fn message(response: &CheckResponse) -> Response<Reply> {
    let length = response.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    framed.extend_from_slice(&response.encode_to_vec());
    let status = (GRPC_STATUS, HeaderValue::from_static("0"));
    let trailers = [status].into_iter().collect();
    let body = Full::from(framed.freeze()).with_trailers(ready(Some(Ok(trailers))));
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

/// Returns how long the caller waits (gRPC over HTTP/2, "Timeout"), less the time that an answer
/// takes to reach it: what comes later is an error, which may let everybody in.
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    let timeout = unit.saturating_mul(number);
    Some(timeout - (timeout / 10).min(ON_THE_WAY))
}

/// Within a data center an answer takes less.
const ON_THE_WAY: Duration = Duration::from_millis(20);

/// A compressed flag and a length.
const PREFIX: usize = 5;

/// The largest head that a gate may be configured to take, twice: as fields and as a path.
const MOST_BYTES: usize = 512 * 1024;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3600) - ON_THE_WAY)),
            ("2M", Some(Duration::from_secs(120) - ON_THE_WAY)),
            ("4S", Some(Duration::from_secs(4) - ON_THE_WAY)),
            ("100m", Some(Duration::from_millis(90))),
            ("1000u", Some(Duration::from_micros(900))),
            ("1000n", Some(Duration::from_nanos(900))),
            ("0m", Some(Duration::ZERO)),
            ("", None),
            ("m", None),
            ("5", None),
            ("5x", None),
            ("-5m", None),
            ("5\u{b5}", None),
        ] {
            let value =
                HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("?"));
            let headers = [(HeaderName::from_static("grpc-timeout"), value)];
            assert_eq!(deadline(&headers.into_iter().collect()), expected, "{text}");
        }
        assert_eq!(deadline(&HeaderMap::new()), None);
    }

    #[test]
    fn only_one_whole_message_is_read() {
        assert_eq!(message_in(b"\0\0\0\0\x02ab"), Some(&b"ab"[..]));
        assert_eq!(message_in(b"\0\0\0\0\0"), Some(&b""[..]));
        for body in [
            &b""[..],
            b"\0\0\0\0",
            b"\x01\0\0\0\x02ab",
            b"\0\0\0\0\x02a",
            b"\0\0\0\0\x02abc",
            b"\0\xff\xff\xff\xffab",
        ] {
            assert_eq!(message_in(body), None, "{body:?}");
        }
    }
}
