//! The table of outcomes: replies with the status 200.

use ghes_gatekeeper::check::{CheckErrorKind, InactiveReason};
use http::HeaderValue;
use serde_json::Value;

use super::outcome::Outcome;
use super::outcomes::{NOT_FOUND, with, without};
use super::row::{HTML, INVALID, all_hold, doubtful, row, server_error, unexpected};
use super::{DOCUMENTED, live};

fn expired() -> Outcome {
    Outcome::Inactive(InactiveReason::Expired)
}

fn no_user() -> Outcome {
    Outcome::Inactive(InactiveReason::NoUser)
}

fn mismatch() -> Outcome {
    Outcome::alarm(CheckErrorKind::AppMismatch, "app_mismatch")
}

#[tokio::test]
async fn a_good_token_of_our_app_is_active() {
    let upper = with("/hashed_token", HASH.to_ascii_uppercase());
    all_hold([
        row("as documented", 200, live(), Outcome::Active),
        row(
            "null scopes",
            200,
            with("/scopes", Value::Null),
            Outcome::Active,
        ),
        row("no expiry", 200, without("expires_at"), Outcome::Active),
        row(
            "far expiry",
            200,
            with("/expires_at", "2999-01-01T00:00:00Z"),
            Outcome::Active,
        ),
        row("empty scope", 200, with("/scopes/0", ""), Outcome::Active),
        row("blank scope", 200, with("/scopes/0", "  "), Outcome::Active),
        row("hash in capitals", 200, upper, Outcome::Active),
        row("identity", 200, live(), Outcome::Active).with("content-encoding", "identity"),
        row("type in capitals", 200, live(), Outcome::Active)
            .with("content-type", "Application/JSON ;charset=utf-8"),
    ])
    .await;
}

#[tokio::test]
async fn a_time_is_read_in_other_forms_and_utc_where_it_names_no_zone() {
    let still_good: fn() -> Outcome = || Outcome::Active;
    for (year, outcome) in [(2999, still_good), (2011, expired)] {
        for form in [
            "01-01T00:00:00",
            "01-01 00:00:00",
            "01-01 00:00:00 UTC",
            "01-01 02:00:00 +0200",
        ] {
            let reply = with("/expires_at", format!("{year}-{form}"));
            row(form, 200, reply, outcome()).holds().await;
        }
    }
}

#[tokio::test]
async fn a_token_without_a_user_is_inactive() {
    all_hold([
        row("null", 200, with("/user", Value::Null), no_user()),
        row("absent", 200, without("user"), no_user()),
    ])
    .await;
}

#[tokio::test]
async fn an_expired_token_is_inactive() {
    all_hold([row(
        "2011",
        200,
        with("/expires_at", "2011-09-08T17:26:27Z"),
        expired(),
    )])
    .await;
}

