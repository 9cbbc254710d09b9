//! What clients are told before they have a token.

use serde_json::{Value, json};

use super::TOKEN;
use super::recorder::Recorder;
use super::support::{Gate, body, headers, route, status};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// A gate whose `/mcp` describes itself, and whose other paths do not.
async fn gate(upstream: &Recorder, more: &str) -> Gate {
    let described = "scopes = [\"read:org\"]\nscopes_any = [\"repo\"]\n[routes.resource]\n\
                     url = \"https://tools.test/mcp\"\n";
    let routes = route("/mcp", upstream.address, described) + &route("/", upstream.address, "");
    Gate::start(&(routes + more)).await
}

async fn ask(gate: &Gate, line: &str, lines: &str) -> String {
    let request = format!("{line} HTTP/1.1\r\n{lines}\r\n");
    gate.connect().await.exchange(&request).await
}

async fn document(gate: &Gate, path: &str) -> Value {
    let response = ask(gate, &format!("GET {path}"), "Host: tools.test\r\n").await;
    assert_eq!(status(&response), 200, "{path}");
    serde_json::from_str(body(&response)).expect("JSON")
}

#[tokio::test]
async fn a_challenge_leads_to_the_routes_description() {
    let mut upstream = Recorder::start().await;
    let gate = gate(&upstream, "").await;
    let challenge = |path: &'static str, lines: &'static str| {
        let gate = &gate;
        async move {
            let lines = format!("Host: a\r\n{lines}");
            let response = ask(gate, &format!("GET {path}"), &lines).await;
            let found = headers(&response).into_iter().find_map(|line| {
                let challenge = line.strip_prefix("www-authenticate: ");
                challenge.map(str::to_owned)
            });
            found.expect("a challenge")
        }
    };
    let leads = format!("resource_metadata=\"https://tools.test{RESOURCE}/mcp\"");
    assert_eq!(
        challenge("/mcp", "").await,
        format!("Bearer realm=\"ghes\", {leads}")
    );
    assert_eq!(
        challenge("/mcp/x", "Authorization: Bearer gho_unknown\r\n").await,
        format!("Bearer realm=\"ghes\", error=\"invalid_token\", {leads}")
    );
    let known = "Authorization: Bearer e72e16c7e42f292c6912e7710c838347ae178b4a\r\n";
    assert!(known.contains(TOKEN));
    assert_eq!(
        challenge("/mcp", known).await,
        format!(
            "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"read:org repo\", {leads}"
        )
    );
    assert_eq!(challenge("/other", "").await, "Bearer realm=\"ghes\"");
    assert_eq!(
        document(&gate, &format!("{RESOURCE}/mcp")).await,
        json!({
            "resource": "https://tools.test/mcp",
            "authorization_servers": ["http://127.0.0.1:1"],
            "scopes_supported": ["read:org", "repo"],
            "bearer_methods_supported": ["header"],
        })
    );
    upstream.assert_untouched();
}

#[tokio::test]
async fn ghes_is_described_where_it_does_not_do_so_itself() {
    let upstream = Recorder::start().await;
    let more = "[authorization_server]\nissuer = \"https://tools.test/login\"\n\
                scopes_supported = [\"gist\"]\npkce = true\n";
    let gate = gate(&upstream, more).await;
    assert_eq!(
        document(&gate, &format!("{SERVER}/login")).await,
        json!({
            "issuer": "https://tools.test/login",
            "authorization_endpoint": "http://127.0.0.1:1/login/oauth/authorize",
            "token_endpoint": "http://127.0.0.1:1/login/oauth/access_token",
            "device_authorization_endpoint": "http://127.0.0.1:1/login/device/code",
            "scopes_supported": ["gist"],
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        })
    );
    let resource = document(&gate, &format!("{RESOURCE}/mcp")).await;
    assert_eq!(
        resource["authorization_servers"],
        json!(["https://tools.test/login"])
    );
}

