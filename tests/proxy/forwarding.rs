//! What reaches an upstream, and what comes back.

use super::TOKEN;
use super::support::{Gate, Upstream, headers, route, status};

/// A header's value that differs with each run.
fn hide<'m>(lines: &[&'m str], name: &str) -> Vec<String> {
    let hidden = |line: &&'m str| match line.split_once(": ") {
        Some((key, _)) if key == name => format!("{key}: …"),
        _ => (*line).to_owned(),
    };
    lines.iter().map(hidden).collect()
}

#[tokio::test]
async fn an_upstream_gets_these_headers_and_no_other() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let response = gate
        .connect()
        .await
        .exchange(&format!(
            "GET /a//b/../c;d%2f?q=%20&q HTTP/1.1\r\n\
             Host: tools.example.com\r\n\
             Authorization: Bearer {TOKEN}\r\n\
             Accept: */*\r\n\
             Cookie: a=b\r\n\
             X-Forwarded-User: admin\r\n\
             X_Forwarded_User: admin\r\n\
             X.GitHub.User.Id: 7\r\n\
             X-Forwarded-For: 10.0.0.1\r\n\
             X_Forwarded_Proto: https\r\n\
             Forwarded: for=10.0.0.1\r\n\
             X-Real-IP: 10.0.0.1\r\n\
             X-Original-URL: /public\r\n\
             X-Request-Id: chosen\r\n\
             Via: 1.1 elsewhere\r\n\
             Connection: keep-alive, x-forwarded-user, X-GitHub-User-Id\r\n\
             Connection: x-named, via\r\n\
             X-Named: 1\r\n\
             Keep-Alive: timeout=5\r\n\
             TE: trailers\r\n\
             Upgrade: h2c\r\n\
             Proxy-Authorization: Basic YTpi\r\n\
             Expect: 100-continue\r\n\r\n"
        ))
        .await;
    assert_eq!(status(&response), 200);
    assert!(response.ends_with("\r\n\r\nhello"));

    let request = upstream.request().await;
    // With one route the path decides nothing, and is passed on byte by byte.
    assert!(request.starts_with("GET /a//b/../c;d%2f?q=%20&q HTTP/1.1\r\n"));
    let expected = [
        "accept: */*".to_owned(),
        "cookie: a=b".to_owned(),
        "host: tools.example.com".to_owned(),
        "via: 1.1 ghes-gatekeeper".to_owned(),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-host: tools.example.com".to_owned(),
        "x-forwarded-port: 80".to_owned(),
        "x-forwarded-proto: http".to_owned(),
        "x-forwarded-user: octocat".to_owned(),
        "x-github-user-id: 1".to_owned(),
        "x-oauth-client-id: Iv1.8a61f9b3a7aba766".to_owned(),
        "x-oauth-scopes: public_repo, user".to_owned(),
        "x-request-id: …".to_owned(),
    ];
    assert_eq!(hide(&headers(&request), "x-request-id"), expected);
}

#[tokio::test]
async fn an_anonymous_route_gets_no_identity_from_anybody() {
    let mut upstream = Upstream::start().await;
    let front_page = "exact = true\nanonymous = true";
    let gate = Gate::start(&route("/", upstream.address, front_page)).await;
    let mut client = gate.connect().await;
    for credential in [
        "",
        "Authorization: Bearer x\r\n",
        "Authorization: Basic YTpi\r\n",
    ] {
        let response = client
            .exchange(&format!(
                "OPTIONS / HTTP/1.1\r\nHost: a\r\n{credential}X-Forwarded-User: admin\r\n\
                 x_github_user_id: 1\r\nX-Auth-Request-User: admin\r\n\r\n"
            ))
            .await;
        assert_eq!(status(&response), 200);
        let request = upstream.request().await;
        let names = headers(&request)
            .into_iter()
            .map(|line| line.split(':').next());
        let names: Vec<&str> = names.map(|name| name.expect("a name")).collect();
        assert_eq!(
            names,
            [
                "host",
                "via",
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-port",
                "x-forwarded-proto",
                "x-request-id"
            ]
        );
    }
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn the_token_is_forwarded_only_where_the_route_says_so() {
    let mut upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "forward_token = true");
    let gate = Gate::start(&routes).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(status(&gate.connect().await.exchange(&request).await), 200);
    let expected = format!("authorization: Bearer {TOKEN}");
    assert!(headers(&upstream.request().await).contains(&&*expected));
}

