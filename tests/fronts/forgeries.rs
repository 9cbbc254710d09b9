//! What a client writes opens nothing, and is never taken for what the gate says.

use crate::fronts::Front;
use crate::message::Message;
use crate::scene::Scene;
use crate::tool::{assert_from, assert_from_nobody};
use crate::{CLIENT_ID, HOST, TOKEN};

every_front!(
    no_spelling_of_an_identity_reaches_the_tool,
    no_field_of_a_client_opens_a_route,
    no_query_opens_a_route,
    no_path_that_can_be_read_in_two_ways_leaves_its_route,
    the_second_path_of_a_request_leaves_no_route,
    two_credentials_are_none,
);

/// Names by which tools tell who asks.
const IDENTITIES: [&str; 19] = [
    "X-Auth-Request-User",
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Email",
    "X-Auth-Request-Access-Token",
    "X-Forwarded-User",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X-GitHub-User-Id",
    "X-OAuth-Scopes",
    "X-OAuth-Client-Id",
    "X-Gatekeeper-Assertion",
    "Remote-User",
    "Remote-Groups",
    "X-Remote-User",
    "X-WEBAUTH-USER",
    "Impersonate-User",
    "Impersonate-Group",
];

/// What a client may write in place of a dash, which CGI and its like read as one.
const MARKS: [char; 14] = [
    '-', '_', '.', '!', '#', '$', '%', '&', '\'', '*', '+', '^', '|', '~',
];

/// Every way to write a name.
fn spellings(name: &str) -> Vec<String> {
    let marked = MARKS.map(|mark| name.replace('-', &mark.to_string()));
    let last = name.rfind('-').expect("a dash");
    let half = format!("{}_{}", &name[..last], &name[last + 1..]);
    let cases = [name.to_ascii_uppercase(), name.to_ascii_lowercase()];
    let cases = cases.into_iter().chain([half, name.replacen('-', "_", 1)]);
    marked.into_iter().chain(cases).collect()
}

/// Sends a forged field; none if the front or the gate refused the whole request, as they may.
async fn sent(scene: &mut Scene, line: &str, lines: &[&str]) -> Option<Message> {
    let answer = scene.send(line, lines).await;
    if answer.status() == 200 {
        return Some(scene.tool.request());
    }
    assert_eq!(answer.status(), 400, "{lines:?}: {answer:?}");
    scene.tool.assert_untouched();
    None
}

async fn no_spelling_of_an_identity_reaches_the_tool(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    let octocat = [
        ("x-auth-request-preferred-username", "octocat"),
        ("x-auth-request-user", "octocat"),
        ("x-github-user-id", "1"),
        ("x-oauth-client-id", CLIENT_ID),
        ("x-oauth-scopes", "public_repo, user"),
    ];
    let mut passed = 0;
    for name in IDENTITIES {
        for spelling in spellings(name) {
            let forged = format!("{spelling}: evil");
            // Twice, too: a front that replaces the first line might leave the second.
            let lines = [&*known, &*forged, &*forged];
            if let Some(request) = sent(&mut scene, "GET /wiki", &lines).await {
                assert_from(&request, &octocat);
                assert!(!format!("{request:?}").contains("evil"), "{request:?}");
                passed += 1;
            }
            if let Some(request) = sent(&mut scene, "GET /open/x", &[&forged]).await {
                assert_from_nobody(&request);
                assert!(!format!("{request:?}").contains("evil"), "{request:?}");
            }
        }
    }
    assert!(passed >= 2 * IDENTITIES.len(), "{passed} passed");
}

/// Names by which some front or some gate tells what is asked for.
const ELSEWHERE: [(&str, &str); 22] = [
    ("X-Original-URI", "/open/x"),
    ("X-Original-URL", "/open/x"),
    ("X-Original-URL", "http://tools.example.com/open/x"),
    ("X-Original-Host", "open.example.com"),
    ("X-Original-Proto", "https"),
    ("X-Original-Method", "OPTIONS"),
    ("X-Forwarded-Uri", "/open/x"),
    ("X-Forwarded-Path", "/open/x"),
    ("X-Forwarded-Host", "open.example.com"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Prefix", "/open"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Rewrite-URL", "/open/x"),
    ("X-Envoy-Original-Path", "/open/x"),
    ("X-Envoy-Auth-Partial-Body", "true"),
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("X-HTTP-Method", "OPTIONS"),
    ("X-Method-Override", "OPTIONS"),
    ("X-Auth-Request-Redirect", "/open/x"),
    ("Forwarded", "for=127.0.0.1;host=open.example.com"),
];

async fn no_field_of_a_client_opens_a_route(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    for (name, value) in ELSEWHERE {
        for spelling in [
            name.to_owned(),
            name.to_ascii_lowercase(),
            name.replace('-', "_"),
        ] {
            let forged = format!("{spelling}: {value}");
            for (line, lines, expected) in [
                ("GET /wiki", &[&*forged][..], 401),
                ("GET /wiki", &[&*forged, &*forged], 401),
                ("GET /admin", &[&*forged, &*known], 403),
                (
                    "POST /admin",
                    &[&*forged, &*known, "Content-Length: 0"],
                    403,
                ),
            ] {
                let status = scene.send(line, lines).await.status();
                assert!([expected, 400].contains(&status), "{status} {lines:?}");
                scene.tool.assert_untouched();
            }
            // What passes is what it is, and nothing that a tool could take for something else.
            if let Some(request) = sent(&mut scene, "GET /wiki", &[&known, &forged]).await {
                assert_eq!(request.line, "GET /wiki HTTP/1.1");
                assert_eq!(request.all("host"), [HOST]);
                let others = crate::tool::believed(&request);
                // Where no route depends on a method, the gate's own proxy passes on another one.
                let is_other = |name: &str| front.asks() || !name.contains("method");
                let others = others.iter();
                let others = others.filter(|(name, told)| told == value && is_other(name));
                assert_eq!(others.count(), 0, "{request:?}");
                for host in request.all("x-forwarded-host") {
                    assert_eq!(host, HOST);
                }
            }
        }
    }
}