/// G8: no address in a document or a challenge comes from a request.
#[tokio::test]
async fn no_request_changes_a_document() {
    let upstream = Recorder::start().await;
    let gate = gate(&upstream, "").await;
    let expected = document(&gate, &format!("{RESOURCE}/mcp"))
        .await
        .to_string();
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    for lines in [
        "Host: evil.test\r\n",
        "Host: tools.test\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: evil\r\n",
        "Host: tools.test\r\nForwarded: host=evil.test\r\nX-Forwarded-Prefix: //evil.test\r\n",
        "Host: tools.test\r\nOrigin: https://evil.test\r\n",
    ] {
        for path in [
            format!("{RESOURCE}/mcp"),
            format!("{RESOURCE}/mcp?evil"),
            format!("http://evil.test{RESOURCE}/mcp"),
        ] {
            let response = ask(&gate, &format!("GET {path}"), lines).await;
            assert_eq!(status(&response), 200, "{lines}");
            assert!(!response.contains("evil"), "{response}");
            let described: Value = serde_json::from_str(body(&response)).expect("JSON");
            assert_eq!(described, expected);
        }
        let response = ask(&gate, "GET /mcp", lines).await;
        assert!(!response.contains("evil"), "{response}");
    }
}

#[tokio::test]
async fn a_document_can_be_read_and_nothing_else() {
    let mut upstream = Recorder::start().await;
    let gate = gate(&upstream, "").await;
    let host = "Host: tools.test\r\n";
    let path = format!("{RESOURCE}/mcp");
    let response = ask(&gate, &format!("GET {path}"), host).await;
    for line in [
        "content-type: application/json",
        "cache-control: max-age=300",
        "access-control-allow-origin: *",
    ] {
        assert!(headers(&response).contains(&line), "{response}");
    }
    let asked = format!("{host}Origin: https://a.test\r\nAccess-Control-Request-Method: GET\r\n");
    let response = ask(&gate, &format!("OPTIONS {path}"), &asked).await;
    assert_eq!(status(&response), 204);
    assert!(
        headers(&response).contains(&"access-control-allow-headers: *"),
        "{response}"
    );
    for method in ["POST", "PUT", "DELETE", "get"] {
        let response = ask(&gate, &format!("{method} {path}"), host).await;
        assert_eq!(status(&response), 405, "{method}");
        assert!(
            headers(&response).contains(&"allow: GET, HEAD, OPTIONS"),
            "{response}"
        );
    }
    // What is almost a document is a path like any other.
    for path in [
        RESOURCE.to_owned(),
        format!("{RESOURCE}/"),
        format!("{RESOURCE}/mcp/"),
        format!("{RESOURCE}/MCP"),
        format!("{RESOURCE}/%6dcp"),
        format!("{RESOURCE}/other"),
        SERVER.to_owned(),
        "/.well-known/openid-configuration".to_owned(),
    ] {
        let response = ask(&gate, &format!("GET {path}"), host).await;
        assert_eq!(status(&response), 401, "{path}");
    }
    upstream.assert_untouched();
    assert_eq!(gate.calls(), 0);
}

/// Two resources at one path are told apart by their hosts.
#[tokio::test]
async fn a_host_decides_only_where_it_must() {
    let upstream = Recorder::start().await;
    let described = |host: &str| {
        let more = format!("hosts = [\"{host}\"]\nresource.url = \"https://{host}\"");
        route("/", upstream.address, &more)
    };
    let gate = Gate::start(&(described("one.test") + &described("two.test"))).await;
    for (host, expected) in [
        ("one.test", 200),
        ("TWO.test.:443", 200),
        ("three.test", 404),
    ] {
        let response = ask(
            &gate,
            &format!("GET {RESOURCE}"),
            &format!("Host: {host}\r\n"),
        )
        .await;
        assert_eq!(status(&response), expected, "{host}");
        let bare = host.to_lowercase().replace(".:443", "");
        let named = response.contains(&format!("\"resource\":\"https://{bare}\""));
        assert_eq!(named, expected == 200, "{response}");
    }
}
