//! Which upstream a request goes to, over sockets.

use super::TOKEN;
use super::recorder::Recorder;
use super::support::{Gate, Upstream, body, headers, route, status};

pub(super) fn request(method: &str, path: &str, host: &str, lines: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 0\r\n{lines}\r\n"
    )
}

#[tokio::test]
async fn a_route_has_hosts_and_methods_and_may_be_exact() {
    let mut upstreams = [
        Recorder::start().await,
        Recorder::start().await,
        Recorder::start().await,
        Recorder::start().await,
    ];
    let keys = [
        ("/a", ""),
        ("/a", "hosts = [\"Named.test\"]"),
        ("/a/b", "exact = true"),
        ("/a/b", "methods = [\"PUT\"]"),
    ];
    let routes = upstreams.iter().zip(keys);
    let routes = routes.map(|(upstream, (path, more))| route(path, upstream.address, more));
    let gate = Gate::start(&routes.collect::<String>()).await;
    let mut client = gate.connect().await;
    for (method, path, host, upstream) in [
        ("GET", "/a", "any.test", 0),
        ("GET", "/a/c", "any.test", 0),
        ("GET", "/a", "NAMED.test.:80", 1),
        ("GET", "/a/b", "named.test", 1),
        ("GET", "/a/b", "any.test", 2),
        ("PUT", "/a/b/", "any.test", 2),
        ("PUT", "/a/b/c", "any.test", 3),
    ] {
        let response = client.exchange(&request(method, path, host, "")).await;
        assert_eq!(status(&response), 200, "{method} {host}{path}");
        let message = upstreams[upstream].message().await;
        assert_eq!((&*message.method, &*message.target), (method, path));
    }
    // Another method is refused where it is not named; it does not fall back to `/a`.
    let response = client
        .exchange(&request("GET", "/a/b/c", "any.test", ""))
        .await;
    assert_eq!(status(&response), 405);
    assert!(headers(&response).contains(&"allow: PUT"), "{response}");
    assert!(body(&response).contains("\"reason\":\"method_not_allowed\""));
    let response = client.exchange(&request("GET", "/", "any.test", "")).await;
    assert_eq!(status(&response), 404);
}

/// A host that a trusted proxy tells of its own is the one that the client asked for; nobody else's
/// is.
#[tokio::test]
async fn the_host_that_decides_is_the_one_that_is_forwarded() {
    for (trusted, reached) in [("[]", 0), ("[\"127.0.0.1\"]", 1)] {
        let mut upstreams = [Recorder::start().await, Recorder::start().await];
        let gate = Gate::start(&format!(
            "[server]\ntrusted_proxies = {trusted}\nforwarded_host_from = {trusted}\n{}{}",
            route("/", upstreams[0].address, ""),
            route("/", upstreams[1].address, "hosts = [\"admin.test\"]"),
        ))
        .await;
        let lines = "X-Forwarded-Host: admin.test\r\n";
        let asked = request("GET", "/", "tools.test", lines);
        let response = gate.connect().await.exchange(&asked).await;
        assert_eq!(status(&response), 200);
        let message = upstreams[reached].message().await;
        let host = ["tools.test", "admin.test"][reached];
        assert_eq!(message.only("x-forwarded-host"), host);
        upstreams[1 - reached].assert_untouched();
    }
}

#[tokio::test]
async fn a_method_that_decides_cannot_be_overridden() {
    let mut upstream = Recorder::start().await;
    let lines =
        "X-HTTP-Method-Override: DELETE\r\nx_http_method: DELETE\r\nX-Method-Override: PUT\r\n";
    // The last: a DELETE must not get in as a POST that nobody named.
    for (more, passed) in [("methods = [\"POST\"]", 0), ("", 3), ("", 0)] {
        let others = "methods = [\"DELETE\"]\nscopes = [\"admin:org\"]";
        let routes = match passed {
            0 => vec![("/", more), ("/", others)],
            _ => vec![("/", more)],
        };
        let gate = upstream.gate_with(&routes).await;
        let asked = request("POST", "/", "a", lines);
        let response = gate.connect().await.exchange(&asked).await;
        assert_eq!(status(&response), 200);
        let message = upstream.message().await;
        let names = message.fields.iter().map(|(name, _)| name.to_lowercase());
        let overrides = names.filter(|name| name.contains("method"));
        assert_eq!(overrides.count(), passed, "{message:?}");
    }
}

#[tokio::test]
async fn head_comes_with_get() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate_with(&[("/", "methods = [\"GET\"]")]).await;
    let mut client = gate.connect().await;
    client.send(&request("HEAD", "/", "a", "")).await;
    assert_eq!(upstream.message().await.method, "HEAD");
    let mut client = gate.connect().await;
    let response = client.exchange(&request("POST", "/", "a", "")).await;
    assert_eq!(status(&response), 405);
    assert!(
        headers(&response).contains(&"allow: GET, HEAD"),
        "{response}"
    );
}