#[tokio::test]
async fn a_malformed_200_is_an_outage() {
    let twice = live().replacen('{', r#"{"id":1,"#, 1);
    all_hold([
        row("empty", 200, "", unexpected()),
        row("html that says it is json", 200, HTML, unexpected()),
        row("cut", 200, live()[..200].to_owned(), unexpected()),
        row("list", 200, "[]", unexpected()),
        row("null", 200, "null", unexpected()),
        row("no app", 200, without("app"), unexpected()),
        row("no id", 200, without("id"), unexpected()),
        row("id twice", 200, twice, unexpected()),
        row("id of another type", 200, with("/id", "one"), unexpected()),
        row(
            "no login",
            200,
            with("/user/login", Value::Null),
            unexpected(),
        ),
        row("empty login", 200, with("/user/login", ""), unexpected()),
        row(
            "login of two lines",
            200,
            with("/user/login", "a\r\nX-Admin: 1"),
            unexpected(),
        ),
        row(
            "login with a comma",
            200,
            with("/user/login", "a,b"),
            unexpected(),
        ),
        row(
            "login beyond ASCII",
            200,
            with("/user/login", "é"),
            unexpected(),
        ),
        row(
            "endless login",
            200,
            with("/user/login", "a".repeat(10_000)),
            unexpected(),
        ),
        row(
            "scope with a comma",
            200,
            with("/scopes/0", "a,b"),
            unexpected(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_200_about_another_app_or_token_raises_an_alarm() {
    let elsewhere = with("/app/client_id", "abcde12345fghij67890");
    let expired_elsewhere = live().replace("ae178b4a", "deadbeef").replace(
        r#""expires_at": null"#,
        r#""expires_at": "2011-09-08T17:26:27Z""#,
    );
    all_hold([
        row("other app", 200, elsewhere, mismatch()),
        row(
            "other letters",
            200,
            with("/token_last_eight", "deadbeef"),
            mismatch(),
        ),
        row(
            "other case",
            200,
            with("/token_last_eight", "Ae178B4a"),
            mismatch(),
        ),
        row(
            "fewer letters",
            200,
            with("/token_last_eight", "178b4a"),
            mismatch(),
        ),
        row(
            "other hash",
            200,
            with("/hashed_token", "0".repeat(64)),
            mismatch(),
        ),
        row("no hash", 200, with("/hashed_token", "?"), mismatch()),
        row(
            "expired token of others",
            200,
            expired_elsewhere,
            mismatch(),
        ),
        // The documented example answers about another token than the one it asks about.
        row("documented example", 200, DOCUMENTED, mismatch()),
    ])
    .await;
}

#[tokio::test]
async fn a_member_that_names_no_token_says_nothing() {
    for member in ["/token_last_eight", "/hashed_token"] {
        for value in [Value::Null, "".into(), 1.into(), Value::Array(vec![])] {
            row(member, 200, with(member, value), Outcome::Active)
                .holds()
                .await;
        }
    }
    let neither = [r#""token_last_eight": "ae178b4a", "#, HASHED_TOKEN]
        .iter()
        .fold(live(), |reply, member| {
            assert!(reply.contains(member));
            reply.replace(member, "")
        });
    row("neither", 200, neither, Outcome::Active).holds().await;
}

#[tokio::test]
async fn an_unreadable_expiry_raises_an_alarm() {
    all_hold([
        row("no time", 200, with("/expires_at", "tomorrow"), doubtful()),
        row("empty", 200, with("/expires_at", ""), doubtful()),
        row(
            "number",
            200,
            with("/expires_at", 1_315_502_787),
            doubtful(),
        ),
        row(
            "object",
            200,
            with("/expires_at", Value::Array(vec![])),
            doubtful(),
        ),
        row(
            "unknown zone",
            200,
            with("/expires_at", "2999-01-01 00:00:00 CEST"),
            doubtful(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_200_of_another_type_raises_an_alarm() {
    let mut untyped = row("none", 200, live(), doubtful());
    untyped.reply.headers_mut().remove("content-type");
    let typed = |value| row(value, 200, live(), doubtful()).with("content-type", value);
    all_hold([
        row("login page", 200, HTML, doubtful()).with("content-type", "text/html"),
        untyped,
        typed("text/html"),
        typed("text/plain; application/json"),
        typed("application/jsonp"),
    ])
    .await;
}

#[tokio::test]
async fn an_encoded_reply_is_not_decoded() {
    let encoded = |name, status, body: String, outcome| {
        row(name, status, body, outcome).with("content-encoding", "gzip")
    };
    let mut twice = encoded("twice", 200, live(), doubtful());
    let identity = HeaderValue::from_static("identity");
    let encodings = twice.reply.headers_mut();
    encodings.append("content-encoding", identity);
    all_hold([
        twice,
        encoded("200", 200, live(), doubtful()),
        encoded("404", 404, NOT_FOUND.to_owned(), unexpected()),
        encoded("422", 422, INVALID.to_owned(), unexpected()),
        encoded("503", 503, HTML.to_owned(), server_error().after(7)).with("retry-after", "7"),
    ])
    .await;
}

#[tokio::test]
async fn a_body_beyond_64_kib_raises_an_alarm() {
    let padded = |bytes: usize| {
        let padding = " ".repeat(bytes - live().len());
        live() + &padding
    };
    let too_large = Outcome::alarm(CheckErrorKind::TooLarge, "too_large");
    all_hold([
        row("64 KiB", 200, padded(64 * 1024), Outcome::Active),
        row("64 KiB + 1", 200, padded(64 * 1024 + 1), too_large),
    ])
    .await;
}

/// printf e72e16c7e42f292c6912e7710c838347ae178b4a | sha256sum
const HASH: &str = "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200";
const HASHED_TOKEN: &str =
    r#""hashed_token": "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200", "#;
