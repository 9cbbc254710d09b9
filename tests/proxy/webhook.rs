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
async fn a_repeated_delivery_changes_nothing_under_whatever_id() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut webhook = gate.webhook().await;
    let first = Delivery::signed(EVENT, "1", REVOKED);
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(status(&webhook.exchange(&first.request()).await), 200);
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(gate.calls(), 2, "forgotten and asked for again");

    let good = first.signature.clone();
    let (_, hex) = good.trim_end().split_once("sha256=").expect("a signature");
    for (id, signature) in [
        ("1", good.clone()),
        ("2", good.clone()),
        ("72d3162e-cc78-11e3-81ab-4c9367dc0958", good.clone()),
        ("", good.clone()),
        ("3", good.replace(hex, &hex.to_uppercase())),
    ] {
        let mut again = Delivery::signed(EVENT, id, REVOKED);
        again.signature = signature;
        assert_eq!(
            status(&webhook.exchange(&again.request()).await),
            202,
            "{id}"
        );
        // Deliveries are remembered for the proxy and not for a listener of it.
        let answer = gate.webhook().await.exchange(&again.request()).await;
        assert_eq!(status(&answer), 202, "{id}");
        assert_eq!(gate.status_for(TOKEN).await, 200);
        assert_eq!(gate.calls(), 2, "remembered");
    }

    let other = REVOKED.replace("\"revoked\",", "\"revoked\" ,");
    assert_ne!(other, REVOKED);
    let second = Delivery::signed(EVENT, "1", &other).request();
    assert_eq!(
        status(&webhook.exchange(&second).await),
        200,
        "another delivery"
    );
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

/// GHES shows the answer to the first ping, and hardly anybody looks at later ones.
#[tokio::test]
async fn a_delivery_that_is_not_as_documented_is_refused() {
    let (gate, _upstream) = gate().await;
    let form = format!("payload={}", PING.replace('"', "%22").replace(' ', "+"));
    for (event, payload) in [
        (EVENT, ""),
        (EVENT, "payload=%7B%7D"),
        (EVENT, "{\"action\":\"revoked\"}"),
        (EVENT, "{\"action\":\"revoked\",\"sender\":{\"id\":\"1\"}}"),
        (
            EVENT,
            "{\"action\":\"revoked\",\"sender\":{\"login\":\"octocat\"}}",
        ),
        ("ping", ""),
        ("ping", "payload=%7B%7D"),
        ("ping", &form),
    ] {
        let delivery = Delivery::signed(event, "1", payload);
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), 400, "{event} {payload}");
        assert!(answer.contains("content-type: application/problem+json"));
        assert!(answer.contains("content type must be application/json"));
        assert_eq!(gate.status_for(TOKEN).await, 200, "{event} {payload}");
    }
}

/// Larger ones than GHES sends are refused, and so are large ones of events that are kept.
#[tokio::test]
async fn events_of_many_megabytes_are_taken_and_change_nothing() {
    let (gate, _upstream) = gate().await;
    let padded = |megabytes: usize| REVOKED.to_owned() + &" ".repeat(megabytes * 1024 * 1024);
    for (event, megabytes, expected) in [
        ("push", 3, 202),
        ("check_run", 8, 202),
        ("installation_repositories", 24, 202),
        ("push", 25, 413),
        (EVENT, 1, 413),
        ("ping", 1, 413),
    ] {
        let payload = padded(megabytes);
        let delivery = Delivery::signed(event, "1", &payload);
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), expected, "{event}, {megabytes} MiB");
        let mut unsigned = Delivery::signed(event, "1", REVOKED);
        unsigned.signature = signature("another secret", &payload);
        let answer = gate.webhook().await.exchange(&unsigned.request()).await;
        assert_eq!(status(&answer), 401, "{event}");
        assert_eq!(gate.status_for(TOKEN).await, 200, "{event}");
    }
}

#[tokio::test]
async fn deliveries_are_posted_and_no_longer_than_their_event() {
    let (gate, _upstream) = gate().await;
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = gate.webhook().await.exchange(get).await;
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("\r\nallow: POST\r\n"), "{answer}");

    let padded = |length: usize| REVOKED.to_owned() + &" ".repeat(length - REVOKED.len());
    for (length, expected) in [(32 * 1024 + 1, 413), (32 * 1024, 200)] {
        let payload = padded(length);
        let delivery = Delivery::signed(EVENT, "1", &payload);
        let answer = gate.webhook().await.exchange(&delivery.request()).await;
        assert_eq!(status(&answer), expected, "{answer}");
    }
}

/// Whoever says nothing that could be a signature is not listened to.
#[tokio::test]
async fn without_a_signature_nothing_is_read() {
    let (gate, _upstream) = gate().await;
    for signature in [
        "",
        "X-Hub-Signature-256: sha256=00\r\n",
        "X-Hub-Signature-256: 1\r\n",
    ] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: {EVENT}\r\n{signature}\
             Content-Length: 1000\r\n\r\n"
        );
        let answer = gate.webhook().await.exchange(&head).await;
        assert_eq!(
            status(&answer),
            401,
            "{signature}: before the body has come"
        );
    }
}