/// The lines of a message whose names begin with one of these.
fn lines_of<'m>(message: &'m str, names: &[&str]) -> Vec<&'m str> {
    let mut lines = headers(message);
    lines.retain(|line| names.iter().any(|name| line.starts_with(name)));
    lines
}

/// Whatever the preset, what a client says under the names of any of them is gone.
#[tokio::test]
async fn an_upstream_learns_the_login_by_the_names_it_looks_for() {
    let claims = "X-Forwarded-User: admin\r\nX_Forwarded_User: admin\r\nRemote_User: admin\r\n\
                  Remote-User: admin\r\nremote.groups: admin\r\nX-Auth-Request-User: admin\r\n\
                  X-Auth-Request-Preferred_Username: admin\r\nX-WEBAUTH-USER: admin\r\n";
    for (preset, login) in [
        ("x-forwarded", &["x-forwarded-user: octocat"][..]),
        (
            "x-auth-request",
            &[
                "x-auth-request-preferred-username: octocat",
                "x-auth-request-user: octocat",
            ],
        ),
        ("remote-user", &["remote-user: octocat"]),
        ("x-webauth", &["x-webauth-user: octocat"]),
    ] {
        let mut upstream = Upstream::start().await;
        let more = format!("identity_headers = \"{preset}\"");
        let gate = Gate::start(&route("/", upstream.address, &more)).await;
        let mut client = gate.connect().await;
        // A miss and a hit.
        for _ in 0..2 {
            let response = client.exchange(&request("GET", "/", "a", claims)).await;
            assert_eq!(status(&response), 200);
            let message = upstream.request().await;
            assert!(!message.contains("admin"), "{message}");
            let names = ["x-forwarded-user", "x_", "x-auth", "remote", "x-webauth"];
            assert_eq!(lines_of(&message, &names), login, "{preset}");
            let facts = lines_of(&message, &["x-github-user-id", "x-oauth-"]);
            assert_eq!(facts.len(), 3, "{message}");
        }
    }
}

#[tokio::test]
async fn a_prefix_is_taken_off_once_and_the_rest_is_left_alone() {
    let mut upstream = Upstream::start().await;
    let routes = route("/tool", upstream.address, "strip_prefix = true")
        + &route(
            "/tool/open",
            upstream.address,
            "anonymous = true\nstrip_prefix = true",
        );
    let gate = Gate::start(&routes).await;
    let mut client = gate.connect().await;
    for (path, forwarded, prefix) in [
        ("/tool", "/", "/tool"),
        ("/tool/", "/", "/tool"),
        ("/tool?q=/tool/x", "/?q=/tool/x", "/tool"),
        (
            "/tool/tool/%74ool//x?%2e%2e//",
            "/tool/%74ool//x?%2e%2e//",
            "/tool",
        ),
        (
            "/%74ool/tool/%78%20y?%2e%2e//",
            "/tool/%78%20y?%2e%2e//",
            "/tool",
        ),
        ("/tool/open/a", "/a", "/tool/open"),
        ("/tool/..%2fadmin", "", ""),
        ("/tool/%2e%2e/admin", "", ""),
        ("/tool//admin", "", ""),
    ] {
        let forged = "X-Forwarded-Prefix: /evil\r\n";
        let response = client.exchange(&request("GET", path, "a", forged)).await;
        if forwarded.is_empty() {
            assert_eq!(status(&response), 400, "{path}");
            upstream.assert_untouched();
            continue;
        }
        assert_eq!(status(&response), 200, "{path}");
        let message = upstream.request().await;
        let line = format!("GET {forwarded} HTTP/1.1\r\n");
        assert!(message.starts_with(&line), "{message}");
        let told = lines_of(&message, &["x-forwarded-prefix"]);
        assert_eq!(told, [format!("x-forwarded-prefix: {prefix}")]);
    }
}

#[tokio::test]
async fn one_of_several_scopes_is_enough() {
    let upstream = Recorder::start().await;
    // The token has `public_repo` and `user`.
    for (more, expected) in [
        ("scopes_any = [\"gist\", \"user\"]", None),
        ("scopes_any = [\"read:user\"]", None),
        ("scopes_any = [\"repo\", \"gist\"]", Some("scope=\"gist\"")),
        (
            "scopes = [\"gist\"]\nscopes_any = [\"user\"]",
            Some("scope=\"gist\""),
        ),
        (
            "scopes = [\"user\"]\nscopes_any = [\"gist\"]",
            Some("scope=\"gist\""),
        ),
    ] {
        let gate = upstream.gate_with(&[("/", more)]).await;
        let response = gate
            .connect()
            .await
            .exchange(&request("GET", "/", "a", ""))
            .await;
        let status = status(&response);
        assert_eq!(status, if expected.is_some() { 403 } else { 200 }, "{more}");
        assert!(
            expected.is_none_or(|scope| response.contains(scope)),
            "{response}"
        );
    }
}
