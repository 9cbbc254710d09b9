//! What clients get and what tools see, whichever front asks.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use crate::fronts::Front;
use crate::message::Message;
use crate::scene::{Scene, example};
use crate::tool::{assert_from, assert_from_nobody};
use crate::{CLIENT_ID, TOKEN};

every_front!(
    the_table_holds,
    every_refusal_of_the_gate_reaches_the_client,
    a_request_that_passes_reaches_the_tool_as_it_was,
);

/// What a client is told.
struct Refusal<'a> {
    status: u16,
    /// What stands in the only challenge; none where there is none.
    challenge: Option<&'a [&'a str]>,
    reason: &'a str,
}

impl Scene {
    /// Fails unless a request is refused so, in as much as this front passes on.
    fn assert_refused(&mut self, answer: &Message, expected: &Refusal<'_>) {
        let habits = self.front.habits();
        assert_eq!(answer.status(), expected.status, "{answer:?}");
        let challenges = answer.all("www-authenticate");
        match expected.challenge {
            None => assert!(challenges.is_empty(), "{answer:?}"),
            Some(parts) => {
                let [challenge] = challenges[..] else {
                    panic!("{answer:?}");
                };
                for part in parts {
                    assert!(challenge.contains(part), "{part}: {answer:?}");
                }
            }
        }
        let is_outage = expected.status == 503;
        let is_whole = !is_outage || habits.has_whole_outage;
        let waits = is_outage || expected.status == 429;
        assert_eq!(
            answer.all("retry-after").len(),
            usize::from(waits && is_whole),
            "{answer:?}"
        );
        if habits.has_problem && is_whole {
            assert_eq!(answer.all("content-type"), ["application/problem+json"]);
            let reason = format!("\"reason\":\"{}\"", expected.reason);
            assert!(answer.body.contains(&reason), "{answer:?}");
        } else {
            assert!(!answer.body.contains("\"reason\""), "{answer:?}");
        }
        self.tool.assert_untouched();
    }

    async fn assert_passes(&mut self, line: &str, bearer: &[&str], person: &[(&str, &str)]) {
        let answer = self.send(line, bearer).await;
        assert_eq!(
            (answer.status(), &*answer.body),
            (200, "hello"),
            "{answer:?}"
        );
        let request = self.tool.request();
        assert_from(&request, person);
        self.tool.assert_untouched();
    }
}

const REALM: &str = "Bearer realm=\"ghes\"";

/// What a tool is told of octocat, sorted by names.
fn octocat<'a>(groups: &'a str, scopes: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("x-auth-request-groups", groups),
        ("x-auth-request-preferred-username", "octocat"),
        ("x-auth-request-user", "octocat"),
        ("x-github-user-id", "1"),
        ("x-oauth-client-id", CLIENT_ID),
        ("x-oauth-scopes", scopes),
    ];
    all.retain(|(_, value)| !value.is_empty());
    all
}

async fn the_table_holds(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    let wrong = "Authorization: Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a";

    // No token, and a wrong one.
    let none = scene.send("GET /wiki", &[]).await;
    let missing = Refusal {
        status: 401,
        challenge: Some(&[REALM]),
        reason: "missing_token",
    };
    scene.assert_refused(&none, &missing);
    let answer = scene.send("GET /wiki", &[wrong]).await;
    let invalid = Refusal {
        status: 401,
        challenge: Some(&[REALM, "error=\"invalid_token\""]),
        reason: "invalid_token",
    };
    scene.assert_refused(&answer, &invalid);

    // A good one.
    let whole = octocat("", "public_repo, user");
    scene
        .assert_passes("GET /wiki?q=1", &[&known], &whole)
        .await;
    scene.assert_passes("DELETE /wiki", &[&known], &whole).await;

    // A scope is missing.
    let answer = scene.send("GET /admin/users", &[&known]).await;
    let scope = Refusal {
        status: 403,
        challenge: Some(&[REALM, "error=\"insufficient_scope\"", "scope=\"admin:org\""]),
        reason: "insufficient_scope",
    };
    scene.assert_refused(&answer, &scope);

    // A member, and not one.
    let (member, _) = scene.bearer("octocat", &["read:org"]);
    let groups = if front.asks() { "octo-org" } else { "" };
    let of_team = octocat(groups, "read:org");
    scene
        .assert_passes("GET /team/board", &[&member], &of_team)
        .await;
    let (monalisa, _) = scene.bearer("monalisa", &["read:org"]);
    let answer = scene.send("GET /team/board", &[&monalisa]).await;
    let forbidden = Refusal {
        status: 403,
        challenge: None,
        reason: "forbidden",
    };
    scene.assert_refused(&answer, &forbidden);

    // Open to everybody: with a token, too, nobody is told to the tool.
    for bearer in [&[][..], &[&*known], &[wrong]] {
        scene.assert_passes("GET /open/x", bearer, &[]).await;
    }

    // Revoked and purged.
    let (hubot, token) = scene.bearer("hubot", &[]);
    let answer = scene.send("GET /wiki", &[&hubot]).await;
    assert_eq!(answer.status(), 200);
    scene.tool.forget();
    assert!(scene.ghes.revoke(&token));
    scene.purge(2).await;
    let answer = scene.send("GET /wiki", &[&hubot]).await;
    scene.assert_refused(&answer, &invalid);

    // GHES is down, and then not any more.
    let (hubot, _) = scene.bearer("hubot", &[]);
    let down = Fault::status(StatusCode::BAD_GATEWAY).times(100);
    scene.ghes.fail(down);
    let answer = scene.send("GET /wiki", &[&hubot]).await;
    let outage = Refusal {
        status: 503,
        challenge: None,
        reason: "unavailable",
    };
    scene.assert_refused(&answer, &outage);
    // Whom the gate knows comes in all the same.
    scene.assert_passes("GET /wiki", &[&known], &whole).await;
}

