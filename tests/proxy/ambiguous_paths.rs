//! Paths that servers read in several ways, beside a second path: over each protocol, what passes
//! reaches the tool as it was sent, and what does not is told why.

use serde_json::Value;

use super::carrier::{Ask, Carrier, Front};
use super::recorder::Recorder;
use super::support::{Upstream, route};

over!(every protocol:
    encoded_slashes_pass_beside_an_exact_health_check,
    readings_that_part_are_refused_and_told_so,
    a_route_may_forward_what_no_server_reads_for_certain,
    a_letter_that_looks_like_a_pattern_comes_raw_or_encoded,
    other_cases_and_widths_do_not_pass_by_a_gated_path,
    what_is_cut_off_is_the_same_however_it_is_read,
);

async fn front(on: Carrier, routes: &[(&str, &str)]) -> (Recorder, Front) {
    let upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", routes).await;
    (upstream, front)
}

async fn assert_passes(recorder: &mut Recorder, front: &Front, path: &str) {
    front.assert_status(&Ask::get(path), 401).await;
    front.assert_status(&Ask::known(path), 200).await;
    assert_eq!(recorder.message().await.target, path);
}

/// Fails unless the answer says that it was the path.
async fn assert_ambiguous(recorder: &mut Recorder, front: &Front, path: &str) {
    for ask in [Ask::get(path), Ask::known(path)] {
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 400, "{ask:?}");
        let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
        assert_eq!(problem["reason"], "invalid_request");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(
            detail.starts_with("The path could be read in two ways"),
            "{detail}"
        );
        recorder.assert_untouched();
    }
}

/// npm, GitLab, `RabbitMQ`, servlets, and names of files.
async fn encoded_slashes_pass_beside_an_exact_health_check(on: Carrier) {
    let health = ("/healthz", "exact = true\nanonymous = true");
    let (mut recorder, front) = front(on, &[("/", ""), health]).await;
    for path in [
        "/npm/@scope%2fname",
        "/api/v4/projects/a%2Fb?x=%2F",
        "/api/queues/%2F/q",
        "/login;jsessionid=0A1B",
        "/wiki/100%25",
        "/wiki/c%23",
        "/wiki/why%3F",
        "/wiki//a",
        "/wiki/etc.",
    ] {
        assert_passes(&mut recorder, &front, path).await;
    }
    front.assert_status(&Ask::get("/healthz"), 200).await;
    recorder.message().await;
}

async fn readings_that_part_are_refused_and_told_so(on: Carrier) {
    let routes = [
        ("/", ""),
        ("/pub", "anonymous = true"),
        ("/pub/admin", "users = [\"root\"]"),
    ];
    let (mut recorder, front) = front(on, &routes).await;
    for path in [
        "/pub%2fx",
        "/pub/..%2fx",
        "//pub",
        "/pub;a/x",
        "/pub/admin%2Fx",
        "/pub//admin",
        "/pub/admin%20",
        "/pub/%2561dmin",
        "/pub/%zz",
    ] {
        assert_ambiguous(&mut recorder, &front, path).await;
    }
}

async fn a_route_may_forward_what_no_server_reads_for_certain(on: Carrier) {
    let forward = ("/wiki", "ambiguous_paths = \"forward\"");
    let (mut recorder, front) = front(on, &[("/", ""), forward]).await;
    for rest in ["/caf%E9", "/100%", "/a%00b"] {
        assert_passes(&mut recorder, &front, &format!("/wiki{rest}")).await;
        assert_ambiguous(&mut recorder, &front, rest).await;
    }
    for path in ["/wiki/..%c0%afx", "/wiki%u002f..%u002fx", "/wiki%00/x"] {
        assert_ambiguous(&mut recorder, &front, path).await;
    }
}

async fn a_letter_that_looks_like_a_pattern_comes_raw_or_encoded(on: Carrier) {
    let admin = "users = [\"root\"]";
    let routes = [
        ("/", ""),
        ("/a%7Bb%7D", admin),
        ("/%24meta", admin),
        ("/v1%3Arun", admin),
    ];
    let (mut recorder, front) = front(on, &routes).await;
    for path in [
        "/a{b}",
        "/a%7bb%7D/x",
        "/%61%7Bb}",
        "/$meta",
        "/%24meta/x",
        "/v1:run",
        "/v1%3arun",
    ] {
        front.assert_status(&Ask::known(path), 403).await;
        recorder.assert_untouched();
    }
    assert_passes(&mut recorder, &front, "/a%7Bbc").await;
}

async fn other_cases_and_widths_do_not_pass_by_a_gated_path(on: Carrier) {
    let (mut recorder, front) =
        front(on, &[("/pub", "anonymous = true"), ("/pub/admin", "")]).await;
    for path in [
        "/pub/Admin",
        "/pub/ADMIN/x",
        "/pub/%41dmin",
        "/pub/admin%c2%a0",
        "/pub/admin%e3%80%80/x",
        "/pub%ef%bc%8fadmin",
        "/pub/x/%ef%bc%8e%ef%bc%8e/admin",
        "/pub/%ef%bd%81dmin",
    ] {
        assert_ambiguous(&mut recorder, &front, path).await;
    }
    for path in ["/pub/Index", "/pub/caf%c3%a9", "/pub/Administrator"] {
        front.assert_status(&Ask::get(path), 200).await;
        assert_eq!(recorder.message().await.target, path);
    }
}

async fn what_is_cut_off_is_the_same_however_it_is_read(on: Carrier) {
    let mut upstream = Upstream::start().await;
    let mut other = Recorder::start().await;
    let routes =
        route("/", other.address, "") + &route("/tool", upstream.address, "strip_prefix = true");
    let front = Front::start(on, "", &routes).await;
    for (path, rest) in [
        ("/tool/a%2Fb", "/a%2Fb"),
        ("/tool/a//b;c=d", "/a//b;c=d"),
        ("/%74ool/%2e./", ""),
        ("/tool//a", ""),
        ("/tool/%2Fa", ""),
        ("/tool/..%2Ftool/a", ""),
    ] {
        if rest.is_empty() {
            assert_ambiguous(&mut other, &front, path).await;
            upstream.assert_untouched();
            continue;
        }
        front.assert_status(&Ask::known(path), 200).await;
        let request = upstream.request().await;
        assert!(
            request.starts_with(&format!("GET {rest} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(
            request.contains("x-forwarded-prefix: /tool\r\n"),
            "{request}"
        );
    }
}
