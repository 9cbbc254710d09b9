//! What is said of a token, and until when it may be remembered.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ghes_gatekeeper::emulator::Operation;
use serde_json::json;

use super::*;
use crate::TOKEN;
use crate::support::{Upstream, status};

over!(every protocol with bodies:
    a_good_token_is_active_and_told_whose_it_is,
    any_other_token_is_inactive_and_nothing_more,
    a_question_that_is_none_is_refused,
);

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

async fn a_good_token_is_active_and_told_whose_it_is(carrier: Carrier) {
    let front = front(carrier, "", "").await;
    for form in [
        format!("token={TOKEN}"),
        format!("token={TOKEN}&token_type_hint=refresh_token"),
        format!("client_id=a&client_secret=b&token={TOKEN}&token_type_hint=access_token"),
    ] {
        let before = now();
        let answer = front.answer(&introspection(&form)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.all("content-type"), ["application/json"]);
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        assert_eq!(answer.all("x-request-id").len(), 1);
        let mut said = json(&answer);
        let exp = said["exp"].take().as_u64().expect("a number");
        assert!((before + 47..=now() + 60).contains(&exp), "{exp}");
        let expected = json!({
            "active": true,
            "scope": "public_repo user",
            "client_id": CLIENT_ID,
            "username": "octocat",
            "sub": "1",
            "iss": "http://127.0.0.1:1",
            "token_type": "Bearer",
            "exp": null,
        });
        assert_eq!(said, expected);
    }
}

async fn any_other_token_is_inactive_and_nothing_more(carrier: Carrier) {
    let keys = "orgs = ['octo-org']\nscopes = ['gist']";
    let front = front(carrier, keys, "").await;
    let mint = |client_id: &str, login: &str, scopes: &[&str]| {
        let token = front.gate.ghes.mint(client_id, login, scopes, None);
        token.expect("a token")
    };
    let good = mint(CLIENT_ID, "hubot", &["gist", "read:org"]);
    assert!(
        is_active(&front, &good).await,
        "what the others lack is enough"
    );
    let revoked = mint(CLIENT_ID, "hubot", &["gist", "read:org"]);
    assert!(front.gate.ghes.revoke(&revoked));
    let expired = front.gate.ghes.mint(
        CLIENT_ID,
        "hubot",
        &["gist", "read:org"],
        Some(Duration::ZERO),
    );
    for (what, token) in [
        ("wrong", "gho_wrong".to_owned()),
        ("no token at all", "%00".to_owned()),
        ("too long", "a".repeat(2000)),
        ("with a line break", format!("{good}%0A")),
        ("personal", "ghp_wrong".to_owned()),
        ("expired", expired.expect("a token")),
        (
            "of another app",
            mint(OTHER_APP, "hubot", &["gist", "read:org"]),
        ),
        ("without the scope", mint(CLIENT_ID, "hubot", &["read:org"])),
        (
            "not a member's",
            mint(CLIENT_ID, "monalisa", &["gist", "read:org"]),
        ),
        ("revoked", revoked),
    ] {
        let answer = front.answer(&of_token(&token)).await;
        assert_eq!(answer.status, 200, "{what}");
        assert_eq!(answer.body, b"{\"active\":false}", "{what}");
        assert_eq!(answer.all("cache-control"), ["no-store"], "{what}");
    }
}

