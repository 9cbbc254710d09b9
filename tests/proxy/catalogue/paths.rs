//! Routes, paths and methods that are taken for others.

use super::*;

/// A gate for which `/public` is open and the rest is not.
async fn open_and_closed() -> (Recorder, Gate) {
    let upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[("/", ""), ("/public", "anonymous = true")])
        .await;
    (upstream, gate)
}

async fn assert_refused(requests: impl IntoIterator<Item = String>, status: u16) {
    let (mut upstream, gate) = open_and_closed().await;
    for request in requests {
        assert_status(&gate, &request, status).await;
        upstream.assert_untouched();
    }
    assert_eq!(gate.calls(), 0);
}

fn nobody(line: &str, lines: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

/// oauth2-proxy CVE-2025-54576; heimdall CVE-2026-32811.
#[tokio::test]
async fn b1_b10_a_query_is_no_path() {
    let paths = [
        "/admin?/public",
        "/admin?a=/public",
        "/?/public",
        "/admin?x=/public/../public",
    ];
    assert_refused(paths.map(|path| nobody(&format!("GET {path}"), "")), 401).await;
}

/// oauth2-proxy CVE-2026-40575.
#[tokio::test]
async fn b2_no_header_is_the_path() {
    let names = [
        "X-Forwarded-Uri",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Original-URI",
        "X-Forwarded-Prefix",
    ];
    let requests = names.map(|name| nobody("GET /admin", &format!("{name}: /public\r\n")));
    assert_refused(requests, 401).await;
}

/// oauth2-proxy CVE-2026-41059, Traefik CVE-2023-47106, Envoy CVE-2021-32779.
#[tokio::test]
async fn b3_a_fragment_decides_nothing() {
    assert_refused([nobody("GET /admin#/public", "")], 401).await;
    let (mut upstream, gate) = open_and_closed().await;
    assert_status(&gate, &nobody("GET /public#/../admin", ""), 200).await;
    assert_eq!(
        upstream.message().await.target,
        "/public",
        "decided and forwarded are the same"
    );
}

/// Oathkeeper CVE-2026-33494, heimdall CVE-2026-42274, Envoy CVE-2019-9901.
#[tokio::test]
async fn b4_dots_lead_nowhere() {
    let paths = [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/%2E./admin",
        "/public/%2e%2e%2fadmin",
        "/public/..",
        "/public/./../admin",
        "/public/.%2e/.%2e/admin",
    ];
    assert_refused(paths.map(|path| nobody(&format!("GET {path}"), "")), 400).await;
}

/// Envoy CVE-2021-29492, Istio-2021-005, heimdall CVE-2026-42272.
#[tokio::test]
async fn b5_slashes_are_slashes_in_both_cases() {
    let paths = [
        "/public%2f..%2fadmin",
        "/public%2F..%2Fadmin",
        "/public%5cadmin",
        "/public%5Cadmin",
        "/public\\admin",
        "//admin",
        "/public//admin",
        "/public/./admin",
        "/public;/admin",
    ];
    assert_refused(paths.map(|path| nobody(&format!("GET {path}"), "")), 400).await;
}

/// Caddy CVE-2026-27587.
#[tokio::test]
async fn b6_case_matters_in_paths_and_not_in_hosts() {
    let paths = ["/PUBLIC", "/Public/x", "/%50ublic", "/p%55blic"];
    assert_refused(paths.map(|path| nobody(&format!("GET {path}"), "")), 401).await;
    let (mut upstream, gate) = open_and_closed().await;
    for host in ["EXAMPLE.com", "example.com.", "example.com:8080"] {
        let request = nobody("GET /%70ublic", "").replace("Host: a", &format!("Host: {host}"));
        assert_status(&gate, &request, 200).await;
        assert_eq!(upstream.message().await.only("x-forwarded-host"), host);
    }
}

/// Caddy CVE-2026-27588: a list of more than a hundred hosts was compared with regard to case.
#[tokio::test]
async fn b6_hosts_are_compared_in_one_way_however_many_there_are() {
    for count in [1, 500] {
        let hosts: Vec<String> = (0..count).map(|n| format!("Tool{n}.example.com")).collect();
        let closed = format!("hosts = {hosts:?}");
        let upstream = Recorder::start().await;
        let open = "hosts = [\"open.example.com\"]\nanonymous = true";
        let gate = upstream.gate_with(&[("/", &closed), ("/", open)]).await;
        for (host, status) in [
            ("tool0.example.com", 401),
            ("TOOL0.EXAMPLE.COM", 401),
            ("tool0.example.com.", 401),
            ("Tool0.example.com:8080", 401),
            ("OPEN.example.com.:1", 200),
            ("other.example.com", 404),
            ("xtool0.example.com", 404),
        ] {
            let request = nobody("GET /", "").replace("Host: a", &format!("Host: {host}"));
            assert_status(&gate, &request, status).await;
        }
        assert_eq!(gate.calls(), 0);
    }
}

/// A route that is exact, or for some methods, does not leave what it does not take to a route
/// that is open to more people.
#[tokio::test]
async fn b8_what_an_exact_path_refuses_is_not_found_elsewhere() {
    let upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[
            ("/public", "anonymous = true"),
            ("/public/admin", "exact = true"),
            ("/public/reports", "methods = [\"GET\"]"),
        ])
        .await;
    for (line, status) in [
        ("GET /public/admin", 401),
        ("GET /public/admin/", 401),
        ("GET /public/%61dmin/", 401),
        ("GET /public/admin?/public", 401),
        ("GET /public/admin;a=b", 400),
        ("GET /public/reports", 401),
        ("POST /public/reports", 405),
        ("get /public/reports", 405),
    ] {
        assert_status(&gate, &nobody(line, ""), status).await;
    }
    assert_eq!(gate.calls(), 0);
}

