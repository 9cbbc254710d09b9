use http::header::{HeaderName, HeaderValue, LOCATION, SET_COOKIE};

use super::*;

over!(every protocol with bodies:
    a_tool_that_redirects_by_its_host_leads_back_to_the_gate,
    a_tool_that_redirects_by_its_own_address_leads_back_to_the_gate,
    a_tool_that_redirects_by_a_path_leads_back_to_the_gate,
    cookies_of_a_tool_are_for_its_part_of_the_gate,
    other_sites_and_routes_that_want_it_so_are_left_alone,
);

fn one(name: HeaderName, value: &str) -> HeaderMap {
    let value = HeaderValue::try_from(value).expect("a value");
    HeaderMap::from_iter([(name, value)])
}

/// Where a client gets that asks for a directory without its slash.
async fn location(on: Carrier, tool: &Tool, more: &str) -> String {
    let front = tool.front(on, "/builds", more).await;
    let ask = Ask::known("/builds/dir").host("tools.example.com");
    front.answer(&ask).await.all("location").join(", ")
}

/// As Apache, Flask and Django do, which know the scheme of their connection at best.
async fn a_tool_that_redirects_by_its_host_leads_back_to_the_gate(on: Carrier) {
    for way in [Way::Http, Way::H2c, Way::Unix] {
        let tool = Tool::start(way, |seen| {
            one(LOCATION, &format!("http://{}/dir/", seen.host))
        })
        .await;
        let cut = location(on, &tool, "strip_prefix = true").await;
        assert_eq!(cut, "/builds/dir/", "{way:?}");
        let whole = location(on, &tool, "").await;
        let expected = match on.is_encrypted() {
            true => "/dir/",
            false => "http://tools.example.com/dir/",
        };
        assert_eq!(whole, expected, "{way:?}");
    }
}

async fn a_tool_that_redirects_by_its_own_address_leads_back_to_the_gate(on: Carrier) {
    for way in WAYS {
        let tool = Tool::start(way, |seen| {
            let scheme = match seen.headers.get("x-test-scheme") {
                Some(scheme) => scheme.to_str().expect("text"),
                None => "http",
            };
            one(LOCATION, &format!("{scheme}://{}/dir/?q", seen.host))
        })
        .await;
        let more = "host = \"upstream\"\nstrip_prefix = true";
        let front = tool.front(on, "/builds", more).await;
        let ask = Ask::known("/builds/dir").line("x-test-scheme", tool.scheme());
        let answer = front.answer(&ask).await;
        assert_eq!(answer.all("location"), ["/builds/dir/?q"], "{way:?}");
    }
}

async fn a_tool_that_redirects_by_a_path_leads_back_to_the_gate(on: Carrier) {
    for (says, expected) in [
        ((|_| one(LOCATION, "/dir/")) as Answer, "/builds/dir/"),
        (|_| one(LOCATION, "dir/"), "dir/"),
        // As a tool does that reads it.
        (
            |seen| {
                let prefix = seen.headers["x-forwarded-prefix"].to_str().expect("text");
                one(LOCATION, &format!("{prefix}/dir/"))
            },
            "/builds/dir/",
        ),
    ] {
        let tool = Tool::start(Way::Http, says).await;
        assert_eq!(location(on, &tool, "strip_prefix = true").await, expected);
    }
}

async fn cookies_of_a_tool_are_for_its_part_of_the_gate(on: Carrier) {
    let tool = Tool::start(Way::Http, |_| {
        let cookies = [
            "session=a; Path=/; HttpOnly",
            "theme=b; Domain=127.0.0.1; Path=/builds",
            "__Host-id=c; Path=/; Secure",
        ];
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
        }
        headers
    })
    .await;
    let front = tool.front(on, "/builds", "strip_prefix = true").await;
    let ask = Ask::known("/builds/").host("tools.example.com");
    let answer = front.answer(&ask).await;
    let cookies = answer.all("set-cookie");
    assert_eq!(
        cookies,
        [
            "session=a; Path=/builds; HttpOnly",
            "theme=b; Path=/builds",
            "__Host-id=c; Path=/; Secure",
        ]
    );
}

async fn other_sites_and_routes_that_want_it_so_are_left_alone(on: Carrier) {
    for (more, location) in [
        (
            "strip_prefix = true",
            "https://ghes.example.com/login?return=/dir",
        ),
        ("strip_prefix = true\nrewrite_redirects = false", "/dir/"),
        ("rewrite_redirects = false", "http://127.0.0.1:1/dir/"),
    ] {
        let tool = Tool::start(Way::Http, |seen| {
            let says = seen.headers["x-test-location"].clone();
            HeaderMap::from_iter([(LOCATION, says)])
        })
        .await;
        let front = tool.front(on, "/builds", more).await;
        let ask = Ask::known("/builds/dir").line("x-test-location", location);
        let answer = front.answer(&ask).await;
        assert_eq!(answer.all("location"), [location]);
    }
}
