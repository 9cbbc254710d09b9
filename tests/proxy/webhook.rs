//! The webhook: what GHES reports, and what somebody else would like to report.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::TOKEN;
use super::support::{Gate, Upstream, WEBHOOK_SECRET, body, status};

/// The [example] of octokit/webhooks for GHES, as published.
///
/// [example]: https://www.npmjs.com/package/@octokit/webhooks-examples/v/7.6.1
pub(crate) const REVOKED: &str =
    include_str!("../fixtures/webhooks/github_app_authorization-revoked.json");
const PING: &str = include_str!("../fixtures/webhooks/ping.json");

pub(crate) const EVENT: &str = "github_app_authorization";

pub(crate) struct Delivery<'d> {
    event: &'d str,
    id: &'d str,
    signature: String,
    body: &'d str,
}

impl<'d> Delivery<'d> {
    pub(crate) fn signed(event: &'d str, id: &'d str, body: &'d str) -> Self {
        Self {
            event,
            id,
            signature: signature(WEBHOOK_SECRET, body),
            body,
        }
    }

    /// With the headers that GHES sends, on any path.
    pub(crate) fn request(&self) -> String {
        let Self {
            event,
            id,
            signature,
            body,
        } = self;
        format!(
            "POST /webhooks/github HTTP/1.1\r\nHost: a\r\nUser-Agent: GitHub-Hookshot/1f2e3d4\r\n\
             Content-Type: application/json\r\nX-GitHub-Hook-ID: 1\r\nX-GitHub-Event: {event}\r\n\
             X-GitHub-Delivery: {id}\r\n{signature}X-GitHub-Enterprise-Host: ghes.example.com\r\n\
             X-GitHub-Enterprise-Version: 3.19.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body.as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("X-Hub-Signature-256: sha256={hex}\r\n")
}

/// A gate that remembers octocat's token, which GHES does not know any more.
async fn gate() -> (Gate, Upstream) {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert!(gate.ghes.revoke(TOKEN));
    assert_eq!(gate.status_for(TOKEN).await, 200, "remembered");
    (gate, upstream)
}

#[tokio::test]
async fn a_revocation_takes_effect_at_once() {
    let (gate, _upstream) = gate().await;
    let delivery = Delivery::signed(EVENT, "72d3162e-cc78-11e3-81ab-4c9367dc0958", REVOKED);
    let answer = gate.webhook().await.exchange(&delivery.request()).await;
    assert_eq!((status(&answer), body(&answer)), (200, ""), "{answer}");
    assert_eq!(gate.status_for(TOKEN).await, 401);
}

#[tokio::test]
async fn only_the_user_who_revoked_is_forgotten() {
    let (gate, _upstream) = gate().await;
    let somebody = REVOKED.replace("\"id\": 1,", "\"id\": 2,");
    assert_ne!(somebody, REVOKED);
    let delivery = Delivery::signed(EVENT, "1", &somebody);
    let answer = gate.webhook().await.exchange(&delivery.request()).await;
    assert_eq!(status(&answer), 200);
    assert_eq!(gate.status_for(TOKEN).await, 200, "still remembered");
}

#[tokio::test]
async fn what_ghes_did_not_sign_changes_nothing() {
    let (gate, _upstream) = gate().await;
    let good = signature(WEBHOOK_SECRET, REVOKED);
    for wrong in [
        String::new(),
        signature("another secret", REVOKED),
        signature(WEBHOOK_SECRET, PING),
        signature("", REVOKED),
        good.replace("sha256=", "sha1="),
        good.replace("sha256=", ""),
        good.replace("-256", ""),
        "X-Hub-Signature-256: \r\n".to_owned(),
    ] {
        let mut delivery = Delivery::signed(EVENT, "1", REVOKED);
        delivery.signature = wrong;
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), 401, "{}", delivery.signature);
        assert!(!answer.contains("CANARY"), "{answer}");
        assert_eq!(gate.status_for(TOKEN).await, 200, "{}", delivery.signature);
    }
    // The refused ones did not use up the id.
    let delivery = Delivery::signed(EVENT, "1", REVOKED);
    let answer = gate.webhook().await.exchange(&delivery.request()).await;
    assert_eq!(status(&answer), 200);
    assert_eq!(gate.status_for(TOKEN).await, 401);
}

#[tokio::test]
async fn a_repeated_delivery_changes_nothing() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut webhook = gate.webhook().await;
    let first = Delivery::signed(EVENT, "1", REVOKED).request();
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(status(&webhook.exchange(&first).await), 200);
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(gate.calls(), 2, "forgotten and asked for again");

    assert_eq!(status(&webhook.exchange(&first).await), 202);
    // Deliveries are remembered for the proxy and not for a listener of it.
    assert_eq!(status(&gate.webhook().await.exchange(&first).await), 202);
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(gate.calls(), 2, "remembered");

    let second = Delivery::signed(EVENT, "2", REVOKED).request();
    assert_eq!(status(&webhook.exchange(&second).await), 200);
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(gate.calls(), 3);
}

#[tokio::test]
async fn other_events_are_taken_and_change_nothing() {
    let (gate, _upstream) = gate().await;
    let granted = REVOKED.replace("\"revoked\"", "\"granted\"");
    for (event, payload) in [
        ("ping", PING),
        ("installation", REVOKED),
        ("GitHub_App_Authorization", REVOKED),
        ("", REVOKED),
        (EVENT, &granted),
    ] {
        let delivery = Delivery::signed(event, "1", payload);
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), 202, "{event}");
        assert_eq!(gate.status_for(TOKEN).await, 200, "{event}");
    }
}

#[tokio::test]
async fn a_delivery_that_is_not_as_documented_is_refused() {
    let (gate, _upstream) = gate().await;
    let long = "1".repeat(65);
    for (id, payload) in [
        ("1", ""),
        ("1", "payload=%7B%7D"),
        ("1", "{\"action\":\"revoked\"}"),
        ("1", "{\"action\":\"revoked\",\"sender\":{\"id\":\"1\"}}"),
        (
            "1",
            "{\"action\":\"revoked\",\"sender\":{\"login\":\"octocat\"}}",
        ),
        ("", REVOKED),
        (&long, REVOKED),
    ] {
        let delivery = Delivery::signed(EVENT, id, payload);
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), 400, "{id} {payload}");
        assert!(answer.contains("content-type: application/problem+json"));
        assert_eq!(gate.status_for(TOKEN).await, 200, "{id} {payload}");
    }
}

#[tokio::test]
async fn deliveries_are_posted_and_at_most_a_mebibyte() {
    let (gate, _upstream) = gate().await;
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = gate.webhook().await.exchange(get).await;
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("\r\nallow: POST\r\n"), "{answer}");

    let padded = |length: usize| REVOKED.to_owned() + &" ".repeat(length - REVOKED.len());
    let largest = padded(1024 * 1024);
    let delivery = Delivery::signed(EVENT, "1", &largest);
    let answer = gate.webhook().await.exchange(&delivery.request()).await;
    assert_eq!(status(&answer), 200);
    let announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n";
    let answer = gate.webhook().await.exchange(announced).await;
    assert_eq!(status(&answer), 413, "{answer}");
}
