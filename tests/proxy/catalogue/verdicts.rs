//! What must not decide, and who must not fall over it.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use serde_json::json;

use super::identity::assert_identity;
use super::*;

over!(every protocol:
    a15_no_login_of_ghes_splits_a_head,
    d12_no_value_ends_the_process,
);
over!(every protocol with bodies: d6_no_framing_changes_the_verdict);

/// hyper RUSTSEC-2017-0002: GHES answers with what would be two headers, or none.
async fn a15_no_login_of_ghes_splits_a_head(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let logins = [
        json!("a\r\nX-Admin: 1"),
        json!("a\nb"),
        json!("a\rb"),
        json!("a\u{0}b"),
        json!("a\u{7f}"),
        json!("a\u{1b}[31m"),
        json!("caf\u{e9}"),
        json!("a".repeat(10_000)),
        json!(""),
        json!(null),
        json!("a, b"),
        json!(["a"]),
    ];
    for login in logins {
        let reply = json!({
            "id": 1,
            "app": {"client_id": "Iv1.8a61f9b3a7aba766"},
            "scopes": [],
            "user": {"login": login, "id": 1},
        });
        let fault = Fault::status(StatusCode::OK).with_body(reply.to_string());
        front.gate.ghes.fail(fault);
        front.assert_status(&known(""), 503).await;
        upstream.assert_untouched();
    }
    // The same with a login that can stand in a header, so that it was the login.
    front.assert_status(&known(""), 200).await;
    assert_identity(&upstream.message().await);
}

/// Skipper CVE-2026-50197: a policy that looked at the length of the body.
async fn d6_no_framing_changes_the_verdict(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let routes = [("/", ""), ("/admin", "scopes = [\"admin:org\"]")];
    let front = upstream.front_with(on, "", &routes).await;
    let framings: [fn(Ask) -> Ask; 5] = [
        |ask| ask,
        |ask| ask.body(""),
        |ask| ask.body("hello"),
        |ask| ask.streamed("hello", ""),
        |ask| ask.streamed("", "x-forwarded-user: admin\r\n"),
    ];
    for framed in framings {
        let framed = |ask: Ask| framed(ask.method("POST"));
        let unknown = Ask::get("/p").lines("Authorization: Bearer gho_x\r\n");
        front.assert_status(&framed(unknown), 401).await;
        front.assert_status(&framed(Ask::get("/p")), 401).await;
        front
            .assert_status(&framed(Ask::known("/admin")), 403)
            .await;
        upstream.assert_untouched();
        front.assert_status(&framed(Ask::known("/p")), 200).await;
        upstream.message().await;
    }
}

/// hyper#4019.
async fn d12_no_value_ends_the_process(on: Carrier) {
    const GARBAGE: &[u8] = b"\xff\xfe,\x80;\xc3\x28";
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for name in [
        "Via",
        "X-Forwarded-For",
        "Forwarded",
        "Max-Forwards",
        "Cookie",
        "Connection",
        "TE",
        "Upgrade",
    ] {
        let ask = known("").line(name, GARBAGE);
        let is_of_a_connection = ["Connection", "TE", "Upgrade"].contains(&name);
        if on.is_http_2() && is_of_a_connection {
            front.assert_malformed(&ask).await;
        } else {
            front.assert_status(&ask, 200).await;
            upstream.message().await;
        }
    }
    for name in ["Host", "Authorization", "Content-Length", "Expect"] {
        let ask = known("").line(name, &b"\xff\xfe"[..]);
        let end = front.end(&ask).await;
        let is_refused = end.status().is_some_and(|s| (400..500).contains(&s));
        assert!(is_refused || matches!(end, End::Reset(1)), "{end:?} {name}");
    }
    upstream.assert_untouched();
}
