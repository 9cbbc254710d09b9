//! Who a client is, behind proxies that are trusted and others, and circles.

use super::TOKEN;
use super::recorder::{Recorder, status_of};
use super::support::{Gate, route, status};

const TRUSTED: &str = "[server]\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n";

fn request(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{lines}\r\n")
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_whom_it_forwards_for() {
    let mut upstream = Recorder::start().await;
    let gate = Gate::start(&format!("{TRUSTED}{}", route("/", upstream.address, ""))).await;
    for (lines, way, host, scheme) in [
        ("", "127.0.0.1", "a", "http"),
        (
            "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-For: 10.0.0.1\r\n\
             X-Forwarded-Host: tools.example.com\r\nX-Forwarded-Proto: https\r\n",
            "192.0.2.1, 10.0.0.1, 127.0.0.1",
            "tools.example.com",
            "https",
        ),
        // What it passes on of a client is still the client's.
        (
            "X-Forwarded-For: 192.0.2.1\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\
             X-Real-IP: 6.6.6.6\r\nX-Forwarded-Prefix: //x\r\n\
             X-Forwarded-Host: a, b\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n",
            "192.0.2.1, 127.0.0.1",
            "a",
            "http",
        ),
        (
            "Connection: X-Forwarded-For\r\nX-Forwarded-For: 192.0.2.1\r\n",
            "192.0.2.1, 127.0.0.1",
            "a",
            "http",
        ),
    ] {
        assert_eq!(status_of(&gate, request(lines).as_bytes()).await, 200);
        let message = upstream.message().await;
        assert_eq!(message.only("x-forwarded-for"), way);
        assert_eq!(message.only("x-forwarded-host"), host);
        assert_eq!(message.only("x-forwarded-proto"), scheme);
    }
}

/// Behind a load balancer all clients have its address; each has its own limit all the same.
#[tokio::test]
async fn limits_are_the_clients_and_not_the_proxys() {
    let upstream = Recorder::start().await;
    let limits = "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = 1\n";
    let route = route("/", upstream.address, "");
    let guess = async |gate: &Gate, token: &str, client: &str| {
        let lines = format!("X-Forwarded-For: {client}\r\n");
        let request = request(&lines).replace(TOKEN, token);
        status_of(gate, request.as_bytes()).await
    };
    let gate = Gate::start(&format!("{TRUSTED}{limits}{route}")).await;
    assert_eq!(guess(&gate, "gho_1", "192.0.2.1").await, 401);
    assert_eq!(guess(&gate, "gho_2", "192.0.2.1").await, 429);
    assert_eq!(guess(&gate, "gho_3", "198.51.100.1").await, 401);
    // The leftmost address is what a client says itself.
    assert_eq!(guess(&gate, "gho_4", "6.6.6.6, 192.0.2.1").await, 429);
    let gate = Gate::start(&format!("{limits}{route}")).await;
    assert_eq!(guess(&gate, "gho_1", "192.0.2.1").await, 401);
    assert_eq!(guess(&gate, "gho_2", "198.51.100.1").await, 429);
}

#[tokio::test]
async fn those_before_us_stay_in_via() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let lines = "Via: 1.0 fred, 1.1 p.example.net\r\nVia: 1.1 ghes-gatekeeper\r\n";
    assert_eq!(status_of(&gate, request(lines).as_bytes()).await, 200);
    let expected = [
        "1.0 fred, 1.1 p.example.net",
        "1.1 ghes-gatekeeper",
        "1.1 ghes-gatekeeper",
    ];
    assert_eq!(upstream.message().await.all("via"), expected);
}

/// A gate whose upstream is the gate itself.
#[tokio::test]
async fn a_circle_ends_with_508() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = free.local_addr().expect("an address");
    let routes = route("/", address, "forward_token = true");
    let gate = Gate::start_on(free, &routes);
    let response = gate.connect().await.exchange(&request("")).await;
    assert_eq!(status(&response), 508);
    assert!(
        response.contains("\"reason\":\"loop_detected\""),
        "{response}"
    );
}

#[tokio::test]
async fn options_are_counted_and_answered_where_they_end() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let options = |hops| request(&format!("Max-Forwards: {hops}\r\n")).replace("GET", "OPTIONS");
    assert_eq!(status_of(&gate, options("2").as_bytes()).await, 200);
    assert_eq!(upstream.message().await.only("max-forwards"), "1");
    assert_eq!(status_of(&gate, options("0").as_bytes()).await, 204);
    assert_eq!(status_of(&gate, options("x").as_bytes()).await, 400);
    upstream.assert_untouched();
}

#[tokio::test]
async fn after_a_malformed_request_the_connection_ends() {
    let upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let mut client = gate.connect().await;
    let malformed = request("Host: b\r\n");
    let response = client
        .exchange(&format!("{malformed}{}", request("")))
        .await;
    assert_eq!(status(&response), 400);
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert_eq!(client.response().await, "");
}
