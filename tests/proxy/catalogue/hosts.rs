//! Hosts that a request is not for, or that a gate does not serve.

use super::*;
use crate::carrier::frames;

over!(every protocol:
    b13_no_client_chooses_a_route_by_a_header_that_a_proxy_lets_through,
    b6_the_case_of_a_host_does_not_matter,
    b6_the_hosts_of_routes_are_compared_in_one_way,
    h1_a_name_that_was_made_to_point_here_reaches_nothing,
);
over!(every http2: b15_two_names_for_the_host_are_refused);

const ALLOWED: &str = "allowed_hosts = ['tools.example.com', '[::1]', '127.0.0.1']";

/// Caddy CVE-2026-27588.
async fn b6_the_case_of_a_host_does_not_matter(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let many: Vec<_> = (0..500).map(|n| format!("'h{n}.example.com'")).collect();
    let many = format!("allowed_hosts = [{}]", many.join(", "));
    for (server, name) in [(ALLOWED, "tools"), (&*many, "h499")] {
        let front = upstream.front_with(on, server, OPEN_AND_CLOSED).await;
        for host in [
            ".example.com",
            ".EXAMPLE.com",
            ".example.com.",
            ".Example.Com:8080",
        ] {
            let host = name.to_owned() + host;
            let ask = Ask::known("/p").host(&host);
            front.assert_status(&ask, 200).await;
            assert_eq!(upstream.message().await.only("x-forwarded-host"), host);
        }
        let other = Ask::known("/p").host("H500.example.com");
        front.assert_status(&other, 421).await;
    }
    upstream.assert_untouched();
}

/// The same for hosts that tell routes apart, be there one or 500.
async fn b6_the_hosts_of_routes_are_compared_in_one_way(on: Carrier) {
    for count in [1, 500] {
        let hosts: Vec<String> = (0..count).map(|n| format!("Tool{n}.example.com")).collect();
        let closed = format!("hosts = {hosts:?}");
        let open = "hosts = [\"open.example.com\"]\nanonymous = true";
        let mut upstream = Recorder::start().await;
        let front = upstream
            .front_with(on, "", &[("/", &closed), ("/", open)])
            .await;
        for (host, status) in [
            ("tool0.example.com", 401),
            ("TOOL0.EXAMPLE.COM", 401),
            ("tool0.example.com.", 401),
            ("Tool0.example.com:8080", 401),
            ("other.example.com", 404),
            ("xtool0.example.com", 404),
        ] {
            front.assert_status(&Ask::get("/").host(host), status).await;
        }
        upstream.assert_untouched();
        assert_eq!(front.gate.calls(), 0);
        let ask = Ask::get("/").host("OPEN.example.com.:1");
        front.assert_status(&ask, 200).await;
        upstream.message().await;
    }
}

/// MCP SDKs CVE-2025-66416, CVE-2025-66414: a page under such a name asks what is on localhost.
async fn h1_a_name_that_was_made_to_point_here_reaches_nothing(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, ALLOWED, OPEN_AND_CLOSED).await;
    for ask in [Ask::get("/public"), Ask::known("/p"), Ask::get("/p")] {
        for host in ["evil", "localhost", "tools.example.com.evil", "127.0.0.2"] {
            let ask = ask.clone().host(host);
            let ask = ask.lines("X-Forwarded-Host: tools.example.com\r\n");
            front.assert_status(&ask, 421).await;
        }
    }
    upstream.assert_untouched();
    assert_eq!(front.gate.calls(), 0);
    for host in ["127.0.0.1:8080", "[0:0::1]:8080"] {
        let ask = Ask::get("/public").host(host);
        front.assert_status(&ask, 200).await;
        upstream.message().await;
    }
    // Behind a proxy that says so, what the client asked for is what that proxy says.
    let trusting = "trusted_proxies = ['127.0.0.1']\nforwarded_host_from = ['127.0.0.1']";
    let trusting = format!("{ALLOWED}\n{trusting}");
    let front = upstream.front_with(on, &trusting, OPEN_AND_CLOSED).await;
    for (told, status) in [("tools.example.com", 200), ("evil", 421)] {
        let ask = Ask::get("/public").host("127.0.0.1");
        let ask = ask.line("X-Forwarded-Host", told);
        front.assert_status(&ask, status).await;
    }
    upstream.message().await;
    upstream.assert_untouched();
}

