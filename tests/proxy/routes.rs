//! Which upstream a request goes to, over sockets.

use super::TOKEN;
use super::recorder::Recorder;
use super::support::{Gate, body, headers, route, status};

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

/// A host that a trusted proxy tells is the one that the client asked for; nobody else's is.
#[tokio::test]
async fn the_host_that_decides_is_the_one_that_is_forwarded() {
    for (trusted, reached) in [("[]", 0), ("[\"127.0.0.1\"]", 1)] {
        let mut upstreams = [Recorder::start().await, Recorder::start().await];
        let gate = Gate::start(&format!(
            "[server]\ntrusted_proxies = {trusted}\n{}{}",
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
    for (more, passed) in [("methods = [\"GET\"]", 0), ("", 3)] {
        let gate = upstream.gate_with(&[("/", more)]).await;
        let asked = request("GET", "/", "a", lines);
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
