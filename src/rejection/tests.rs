use super::*;
use crate::check::CheckErrorKind;

fn respond(rejection: Rejection) -> Response<Bytes> {
    with_problem_json(rejection.into_response(&Realm::default()))
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[test]
fn every_kind_is_what_the_contract_says() {
    for (kind, status, challenge) in [
        (
            RejectionKind::MissingToken,
            401,
            Some("Bearer realm=\"ghes\""),
        ),
        (
            RejectionKind::InvalidRequest,
            400,
            Some("Bearer realm=\"ghes\", error=\"invalid_request\""),
        ),
        (
            RejectionKind::InvalidToken,
            401,
            Some("Bearer realm=\"ghes\", error=\"invalid_token\""),
        ),
        (RejectionKind::Forbidden, 403, None),
        (RejectionKind::NoRoute, 404, None),
        (RejectionKind::MethodNotAllowed, 405, None),
        (RejectionKind::UriTooLong, 414, None),
        (RejectionKind::ExpectationFailed, 417, None),
        (RejectionKind::MisdirectedRequest, 421, None),
        (RejectionKind::HeaderFieldsTooLarge, 431, None),
        (RejectionKind::LoopDetected, 508, None),
        (RejectionKind::NotImplemented, 501, None),
        (RejectionKind::BadGateway, 502, None),
        (RejectionKind::Unavailable, 503, None),
        (RejectionKind::GatewayTimeout, 504, None),
    ] {
        let response = respond(Rejection::new(kind));
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "www-authenticate"), challenge, "{kind:?}");
    }
}

#[test]
fn every_rejection_is_a_problem_that_nobody_stores() {
    for kind in RejectionKind::ALL {
        let response = respond(Rejection::new(kind));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(
            header(&response, "content-type"),
            Some("application/problem+json")
        );
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["status"], response.status().as_u16());
        assert_eq!(problem["reason"], kind.as_str());
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        let kept = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(kept.kind(), kind);
    }
}

#[test]
fn a_missing_scope_is_named() {
    let required = Scopes::parse(["read:org", "gist"]).unwrap();
    let response = respond(Denial::InsufficientScope(required).into());
    assert_eq!(response.status(), 403);
    assert_eq!(
        header(&response, "www-authenticate"),
        Some("Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"gist read:org\"")
    );
}

#[test]
fn every_challenge_says_where_the_resource_describes_itself() {
    let realm = Realm::default();
    assert!(
        realm
            .clone()
            .with_resource_metadata("https://a.test/\"")
            .is_err()
    );
    let realm = realm.with_resource_metadata("https://a.test/x").unwrap();
    for kind in RejectionKind::ALL {
        let with = Rejection::new(kind).into_response::<Bytes>(&realm);
        let without = respond(Rejection::new(kind));
        let expected = header(&without, "www-authenticate")
            .map(|challenge| format!("{challenge}, resource_metadata=\"https://a.test/x\""));
        assert_eq!(header(&with, "www-authenticate"), expected.as_deref());
    }
}

#[test]
fn no_answer_is_503_with_a_bounded_wait() {
    let retry_after = |error: &CheckError| {
        let response = respond(error.into());
        assert_eq!(response.status(), 503);
        header(&response, "retry-after").map(str::to_owned)
    };
    let limited = |seconds| {
        let wait = Duration::from_secs(seconds);
        CheckError::with_retry_after(CheckErrorKind::RateLimited, wait, "limit")
    };
    assert_eq!(
        retry_after(&CheckError::new(CheckErrorKind::Timeout)).unwrap(),
        "5"
    );
    assert_eq!(retry_after(&limited(17)).unwrap(), "17");
    assert_eq!(retry_after(&limited(0)).unwrap(), "1");
    assert_eq!(retry_after(&limited(86_400)).unwrap(), "300");
}

#[test]
fn a_realm_cannot_end_its_quotes() {
    for bad in ["a\"b", "a\\b", "a\r\nb", "é"] {
        assert!(Realm::new(bad).is_err(), "{bad:?}");
    }
    let response: Response<Bytes> =
        Rejection::new(RejectionKind::MissingToken).into_response(&Realm::new("My tools").unwrap());
    assert_eq!(
        header(&response, "www-authenticate"),
        Some("Bearer realm=\"My tools\"")
    );
}

#[test]
fn every_detail_is_told_to_client_and_log() {
    let mut words = Vec::new();
    for detail in RejectionDetail::ALL {
        let rejection = Rejection::from(detail);
        assert_eq!(rejection.kind(), detail.kind());
        let text = rejection.to_string();
        let is_plain = |b: u8| matches!(b, b' '..=b'~') && !b"%\"".contains(&b);
        assert!(text.bytes().all(is_plain), "{text}");
        assert_ne!(text, Rejection::new(detail.kind()).to_string());
        let plain = respond(Rejection::new(detail.kind()));
        let response = respond(rejection);
        assert_eq!(response.status(), plain.status());
        assert_eq!(response.headers(), plain.headers());
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["detail"], text);
        assert_eq!(problem["reason"], detail.kind().as_str());
        let kept = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(kept.detail(), Some(detail));
        words.push(detail.as_str());
    }
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), RejectionDetail::ALL.len());
}

#[test]
fn what_ghes_says_of_a_token_stays_without_detail() {
    for reason in [
        InactiveReason::Expired,
        InactiveReason::NoUser,
        InactiveReason::Unknown,
        InactiveReason::Unprocessable,
    ] {
        assert_eq!(Rejection::from(reason).detail(), None, "{reason:?}");
    }
}
