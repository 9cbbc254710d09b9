//! What a front leaves of a request that the gate would mend or refuse at its own proxy.

use crate::TOKEN;
use crate::fronts::Front;
use crate::scene::{Scene, example};

every_front!(
    a_fragment_leads_nowhere_else,
    a_preflight_passes_and_is_no_more_than_that,
    what_a_route_strips_is_removed_by_those_who_can,
);

/// hyper drops a fragment, and a tool may not.
async fn a_fragment_leads_nowhere_else(front: Front) {
    let Some(mut scene) = Scene::start(front).await else {
        return;
    };
    for target in [
        "/wiki#x",
        "/wiki?a#b",
        "/open#/../wiki",
        "/open/x#/wiki",
        "/open/x?a#b",
    ] {
        let answer = scene.send(&format!("GET {target}"), &[]).await;
        if answer.status() == 200 {
            let request = scene.tool.request();
            assert!(
                request.line.starts_with("GET /open"),
                "{target}: {request:?}"
            );
            assert!(!request.line.contains('#'), "{target}: {request:?}");
        }
        scene.tool.assert_untouched();
    }
}

async fn a_preflight_passes_and_is_no_more_than_that(front: Front) {
    let route = "[[routes]]\npath = \"/api\"\ncors = \"upstream\"\n";
    let Some(mut scene) = Scene::start_with(front, &format!("{}{route}", example())).await else {
        return;
    };
    let origin = "Origin: https://app.example.com";
    let method = "Access-Control-Request-Method: GET";
    let answer = scene.send("OPTIONS /api/x", &[origin, method]).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(scene.tool.request().line.starts_with("OPTIONS /api/x "));
    for other in [
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X_HTTP_Method_Override: DELETE",
    ] {
        let answer = scene.send("OPTIONS /api/x", &[origin, method, other]).await;
        if answer.status() == 200 {
            let request = scene.tool.request();
            let names = request.fields.iter().map(|(name, _)| name.to_lowercase());
            let others = names.filter(|name| name.contains("method"));
            let others: Vec<_> = others.collect();
            assert_eq!(others, ["access-control-request-method"], "{other}");
        }
        scene.tool.assert_untouched();
    }
    let request = format!(
        "OPTIONS /api/x HTTP/1.1\r\nHost: {}\r\n{origin}\r\n{method}\r\nContent-Length: 3\r\n\r\na=b",
        crate::HOST
    );
    let answer = scene.send_raw(&request).await;
    let expected = if front.habits().tells_bodies {
        401
    } else {
        200
    };
    assert_eq!(answer.status(), expected, "{answer:?}");
}

/// The others are to remove it themselves, as `check config` says.
async fn what_a_route_strips_is_removed_by_those_who_can(front: Front) {
    let toml = example().replace(
        "path = \"/\"\n",
        "path = \"/\"\nstrip_headers = [\"X-Role\", \"X-Team\"]\n",
    );
    let Some(mut scene) = Scene::start_with(front, &toml).await else {
        return;
    };
    let known = format!("Authorization: Bearer {TOKEN}");
    for line in ["X-Role: admin", "x-role: admin", "X-TEAM: owners"] {
        let answer = scene.send("GET /wiki", &[&known, line, "X-Roles: a"]).await;
        assert_eq!(answer.status(), 200, "{line}: {answer:?}");
        let request = scene.tool.request();
        let kept = request.all("x-role").len() + request.all("x-team").len();
        let is_removed = matches!(front, Front::EnvoyHttp | Front::EnvoyGrpc | Front::Apache);
        assert_eq!(kept, usize::from(!is_removed), "{line}: {request:?}");
        assert_eq!(request.all("x-roles"), ["a"]);
    }
}
