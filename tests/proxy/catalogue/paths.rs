//! Routes, paths and methods that are taken for others.

use super::*;

over!(every protocol:
    b1_b10_a_query_is_no_path,
    b2_no_header_is_the_path,
    b3_a_fragment_decides_nothing,
    b4_dots_lead_nowhere,
    b5_slashes_are_slashes_in_both_cases,
    b6_case_matters_in_paths,
    b7_a_path_is_not_parsed_as_a_uri,
    b8_what_an_exact_path_refuses_is_not_found_elsewhere,
    b8_what_matches_nothing_is_not_open,
    b9_what_was_decided_is_forwarded,
    b11_no_header_makes_a_health_check,
    b13_no_request_chooses_where_it_goes,
    b14_what_is_no_path_is_not_forwarded,
);
// Some 200 requests each; how a field is written in TLS and on Unix sockets is no different.
over!(@ b12_no_malformed_credential_is_let_in http1 Http1, websocket WebSocket, h2_tls H2Tls);
over!(every http1: b14_what_has_another_form_is_not_forwarded);

async fn open_and_closed(on: Carrier) -> (Recorder, Front) {
    let upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", OPEN_AND_CLOSED).await;
    (upstream, front)
}

async fn assert_refused(on: Carrier, requests: impl IntoIterator<Item = Ask>, status: u16) {
    let (mut upstream, front) = open_and_closed(on).await;
    for ask in requests {
        front.assert_status(&ask, status).await;
        upstream.assert_untouched();
    }
    assert_eq!(front.gate.calls(), 0);
}

/// oauth2-proxy CVE-2025-54576; heimdall CVE-2026-32811.
async fn b1_b10_a_query_is_no_path(on: Carrier) {
    let paths = [
        "/admin?/public",
        "/admin?a=/public",
        "/?/public",
        "/admin?x=/public/../public",
    ];
    assert_refused(on, paths.map(Ask::get), 401).await;
}

/// oauth2-proxy CVE-2026-40575.
async fn b2_no_header_is_the_path(on: Carrier) {
    let names = [
        "X-Forwarded-Uri",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Original-URI",
        "X-Forwarded-Prefix",
    ];
    let requests = names.map(|name| Ask::get("/admin").line(name, "/public"));
    assert_refused(on, requests, 401).await;
}

/// oauth2-proxy CVE-2026-41059, Traefik CVE-2023-47106, Envoy CVE-2021-32779.
async fn b3_a_fragment_decides_nothing(on: Carrier) {
    assert_refused(on, [Ask::get("/admin#/public")], 401).await;
    let (mut upstream, front) = open_and_closed(on).await;
    front
        .assert_status(&Ask::get("/public#/../admin"), 200)
        .await;
    assert_eq!(
        upstream.message().await.target,
        "/public",
        "decided and forwarded are the same"
    );
}

/// Oathkeeper CVE-2026-33494, heimdall CVE-2026-42274, Envoy CVE-2019-9901.
async fn b4_dots_lead_nowhere(on: Carrier) {
    let paths = [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/%2E./admin",
        "/public/%2e%2e%2fadmin",
        "/public/..",
        "/public/./../admin",
        "/public/.%2e/.%2e/admin",
    ];
    assert_refused(on, paths.map(Ask::get), 400).await;
}

/// Envoy CVE-2021-29492, Istio-2021-005, heimdall CVE-2026-42272.
async fn b5_slashes_are_slashes_in_both_cases(on: Carrier) {
    let paths = [
        "/public%2f..%2fadmin",
        "/public%2F..%2Fadmin",
        "/public%5cadmin",
        "/public%5Cadmin",
        "/public\\admin",
        "//public/admin",
        "/x/..//public",
        "/public;/admin",
    ];
    assert_refused(on, paths.map(Ask::get), 400).await;
    // Each of their readings is the closed route's, or the open one's.
    let paths = ["//admin", "/x%2fadmin", "/x//..%2Fadmin"];
    assert_refused(on, paths.map(Ask::get), 401).await;
    let (mut upstream, front) = open_and_closed(on).await;
    for path in ["/public//admin", "/public/./admin", "/public/a%2Fb"] {
        front.assert_status(&Ask::get(path), 200).await;
        assert_eq!(upstream.message().await.target, path);
    }
}

/// Caddy CVE-2026-27587; hosts are in [`super::hosts`].
async fn b6_case_matters_in_paths(on: Carrier) {
    let paths = ["/PUBLIC", "/Public/x", "/%50ublic", "/p%55blic"];
    assert_refused(on, paths.map(Ask::get), 401).await;
    let (mut upstream, front) = open_and_closed(on).await;
    for host in ["EXAMPLE.com", "example.com.", "example.com:8080"] {
        let ask = Ask::get("/%70ublic").host(host);
        front.assert_status(&ask, 200).await;
        assert_eq!(upstream.message().await.only("x-forwarded-host"), host);
    }
}