async fn no_query_opens_a_route(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    for query in [
        "/open/x",
        "uri=/open/x&method=OPTIONS",
        "x-original-url=http://tools.example.com/open/x",
        "X-Forwarded-Uri=/open/x",
        "rd=/open/x",
        "/../../open/x",
        "?/open/x",
        "%3f/open/x",
        "allowed_groups=&skip=true",
    ] {
        let answer = scene.send(&format!("GET /wiki?{query}"), &[]).await;
        assert_eq!(answer.status(), 401, "{query}: {answer:?}");
        let answer = scene.send(&format!("GET /admin?{query}"), &[&known]).await;
        assert_eq!(answer.status(), 403, "{query}: {answer:?}");
        // Nor does a path of ours.
        for path in [
            "/auth/nginx",
            "/auth/caddy",
            "/auth/envoy/open/x",
            "/oauth2/auth",
            "/_gate",
        ] {
            let answer = scene.send(&format!("GET {path}?{query}"), &[]).await;
            assert!([401, 404].contains(&answer.status()), "{path}: {answer:?}");
        }
        scene.tool.assert_untouched();
    }
}

const PATHS: [&str; 34] = [
    "/open/../wiki",
    "/open/./../wiki",
    "/open/..",
    "/open/../",
    "/open/..%2fwiki",
    "/open/..%2Fwiki",
    "/open/%2e%2e/wiki",
    "/open/%2E%2E/wiki",
    "/open/.%2e/wiki",
    "/open/%2e./wiki",
    "/open/%2e%2e%2fwiki",
    "/open%2f../wiki",
    "/open%2f..%2fwiki",
    "/open//../wiki",
    "/open//..//wiki",
    "/open/x//../../wiki",
    "/open/..;/wiki",
    "/open/..;a=b/wiki",
    "/open;/../wiki",
    "/open/%252e%252e/wiki",
    "/open/..%252fwiki",
    "/open/..\\wiki",
    "/open\\..\\wiki",
    "/open/..%5cwiki",
    "/open/..%5Cwiki",
    "/open/..%00/wiki",
    "/open/%c0%ae%c0%ae/wiki",
    "/open/..%c0%afwiki",
    "//open/../wiki",
    "//wiki",
    "/./wiki",
    "/%77iki",
    "/%2fwiki",
    "/wiki/../open/../wiki",
];

/// A front that does not tell the gate of it would let COPY and MOVE write where nobody may.
async fn the_second_path_of_a_request_leaves_no_route(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    for destination in [
        "/admin/x",
        "/wiki/../admin",
        &format!("http://{HOST}/admin/x"),
        "http://open.example.com/wiki/x",
    ] {
        let second = format!("Destination: {destination}");
        let answer = scene.send("COPY /wiki/a", &[&known, &second]).await;
        assert_eq!(answer.status(), 400, "{destination}: {answer:?}");
        scene.tool.assert_untouched();
    }
    let second = "Destination: /wiki/b";
    let answer = scene.send("COPY /wiki/a", &[&known, second]).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(scene.tool.request().line, "COPY /wiki/a HTTP/1.1");
}

/// Where a path leads to a tool that undoes all that can be undone.
fn furthest(target: &str) -> String {
    let mut path = target
        .split(['?', '#'])
        .next()
        .expect("a path")
        .to_ascii_lowercase();
    for (coded, plain) in [
        ("%25", "%"),
        ("%2e", "."),
        ("%c0%ae", "."),
        ("%2f", "/"),
        ("%c0%af", "/"),
        ("%5c", "\\"),
        ("%77", "w"),
    ] {
        path = path.replace(coded, plain);
    }
    for (coded, plain) in [("%2e", "."), ("%2f", "/"), ("\\", "/")] {
        path = path.replace(coded, plain);
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part.split([';', '%']).next().expect("a part") {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part.to_owned()),
        }
    }
    format!("/{}", parts.join("/"))
}

async fn no_path_that_can_be_read_in_two_ways_leaves_its_route(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    for path in PATHS {
        assert!(
            !furthest(path).starts_with("/open"),
            "{path} does not leave"
        );
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = scene
                .send(&format!("{method} {path}"), &["Content-Length: 0"])
                .await;
            // What it is refused with is the front's business, if that is sooner.
            let status = answer.status();
            assert!((300..500).contains(&status), "{path}: {answer:?}");
            scene.tool.assert_untouched();
        }
    }
    // In absolute form (RFC 9112 §3.2.2) it is the path that counts, and no other host.
    let absolute = format!("GET http://{HOST}/wiki");
    assert_eq!(
        scene
            .send_to("open.example.com", &absolute, &[])
            .await
            .status()
            / 100,
        4
    );
    scene.tool.assert_untouched();
}

async fn two_credentials_are_none(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    let other = "Authorization: Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a";
    let basic = "Authorization: Basic b2N0b2NhdDo=";
    for lines in [
        [&*known, other],
        [other, &*known],
        [&*known, basic],
        [basic, &*known],
        [&*known, &*known],
    ] {
        let answer = scene.send("GET /wiki", &lines).await;
        assert!(
            [400, 401].contains(&answer.status()),
            "{lines:?}: {answer:?}"
        );
        scene.tool.assert_untouched();
    }
}