/// OPA-envoy CVE-2026-26205.
#[tokio::test]
async fn b7_a_path_is_not_parsed_as_a_uri() {
    assert_refused(
        [
            nobody("GET //public/secret", ""),
            nobody("GET //evil:80/public", ""),
        ],
        400,
    )
    .await;
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    assert_status(&gate, &get_path("//evil/public", ""), 200).await;
    assert_eq!(upstream.message().await.target, "//evil/public");
}

/// Keycloak CVE-2026-15573.
#[tokio::test]
async fn b8_what_matches_nothing_is_not_open() {
    assert_refused(
        ["/admin/", "/publicx", "/public%20x", "/"].map(|p| nobody(&format!("GET {p}"), "")),
        401,
    )
    .await;
    assert_refused(
        ["/admin;a=b", "/public;a=b"].map(|p| nobody(&format!("GET {p}"), "")),
        400,
    )
    .await;
}

/// Traefik CVE-2026-40912.
#[tokio::test]
async fn b9_what_was_decided_is_forwarded() {
    let (mut upstream, gate) = open_and_closed().await;
    for path in [
        "/public",
        "/public/",
        "/%70ublic/a%20b?q=%2e%2e/",
        "/public/~a.b,c=d:@!$&'()*+",
    ] {
        assert_status(&gate, &nobody(&format!("GET {path}"), ""), 200).await;
        assert_eq!(upstream.message().await.target, path);
    }
}

/// oauth2-proxy CVE-2026-34457.
#[tokio::test]
async fn b11_no_header_makes_a_health_check() {
    let agents = [
        "GoogleHC/1.0",
        "kube-probe/1.30",
        "ELB-HealthChecker/2.0",
        "",
    ];
    let requests = agents.map(|agent| nobody("GET /admin", &format!("User-Agent: {agent}\r\n")));
    assert_refused(requests, 401).await;
}

/// authentik CVE-2026-25748.
#[tokio::test]
async fn b12_no_malformed_credential_is_let_in() {
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
    let (mut upstream, gate) = open_and_closed().await;
    for credential in pairs {
        let request = nobody("GET /", &format!("Authorization: {credential}\r\n"));
        let status = status_of(&gate, request.as_bytes()).await;
        assert!([400, 401].contains(&status), "{status} {credential:?}");
    }
    upstream.assert_untouched();
}

/// Skipper CVE-2022-38580.
#[tokio::test]
async fn b13_no_request_chooses_where_it_goes() {
    let decoy = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let evil = decoy.local_addr().expect("an address");
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for request in [
        get_path(&format!("http://{evil}/p"), ""),
        get("").replace("Host: a", &format!("Host: {evil}")),
        get(&format!(
            "X-Forwarded-Host: {evil}\r\nX-Skipper-Proxy: http://{evil}\r\nProxy: http://{evil}\r\n"
        )),
        get_path(&format!("//{evil}/p"), ""),
    ] {
        assert_status(&gate, &request, 200).await;
        upstream.message().await;
    }
    let never = std::future::ready(());
    tokio::select! {
        biased;
        _ = decoy.accept() => panic!("went elsewhere"),
        () = never => {}
    }
}

#[tokio::test]
async fn b14_what_is_no_path_is_not_forwarded() {
    for (line, status) in [
        ("GET p", 400),
        ("GET public", 400),
        ("GET evil:80", 400),
        ("GET *", 400),
        ("TRACE /public", 501),
        ("CONNECT evil:80", 501),
    ] {
        assert_refused([nobody(line, "")], status).await;
    }
}