/// The stock nginx snippet sets `Host` and passes on a client's `X-Forwarded-Host`.
async fn b13_no_client_chooses_a_route_by_a_header_that_a_proxy_lets_through(on: Carrier) {
    const HOSTS: &[(&str, &str)] = &[
        ("/", "hosts = ['wiki.example.com']\nusers = ['octocat']"),
        ("/", "hosts = ['open.example.com']\nanonymous = true"),
    ];
    const ANY_HOST: &[(&str, &str)] = &[("/", "")];
    let trusting = "trusted_proxies = ['127.0.0.1']";
    let allowed = format!("{trusting}\nallowed_hosts = ['wiki.example.com', 'open.example.com']");
    let mut upstream = Recorder::start().await;
    let told = |told: &str| {
        let ask = Ask::known("/p").host("wiki.example.com");
        ask.line("X-Forwarded-Host", told)
    };
    for (server, routes) in [(trusting, HOSTS), (&*allowed, ANY_HOST)] {
        let front = upstream.front_with(on, server, routes).await;
        for other in [
            "open.example.com",
            "OPEN.example.com:443",
            "wiki.example.com.evil",
        ] {
            front.assert_status(&told(other), 421).await;
        }
        upstream.assert_untouched();
        assert_eq!(front.gate.calls(), 0);
        // One host in two spellings is one; what is none, or several, is not believed.
        for same in [
            "wiki.example.com",
            "Wiki.Example.com.",
            "wiki.example.com:8443",
            "a, b",
            "open.example.com/",
        ] {
            front.assert_status(&told(same), 200).await;
            upstream.message().await;
        }
    }
    // Where nothing depends on it, links are a matter of the proxy and the tool.
    let front = upstream.front_with(on, trusting, ANY_HOST).await;
    front.assert_status(&told("open.example.com"), 200).await;
    let message = upstream.message().await;
    assert_eq!(message.only("x-forwarded-host"), "open.example.com");
    // A proxy whose own word it is decides, even with another Host.
    let server = format!("{trusting}\nforwarded_host_from = ['127.0.0.0/31']");
    let server = server.replace("['127.0.0.1']", "['127.0.0.0/8']");
    let front = upstream.front_with(on, &server, HOSTS).await;
    let ask = Ask::get("/p").host("gate.internal");
    for (host, status) in [("open.example.com", 200), ("wiki.example.com", 401)] {
        let ask = ask.clone().line("X-Forwarded-Host", host);
        front.assert_status(&ask, status).await;
    }
    upstream.message().await;
    upstream.assert_untouched();
}

/// The host of a URL stands in `:authority`, and its scheme in `:scheme`, where a client can lie.
async fn b15_two_names_for_the_host_are_refused(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", OPEN_AND_CLOSED).await;
    for host in ["b", "a:80", "a, b", ""] {
        let ask = Ask::get("/public").line("Host", host);
        front.assert_status(&ask, 400).await;
        front
            .assert_status(&known("").line("Host", host), 400)
            .await;
    }
    upstream.assert_untouched();
    let lied = if on.is_encrypted() { "http" } else { "https" };
    for (scheme, status) in [(lied, 200), ("javascript", 400), ("file", 400)] {
        let fields = Ask::get("/public").http2(scheme);
        let end = front
            .end_of_frames(&frames::headers(1, &fields, true))
            .await;
        assert_eq!(end.status(), Some(status), "{scheme}");
    }
    let message = upstream.message().await;
    assert_eq!(message.only("x-forwarded-proto"), on.scheme());
    upstream.assert_untouched();
}
