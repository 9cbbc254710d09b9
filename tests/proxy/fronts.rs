//! What proxies in front of the gate say, and what the gate says of a request.

use super::carrier::{Ask, Carrier};
use super::recorder::{Recorder, status_over};
use super::support::{Gate, Upstream, route};

over!(every protocol:
    a_trusted_proxy_is_believed_port_prefix_and_id,
    nobody_else_is_believed_port_prefix_and_id,
    the_port_is_told_where_nobody_before_us_does,
    every_response_has_the_id_of_its_request,
);
over!(every http1:
    without_a_host_http_1_0_is_served_where_no_route_depends_on_one,
    without_a_host_http_1_0_is_refused_where_a_route_depends_on_one,
);

const TRUSTED: &str = "trusted_proxies = [\"127.0.0.1\"]";

/// Two routes to the same tool, one below a path that it does not know of.
const ROUTES: &[(&str, &str)] = &[("/", ""), ("/tool", "strip_prefix = true")];

async fn a_trusted_proxy_is_believed_port_prefix_and_id(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, TRUSTED, ROUTES).await;
    for (port, prefix, id) in [
        ("8443", "/apps", "7b0c64a7-5b1f-4f3a-9c4b-1f4d8f0f6e11"),
        ("1", "/a/b.c", "f058ebd6-02f7-4d3f-942e-904344e8cde5/1"),
        ("65535", "/~who", &*"x".repeat(128)),
    ] {
        let lines = format!(
            "X-Forwarded-Port: {port}\r\nX-Forwarded-Prefix: {prefix}\r\nX-Request-Id: {id}\r\n"
        );
        for (path, whole) in [
            ("/p", prefix.to_owned()),
            ("/tool/p", format!("{prefix}/tool")),
        ] {
            let answer = front.answer(&Ask::known(path).lines(&lines)).await;
            assert_eq!((answer.status, answer.all("x-request-id")), (200, vec![id]));
            let message = upstream.message().await;
            assert_eq!(message.only("x-forwarded-port"), port);
            assert_eq!(message.only("x-forwarded-prefix"), whole);
            assert_eq!(message.only("x-request-id"), id);
        }
    }
    // What has not the form of its kind is as good as absent.
    for lines in [
        "X-Forwarded-Port: 0\r\nX-Forwarded-Prefix: //evil\r\nX-Request-Id: a b\r\n",
        "X-Forwarded-Port: 80x\r\nX-Forwarded-Prefix: /a/../b\r\nX-Request-Id: \r\n",
        "X-Forwarded-Port: 80\r\nX-Forwarded-Port: 81\r\nX-Forwarded-Prefix: /a\r\n\
         X-Forwarded-Prefix: /b\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n",
        &format!("X-Request-Id: {}\r\n", "x".repeat(129)),
    ] {
        front
            .assert_status(&Ask::known("/p").lines(lines), 200)
            .await;
        assert_default(&upstream.message().await, on);
    }
}

async fn nobody_else_is_believed_port_prefix_and_id(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", ROUTES).await;
    for lines in [
        "X-Forwarded-Port: 8443\r\nX-Forwarded-Prefix: /apps\r\nX-Request-Id: chosen\r\n",
        "X_Forwarded_Port: 8443\r\nX_Forwarded_Prefix: /apps\r\nX_Request_Id: chosen\r\n",
        "x.forwarded.port: 8443\r\nx.forwarded.prefix: /apps\r\nx.request.id: chosen\r\n",
    ] {
        front
            .assert_status(&Ask::known("/p").lines(lines), 200)
            .await;
        assert_default(&upstream.message().await, on);
        front
            .assert_status(&Ask::known("/tool/p").lines(lines), 200)
            .await;
        assert_eq!(upstream.message().await.only("x-forwarded-prefix"), "/tool");
    }
}

fn assert_default(message: &crate::wire::Message, on: Carrier) {
    let port = if on.is_encrypted() { "443" } else { "80" };
    assert_eq!(message.only("x-forwarded-port"), port);
    assert!(message.all("x-forwarded-prefix").is_empty(), "{message:?}");
    let id = message.only("x-request-id");
    assert!(id.contains('-') && id.len() <= 33, "{id}");
}

async fn the_port_is_told_where_nobody_before_us_does(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, TRUSTED, &[("/", "")]).await;
    let default = if on.is_encrypted() { "443" } else { "80" };
    for (host, lines, port) in [
        ("a", "", default),
        ("a:8080", "", "8080"),
        ("[::1]:8443", "", "8443"),
        ("[::1]", "", default),
        ("a", "X-Forwarded-Proto: https\r\n", "443"),
        ("a:1", "X-Forwarded-Host: b:9443\r\n", "9443"),
    ] {
        let ask = Ask::known("/p").host(host).lines(lines);
        front.assert_status(&ask, 200).await;
        let message = upstream.message().await;
        assert_eq!(message.only("x-forwarded-port"), port, "{host} {lines}");
    }
}