/// A route that is exact, or for some methods, does not leave what it does not take to a route
/// that is open to more people.
async fn b8_what_an_exact_path_refuses_is_not_found_elsewhere(on: Carrier) {
    let routes = [
        ("/public", "anonymous = true"),
        ("/public/admin", "exact = true"),
        ("/public/reports", "methods = [\"GET\"]"),
    ];
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", &routes).await;
    for (method, path, status) in [
        ("GET", "/public/admin", 401),
        ("GET", "/public/admin/", 401),
        ("GET", "/public/%61dmin/", 401),
        ("GET", "/public/admin?/public", 401),
        ("GET", "/public/admin;a=b", 400),
        ("GET", "/public/reports", 401),
        ("POST", "/public/reports", 405),
        ("get", "/public/reports", 405),
    ] {
        front
            .assert_status(&Ask::get(path).method(method), status)
            .await;
    }
    upstream.assert_untouched();
    assert_eq!(front.gate.calls(), 0);
}

/// OPA-envoy CVE-2026-26205.
async fn b7_a_path_is_not_parsed_as_a_uri(on: Carrier) {
    let paths = ["//public/secret", "//evil:80/public"];
    assert_refused(on, paths.map(Ask::get), 400).await;
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    front.assert_status(&Ask::known("//evil/public"), 200).await;
    assert_eq!(upstream.message().await.target, "//evil/public");
}

/// Keycloak CVE-2026-15573.
async fn b8_what_matches_nothing_is_not_open(on: Carrier) {
    let paths = ["/admin/", "/publicx", "/public%20x", "/"];
    assert_refused(on, paths.map(Ask::get), 401).await;
    assert_refused(on, [Ask::get("/public;a=b")], 400).await;
    // With parameters and without, it is not the open route's.
    assert_refused(on, [Ask::get("/admin;a=b")], 401).await;
}

/// Traefik CVE-2026-40912.
async fn b9_what_was_decided_is_forwarded(on: Carrier) {
    let (mut upstream, front) = open_and_closed(on).await;
    for path in [
        "/public",
        "/public/",
        "/%70ublic/a%20b?q=%2e%2e/",
        "/public/~a.b,c=d:@!$&'()*+",
    ] {
        front.assert_status(&Ask::get(path), 200).await;
        assert_eq!(upstream.message().await.target, path);
    }
}

/// oauth2-proxy CVE-2026-34457.
async fn b11_no_header_makes_a_health_check(on: Carrier) {
    let agents = [
        "GoogleHC/1.0",
        "kube-probe/1.30",
        "ELB-HealthChecker/2.0",
        "",
    ];
    let requests = agents.map(|agent| Ask::get("/admin").line("User-Agent", agent));
    assert_refused(on, requests, 401).await;
}

/// authentik CVE-2026-25748.
async fn b12_no_malformed_credential_is_let_in(on: Carrier) {
    let schemes = [
        "Bearer",
        "bearer",
        "token",
        "Basic",
        "Bearer Bearer",
        "Négotiate",
        "Bearer,",
        ",",
    ];
    let tokens = [
        "",
        " ",
        "\t",
        " a b",
        " a,b",
        " a=b",
        " \"a\"",
        " a\u{ff}",
        " =",
        " ;",
        " {}",
        " a\tb",
        " ..;/",
        " %00",
        " null",
        " undefined",
        " true",
        " *",
        " '--",
        " gho_",
        " ghp_x",
        " a==b",
        " <a>",
        " \\",
        " [a]",
    ];
    let pairs = schemes
        .iter()
        .flat_map(|scheme| tokens.map(|token| format!("{scheme}{token}")));
    let (mut upstream, front) = open_and_closed(on).await;
    for credential in pairs {
        let ask = Ask::get("/").line("Authorization", credential);
        let status = front.answer(&ask).await.status;
        assert!([400, 401].contains(&status), "{status} {ask:?}");
    }
    upstream.assert_untouched();
}

/// Skipper CVE-2022-38580.
async fn b13_no_request_chooses_where_it_goes(on: Carrier) {
    let decoy = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let evil = decoy.local_addr().expect("an address").to_string();
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let mut requests = vec![
        known("").host(&evil),
        known(&format!(
            "X-Forwarded-Host: {evil}\r\nX-Skipper-Proxy: http://{evil}\r\nProxy: http://{evil}\r\n"
        )),
        Ask::known(&format!("//{evil}/p")),
    ];
    if !on.is_http_2() {
        requests.push(Ask::known(&format!("http://{evil}/p")));
    }
    for ask in requests {
        front.assert_status(&ask, 200).await;
        upstream.message().await;
    }
    let never = std::future::ready(());
    tokio::select! {
        biased;
        _ = decoy.accept() => panic!("went elsewhere"),
        () = never => {}
    }
}

async fn b14_what_is_no_path_is_not_forwarded(on: Carrier) {
    for (method, target, status) in [
        ("GET", "*", 400),
        ("TRACE", "/public", 501),
        ("trace", "/public", 501),
        ("CONNECT", "/public", 501),
    ] {
        // In HTTP/2, a CONNECT with a path is malformed (RFC 9113 §8.5), and h2 says so.
        if !(on.is_http_2() && method == "CONNECT") {
            let ask = Ask::get(target).method(method);
            assert_refused(on, [ask], status).await;
        }
    }
}

async fn b14_what_has_another_form_is_not_forwarded(on: Carrier) {
    for (line, status) in [
        ("GET p", 400),
        ("GET public", 400),
        ("GET evil:80", 400),
        ("CONNECT evil:80", 501),
    ] {
        let (method, target) = line.split_once(' ').expect("a line");
        assert_refused(on, [Ask::get(target).method(method)], status).await;
    }
}
