//! What may ask, and what each dialect reads.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;

use super::*;
use crate::support::{Upstream, route, status};

const ROUTES: &str = "
    [[routes]]
    path = '/'
    anonymous = true
    hosts = ['open.example.com']
    [[routes]]
    path = '/'
    [[routes]]
    path = '/admin'
    users = ['hubot']
    ";

async fn gate(more: &str) -> Gate {
    Gate::start(&format!("{TRUSTED}{ROUTES}{more}")).await
}

#[tokio::test]
async fn only_a_trusted_proxy_may_ask() {
    for server in ["[server]\n", "[server]\ntrusted_proxies = ['192.0.2.1']\n"] {
        let config = TRUSTED.replace("[server]\ntrusted_proxies = ['127.0.0.1']\n", server);
        let gate = Gate::start(&format!("{config}{ROUTES}")).await;
        for door in DOORS {
            let lines = bearer(TOKEN);
            let held = Held {
                lines: &lines,
                ..Held::GET
            };
            let response = door.ask(&mut gate.decisions().await, &held).await;
            assert_eq!(status(&response), 403, "{door:?}");
            assert!(response.contains("server.trusted_proxies"), "{response}");
            assert_eq!(all(&response, "x-request-id").len(), 1, "{response}");
        }
        assert_eq!(gate.calls(), 0);
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let metrics = gate.admin().await.exchange(request).await;
        for (door, count) in [("nginx", 2), ("traefik", 1), ("caddy", 1), ("envoy", 1)] {
            let line = format!(
                "ghes_gatekeeper_decisions_total{{door=\"{door}\",outcome=\"forbidden\"}} {count}\n"
            );
            assert!(metrics.contains(&line), "{line}");
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_elsewhere() {
    let gate = gate("").await;
    for path in [
        "/",
        "/auth",
        "/auth/",
        "/auth/nginx/",
        "/auth/NGINX",
        "/auth%2Fnginx",
        "//auth/nginx",
        "/auth/envoy",
        "/auth/nginx/../traefik",
        "/oauth2/auth/",
        "/healthz",
    ] {
        let question = Door::Nginx.question(&Held::GET);
        let question = question.replacen("/auth/nginx", path, 1);
        let response = gate.decisions().await.exchange(&question).await;
        assert_eq!(status(&response), 404, "{path}");
        assert_eq!(all(&response, "x-request-id").len(), 1, "{path}");
    }
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let metrics = gate.admin().await.exchange(request).await;
    let line = "ghes_gatekeeper_decisions_total{door=\"none\",outcome=\"no_route\"} 11\n";
    assert!(metrics.contains(line), "{metrics}");
    let without = TRUSTED.replace("oauth2_auth = 'oauth2-proxy'\n", "");
    let gate = Gate::start(&format!("{without}{ROUTES}")).await;
    let response = Door::OAuth2Proxy
        .ask(&mut gate.decisions().await, &Held::GET)
        .await;
    assert_eq!(status(&response), 404);
}

/// A client's own fields of another family, its queries on our path, and a second of each field of
/// the dialect: none leads to the route that is open.
#[tokio::test]
async fn no_field_of_a_client_chooses_what_is_decided() {
    let gate = gate("").await;
    let mut client = gate.decisions().await;
    let forged = "X-Original-Method: GET\r\nX-Original-URL: https://open.example.com/\r\n\
                  X-Original-Host: open.example.com\r\nX-Original-Proto: https\r\n\
                  X-Original-URI: /\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
                  X-Forwarded-Host: open.example.com\r\nX-Forwarded-Uri: /\r\n\
                  Forwarded: host=open.example.com\r\nX-Rewrite-Url: /\r\nX-Host: open.example.com\r\n";
    for door in DOORS {
        for line in forged.split_inclusive("\r\n").chain([forged]) {
            let held = Held {
                lines: line,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            let status = status(&response);
            assert!(matches!(status, 400 | 401), "{door:?} {line}: {response}");
            let underscored = line.replace("X-", "X_").replacen("-", "_", 4);
            let held = Held {
                lines: &underscored,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert!(
                matches!(crate::support::status(&response), 400 | 401),
                "{door:?} {line}"
            );
        }
        let question = door.question(&Held::GET);
        let forged = match question.lines().next().unwrap().contains('?') {
            true => "&X-Original-URL=https://open.example.com/ HTTP/1.1",
            false => "?X-Original-URL=https://open.example.com/ HTTP/1.1",
        };
        let asked = question.replacen(" HTTP/1.1", forged, 1);
        let asked = client.exchange(&asked).await;
        assert_eq!(status(&asked), 401, "{door:?}");
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_read_is_400_and_says_what_it_needs() {
    let gate = gate("").await;
    for (path, needs) in [
        ("/auth/nginx", "X-Original-Method"),
        ("/auth/traefik", "X-Forwarded-Uri"),
        ("/auth/caddy", "X-Forwarded-Uri"),
        ("/oauth2/auth", "X-Forwarded-Uri"),
    ] {
        let question = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{}\r\n", bearer(TOKEN));
        let response = gate.decisions().await.exchange(&question).await;
        assert_eq!(status(&response), 400, "{path}");
        assert!(response.contains(needs), "{response}");
    }
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn without_a_method_nothing_may_depend_on_it() {
    let routes = "
        [[routes]]
        path = '/'
        [[routes]]
        path = '/mixed'
        anonymous = true
        methods = ['GET']
        [[routes]]
        path = '/mixed'
        methods = ['POST', 'DELETE']
        [[routes]]
        path = '/readonly'
        methods = ['GET']
        [[routes]]
        path = '/written'
        methods = ['POST', 'PUT']
        [[routes]]
        path = '/all'
        ";
    let gate = Gate::start(&format!("{TRUSTED}{routes}")).await;
    let mut client = gate.decisions().await;
    let lines = bearer(TOKEN);
    for (target, expected) in [
        ("/", 200),
        ("/all/a", 200),
        ("/mixed", 400),
        ("/mixed/a", 400),
        ("/readonly", 400),
        ("/written", 400),
    ] {
        let held = Held {
            target,
            lines: &lines,
            ..Held::GET
        };
        let response = Door::OAuth2Proxy.ask(&mut client, &held).await;
        assert_eq!(status(&response), expected, "{target} {response}");
    }
    for door in DOORS.into_iter().filter(|door| door.has_method()) {
        for (method, expected) in [("GET", 200), ("POST", 401), ("PUT", 405)] {
            let held = Held {
                method,
                target: "/mixed",
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), expected, "{door:?} {method}");
        }
    }
}

/// The proxy that asks passes the field on, and the tool may take it for the method.
#[tokio::test]
async fn a_method_in_a_field_is_refused_where_routes_depend_on_the_method() {
    let routes = "
        [[routes]]
        path = '/'
        methods = ['GET']
        [[routes]]
        path = '/'
        methods = ['DELETE']
        users = ['hubot']
        ";
    let gate = Gate::start(&format!("{TRUSTED}{routes}")).await;
    let mut client = gate.decisions().await;
    for door in DOORS.into_iter().filter(|door| door.has_method()) {
        for name in [
            "X-HTTP-Method-Override",
            "x_http_method",
            "X-Method-Override",
        ] {
            let lines = format!("{}{name}: DELETE\r\n", bearer(TOKEN));
            let held = Held {
                lines: &lines,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), 400, "{door:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_route_without_an_upstream_is_not_there_for_clients() {
    let upstream = Upstream::start().await;
    let routes = format!(
        "[[routes]]\npath = '/asked'\n{}",
        route("/sent", upstream.address, "")
    );
    let gate = Gate::start(&format!("{TRUSTED}{routes}")).await;
    let lines = bearer(TOKEN);
    for (target, expected) in [("/asked", 404), ("/sent", 200), ("/other", 404)] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let response = gate.connect().await.exchange(&request).await;
        assert_eq!(status(&response), expected, "{target}");
    }
    for door in DOORS {
        let mut client = gate.decisions().await;
        for (target, expected) in [("/asked", 200), ("/sent", 200), ("/other", 404)] {
            let held = Held {
                target,
                lines: &lines,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), expected, "{door:?} {target}");
        }
    }
}

/// nginx sends the length of a body that it does not send.
#[tokio::test]
async fn a_body_is_not_waited_for() {
    let gate = gate("").await;
    let lines = format!("{}Content-Type: text/plain\r\n", bearer(TOKEN));
    let held = Held {
        method: "POST",
        lines: &lines,
        ..Held::GET
    };
    let question = Door::Nginx.question(&held);
    let question = question.replacen("\r\n\r\n", "\r\nContent-Length: 1000000\r\n\r\n", 1);
    let response = gate.decisions().await.exchange(&question).await;
    assert_eq!(status(&response), 200, "{response}");
}

/// A proxy that asks adds its own fields to a head that the gate would take.
#[tokio::test]
async fn a_head_that_clients_may_send_may_be_asked_about() {
    let gate = gate("").await;
    let target = format!("/{}", "a".repeat(8000));
    let cookies = format!("Cookie: {}\r\n", "b".repeat(5000)).replace("Cookie", "X-A");
    let lines = format!("{}{}", bearer(TOKEN), cookies.repeat(4));
    for door in DOORS {
        let held = Held {
            target: &target,
            lines: &lines,
            ..Held::GET
        };
        let response = door.ask(&mut gate.decisions().await, &held).await;
        assert_eq!(status(&response), 200, "{door:?} {response}");
        let target = format!("/{}", "a".repeat(8192));
        let held = Held {
            target: &target,
            lines: &lines,
            ..Held::GET
        };
        let response = door.ask(&mut gate.decisions().await, &held).await;
        assert_eq!(status(&response), 414, "{door:?} {response}");
    }
}

/// A preflight has no token. What the tool answers may pass, without an identity; what the gate would
/// answer cannot, for no proxy lets it answer.
#[tokio::test]
async fn only_a_preflight_for_the_tool_passes_without_a_token() {
    let upstream = Upstream::start().await;
    let cors = "[routes.cors]\nallow_origins = ['https://app.example.com']";
    let routes = [
        route("/tool", upstream.address, "cors = 'upstream'"),
        route("/none", upstream.address, ""),
        route("/gate", upstream.address, cors),
    ];
    let gate = Gate::start(&format!("{TRUSTED}{}", routes.concat())).await;
    let mut client = gate.decisions().await;
    let preflight = "Origin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n";
    let bare = "Origin: https://app.example.com\r\n";
    let forged = format!("{preflight}X-Auth-Request-User: root\r\n");
    let overridden = [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X_Method_Override",
    ];
    let overridden = overridden.map(|name| format!("{preflight}{name}: DELETE\r\n"));
    for door in DOORS.into_iter().filter(|door| door.has_method()) {
        for (target, lines, expected) in [
            ("/tool", preflight, 200),
            ("/tool", &*forged, 200),
            ("/tool", bare, 401),
            ("/none", preflight, 401),
            ("/gate", preflight, 401),
            ("/tool", &*overridden[0], 401),
            ("/tool", &*overridden[1], 401),
            ("/tool", &*overridden[2], 401),
        ] {
            let held = Held {
                method: "OPTIONS",
                target,
                lines,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), expected, "{door:?} {target} {lines}");
            if expected == 200 {
                assert_eq!(only(&response, "x-auth-request-user"), "");
            }
        }
    }
}

/// Beside its length or coding, a body makes it more than a preflight.
#[tokio::test]
async fn a_preflight_with_a_body_needs_a_token() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "cors = 'upstream'");
    let gate = Gate::start(&format!("{TRUSTED}{routes}")).await;
    let preflight = "Origin: https://app.example.com\r\nAccess-Control-Request-Method: GET\r\n";
    for door in [Door::Nginx, Door::NginxInParts, Door::Traefik, Door::Caddy] {
        for (line, body) in [
            ("Content-Length: 5\r\n", "hello"),
            ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ] {
            let lines = format!("{preflight}{line}");
            let held = Held {
                method: "OPTIONS",
                lines: &lines,
                ..Held::GET
            };
            let question = format!("{}{body}", door.question(&held));
            let response = gate.decisions().await.exchange(&question).await;
            assert_eq!(status(&response), 401, "{door:?} {line}");
        }
    }
}

/// HTTP/2 tells of a body without its length, and so does Envoy that asks by it.
#[tokio::test]
async fn a_preflight_with_a_body_of_no_length_needs_a_token() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "cors = 'upstream'");
    let gate = Gate::start(&format!("{TRUSTED}{routes}")).await;
    let address = gate.decisions().await.0.peer_addr().expect("an address");
    let client = HttpClient::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    for (path, body, expected) in [
        ("/auth/nginx", None, 200),
        ("/auth/nginx", Some("a=b"), 401),
        ("/auth/traefik", None, 200),
        ("/auth/traefik", Some("a=b"), 401),
        ("/auth/envoy/", None, 200),
        ("/auth/envoy/", Some("a=b"), 401),
    ] {
        let body = match body {
            Some(text) => {
                let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
                StreamBody::new(futures_util::stream::iter([frame])).boxed()
            }
            None => Empty::new().boxed(),
        };
        let request = Request::builder()
            .method("OPTIONS")
            .uri(format!("http://{address}{path}"))
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "GET")
            .header("x-original-method", "OPTIONS")
            .header("x-original-url", "https://tools.example.com/")
            .header("x-forwarded-method", "OPTIONS")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "tools.example.com")
            .header("x-forwarded-uri", "/");
        let response = client.request(request.body(body).expect("a request")).await;
        assert_eq!(response.expect("an answer").status(), expected, "{path}");
    }
}