/// Whoever has the id of a response finds its line in the log, and the tool's.
async fn every_response_has_the_id_of_its_request(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let tables = [
        route("/", upstream.address, ""),
        route("/admin", upstream.address, "scopes = [\"admin:org\"]"),
        route("/posts", upstream.address, "methods = [\"POST\"]"),
        route("/down", ([127, 0, 0, 1], 1).into(), ""),
    ];
    let tables = tables.concat();
    let front = super::carrier::Front::start(on, "", &tables).await;
    let mut ids = Vec::new();
    for (ask, status) in [
        (Ask::known("/p"), 200),
        (Ask::get("/p"), 401),
        (Ask::known("/p/../admin"), 400),
        (Ask::known("/admin"), 403),
        (Ask::known("/posts"), 405),
        (Ask::known("/down"), 502),
        (Ask::known("/p").line("Expect", "x"), 417),
    ] {
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, status, "{ask:?}");
        let [id] = answer.all("x-request-id")[..] else {
            panic!("{answer:?}");
        };
        ids.push(id.to_owned());
    }
    assert_eq!(upstream.message().await.only("x-request-id"), ids[0]);
    upstream.assert_untouched();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7, "{ids:?}");
}

/// A tool's own would not be found in our log.
#[tokio::test]
async fn a_tools_own_id_gives_way_to_the_gates() {
    let answer = "HTTP/1.1 200 OK\r\nx-request-id: the-tools\r\nX-Request-Id: again\r\n\
                  content-length: 5\r\n\r\nhello";
    let mut upstream = Upstream::answering(answer).await;
    let gate = Gate::before(upstream.address).await;
    let response = gate
        .connect()
        .await
        .exchange(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            super::TOKEN
        ))
        .await;
    let request = upstream.request().await;
    let ids = |message: &str| -> Vec<String> {
        let lines = super::support::headers(message).into_iter();
        let ids = lines.filter_map(|line| line.strip_prefix("x-request-id: "));
        ids.map(str::to_owned).collect()
    };
    assert_eq!(ids(&response).len(), 1);
    assert_eq!(ids(&response), ids(&request));
}

fn old(line: &str, lines: &str) -> String {
    let token = super::TOKEN;
    format!("{line} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n{lines}\r\n")
}

/// As the default check of `HAProxy` and old monitors ask.
async fn without_a_host_http_1_0_is_served_where_no_route_depends_on_one(on: Carrier) {
    let mut upstream = Upstream::start().await;
    let routes = [
        route("/", upstream.address, ""),
        route("/", upstream.address, "exact = true\nanonymous = true"),
    ];
    let front = super::carrier::Front::start(on, "", &routes.concat()).await;
    for (request, begins) in [
        (old("GET /p", ""), "GET /p HTTP/1.1\r\n"),
        (
            "OPTIONS / HTTP/1.0\r\n\r\n".to_owned(),
            "OPTIONS / HTTP/1.1\r\n",
        ),
        (
            old("HEAD /p?q", "Accept: */*\r\n"),
            "HEAD /p?q HTTP/1.1\r\n",
        ),
        (
            old("POST /p", "Content-Length: 0\r\n"),
            "POST /p HTTP/1.1\r\n",
        ),
    ] {
        let status = status_over(front.connect().await, request.as_bytes()).await;
        assert_eq!(status, 200, "{request}");
        let got = upstream.request().await;
        assert!(got.starts_with(begins), "{got}");
        // Nobody has said it, so neither do we.
        for name in ["x-forwarded-host", "x-forwarded-port"] {
            assert!(!got.contains(name), "{got}");
        }
        assert!(got.contains("\r\nhost: "), "HTTP/1.1 has one: {got}");
    }
    for (request, expected) in [
        ("GET /p HTTP/1.0\r\n\r\n".to_owned(), 401),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (old("GET /p", "Host: a\r\nHost: a\r\n"), 400),
        (old("GET /p", "Host: \r\n"), 400),
    ] {
        let status = status_over(front.connect().await, request.as_bytes()).await;
        assert_eq!(status, expected, "{request}");
    }
    upstream.assert_untouched();
}

async fn without_a_host_http_1_0_is_refused_where_a_route_depends_on_one(on: Carrier) {
    let mut upstream = Upstream::start().await;
    let open = route("/", upstream.address, "exact = true\nanonymous = true");
    let any = route("/", upstream.address, "");
    let one = route("/", upstream.address, "hosts = [\"a\"]");
    for (server, tables) in [
        ("", format!("{any}{one}")),
        ("allowed_hosts = [\"a\"]", format!("{any}{open}")),
        (
            "allowed_hosts = [\"a\"]\ntrusted_proxies = [\"127.0.0.1\"]",
            format!("{one}{open}"),
        ),
    ] {
        let front = super::carrier::Front::start(on, server, &tables).await;
        for line in ["GET /", "OPTIONS /", "GET /p"] {
            let request = old(line, "");
            let status = status_over(front.connect().await, request.as_bytes()).await;
            assert_eq!(status, 400, "{server} {request}");
        }
        upstream.assert_untouched();
        let request = old("GET /p", "Host: a\r\n");
        let status = status_over(front.connect().await, request.as_bytes()).await;
        assert_eq!(status, 200, "{server}");
        upstream.request().await;
        // The absolute form names one as well (RFC 9112 §3.2.2).
        let request = old("GET http://a/p", "");
        let status = status_over(front.connect().await, request.as_bytes()).await;
        assert_eq!(status, 200, "{server}");
        upstream.request().await;
    }
}
