//! The table of outcomes: replies with any other status.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ghes_gatekeeper::check::{CheckErrorKind, InactiveReason};

use super::outcome::Outcome;
use super::outcomes::NOT_FOUND;
use super::row::{
    HTML, INVALID, LIMITED, SPAMMED, all_hold, doubtful, limited, row, server_error, unexpected,
};
use super::{judge, live, shown};

fn redirect() -> Outcome {
    Outcome::alarm(CheckErrorKind::Redirect, "redirect")
}

fn forbidden() -> Outcome {
    Outcome::alarm(CheckErrorKind::Forbidden, "ghes_forbidden")
}

#[tokio::test]
async fn a_404_of_ghes_is_a_no() {
    let unknown = Outcome::Inactive(InactiveReason::Unknown);
    all_hold([row("as documented", 404, NOT_FOUND, unknown)]).await;
}

#[tokio::test]
async fn a_404_of_somebody_else_is_an_outage() {
    let no_route = r#"{"message":"no Route matched with those values"}"#;
    all_hold([
        row("html", 404, HTML, unexpected()).with("content-type", "text/html"),
        row("html that says it is json", 404, HTML, unexpected()),
        row("empty", 404, "", unexpected()),
        row("no message", 404, "{}", unexpected()),
        row("gateway", 404, no_route, unexpected()),
    ])
    .await;
}

#[tokio::test]
async fn a_422_is_a_no_unless_it_is_about_spam() {
    let unprocessable = Outcome::Inactive(InactiveReason::Unprocessable);
    all_hold([
        row("invalid", 422, INVALID, unprocessable),
        row("html", 422, HTML, unexpected()),
        row("spam", 422, SPAMMED, limited(60)),
        row("spam with a time", 422, SPAMMED, limited(90)).with("retry-after", "90"),
    ])
    .await;
}

#[tokio::test]
async fn a_401_is_about_our_own_credentials() {
    let refused = || Outcome::alarm(CheckErrorKind::CredentialsRefused, "client_auth_failed");
    let bad_credentials = r#"{"message":"Bad credentials","documentation_url":"x"}"#;
    all_hold([
        row("as documented", 401, bad_credentials, refused()),
        row("html", 401, HTML, refused()),
    ])
    .await;
}

#[tokio::test]
async fn a_403_about_limits_is_an_outage() {
    let logins = r#"{"message":"Maximum number of login attempts exceeded"}"#;
    let abuse = r#"{"message":"You have triggered an abuse detection mechanism."}"#;
    all_hold([
        row("secondary", 403, LIMITED, limited(60)),
        row("abuse", 403, abuse, limited(60)),
        row("logins", 403, logins, limited(60)),
        row("nothing left", 403, HTML, limited(60)).with("x-ratelimit-remaining", "0"),
        row("retry-after", 403, HTML, limited(17)).with("retry-after", "17"),
        row("both", 403, LIMITED, limited(17))
            .with("retry-after", "17")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "4102444800"),
        row("reset in the past", 403, LIMITED, limited(60))
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1585154366"),
        row("reset with calls left", 403, LIMITED, limited(60))
            .with("x-ratelimit-remaining", "7")
            .with("x-ratelimit-reset", "4102444800"),
        row("no number", 403, LIMITED, limited(60)).with("retry-after", "-1"),
    ])
    .await;
}

#[tokio::test]
async fn any_other_403_raises_an_alarm() {
    let suspended = r#"{"message":"Sorry. Your application was suspended."}"#;
    all_hold([
        row("suspended", 403, suspended, forbidden()),
        row("html", 403, HTML, forbidden()),
        row("calls left", 403, HTML, forbidden()).with("x-ratelimit-remaining", "1"),
    ])
    .await;
}

#[tokio::test]
async fn a_429_is_a_limit() {
    all_hold([
        row("without a time", 429, LIMITED, limited(60)),
        row("of somebody else", 429, HTML, limited(60)),
        row("with a time", 429, LIMITED, limited(5)).with("retry-after", "5"),
        row("at once", 429, LIMITED, limited(60)).with("retry-after", "0"),
    ])
    .await;
}

#[tokio::test]
async fn a_redirect_raises_an_alarm() {
    let rows = [300, 301, 302, 303, 304, 307, 308].map(|status| {
        row("redirect", status, NOT_FOUND, redirect()).with("location", "https://sso.example.com/")
    });
    all_hold(rows).await;
    all_hold([row("without a target", 302, "", redirect())]).await;
}

#[tokio::test]
async fn of_a_redirect_the_log_shows_the_host() {
    let reply = row("sso", 302, "", redirect()).with(
        "location",
        "https://user:hunter2@sso.example.com/login?state=hunter2",
    );
    let error = judge(reply.reply).await.expect_err("no verdict");
    let shown = shown(&error);
    assert!(shown.contains("sso.example.com"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_5xx_is_an_outage() {
    let rows = [500, 501, 502, 503, 504, 599];
    all_hold(rows.map(|status| row("html", status, HTML, server_error()))).await;
    all_hold([
        row("as a no", 500, NOT_FOUND, server_error()),
        row("maintenance", 503, HTML, server_error().after(120)).with("retry-after", "120"),
        row("long gone", 503, HTML, server_error())
            .with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ])
    .await;
}

#[tokio::test]
async fn a_wait_may_be_given_as_a_time() {
    let wait = async |name, value: &str| {
        let reply = row(name, 403, LIMITED, limited(0)).with(name, value);
        let reply = reply.with("x-ratelimit-remaining", "0").reply;
        judge(reply).await.expect_err("no verdict").retry_after()
    };
    let (in_2100, in_2060) = (4_102_444_800, 2_840_140_800);
    for (name, value, until) in [
        // The three forms of RFC 9110 §5.6.7.
        ("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT", in_2100),
        ("retry-after", "Thursday, 01-Jan-60 00:00:00 GMT", in_2060),
        ("retry-after", "Fri Jan  1 00:00:00 2100", in_2100),
        ("x-ratelimit-reset", "4102444800", in_2100),
    ] {
        let most = (UNIX_EPOCH + Duration::from_secs(until))
            .duration_since(SystemTime::now())
            .expect("a time to come");
        let wait = wait(name, value).await.expect("a wait");
        assert!(
            wait <= most && wait + Duration::from_secs(60) > most,
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn any_other_status_raises_an_alarm() {
    let rows = [
        101, 201, 202, 203, 204, 206, 226, 400, 402, 405, 406, 407, 410, 415, 418, 451, 600, 999,
    ];
    for body in [live(), NOT_FOUND.to_owned(), String::new()] {
        all_hold(rows.map(|status| row("other", status, body.clone(), doubtful()))).await;
    }
}
