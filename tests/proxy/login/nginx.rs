//! A site that had oauth2-proxy, with its documented configuration of nginx: only the address is another.

use super::browser::Browser;
use super::journeys::field;
use super::{Scene, TOOL};
use crate::real_fronts::{Front, free};
use crate::real_peers::has;

const DOCUMENTED: &str = include_str!("../../fixtures/oauth2-proxy/nginx.conf");

/// As the documentation has it, and as it had it up to release 7.13.
fn documented() -> [String; 2] {
    let (now, before) = (
        "error_page 401 = @oauth2_signin;",
        "error_page 401 =403 /oauth2/sign_in;",
    );
    assert!(DOCUMENTED.contains(now));
    [DOCUMENTED.to_owned(), DOCUMENTED.replace(now, before)]
}

/// The link of a page.
fn link(page: &str) -> String {
    let (_, link) = page.split_once("href=\"").expect("a link");
    let (link, _) = link.split_once('"').expect("its end");
    link.replace("&amp;", "&")
}

#[tokio::test]
async fn a_site_that_had_oauth2_proxy_changes_an_address() {
    if !has("nginx", "-v").await {
        return;
    }
    for documented in documented() {
        let mut scene = Scene::start().await;
        let decisions = scene.decisions().await.0.peer_addr().expect("an address");
        let tool = scene.tool.address.to_string();
        let locations = documented
            .replace("127.0.0.1:4180", &decisions.to_string())
            .replace("http://backend/", &format!("http://{tool}/"));
        let (http1, http2) = (free().await, free().await);
        let _nginx = Front::nginx(&locations, http1, http2).await;
        let mut browser = Browser::new(http1, scene.ghes);
        let page = format!("{TOOL}/page?x=1");
        // A program gets no page.
        let answer = browser
            .send("GET", &page, "Accept: application/json\r\n", "")
            .await;
        assert_ne!(answer.status(), 200, "{}", answer.0);
        assert!(answer.header("set-cookie").is_none(), "{}", answer.0);
        let (shown, _) = browser.visit(&page, "octocat").await;
        assert_eq!(shown.status(), 403, "{}", shown.0);
        let start = link(&shown.0);
        assert!(
            start.starts_with(&format!("{TOOL}/oauth2/start?rd=%2Fpage")),
            "{start}"
        );
        scene.tool.assert_untouched();
        let (answer, questions) = browser.visit(&start, "octocat").await;
        assert_eq!((answer.status(), questions), (200, 1), "{}", answer.0);
        let seen = scene.tool.request().await;
        assert!(seen.starts_with("GET /page?x=1 HTTP/1.0\r\n"), "{seen}");
        assert_eq!(field(&seen, "x-user"), Some("octocat"));
        // Out again.
        let own = format!("Origin: {TOOL}\r\n");
        let url = format!("{TOOL}/oauth2/sign_out");
        assert_eq!(browser.send("POST", &url, &own, "").await.status(), 200);
        let (shown, _) = browser.visit(&page, "octocat").await;
        assert_eq!(shown.status(), 403, "{}", shown.0);
        scene.tool.assert_untouched();
    }
}
