//! The second path that a request of `WebDAV` may have.

use super::carrier::{Ask, Carrier, Front};
use super::recorder::Recorder;
use super::support::{Upstream, headers, route};

over!(every protocol with bodies:
    a_destination_within_the_route_is_the_tools,
    a_destination_on_another_route_is_refused,
    a_destination_that_leads_elsewhere_or_nowhere_is_refused,
    a_destination_of_another_kind_is_left_alone,
);

const HOST: &str = "tools.example.com";

fn ask(method: &str, path: &str, destination: &str) -> Ask {
    let ask = Ask::known(path).method(method).host(HOST);
    ask.line("Destination", destination)
}

async fn a_destination_within_the_route_is_the_tools(on: Carrier) {
    let mut tool = Upstream::start().await;
    let own = tool.address;
    let routes = [
        route("/open", own, ""),
        route("/cut", own, "strip_prefix = true"),
        route("/own", own, "host = \"upstream\""),
        route("/left", own, "rewrite_redirects = false"),
    ];
    let front = Front::start(on, "", &routes.concat()).await;
    for (path, destination, expected) in [
        ("/open/a", "/open/b", "http://tools.example.com/open/b"),
        (
            "/open/a",
            "http://tools.example.com/open/b%20c?d",
            "http://tools.example.com/open/b%20c?d",
        ),
        (
            "/open/a",
            "https://tools.example.com/open/b",
            "http://tools.example.com/open/b",
        ),
        (
            "/open/a",
            "https://TOOLS.example.com:443/%6fpen/b",
            "http://tools.example.com/%6fpen/b",
        ),
        ("/cut/a", "/cut/b", "http://tools.example.com/b"),
        (
            "/cut/a",
            "http://tools.example.com/cut/b/",
            "http://tools.example.com/b/",
        ),
        (
            "/cut/a",
            "https://tools.example.com/cut",
            "http://tools.example.com/",
        ),
        (
            "/own/a",
            "https://tools.example.com/own/b",
            &format!("http://{own}/own/b"),
        ),
        (
            "/left/a",
            "https://tools.example.com/left/b",
            "https://tools.example.com/left/b",
        ),
    ] {
        for method in ["MOVE", "COPY", "POST"] {
            front
                .assert_status(&ask(method, path, destination), 200)
                .await;
            let request = tool.request().await;
            let expected = format!("destination: {expected}");
            assert!(headers(&request).contains(&&*expected), "{request}");
        }
    }
}

/// Else whoever may write to one could write to all.
async fn a_destination_on_another_route_is_refused(on: Carrier) {
    let mut tool = Recorder::start().await;
    let routes = [
        ("/open", ""),
        ("/open/inner", "users = [\"root\"]"),
        ("/cut", "strip_prefix = true"),
        ("/admin", "users = [\"root\"]"),
        ("/left", "rewrite_redirects = false"),
    ];
    let front = tool.front_with(on, "", &routes).await;
    for (path, destination) in [
        ("/open/x", "/admin/x"),
        ("/open/x", "http://tools.example.com/admin/x"),
        ("/open/x", "/%61dmin/x"),
        ("/open/x", "/open/../admin/x"),
        ("/open/x", "/open/%2e%2e/admin/x"),
        ("/open/x", "/open/..%2fadmin/x"),
        ("/open/x", "/open/inner/x"),
        ("/open/x", "/cut/x"),
        ("/open/x", "/nowhere"),
        ("/cut/x", "/admin/x"),
        ("/cut/x", "/cut/../admin/x"),
        ("/left/x", "/admin/x"),
    ] {
        for method in ["MOVE", "COPY", "POST"] {
            let answer = front.answer(&ask(method, path, destination)).await;
            assert_eq!(answer.status, 400, "{method} {destination}");
            assert!(
                answer
                    .text()
                    .contains("the destination header names no path")
            );
        }
    }
    tool.assert_untouched();
}

async fn a_destination_that_leads_elsewhere_or_nowhere_is_refused(on: Carrier) {
    let mut tool = Recorder::start().await;
    // Nothing depends on paths or hosts.
    let front = tool.front(on).await;
    for destination in [
        "http://evil.example/x",
        "//evil.example/x",
        "http://tools.example.com@evil.example/x",
        "http://tools.example.com:8080/x",
        "http://tools.example.com//x",
        "/x#y",
    ] {
        for method in ["MOVE", "COPY", "POST"] {
            front
                .assert_status(&ask(method, "/a", destination), 400)
                .await;
        }
    }
    for destination in ["x", "../x", "ftp://tools.example.com/x", "caf\u{e9}"] {
        for method in ["MOVE", "COPY"] {
            front
                .assert_status(&ask(method, "/a", destination), 400)
                .await;
        }
    }
    let twice = ask("MOVE", "/a", "/b").line("Destination", "/c");
    front.assert_status(&twice, 400).await;
    tool.assert_untouched();
}

async fn a_destination_of_another_kind_is_left_alone(on: Carrier) {
    let mut tool = Recorder::start().await;
    let front = tool.front(on).await;
    for destination in ["orders", "queue://orders", "a b"] {
        front
            .assert_status(&ask("POST", "/a", destination), 200)
            .await;
        assert_eq!(tool.message().await.only("destination"), destination);
    }
}