/// Others than trusted proxies have few connections, and leave room for those who may ask.
#[tokio::test]
async fn nobody_but_a_trusted_proxy_has_all_connections() {
    for (trusted, expected) in [("127.0.0.1", 5), ("192.0.2.1", 2), ("10.0.0.0/8", 2)] {
        let limits = "[server.limits]\nconnections_per_client = 2\n[decisions]";
        let config = TRUSTED.replace("127.0.0.1']", &format!("{trusted}']"));
        let config = config.replace("[decisions]", limits);
        let gate = Gate::start(&format!("{config}{ROUTES}")).await;
        let mut first = gate.decisions().await;
        let address = first.0.peer_addr().expect("an address");
        let question = Door::Nginx.question(&Held::GET);
        assert_ne!(first.exchange(&question).await, "", "{trusted}");
        let mut open = vec![first];
        for _ in 0..4 {
            let mut client = Client::to(address).await;
            if !client.try_exchange(&question).await.is_empty() {
                open.push(client);
            }
        }
        assert_eq!(open.len(), expected, "{trusted}");
    }
}

#[tokio::test]
async fn the_second_path_of_a_request_is_held_to_the_first() {
    let gate = gate("[[routes]]\npath = '/dav'\n").await;
    let mut client = gate.decisions().await;
    for door in DOORS.into_iter().filter(|door| door.has_method()) {
        for (destination, expected) in [
            ("/dav/b", 200),
            ("https://tools.example.com/dav/b", 200),
            ("/admin/b", 400),
            ("/dav/../admin", 400),
            ("https://open.example.com/dav/b", 400),
        ] {
            let lines = format!("{}Destination: {destination}\r\n", bearer(TOKEN));
            let held = Held {
                method: "COPY",
                target: "/dav/a",
                lines: &lines,
                ..Held::GET
            };
            let response = door.ask(&mut client, &held).await;
            assert_eq!(
                status(&response),
                expected,
                "{door:?} {destination} {response}"
            );
        }
    }
}

/// Whoever brings one unknown token after another waits, and nobody else does: the proxy that asks
/// names its client.
#[tokio::test]
async fn a_flood_is_its_clients_and_not_the_proxys() {
    let limits = "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = 2\n";
    let config = TRUSTED.replace("[decisions]", &format!("{limits}[decisions]"));
    let gate = Gate::start(&format!("{config}{ROUTES}")).await;
    let mut client = gate.decisions().await;
    for (at, door) in DOORS.into_iter().enumerate() {
        let mut statuses = Vec::new();
        for (number, address) in ["192.0.2.", "192.0.2.", "192.0.2.", "198.51.100."]
            .into_iter()
            .enumerate()
        {
            // nginx passes on what a client writes in the other field.
            let name = match door {
                Door::OAuth2Proxy => "X-Forwarded-For: 203.0.113.1\r\nX-Real-IP",
                _ => "X-Forwarded-For",
            };
            let token = bearer(&format!("gho_{at}{number}"));
            let lines = format!("{token}{name}: {address}{at}\r\n");
            let held = Held {
                lines: &lines,
                ..Held::GET
            };
            statuses.push(status(&door.ask(&mut client, &held).await));
        }
        assert_eq!(statuses, [401, 401, 429, 401], "{door:?}");
    }
}
