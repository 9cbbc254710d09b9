//! What web pages of other origins may do.

use super::TOKEN;
use super::carrier::{Ask, Carrier};
use super::recorder::Recorder;
use super::support::{Gate, Upstream, body, headers, route, status};

const PAGE: &str = "https://app.test";
const EVIL: &str = "https://evil.test";

/// What a browser asks before it sends a DELETE with a token.
fn preflight(origin: &str, more: &str) -> String {
    format!(
        "OPTIONS /p?q HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: DELETE\r\n\
         Access-Control-Request-Headers: authorization\r\n{more}\r\n"
    )
}

/// The lines of a response that say who may read it.
fn cors_lines(response: &str) -> Vec<&str> {
    let mut lines = headers(response);
    lines.retain(|line| line.starts_with("access-control-") || line.starts_with("vary"));
    lines
}

async fn gate(upstream: &Upstream, more: &str) -> Gate {
    Gate::start(&route("/", upstream.address, more)).await
}

async fn exchange(gate: &Gate, request: &str) -> String {
    gate.connect().await.exchange(request).await
}

/// A13: nothing passes without a token because it calls itself a question.
#[tokio::test]
async fn without_a_word_a_preflight_is_refused_like_everything_else() {
    let mut upstream = Upstream::start().await;
    for more in ["", "cors = \"gate\"", "methods = [\"OPTIONS\", \"DELETE\"]"] {
        let gate = gate(&upstream, more).await;
        let response = exchange(&gate, &preflight(PAGE, "")).await;
        assert_eq!(status(&response), 401, "{more}");
        assert_eq!(cors_lines(&response), [""; 0]);
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn a_preflight_that_passes_says_no_more_than_a_browser_would() {
    let mut upstream = Upstream::start().await;
    let more = "methods = [\"DELETE\"]\ncors = \"upstream\"";
    let gate = gate(&upstream, more).await;
    let forged = "X-Forwarded-User: admin\r\nX_GitHub_User_Id: 1\r\nRemote-User: admin\r\n\
                  X-Api-Key: k\r\nX-Forwarded-For: 6.6.6.6\r\n\
                  Connection: origin-x\r\nUser-Agent: b\r\nSec-Fetch-Mode: cors\r\n";
    let response = exchange(&gate, &preflight(PAGE, forged)).await;
    assert_eq!(status(&response), 200);
    let message = upstream.request().await;
    assert!(
        message.starts_with("OPTIONS /p?q HTTP/1.1\r\n"),
        "{message}"
    );
    let names = headers(&message)
        .into_iter()
        .map(|line| line.split(':').next());
    let names: Vec<&str> = names.map(|name| name.expect("a name")).collect();
    assert_eq!(
        names,
        [
            "access-control-request-headers",
            "access-control-request-method",
            "host",
            "origin",
            "sec-fetch-mode",
            "user-agent",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-request-id",
        ]
    );
    assert!(
        message.contains("x-forwarded-for: 127.0.0.1\r\n"),
        "{message}"
    );
    assert_eq!(gate.calls(), 0);
}

#[tokio::test]
async fn what_is_more_or_less_than_a_preflight_needs_a_token() {
    let mut upstream = Upstream::start().await;
    let asked = preflight(PAGE, "");
    for cors in [
        "cors = \"upstream\"",
        "[routes.cors]\nallow_origins = [\"https://app.test\"]",
    ] {
        let gate = gate(&upstream, cors).await;
        for (request, expected) in [
            (asked.replace("OPTIONS", "GET"), 401),
            (asked.replace("OPTIONS", "options"), 401),
            (asked.replace("Origin: ", "X-Origin: "), 401),
            (asked.replace("-Method: ", "-Methods: "), 401),
            (asked.replace("Method: DELETE", "Method: DEL ETE"), 401),
            (asked.replace("Method: DELETE", "Method: "), 401),
            (preflight(PAGE, "Origin: https://app.test\r\n"), 401),
            (
                preflight(PAGE, "Access-Control-Request-Method: GET\r\n"),
                401,
            ),
            (preflight(PAGE, "Cookie: session=1\r\n"), 401),
            (
                preflight(PAGE, "Authorization: Bearer gho_unknown\r\n"),
                401,
            ),
            (preflight(PAGE, "Authorization: Basic YTpi\r\n"), 401),
            (preflight(PAGE, "Content-Length: 1\r\n") + "x", 401),
            (
                preflight(PAGE, "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
                401,
            ),
        ] {
            let response = exchange(&gate, &request).await;
            assert_eq!(status(&response), expected, "{cors} {request}");
        }
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn the_route_of_the_request_that_follows_answers() {
    let mut upstream = Upstream::start().await;
    let cors = "[routes.cors]\nallow_origins = [\"https://app.test\"]";
    let routes = route(
        "/",
        upstream.address,
        &format!("methods = [\"DELETE\"]\n{cors}"),
    ) + &route("/", upstream.address, "methods = [\"PUT\", \"OPTIONS\"]");
    let gate = Gate::start(&routes).await;
    let response = exchange(&gate, &preflight(PAGE, "")).await;
    assert_eq!(status(&response), 204);
    assert_eq!(
        cors_lines(&response),
        [
            "access-control-allow-headers: authorization, content-type",
            "access-control-allow-methods: DELETE",
            "access-control-allow-origin: https://app.test",
            "access-control-max-age: 600",
            "vary: Origin",
        ]
    );
    for (method, expected) in [("PUT", 401), ("PATCH", 401)] {
        let asked = preflight(PAGE, "").replace("DELETE", method);
        let response = exchange(&gate, &asked).await;
        assert_eq!(status(&response), expected, "{method}");
    }
    upstream.assert_untouched();
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: *\r\n\
                      access-control-allow-credentials: true\r\nvary: accept\r\n\r\nhi";

#[tokio::test]
async fn a_page_reads_what_its_origin_may_and_nothing_else() {
    let upstream = Upstream::answering(ANSWER).await;
    let more = "[routes.cors]\nallow_origins = [\"https://other.test\", \"https://app.test\"]\n\
                allow_headers = [\"mcp-session-id\"]\nexpose_headers = [\"link\"]\nmax_age = \"1m\"";
    let gate = gate(&upstream, more).await;
    let exposed = "access-control-expose-headers: www-authenticate, retry-after, link";
    let allowed = "access-control-allow-origin: https://app.test";
    let get = |origin: &str, token: &str| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{origin}Authorization: Bearer {token}\r\n\r\n")
    };
    let from_page = &*format!("Origin: {PAGE}\r\n");
    let from_evil = &*format!("Origin: {EVIL}\r\n");
    for (request, expected, lines) in [
        (
            get(from_page, TOKEN),
            200,
            &[allowed, exposed, "vary: Origin", "vary: accept"][..],
        ),
        (
            get(from_page, "gho_unknown"),
            401,
            &[allowed, exposed, "vary: Origin"],
        ),
        (
            get(from_page, "a b"),
            400,
            &[allowed, exposed, "vary: Origin"],
        ),
        (
            get(from_evil, TOKEN),
            200,
            &["vary: Origin", "vary: accept"],
        ),
        (get(from_evil, "gho_unknown"), 401, &["vary: Origin"]),
        (get("", TOKEN), 200, &["vary: Origin", "vary: accept"]),
        (
            get("Origin: null\r\n", TOKEN),
            200,
            &["vary: Origin", "vary: accept"],
        ),
        (preflight(EVIL, ""), 204, &["vary: Origin"]),
        (
            preflight("https://app.test.evil.test", ""),
            204,
            &["vary: Origin"],
        ),
        (preflight("https://APP.test", ""), 204, &["vary: Origin"]),
        (preflight("*", ""), 204, &["vary: Origin"]),
        (
            preflight(PAGE, ""),
            204,
            &[
                "access-control-allow-headers: authorization, mcp-session-id",
                "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE",
                allowed,
                "access-control-max-age: 60",
                "vary: Origin",
            ],
        ),
    ] {
        let response = exchange(&gate, &request).await;
        assert_eq!(status(&response), expected, "{request}");
        assert_eq!(cors_lines(&response), lines, "{request}");
        assert!(
            !response.contains("evil") && !response.contains("APP"),
            "{response}"
        );
    }
}

/// A page can tell an upstream that is gone from an origin that is not allowed.
#[tokio::test]
async fn what_fails_behind_the_gate_is_marked_too() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let more = "[routes.cors]\nallow_origins = [\"*\"]";
    let gate = Gate::start(&route("/", address, more)).await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nOrigin: {EVIL}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    let response = exchange(&gate, &request).await;
    assert_eq!(status(&response), 502);
    assert!(body(&response).contains("bad_gateway"));
    assert_eq!(
        cors_lines(&response),
        [
            "access-control-allow-origin: *",
            "access-control-expose-headers: www-authenticate, retry-after",
        ]
    );
}

#[tokio::test]
async fn cookies_are_for_listed_origins_that_may() {
    let upstream = Upstream::start().await;
    let more = "[routes.cors]\nallow_origins = [\"https://app.test\"]\nallow_credentials = true";
    let gate = gate(&upstream, more).await;
    let yes = "access-control-allow-credentials: true";
    let response = exchange(&gate, &preflight(PAGE, "")).await;
    assert!(cors_lines(&response).contains(&yes), "{response}");
    let response = exchange(&gate, &preflight(EVIL, "")).await;
    assert!(!cors_lines(&response).contains(&yes), "{response}");
}

over!(every protocol:
    what_some_tools_take_for_another_method_is_no_preflight,
);

/// A tool that reads the field would do what nobody has decided about.
async fn what_some_tools_take_for_another_method_is_no_preflight(on: Carrier) {
    let answers = "[routes.cors]\nallow_origins = [\"https://app.test\"]";
    for (cors, plain) in [("cors = \"upstream\"", 200), (answers, 204)] {
        for methods in ["", "methods = [\"DELETE\", \"OPTIONS\"]\n"] {
            let mut recorder = Recorder::start().await;
            let more = format!("{methods}{cors}");
            let front = recorder.front_with(on, "", &[("/", &more)]).await;
            let ask = Ask::get("/p").method("OPTIONS");
            let ask = ask.line("Origin", PAGE);
            let ask = ask.line("Access-Control-Request-Method", "DELETE");
            for name in [
                "X-HTTP-Method-Override",
                "x_http_method",
                "X-Method-Override",
                "X.HTTP.Method",
            ] {
                let ask = ask.clone().line(name, "DELETE");
                front.assert_status(&ask, 401).await;
            }
            recorder.assert_untouched();
            front.assert_status(&ask, plain).await;
        }
    }
}