async fn a_question_that_is_none_is_refused(carrier: Carrier) {
    let front = front(carrier, "", "").await;
    for (form, status) in [
        ("", 400),
        ("token=", 400),
        ("access_token=gho_a", 400),
        ("token=gho_a&token=gho_b", 400),
        ("token=gho_a&%74oken=gho_a", 400),
        (&*format!("token={}", "a".repeat(64 * 1024)), 413),
    ] {
        let answer = front.answer(&introspection(form)).await;
        assert_eq!(answer.status, status, "{} bytes", form.len());
        assert_eq!(answer.all("cache-control"), ["no-store"]);
        assert!(!answer.text().contains("gho_"), "{answer:?}");
        let said = json(&answer);
        match status {
            400 => assert_eq!(said["error"], "invalid_request", "{form}"),
            _ => assert_eq!(said["status"], status),
        }
    }
    let form = format!("token={TOKEN}");
    for content_type in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencodedx",
    ] {
        let mut ask = introspection(&form);
        ask.fields.retain(|(name, _)| name != b"Content-Type");
        let answer = front
            .answer(&ask.clone().line("Content-Type", content_type))
            .await;
        assert_eq!(answer.status, 415, "{content_type}");
        assert_eq!(front.answer(&ask).await.status, 415, "none");
    }
    let mut ask = introspection(&form);
    ask.fields.retain(|(name, _)| name != b"Content-Type");
    let spelled = "Application/X-WWW-Form-URLEncoded ; charset=UTF-8";
    front
        .assert_status(&ask.line("Content-Type", spelled), 200)
        .await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = front.answer(&introspection(&form).method(method)).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.all("allow"), ["POST"], "{method}");
    }
    for target in ["/introspect/", "/Introspect", "/introspect2", "/", "/token"] {
        let mut ask = introspection(&form);
        ask.target = target.to_owned();
        front.assert_status(&ask, 404).await;
    }
}

/// The same keys let in the same people as on a route.
#[tokio::test]
async fn each_key_means_the_same_as_on_a_route() {
    for keys in [
        "",
        "users = ['HUBOT']",
        "user_ids = [3]",
        "site_admins = true",
        "orgs = ['other', 'octo-org']",
        "teams = ['octo-org/platform']",
        "users = ['monalisa']\nteams = ['octo-org/platform']",
        "orgs = ['octo-org']\nteams = ['octo-org/platform']\npeople = 'all'",
        "account_types = ['Bot']",
        "scopes = ['repo']",
        "scopes_any = ['gist', 'read:org']",
        "scopes = ['repo']\nexempt_github_apps = true\norgs = ['octo-org']",
        "apps = ['Iv1.8a61f9b3a7aba766']\nmax_age = '10s'",
    ] {
        let upstream = Upstream::start().await;
        let further = format!("upstream = 'http://{}'\n{keys}", upstream.address);
        let front = front(Carrier::Http1, keys, &further).await;
        for login in ["octocat", "hubot", "monalisa"] {
            for scopes in [&[][..], &["read:org"], &["repo", "gist"]] {
                let token = front
                    .gate
                    .ghes
                    .mint(CLIENT_ID, login, scopes, None)
                    .unwrap();
                let may = front.gate.status_for(&token).await == 200;
                assert_eq!(
                    is_active(&front, &token).await,
                    may,
                    "{keys} {login} {scopes:?}"
                );
            }
        }
    }
}

/// Those who remember an answer remember it no longer than the gate would.
#[tokio::test]
async fn an_answer_is_good_for_no_longer_than_the_gate_remembers_it() {
    let cache = "[cache]\nmembership_max_age = '20s'";
    for (keys, expires_in, most) in [
        ("", None, 60),
        ("max_age = '10s'", None, 10),
        ("orgs = ['octo-org']", None, 20),
        ("", Some(30), 30),
        ("max_age = '10s'", Some(30), 10),
        ("orgs = ['octo-org']", Some(15), 15),
    ] {
        let front = front(Carrier::Http1, keys, cache).await;
        let expires_in = expires_in.map(Duration::from_secs);
        let scopes = ["read:org"];
        let token = front
            .gate
            .ghes
            .mint(CLIENT_ID, "octocat", &scopes, expires_in);
        let before = now();
        let said = json(&front.answer(&of_token(&token.unwrap())).await);
        let exp = said["exp"].as_u64().expect("a number");
        let (least, most) = (before + most * 4 / 5 - 1, now() + most);
        assert!(
            (least..=most).contains(&exp),
            "{keys} {expires_in:?}: {exp} {before}"
        );
    }
}

