//! How callers prove who they are.

use super::*;
use crate::TOKEN;

over!(every protocol with bodies:
    a_caller_proves_itself_by_basic_or_bearer,
    nobody_else_learns_anything,
);

async fn a_caller_proves_itself_by_basic_or_bearer(carrier: Carrier) {
    let secret = "a+b%2Fc/&d0123456789abcdef0123456789";
    let encoded = "a%2Bb%252Fc%2F%26d0123456789abcdef0123456789";
    let tables = tables("", "").replace(SECRET, secret);
    let tables = tables.replace("apisix", "api/six");
    let front = Front::of_decisions(carrier, &tables).await;
    for proof in [
        basic("api/six", secret),
        basic("api%2Fsix", encoded),
        basic("api/six", secret).replace("Basic ", "bAsIc  "),
        format!("Bearer {secret}"),
        format!("bearer {secret}"),
    ] {
        let ask = unproved(&format!("token={TOKEN}")).line("Authorization", proof.clone());
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 200, "{proof} {answer:?}");
        assert_eq!(json(&answer)["active"], true, "{proof}");
    }
}

async fn nobody_else_learns_anything(carrier: Carrier) {
    let front = front(carrier, "", "").await;
    let form = format!("token={TOKEN}");
    let proofs = [
        None,
        Some(basic("apisix", "wrong")),
        Some(basic("apisix", "")),
        Some(basic("", SECRET)),
        Some(basic("kong", SECRET)),
        Some(basic("apisix", &SECRET.to_lowercase())),
        Some(basic("apisix", &SECRET[1..])),
        Some(format!("Basic {}", BASE64_STANDARD.encode(SECRET))),
        Some("Basic".to_owned()),
        Some("Basic !!!!".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some(format!("Bearer {TOKEN}")),
        Some(format!("Bearer {SECRET} {SECRET}")),
        Some(format!("Digest {SECRET}")),
        Some(SECRET.to_owned()),
    ];
    for proof in proofs {
        let mut ask = unproved(&form);
        if let Some(proof) = &proof {
            ask = ask.line("Authorization", proof.clone());
        }
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 401, "{proof:?}");
        let expected = [
            "Basic realm=\"ghes\", charset=\"UTF-8\"",
            "Bearer realm=\"ghes\"",
        ];
        assert_eq!(answer.all("www-authenticate"), expected, "{proof:?}");
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        assert_eq!(json(&answer)["error"], "invalid_client");
        assert!(!answer.text().contains("octocat"));
    }
    let twice = introspection(&form).line("Authorization", format!("Bearer {SECRET}"));
    front.assert_status(&twice, 401).await;
    let of_kubernetes = review_of(TOKEN);
    let mut unproved = of_kubernetes.clone();
    unproved.fields.retain(|(name, _)| name != b"Authorization");
    let answer = front.answer(&unproved).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.all("www-authenticate").len(), 2);
    assert_eq!(json(&answer)["reason"], "invalid_client");
    assert_eq!(front.gate.calls(), 0, "GHES is not asked for strangers");
    front.assert_status(&of_kubernetes, 200).await;
}

#[tokio::test]
async fn without_callers_there_is_nothing_to_ask() {
    let tables = "[decisions]\nlisten = '127.0.0.1:0'\n[[routes]]\npath = '/'\n";
    for carrier in [Carrier::Http1, Carrier::H2c, Carrier::H2Tls] {
        let front = Front::of_decisions(carrier, tables).await;
        front.assert_status(&of_token(TOKEN), 404).await;
        front.assert_status(&review_of(TOKEN), 404).await;
    }
}

/// What is active for one is not for the other.
#[tokio::test]
async fn each_caller_has_rules_of_its_own() {
    let further = "[[decisions.callers]]\nid = 'kong'\nsecret = 'CANARYOTHER0123456789abcdef01234567'\nusers = ['hubot']\n";
    let tables = tables("users = ['octocat']", "");
    let tables = tables.replace("[[routes]]", &format!("{further}[[routes]]"));
    let front = Front::of_decisions(Carrier::Http1, &tables).await;
    for (login, apisix, kong) in [("octocat", true, false), ("hubot", false, true)] {
        let token = front.gate.ghes.mint(CLIENT_ID, login, &[], None).unwrap();
        assert_eq!(is_active(&front, &token).await, apisix, "{login}");
        let ask = unproved(&format!("token={token}"));
        let ask = ask.line(
            "Authorization",
            "Bearer CANARYOTHER0123456789abcdef01234567",
        );
        assert_eq!(json(&front.answer(&ask).await)["active"], kong, "{login}");
    }
}

/// A caller is known by its secret, so its flood is its own, wherever it comes from.
#[tokio::test]
async fn a_flood_of_one_caller_locks_out_no_other_and_not_those_who_are_known() {
    let limits = "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = 3\n";
    let other =
        "[[decisions.callers]]\nid = 'kong'\nsecret = 'CANARYOTHER0123456789abcdef01234567'\n";
    let tables = tables("", "upstream = 'http://127.0.0.1:1'");
    let tables = tables.replace("[[routes]]", &format!("{other}[[routes]]"));
    let front = Front::of_decisions(Carrier::Http1, &format!("{limits}{tables}")).await;
    assert!(is_active(&front, TOKEN).await);
    let mut refused = 0;
    for at in 0..50 {
        let answer = front.answer(&of_token(&format!("gho_guess{at}"))).await;
        if answer.status == 429 {
            refused += 1;
            assert_eq!(answer.all("retry-after").len(), 1);
            assert_eq!(json(&answer)["reason"], "too_many_requests");
            assert!(!answer.text().contains("active"));
        } else {
            assert_eq!(answer.body, b"{\"active\":false}");
        }
    }
    assert!(refused > 30, "{refused}");
    assert!(is_active(&front, TOKEN).await, "known");
    let token = front.gate.ghes.mint(CLIENT_ID, "hubot", &[], None).unwrap();
    let ask = unproved(&format!("token={token}")).line(
        "Authorization",
        "Bearer CANARYOTHER0123456789abcdef01234567",
    );
    assert_eq!(
        json(&front.answer(&ask).await)["active"],
        true,
        "another caller's"
    );
    assert_eq!(
        front.gate.status_for("gho_wrong").await,
        401,
        "clients have turns of their own"
    );
}
