//! Rate limits, which a GHES has off unless told otherwise.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::Value;

use super::{Answer, GITHUB_APP, TOKEN, check, send, version};

async fn limits(ghes: &Emulator) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    super::call(ghes, "GET /rate_limit", &bearer, Value::Null).await
}

fn of(answer: &Answer) -> [Option<&str>; 3] {
    ["limit", "used", "remaining"].map(|name| answer.header(&format!("x-ratelimit-{name}")))
}

#[tokio::test]
async fn without_limits_there_is_nothing_to_tell() {
    for release in ["3.8", "3.15", "3.19"] {
        let answer = limits(&version(release)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.message(), "Rate limiting is not enabled.");
        assert_eq!(of(&answer), [None; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_counts_and_the_hour_ends() {
    let ghes = Emulator::default().with_rate_limit(3);
    assert_eq!(
        of(&check(&ghes, GITHUB_APP, TOKEN).await),
        [Some("3"), Some("1"), Some("2")]
    );
    let missing = check(&ghes, GITHUB_APP, "gho_unknown").await;
    assert_eq!(of(&missing), [Some("3"), Some("2"), Some("1")]);
    let last = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(
        (last.status, of(&last)),
        (StatusCode::OK, [Some("3"), Some("3"), Some("0")])
    );
    assert_eq!(last.header("x-ratelimit-resource"), Some("core"));
    let refused = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(
        (refused.status, of(&refused)),
        (StatusCode::FORBIDDEN, [Some("3"), Some("3"), Some("0")])
    );
    assert!(refused.message().starts_with("API rate limit exceeded"));
    let reset: i64 = refused
        .header("x-ratelimit-reset")
        .unwrap()
        .parse()
        .unwrap();
    let wait = reset - jiff::Timestamp::now().as_second();
    assert!((3595..=3601).contains(&wait), "{wait}");

    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn callers_have_their_own_and_asking_is_free() {
    for release in ["3.8", "3.15", "3.19"] {
        let ghes = version(release).with_rate_limit(5000);
        check(&ghes, GITHUB_APP, TOKEN).await;
        for _ in 0..2 {
            let answer = limits(&ghes).await;
            let rate = &answer.json()["resources"]["core"];
            assert_eq!((&rate["limit"], &rate["used"]), (&5000.into(), &0.into()));
        }
    }
}

#[tokio::test]
async fn nobody_has_sixty() {
    let ghes = Emulator::default().with_rate_limit(5000);
    let meta = async || {
        let request = Request::get("/api/v3/meta").body(String::new()).unwrap();
        send(&ghes, request).await
    };
    assert_eq!(of(&meta().await), [Some("60"), Some("1"), Some("59")]);
    for _ in 0..59 {
        assert_eq!(meta().await.status, StatusCode::OK);
    }
    assert_eq!(meta().await.status, StatusCode::FORBIDDEN);
}
