//! What is remembered, and for whom.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::*;

over!(every protocol:
    c1_c2_what_a_route_needs_is_looked_at_each_time,
    c8_a_token_is_all_of_its_bytes,
    c12_an_outage_is_no_refusal,
);

/// Oathkeeper CVE-2021-32701, heimdall#3452.
async fn c1_c2_what_a_route_needs_is_looked_at_each_time(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let routes = [("/", ""), ("/admin", "scopes = [\"admin:org\"]")];
    for order in [["/", "/admin", "/"], ["/admin", "/", "/admin"]] {
        let front = upstream.front_with(on, "", &routes).await;
        for path in order {
            let status = if path == "/" { 200 } else { 403 };
            let answer = front.answer(&Ask::known(path)).await;
            assert_eq!(answer.status, status, "{order:?}");
            if status == 403 {
                let challenge = answer.all("www-authenticate").concat();
                assert!(challenge.contains("insufficient_scope"), "{challenge}");
                upstream.assert_untouched();
            } else {
                upstream.message().await;
            }
        }
        assert_eq!(front.gate.calls(), 1, "{order:?}");
    }
}

/// Okta, October 2024; fast-jwt GHSA-rp9m-7r4c-75qg.
async fn c8_a_token_is_all_of_its_bytes(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    front.assert_status(&Ask::known("/p"), 200).await;
    upstream.message().await;
    let last = TOKEN.len() - 1;
    for token in [
        TOKEN[..last].to_owned(),
        format!("{}b", &TOKEN[..last]),
        format!("{TOKEN}a"),
        format!("{TOKEN}{}", "a".repeat(200)),
        TOKEN.to_uppercase(),
    ] {
        let ask = Ask::get("/p").line("Authorization", format!("Bearer {token}"));
        front.assert_status(&ask, 401).await;
        upstream.assert_untouched();
    }
    assert_eq!(front.gate.calls(), 6, "each is one of its own");
}

/// oauth2-proxy's `validateToken`.
async fn c12_an_outage_is_no_refusal(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let ghes = &front.gate.ghes;
    front.assert_status(&Ask::known("/p"), 200).await;
    let other = ghes.mint("Iv1.8a61f9b3a7aba766", "hubot", &[], None);
    let other = format!("Bearer {}", other.expect("a token"));
    let other = Ask::get("/p").line("Authorization", other);
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let answer = front.answer(&other).await;
    assert_eq!(answer.status, 503);
    assert!(answer.all("www-authenticate").is_empty(), "{answer:?}");
    assert_eq!(answer.all("retry-after").len(), 1, "{answer:?}");
    // Nobody known notices, and nothing was learned about the other.
    front.assert_status(&Ask::known("/p"), 200).await;
    front.assert_status(&other, 200).await;
    for user in ["octocat", "octocat", "hubot"] {
        assert_eq!(upstream.message().await.only("x-forwarded-user"), user);
    }
    upstream.assert_untouched();
}