#[tokio::test]
async fn the_longest_path_wins_at_segment_boundaries() {
    let (mut root, mut docs, mut api) = (
        Upstream::start().await,
        Upstream::start().await,
        Upstream::start().await,
    );
    let gate = Gate::start(
        &[
            route("/", root.address, ""),
            route("/docs", docs.address, "anonymous = true"),
            route("/docs/api", api.address, "scopes = [\"admin:org\"]"),
        ]
        .concat(),
    )
    .await;
    let mut client = gate.connect().await;
    let mut get = async |path: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        status(&client.exchange(&request).await)
    };
    for path in ["/", "/docsy", "/Docs", "/doc"] {
        assert_eq!(get(path).await, 200);
        assert!(root.request().await.starts_with(&format!("GET {path} ")));
    }
    for path in ["/docs", "/docs/", "/docs/apix", "/docs?x=/docs/api"] {
        assert_eq!(get(path).await, 200);
        assert!(docs.request().await.starts_with(&format!("GET {path} ")));
    }
    for path in ["/docs/api", "/docs/api/v1"] {
        assert_eq!(get(path).await, 403);
    }
    for upstream in [&mut root, &mut docs, &mut api] {
        upstream.assert_untouched();
    }
    assert_eq!(gate.calls(), 1);
}

#[tokio::test]
async fn a_path_without_a_route_is_404_and_asks_nobody() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::start(&route("/tools", upstream.address, "")).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let response = gate.connect().await.exchange(&request).await;
    assert_eq!(status(&response), 404);
    assert!(response.contains("\"reason\":\"no_route\""));
    assert!(headers(&response).contains(&"cache-control: no-store"));
    upstream.assert_untouched();
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn a_response_keeps_its_headers_but_not_those_of_its_hop() {
    let upstream = Upstream::answering(
        "HTTP/1.1 201 Created\r\nlocation: /x\r\nwww-authenticate: Basic\r\nset-cookie: a=b\r\n\
         set-cookie: c=d\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
         proxy-authenticate: Basic\r\ncontent-length: 2\r\n\r\nok",
    )
    .await;
    let gate = Gate::before(upstream.address).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let response = gate.connect().await.exchange(&request).await;
    assert!(response.starts_with("HTTP/1.1 201 Created\r\n"));
    let lines: Vec<_> = headers(&response);
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| !(line.starts_with("date: ") || line.starts_with("x-request-id: ")))
        .collect();
    assert_eq!(
        lines,
        [
            "content-length: 2",
            "location: /x",
            "set-cookie: a=b",
            "set-cookie: c=d",
            "www-authenticate: Basic"
        ]
    );
}

#[tokio::test]
async fn the_realm_is_the_configured_one_for_every_kind_of_refusal() {
    let upstream = Upstream::start().await;
    let routes = route("/tools", upstream.address, "");
    let gate = Gate::start(&format!("{routes}[server]\nrealm = \"Tools\"\n")).await;
    let mut client = gate.connect().await;
    for (path, challenge) in [
        ("/tools", "www-authenticate: Bearer realm=\"Tools\""),
        (
            "/tools/../x",
            "www-authenticate: Bearer realm=\"Tools\", error=\"invalid_request\"",
        ),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.exchange(&request).await;
        assert!(headers(&response).contains(&challenge), "{response}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_502() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let nobody = listener.local_addr().expect("an address");
    drop(listener);
    let gate = Gate::before(nobody).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let response = gate.connect().await.exchange(&request).await;
    assert_eq!(status(&response), 502);
    assert!(response.contains("\"reason\":\"bad_gateway\""));
    assert!(!response.contains("www-authenticate"));
}

#[tokio::test]
async fn a_client_that_guesses_tokens_is_told_to_wait() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "");
    let limits = "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = 2";
    let gate = Gate::start(&format!("{limits}\n{routes}")).await;
    let mut statuses = Vec::new();
    for token in ["gho_1", "gho_2", "gho_3", "gho_1"] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        let response = gate.connect().await.exchange(&request).await;
        statuses.push(status(&response));
        if status(&response) == 429 {
            assert!(response.contains("\r\nretry-after: 1\r\n"), "{response}");
            assert!(
                response.contains("\"reason\":\"too_many_requests\""),
                "{response}"
            );
        }
    }
    assert_eq!(statuses, [401, 401, 429, 401]);
    assert_eq!(gate.calls(), 2);
}

#[tokio::test]
async fn a_route_may_want_younger_answers() {
    let upstream = Upstream::start().await;
    let impatient = route("/impatient", upstream.address, "max_age = \"1ns\"");
    let patient = route("/", upstream.address, "");
    let gate = Gate::start(&format!("{impatient}\n{patient}")).await;
    for (path, calls) in [
        ("/", 1),
        ("/", 1),
        ("/impatient", 2),
        ("/impatient", 3),
        ("/", 3),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        let response = gate.connect().await.exchange(&request).await;
        assert_eq!(status(&response), 200, "{path}");
        assert_eq!(gate.calls(), calls, "{path}");
    }
}

#[tokio::test]
async fn the_configured_ages_are_in_force() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "");
    let ages = "[cache]\nactive_max_age = \"1ns\"\ninactive_max_age = \"1ns\"";
    let gate = Gate::start(&format!("{ages}\n{routes}")).await;
    for (token, calls) in [(TOKEN, 1), (TOKEN, 2), ("gho_a", 3), ("gho_a", 4)] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        gate.connect().await.exchange(&request).await;
        assert_eq!(gate.calls(), calls);
    }
}
