//! What an error says, and what it does not show.

use std::time::{Duration, UNIX_EPOCH};

use ghes_gatekeeper::ghes::{ApiError, OtpDelivery};
use ghes_gatekeeper::token::AccessToken;
use http::{HeaderValue, Response};
use http_body_util::Full;

use super::{Stub, TOKEN, json, shown};

async fn fail(reply: Response<Full<bytes::Bytes>>) -> ApiError {
    let client = Stub::new([reply]).client();
    let reply = client.check_token(&AccessToken::new(TOKEN)).await;
    reply.expect_err("an error")
}

async fn fail_with(status: u16, headers: &[(&'static str, &'static str)]) -> ApiError {
    let mut reply = json(status, r#"{"message":"no"}"#);
    for &(name, value) in headers {
        let value = HeaderValue::from_static(value);
        reply.headers_mut().insert(name, value);
    }
    fail(reply).await
}

/// What [`describe`] makes of an error without reasons.
const NONE: &[&str] = &[];

fn describe(error: &ApiError) -> Vec<String> {
    let describe = |error: &ghes_gatekeeper::ghes::FieldError| {
        [
            error.resource(),
            error.field(),
            error.code(),
            error.message(),
        ]
        .map(|member| member.unwrap_or("-"))
        .join(" ")
    };
    error.errors().iter().map(describe).collect()
}

#[tokio::test]
async fn the_reasons_are_read_in_every_form_that_github_gives_them() {
    for (errors, read) in [
        (
            r#"[{"resource":"OauthAccess","code":"already_exists","field":"description"}]"#,
            &["OauthAccess description already_exists -"][..],
        ),
        (
            r#"[{"code":"custom","message":"m","index":0,"value":["v"]},{"code":"invalid"}]"#,
            &["- - custom m", "- - invalid -"],
        ),
        (r#"["first","second"]"#, &["- - - first", "- - - second"]),
        (r#""one string""#, &["- - - one string"]),
        (r#"[{"code":1,"field":"note"}]"#, &["- note - -"]),
        ("[]", NONE),
        ("null", NONE),
        ("7", NONE),
        ("[7]", NONE),
        (r#"{"code":"invalid"}"#, NONE),
    ] {
        let body = format!(r#"{{"message":"Validation Failed","errors":{errors}}}"#);
        let error = fail(json(422, body)).await;
        assert_eq!(error.message(), Some("Validation Failed"), "{errors}");
        assert_eq!(describe(&error), read, "{errors}");
    }
}

#[tokio::test]
async fn the_details_cannot_hide_the_message() {
    for details in [
        r#""errors":1,"errors":2"#,
        r#""documentation_url":{},"errors":[[]]"#,
        r#""documentation_url":"\ud800""#,
    ] {
        let error = fail(json(404, format!(r#"{{"message":"m",{details}}}"#))).await;
        assert_eq!(error.message(), Some("m"), "{details}");
        assert_eq!(error.documentation_url(), None);
    }
    let error = fail(json(
        404,
        r#"{"documentation_url":"https://d","errors":"e"}"#,
    ))
    .await;
    assert_eq!(error.message(), None);
    assert_eq!(describe(&error), NONE);
}

#[tokio::test]
async fn the_documentation_is_named() {
    let body = r#"{"message":"Not Found","documentation_url":"https://docs.github.com/enterprise-server@3.15/rest","status":"404"}"#;
    let error = fail(json(404, body)).await;
    assert_eq!(
        error.documentation_url(),
        Some("https://docs.github.com/enterprise-server@3.15/rest")
    );
}

#[tokio::test]
async fn a_limit_is_told_in_full() {
    let error = fail_with(
        403,
        &[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-used", "5000"),
            ("x-ratelimit-reset", "1585154366"),
            ("x-ratelimit-resource", "core"),
        ],
    )
    .await;
    let limit = error.rate_limit().expect("a limit");
    assert_eq!((limit.limit, limit.remaining), (5000, 0));
    assert_eq!(limit.used, Some(5000));
    let reset = UNIX_EPOCH + Duration::from_secs(1_585_154_366);
    assert_eq!(limit.resets_at, Some(reset));
    assert_eq!(limit.resource.as_deref(), Some("core"));
    assert_eq!(error.retry_after(), Some(Duration::ZERO));

    // As GHES answers unless limits are switched on.
    assert_eq!(fail_with(403, &[]).await.rate_limit(), None);
    let odd = [
        ("x-ratelimit-limit", "many"),
        ("x-ratelimit-remaining", "0"),
    ];
    assert_eq!(fail_with(403, &odd).await.rate_limit(), None);
}

#[tokio::test]
async fn a_one_time_password_is_asked_for_by_header() {
    for (value, delivery) in [
        ("required; app", Some(OtpDelivery::App)),
        ("required; sms", Some(OtpDelivery::Sms)),
        ("required;app", Some(OtpDelivery::App)),
        ("Required", Some(OtpDelivery::Other)),
        ("required; pigeon", Some(OtpDelivery::Other)),
        ("optional; app", None),
        ("", None),
    ] {
        let error = fail_with(401, &[("x-github-otp", value)]).await;
        assert_eq!(error.otp_required(), delivery, "{value}");
    }
    assert_eq!(fail_with(401, &[]).await.otp_required(), None);
}

#[tokio::test]
async fn no_error_shows_what_github_wrote() {
    let body = format!(
        r#"{{"message":"{TOKEN}","documentation_url":"https://{TOKEN}","errors":[{{"resource":"{TOKEN}","field":"{TOKEN}","code":"{TOKEN}","message":"{TOKEN}"}}]}}"#
    );
    let error = fail(json(422, body)).await;
    assert_eq!(describe(&error), [[TOKEN; 4].join(" ")]);
    let shown = format!("{} {:?}", shown(&error), error.errors());
    assert!(!shown.contains(TOKEN), "{shown}");
}
