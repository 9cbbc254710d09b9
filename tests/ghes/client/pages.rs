//! Lists: page after page, and never to another server.

use bytes::Bytes;
use ghes_gatekeeper::ghes::{Authorization, ListOptions};
use http::{HeaderValue, Response};
use http_body::Body as _;
use http_body_util::Full;

use super::{Stub, json, live, shown};

/// A page with as many authorizations as given, and a `Link`.
fn page(authorizations: usize, link: &'static str) -> Response<Full<Bytes>> {
    let list = vec![live(); authorizations].join(",");
    let mut reply = json(200, format!("[{list}]"));
    let link = HeaderValue::from_static(link);
    reply.headers_mut().insert("link", link);
    reply
}

const SECOND: &str = r#"<https://ghes.example.com/api/v3/authorizations?per_page=2&page=2>; rel="next", <https://ghes.example.com/api/v3/authorizations?per_page=2&page=2>; rel="last""#;
const LAST: &str = r#"<https://ghes.example.com/api/v3/authorizations?per_page=2&page=1>; rel="first", <https://ghes.example.com/api/v3/authorizations?per_page=2&page=1>; rel="prev""#;

#[tokio::test]
async fn the_pages_come_in_order_and_end() {
    let stub = Stub::new([page(2, SECOND), page(1, LAST)]);
    let options = ListOptions::new().with_per_page(2);
    let mut pages = stub.authorizations().authorizations(&options);
    assert!(stub.seen().is_empty());
    let mut lengths = Vec::new();
    while let Some(page) = pages.next_page().await.expect("a page") {
        lengths.push(page.len());
    }
    assert_eq!(lengths, [2, 1]);
    assert!(pages.next_page().await.expect("no call").is_none());
    let asked: Vec<String> = stub
        .seen()
        .iter()
        .map(|request| request.uri().to_string())
        .collect();
    assert_eq!(
        asked,
        [
            "https://ghes.example.com/api/v3/authorizations?per_page=2",
            "https://ghes.example.com/api/v3/authorizations?per_page=2&page=2",
        ]
    );
}

#[tokio::test]
async fn the_credentials_do_not_follow_a_link_to_another_server() {
    for link in [
        "<https://evil.example.com/api/v3/authorizations?page=2>; rel=next",
        "<http://ghes.example.com/api/v3/authorizations?page=2>; rel=next",
        "<https://ghes.example.com:8443/api/v3/authorizations?page=2>; rel=next",
        "<https://ghes.example.com@evil.example.com/?page=2>; rel=next",
        "<//evil.example.com/?page=2>; rel=next",
        "https://evil.example.com/; rel=next",
    ] {
        let stub = Stub::new([page(1, link)]);
        let mut pages = stub.authorizations().grants(&ListOptions::new());
        for _ in 0..2 {
            let error = pages.next_page().await.expect_err("a hostile link");
            assert!(!shown(&error).contains("evil"), "{error:?}");
        }
        for request in stub.seen() {
            assert_eq!(
                request.uri(),
                "https://ghes.example.com/api/v3/applications/grants"
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_failed_is_the_next_one_still() {
    let stub = Stub::new([page(1, SECOND), json(502, "<html>"), page(1, LAST)]);
    let mut pages = stub.authorizations().authorizations(&ListOptions::new());
    assert!(pages.next_page().await.is_ok());
    assert!(pages.next_page().await.is_err());
    let page = pages.next_page().await.expect("the second page");
    let page: Vec<Authorization> = page.expect("the second page");
    assert_eq!(page.len(), 1);
    let seen = stub.seen();
    assert_eq!(seen[1].uri(), seen[2].uri());
    assert_eq!(pages.next_page().await.expect("the end").map(|_| ()), None);
}

/// The cap of a single reply, 64 KiB, would cut off a page of common size.
#[tokio::test]
async fn a_page_of_a_hundred_is_read_and_an_endless_one_is_not() {
    let full = page(100, LAST);
    let length = full.body().size_hint().lower();
    assert!(length > 128 * 1024);
    let mut pages = Stub::new([full])
        .authorizations()
        .authorizations(&ListOptions::new().with_per_page(100));
    let page = pages.next_page().await.expect("a page").expect("a page");
    assert_eq!(page.len(), 100);

    let endless = json(200, format!("[{}]", " ".repeat(1024 * 1024)));
    let stub = Stub::new([endless]);
    let mut pages = stub.authorizations().authorizations(&ListOptions::new());
    assert!(pages.next_page().await.is_err());
}
