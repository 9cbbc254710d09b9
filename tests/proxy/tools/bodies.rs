use super::*;
use crate::TOKEN;
use crate::support::{Gate, body};

over!(every protocol with bodies:
    a_body_that_is_none_has_a_length_where_a_method_has_bodies,
    a_length_of_nothing_is_passed_on_where_it_means_something,
    bodies_keep_their_length,
);

async fn told(on: Carrier, way: Way, ask: Ask) -> String {
    let tool = Tool::start(way, |seen| {
        assert!(["", "hi"].contains(&str::from_utf8(&seen.body).expect("text")));
        HeaderMap::new()
    })
    .await;
    seen(&tool.front(on, "/", "").await, &ask).await
}

async fn a_body_that_is_none_has_a_length_where_a_method_has_bodies(on: Carrier) {
    for way in WAYS {
        for (method, length) in [
            ("POST", "0"),
            ("PUT", "0"),
            ("PATCH", "0"),
            ("GET", "none"),
            ("DELETE", "none"),
            ("OPTIONS", "none"),
            ("PROPFIND", "none"),
        ] {
            // hyper says it to all who speak HTTP/2, but for the methods that never have a body.
            let is_said = matches!(way, Way::H2c | Way::Https) && method != "GET";
            let length = if is_said && method != "DELETE" {
                "0"
            } else {
                length
            };
            let told = told(on, way, Ask::known("/").method(method)).await;
            assert_eq!(told, format!("a {length} none"), "{method} {way:?}");
        }
    }
}

async fn a_length_of_nothing_is_passed_on_where_it_means_something(on: Carrier) {
    for way in WAYS {
        for (method, length) in [
            ("POST", "0"),
            ("PUT", "0"),
            ("DELETE", "0"),
            ("PROPFIND", "0"),
            ("GET", "none"),
        ] {
            let ask = Ask::known("/").method(method).body("");
            let told = told(on, way, ask).await;
            // In HTTP/2, an empty frame may come after the head, which has a length itself.
            let is_sent = told == "a 0 none" && on.is_http_2();
            assert!(
                is_sent || told == format!("a {length} none"),
                "{told} {method} {way:?}"
            );
        }
    }
}

async fn bodies_keep_their_length(on: Carrier) {
    for way in WAYS {
        for method in ["POST", "PUT", "DELETE", "GET"] {
            let told = told(on, way, Ask::known("/").method(method).body("hi")).await;
            assert_eq!(told, "a 2 none", "{method} {way:?}");
        }
    }
}

#[tokio::test]
async fn a_post_of_http_1_0_without_a_length_has_none() {
    for way in WAYS {
        let tool = Tool::start(way, |_| HeaderMap::new()).await;
        let gate = Gate::start(&tool.route("/", "")).await;
        for (method, length) in [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("GET", "none")] {
            let request =
                format!("{method} / HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
            let response = gate.connect().await.exchange(&request).await;
            assert_eq!(body(&response), format!("a {length} none"), "{way:?}");
        }
    }
}