/// Clocks differ: what would be over in a moment is asked for anew, if it can be.
#[tokio::test]
async fn an_answer_that_is_nearly_over_is_asked_for_anew() {
    let front = front(Carrier::Http1, "", "").await;
    let expires_in = Some(Duration::from_millis(4900));
    let token = front.gate.ghes.mint(CLIENT_ID, "octocat", &[], expires_in);
    let token = token.expect("a token");
    for calls in 1..4 {
        assert!(is_active(&front, &token).await);
        // The first of them is new anyway.
        assert!(front.gate.calls() >= calls, "{calls}");
    }
    outage(&front);
    let before = now();
    let answer = json(&front.answer(&of_token(&token)).await);
    assert_eq!(answer["active"], true, "the rest of it has to do");
    assert!(answer["exp"].as_u64().unwrap() > before);
}

/// Half of a short age is no moment: all answers would be asked for anew.
#[tokio::test]
async fn an_answer_that_holds_for_a_few_seconds_is_remembered() {
    for (keys, cache) in [
        ("max_age = '5s'", ""),
        ("max_age = '4s'", ""),
        ("", "[cache]\nactive_max_age = '4900ms'"),
        (
            "orgs = ['octo-org']",
            "[cache]\nmembership_max_age = '4900ms'",
        ),
        (
            "max_age = '4s'\norgs = ['octo-org']",
            "[cache]\nmembership_max_age = '9s'",
        ),
    ] {
        let front = front(Carrier::Http1, keys, cache).await;
        let token = front
            .gate
            .ghes
            .mint(CLIENT_ID, "octocat", &["read:org"], None);
        let token = token.expect("a token");
        assert!(is_active(&front, &token).await);
        let asked = front.gate.calls();
        for _ in 0..3 {
            let before = now();
            let answer = json(&front.answer(&of_token(&token)).await);
            let exp = answer["exp"].as_u64().expect("a number");
            assert!(
                (before + 1..=now() + 5).contains(&exp),
                "{keys} {exp} {before}"
            );
        }
        assert_eq!(front.gate.calls(), asked, "{keys} {cache}");
    }
}

#[tokio::test]
async fn a_remembered_token_costs_ghes_nothing_and_purging_it_ends_it() {
    let front = front(Carrier::Http1, "", "").await;
    let token = front
        .gate
        .ghes
        .mint(CLIENT_ID, "octocat", &[], None)
        .unwrap();
    for _ in 0..5 {
        assert!(is_active(&front, &token).await);
    }
    assert_eq!(front.gate.ghes.calls(Operation::CheckToken), 1);
    assert!(front.gate.ghes.revoke(&token));
    assert!(is_active(&front, &token).await, "within its age");
    let purge = "{\"all\": true}";
    let purge = format!(
        "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{purge}",
        purge.len()
    );
    let purged = front.gate.admin().await.exchange(&purge).await;
    assert_eq!(status(&purged), 200, "{purged}");
    assert!(!is_active(&front, &token).await);
    let get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let metrics = front.gate.admin().await.exchange(get).await;
    for (outcome, count) in [("allowed", 6), ("invalid_token", 1)] {
        let line = format!(
            "ghes_gatekeeper_decisions_total{{door=\"introspect\",outcome=\"{outcome}\"}} {count}\n"
        );
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
}

/// A GitHub App's token never has a scope.
#[tokio::test]
async fn a_token_without_scopes_is_told_none() {
    let front = front(Carrier::Http1, "", "").await;
    let token = front.gate.ghes.mint(CLIENT_ID, "hubot", &[], None).unwrap();
    let said = json(&front.answer(&of_token(&token)).await);
    assert_eq!(said["username"], "hubot");
    assert_eq!(said.get("scope"), None, "{said}");
}