/// Routes that refuse in every way, whatever the token.
fn refusing() -> String {
    let (before, _) = example().split_once("[[routes]]").map_or_else(
        || panic!("no routes"),
        |(before, after)| (before.to_owned(), after.to_owned()),
    );
    let before = before.replace(
        "trusted_proxies",
        "allowed_hosts = [\"tools.example.com\"]\ntrusted_proxies",
    );
    format!(
        "{before}\n[server.limits]\ntarget_bytes = 1024\nunknown_tokens_per_second = 1\n\
         unknown_tokens_burst = 1\n\
         [[routes]]\npath = \"/wiki\"\n\
         [[routes]]\npath = \"/posts\"\nmethods = [\"POST\"]\n\
         [[routes]]\npath = \"/open\"\nanonymous = true\n"
    )
}

async fn every_refusal_of_the_gate_reaches_the_client(front: Front) {
    let Some(mut scene) = Scene::start_with(front, &refusing()).await else {
        return;
    };
    let long = format!("GET /wiki/{}", "x".repeat(1100));
    for (host, line, status, reason) in [
        (crate::HOST, "GET /nowhere", 404, "no_route"),
        (crate::HOST, "GET /posts/1", 405, "method_not_allowed"),
        (crate::HOST, "GET /open/..;/wiki", 400, "invalid_request"),
        (crate::HOST, &*long, 414, "uri_too_long"),
        (
            "elsewhere.example.com",
            "GET /wiki",
            421,
            "misdirected_request",
        ),
    ] {
        let answer = scene.send_to(host, line, &[]).await;
        let challenge = (status == 400).then_some(&[REALM][..]);
        scene.assert_refused(
            &answer,
            &Refusal {
                status,
                challenge,
                reason,
            },
        );
    }
    let mut answers = Vec::new();
    for number in 0..50 {
        let bearer = format!("Authorization: Bearer gho_{number:036}");
        let answer = scene.send("GET /wiki", &[&bearer]).await;
        if answer.status() != 401 {
            answers.push(answer);
            break;
        }
    }
    let answer = answers.pop().expect("another answer than 401");
    let too_many = Refusal {
        status: 429,
        challenge: None,
        reason: "too_many_requests",
    };
    scene.assert_refused(&answer, &too_many);
}

async fn a_request_that_passes_reaches_the_tool_as_it_was(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    for (line, target) in [
        ("GET /wiki/a%20b?q=%2f&r=a%20b", "/wiki/a%20b?q=%2f&r=a%20b"),
        ("PUT /wiki/%C3%A9", "/wiki/%C3%A9"),
        ("PATCH /wiki/?", "/wiki/?"),
        ("OPTIONS /open/x", "/open/x"),
    ] {
        let bearer = format!("Authorization: Bearer {TOKEN}");
        let answer = scene
            .send(line, &[&bearer, "Cookie: a=b", "Content-Length: 0"])
            .await;
        assert_eq!(answer.status(), 200, "{line}: {answer:?}");
        let request = scene.tool.request();
        let method = line.split(' ').next().expect("a method");
        let got = request.line.strip_suffix("?").unwrap_or(&request.line);
        let expected = format!("{method} {target} HTTP/1.1");
        assert_eq!(got, expected);
        assert_eq!(request.all("host"), [crate::HOST]);
        assert_eq!(request.all("cookie"), ["a=b"]);
        assert_eq!(request.all("authorization"), [""; 0]);
        if line.contains("open") {
            assert_from_nobody(&request);
        }
    }
    // A body goes past the gate.
    let lines = format!("Authorization: Bearer {TOKEN}\r\nContent-Length: 5\r\n\r\nhello");
    let answer = scene
        .send_raw(&format!(
            "POST /wiki HTTP/1.1\r\nHost: {}\r\n{lines}",
            crate::HOST
        ))
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(scene.tool.request().body, "hello");
}
